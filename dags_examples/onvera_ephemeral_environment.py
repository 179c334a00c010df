"""
# An environment that exists only as long as the work

`create` is the *setup* and `destroy` the *teardown* of everything inside the `with` block. Airflow runs the teardown
when the work has succeeded and also when it has failed, so no environment is left behind; the run still ends as failed
when the work has failed.

Trigger it with `{"work_fails": true}` to see that.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, dag, task

from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator, OnveraDestroyDeploymentOperator


@dag(
    schedule=None,
    tags=["onvera", "example"],
    params={"work_fails": Param(default=False, type="boolean", description="Let the work fail on purpose")},
    default_args={"retries": 2, "retry_delay": timedelta(seconds=5)},
    doc_md=__doc__,
)
def onvera_ephemeral_environment() -> None:
    """Create an environment, work in it, destroy it whatever happened."""
    create = OnveraCreateDeploymentOperator(
        task_id="create",
        conn_id="onvera_default",
        app_type="airflow",
        name="Tests of {{ run_id }}",
    )
    destroy = OnveraDestroyDeploymentOperator(
        task_id="destroy",
        conn_id="onvera_default",
        deployment_id=create.output["resource_id"],
    )

    @task(retries=0)
    def run_tests(created: dict[str, Any], params: dict[str, Any] | None = None) -> None:
        print(f"Running the tests at {created['resource']['url']}")
        if params and params["work_fails"]:
            message = "the tests have failed, as this run asked for"
            raise RuntimeError(message)

    with destroy.as_teardown(setups=create):
        run_tests(create.output)


onvera_ephemeral_environment()
