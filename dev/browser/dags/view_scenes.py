"""The scenes that the browser checks: one DAG for each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task

from airflow_provider_ops.operators.akua import AkuaCreateClusterOperator
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator
from airflow_provider_ops.operators.operation import OperationRequestOperator
from airflow_provider_ops.sensors.operation import OperationSensor

DEFAULTS: dict[str, Any] = {"retries": 1, "retry_delay": timedelta(seconds=3)}
MANY = 200


@dag(schedule=None, default_args=DEFAULTS)
def view_steps() -> None:
    """Run an operation with steps that have times; its neighbour is not ours."""

    @task
    def not_ours() -> None:
        """Do nothing."""

    not_ours() >> AkuaCreateClusterOperator(task_id="create", name="shop", region_id="reg_eu")


@dag(schedule=None, default_args=DEFAULTS)
def view_phases() -> None:
    """Run an operation that shows phases only."""
    OnveraCreateDeploymentOperator(task_id="create", app_type="superset", name="Team BI {{ run_id }}")


@dag(schedule=None, default_args={"retries": 0})
def view_failed() -> None:
    """Operations that fail, one of them with a message that is not meant for people."""
    AkuaCreateClusterOperator(task_id="create", name="doomed", region_id="reg_eu")
    AkuaCreateClusterOperator(task_id="nasty", name="nasty", region_id="reg_eu")


@dag(schedule=None, default_args=DEFAULTS)
def view_second_try() -> None:
    """Fail at the first try, succeed at the second."""
    AkuaCreateClusterOperator(task_id="create", name="second try", region_id="reg_eu")


@dag(schedule=None, default_args=DEFAULTS)
def view_mapped() -> None:
    """Run mapped tasks."""
    OnveraCreateDeploymentOperator.partial(task_id="create", app_type="airflow").expand(
        name=["north {{ run_id }}", "south {{ run_id }}"]
    )


def network(task_id: str, name: str) -> OperationRequestOperator:
    """Create something of which the API shows the parts."""
    body = {"name": name, "connectionId": "C3V7X1Z5QM", "config": {"cidr": "10.0.0.0/16"}}
    return OperationRequestOperator(
        task_id=task_id, conn_id="lakesail_default", method="POST", path="/infra/networks", json=body
    )


@dag(schedule=None, default_args={"retries": 0})
def view_parts() -> None:
    """Operations of two hundred resources: one is still running, one fails."""
    network("going", "crowd")
    network("failing", "doomed crowd")


@dag(schedule=None, default_args={"retries": 0})
def view_trouble() -> None:
    """Run an operation that cannot be read."""
    network("create", "troubled")


@dag(schedule=None, default_args={"retries": 0})
def view_killed() -> None:
    """Run a task that a user marks failed while its operation is still running."""
    OnveraCreateDeploymentOperator(task_id="create", app_type="superset", name="killed {{ run_id }}", on_kill="delete")


@dag(schedule=None, default_args={"retries": 0})
def view_owed() -> None:
    """Run a task that a user marks failed while the API refuses to delete what it has made."""
    OnveraCreateDeploymentOperator(
        task_id="create", app_type="superset", name="owed {{ run_id }}", deferrable=False, on_kill="delete"
    )


@dag(schedule=None, default_args={"retries": 0})
def view_timeout() -> None:
    """Run a task that stops waiting before its operation settles."""
    OnveraCreateDeploymentOperator(task_id="create", app_type="superset", name="late {{ run_id }}", timeout=20)


@dag(schedule=None, default_args={"retries": 0})
def view_many() -> None:
    """Run a sensor that waits for many operations."""

    @task
    def start() -> list[str]:
        """Start them all."""
        from airflow_provider_ops.hooks.onvera import OnveraHook  # noqa: PLC0415 - heavy

        hook = OnveraHook()
        return [str(hook.create_deployment("airflow", name=f"many {n}").operation_id) for n in range(MANY)]

    OperationSensor(task_id="wait", conn_id="onvera_default", operation_id=start())


view_steps()
view_phases()
view_failed()
view_second_try()
view_mapped()
view_many()
view_parts()
view_trouble()
view_killed()
view_owed()
view_timeout()
