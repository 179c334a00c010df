"""A DAG that is right; read by mypy and pyright in test_typing.py, never run."""

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, XComArg, task
from typing_extensions import assert_type

from airflow_provider_ops.decorators import task as our_task
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.operators.lakesail import LakeSailCreateSessionOperator
from airflow_provider_ops.operators.nirvana import NirvanaCreateVMOperator
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator, OnveraDestroyDeploymentOperator
from airflow_provider_ops.operators.operation import OperationRequestOperator
from airflow_provider_ops.sensors.lakesail import LakeSailSessionSensor
from airflow_provider_ops.sensors.operation import OperationSensor


class TeamDeployment(OnveraCreateDeploymentOperator):
    """Has an argument of its own."""

    def __init__(self, *, team: str, **kwargs: Any) -> None:
        super().__init__(app_type="superset", name=f"of {team}", **kwargs)
        self.team = team


@task
def several() -> list[str]:
    return ["op_1", "op_2"]


with DAG("right", schedule=None) as dag:
    create = OnveraCreateDeploymentOperator(
        task_id="create",
        app_type="{{ params.t }}",
        name="of {{ ds }}",
        conn_id="onvera_default",
        wait_for_completion=True,
        deferrable=False,
        poll_interval=timedelta(seconds=5),
        timeout=3600,
        durable=True,
        on_kill=None,
        on_timeout="cancel",
        on_failure="delete",
        retries=3,
        retry_delay=timedelta(minutes=5),
        execution_timeout=timedelta(hours=1),
        trigger_rule="all_done",
        doc_md="words",
        params={"t": "airflow"},
        on_failure_callback=print,
    )
    assert_type(create.output["resource_id"], XComArg)
    OnveraCreateDeploymentOperator(
        task_id="adopt",
        app_type="airflow",
        operation_id=create.output["operation_id"],
    )
    OnveraDestroyDeploymentOperator(task_id="destroy", deployment_id=create.output["resource_id"], on_kill="leave")
    NirvanaCreateVMOperator(
        task_id="vm",
        name=create.output["name"],
        region="us-sva-2",
        instance_type="m",
        os_image_name="o",
        boot_volume={"size": "{{ params.gb }}", "type": "nvme"},
        subnet_id=create.output["subnet"],
        ssh_key={"public_key": create.output["key"]},
        public_ip_enabled="{{ params.public }}",
        data_volumes=[{"name": "{{ ds }}", "size": 64, "type": "abs"}],
        tags=["a", "{{ ds }}", create.output["tag"]],
    )
    LakeSailCreateSessionOperator(task_id="session", body=create.output["body"])
    OperationRequestOperator(
        task_id="request", conn_id="c", method="POST", path="/x/{{ ds }}", json={"a": create.output}, query={"b": 1}
    )
    OperationSensor(
        task_id="wait",
        conn_id="{{ params.conn }}",
        operation_id=[create.output["operation_id"], "op_2"],
        poll_interval=5,
        timeout=timedelta(hours=1),
        soft_fail=True,
        mode="reschedule",
        retries=1,
    )
    OperationSensor(task_id="wait_for_list", conn_id="c", operation_id=several(), wait_for="any", deferrable=True)
    LakeSailSessionSensor(task_id="wait_for_session", session_id=create.output["id"], poke_interval=5)
    OnveraCreateDeploymentOperator.partial(task_id="mapped", timeout=timedelta(hours=1)).expand(name=["a", "b"])
    TeamDeployment(task_id="team", team="red", on_kill="cancel")

    @our_task.operation(conn_id="onvera_default", timeout=timedelta(hours=1), on_kill=None, retries=2)
    def ready(operation_id: str) -> str:
        return operation_id

    @task
    def plain() -> str:
        return "op_1"

    ready("op_1")
    plain()

OnveraHook().wait_for_operation("op_1", timeout=timedelta(minutes=5), poll_interval=2.5)
