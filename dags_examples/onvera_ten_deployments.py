"""
# Ten deployments at once

`.expand()` makes one task instance per name. All ten wait deferred at the same time: ten operations in flight, and no
worker held. `destroy` is mapped over what was created.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task

from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator, OnveraDestroyDeploymentOperator


def deployment_id(created: dict[str, Any]) -> str:
    """Pick from a create task's result what its destroy task needs."""
    return str(created["resource_id"])


@dag(
    schedule=None,
    tags=["onvera", "example"],
    default_args={"retries": 2, "retry_delay": timedelta(seconds=5)},
    doc_md=__doc__,
)
def onvera_ten_deployments() -> None:
    """Create ten deployments, list their addresses, destroy them."""
    create = OnveraCreateDeploymentOperator.partial(
        task_id="create",
        conn_id="onvera_default",
        app_type="airflow",
    ).expand(name=[f"Team {number} of " + "{{ run_id }}" for number in range(1, 11)])

    @task
    def list_addresses(created: list[dict[str, Any]]) -> None:
        for one in created:
            print(f"{one['resource']['name']}: {one['resource']['url']}")

    destroy = OnveraDestroyDeploymentOperator.partial(
        task_id="destroy",
        conn_id="onvera_default",
    ).expand(deployment_id=create.output.map(deployment_id))

    list_addresses(create.output) >> destroy


onvera_ten_deployments()
