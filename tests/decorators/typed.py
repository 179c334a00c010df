"""What a type checker makes of ``@task.operation``; read by mypy in test_typing.py, never run."""

from airflow.sdk.bases.decorator import Task
from typing_extensions import assert_type

from airflow_provider_ops.apis import onvera
from airflow_provider_ops.apis.submits import SubmitCall
from airflow_provider_ops.decorators import OperationRequest, operation_task, task


@task.operation(conn_id="onvera_default")
def request(name: str) -> OperationRequest:
    return OperationRequest("POST", "/deployments", {"name": name})


@task.operation(conn_id="onvera_default", on_kill="delete", timeout=60, retries=3)
def builder(name: str) -> SubmitCall:
    return onvera.create_deployment("airflow", name)


@operation_task(conn_id="onvera_default", wait_for="any")
def ids() -> list[str]:
    return ["op_1"]


@task.operation()
def from_default_args() -> str:
    return "op_1"


@task
def plain() -> int:
    return 1


assert_type(request.function("a"), OperationRequest)
assert_type(builder.function(name="a"), SubmitCall)
assert_type(ids, Task[[], list[str]])
assert_type(from_default_args, Task[[], str])
assert_type(plain, Task[[], int])
request("a")
request.override(task_id="b").expand(name=["a", "b"])
