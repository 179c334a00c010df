# A provider cannot extend the stub of Airflow's `task`, and the decorator itself takes whatever Airflow hands it.
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from airflow.sdk.bases.decorator import Task
from airflow.sdk.definitions.decorators import TaskDecoratorCollection
from typing_extensions import Unpack

from airflow_provider_ops.core.arguments import Seconds
from airflow_provider_ops.core.event_codec import WaitFor
from airflow_provider_ops.decorators.request import OperationRequest as OperationRequest
from airflow_provider_ops.decorators.request import Returned
from airflow_provider_ops.operators.arguments import FailurePolicy, KillPolicy, TaskArguments, Templated, TimeoutPolicy

__all__ = ["OperationRequest", "operation_task", "task"]

_P = ParamSpec("_P")
_R = TypeVar("_R", bound=Returned)

def operation_task(
    *,
    task_id: str = ...,
    conn_id: Templated[str] = ...,
    operation_id: Templated[str] | None = ...,
    wait_for: WaitFor = ...,
    wait_for_completion: bool = ...,
    deferrable: bool = ...,
    poll_interval: Seconds | None = ...,
    timeout: Seconds | None = ...,
    durable: bool = ...,
    on_kill: KillPolicy | None = ...,
    on_timeout: TimeoutPolicy = ...,
    on_failure: FailurePolicy = ...,
    **kwargs: Unpack[TaskArguments],
) -> Callable[[Callable[_P, _R]], Task[_P, _R]]: ...

class _TaskDecorators(TaskDecoratorCollection):
    operation = staticmethod(operation_task)

task: _TaskDecorators
