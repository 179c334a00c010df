"""
# Create a deployment, wait for it, use it, destroy it

`create` submits the deployment and then *defers*: while Onvera works, the triggerer watches the operation and no worker
is held. When the operation has succeeded, the task returns its result, and the next task reads the address of the new
deployment from `resource`. `destroy` waits in the same way.

The retries are safe: a second try of `create` joins the operation of the first one and does not create a second
deployment.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task

from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator, OnveraDestroyDeploymentOperator


@dag(
    schedule=None,
    tags=["onvera", "example"],
    default_args={"retries": 2, "retry_delay": timedelta(seconds=5)},
    doc_md=__doc__,
)
def onvera_create_and_wait() -> None:
    """Create, use and destroy one deployment."""
    create = OnveraCreateDeploymentOperator(
        task_id="create",
        conn_id="onvera_default",
        app_type="superset",
        # No other run uses this name, so a create whose answer was lost is found again by it.
        name="Team BI {{ run_id }}",
    )

    @task
    def announce(created: dict[str, Any]) -> str:
        address: str = created["resource"]["url"]
        print(f"Team BI is at {address}, created by operation {created['operation_id']}")
        return address

    destroy = OnveraDestroyDeploymentOperator(
        task_id="destroy",
        conn_id="onvera_default",
        deployment_id=create.output["resource_id"],
    )

    announce(create.output) >> destroy


onvera_create_and_wait()
