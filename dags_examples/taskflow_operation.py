"""
# Operations in TaskFlow

`@task.operation` waits for what its function returns: an operation id, a list of ids, or a *request*. A request is sent
by the task and not by the function, so that it is sent once, whatever dies meanwhile; the function only says what is
wanted.

`create` is mapped over teams: what it returns is what the create operator would send. `start_shared` does not wait, and
`shared_is_ready` waits for the id it was handed. `destroy` sends a request for which no builder is needed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import dag

from airflow_provider_ops.apis import onvera
from airflow_provider_ops.apis.base import SubmitCall
from airflow_provider_ops.decorators import OperationRequest, task
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator


@dag(
    schedule=None,
    tags=["onvera", "taskflow", "example"],
    default_args={"retries": 2, "retry_delay": timedelta(seconds=5)},
    doc_md=__doc__,
)
def taskflow_operation() -> None:
    """Two deployments of teams and a shared one: create, list, destroy."""

    @task.operation(conn_id="onvera_default")
    def create(team: str, run_id: str) -> SubmitCall:
        return onvera.create_deployment("superset", name=f"{team} {run_id}")

    start_shared = OnveraCreateDeploymentOperator(
        task_id="start_shared",
        app_type="airflow",
        name="Shared {{ run_id }}",
        wait_for_completion=False,
    )

    @task.operation(conn_id="onvera_default")
    def shared_is_ready(started: dict[str, Any]) -> str:
        return str(started["operation_id"])

    @task
    def deployments(teams: list[dict[str, Any]], shared: dict[str, Any]) -> list[str]:
        made = [*teams, shared]
        for one in made:
            print(f"{one['resource']['name']}: {one['resource']['url']}")
        return [one["resource"]["id"] for one in made]

    @task.operation(conn_id="onvera_default", on_kill="leave")
    def destroy(deployment_id: str) -> OperationRequest:
        return OperationRequest("DELETE", f"/deployments/{deployment_id}")

    teams = create.expand(team=["Sales", "Finance"])
    destroy.expand(deployment_id=deployments(teams, shared_is_ready(start_shared.output)))


taskflow_operation()
