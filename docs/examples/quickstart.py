"""The DAG of the quick start."""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag, task

from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator, OnveraDestroyDeploymentOperator


@dag(schedule=None, default_args={"retries": 2})
def reporting() -> None:
    """Create a deployment, use it, destroy it."""
    create = OnveraCreateDeploymentOperator(task_id="create", app_type="superset", name="Reports {{ run_id }}")
    destroy = OnveraDestroyDeploymentOperator(task_id="destroy", deployment_id=create.output["resource_id"])

    @task
    def use(created: dict[str, Any]) -> None:
        print(created["resource"]["url"])

    use(create.output) >> destroy


reporting()
