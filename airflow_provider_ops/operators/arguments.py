"""The arguments that all operators share, for editors and type checkers."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, Union

from typing_extensions import Required, TypedDict

from airflow_provider_ops.core.arguments import Seconds

if TYPE_CHECKING:
    from airflow.sdk import DAG, TaskGroup, XComArg
    from airflow.sdk.bases.operator import TaskPostExecuteHook, TaskPreExecuteHook
    from airflow.sdk.definitions._internal.abstractoperator import TaskStateChangeCallback
    from airflow.sdk.definitions.retry_policy import RetryPolicy
    from airflow.sdk.types import WeightRuleParam

    Callbacks: TypeAlias = TaskStateChangeCallback | list[TaskStateChangeCallback] | None

T = TypeVar("T")

#: What a template field takes: a value, a template of one, or the result of another task.
Templated: TypeAlias = Union[T, str, "XComArg"]
#: The same for a list and for each of its items.
TemplatedList: TypeAlias = Union[Sequence[Union[T, str, "XComArg"]], str, "XComArg"]

KillPolicy = Literal["cancel", "delete", "leave"]
TimeoutPolicy = Literal["leave", "cancel", "delete"]
FailurePolicy = Literal["leave", "delete"]


class TaskArguments(TypedDict, total=False):
    """Arguments of every Airflow task, but for its id, which a decorator takes from the function."""

    dag: DAG | None
    task_group: TaskGroup | None
    default_args: dict[str, Any] | None
    params: MutableMapping[str, Any] | None
    owner: str
    email: str | Sequence[str] | None
    email_on_retry: bool
    email_on_failure: bool
    retries: int | None
    retry_delay: timedelta | float
    retry_exponential_backoff: float
    max_retry_delay: timedelta | float | None
    retry_policy: RetryPolicy | None
    start_date: datetime | None
    end_date: datetime | None
    depends_on_past: bool
    ignore_first_depends_on_past: bool
    wait_for_past_depends_before_skipping: bool
    wait_for_downstream: bool
    priority_weight: int
    weight_rule: WeightRuleParam
    queue: str
    pool: str | None
    pool_slots: int
    execution_timeout: timedelta | None
    on_execute_callback: Callbacks
    on_failure_callback: Callbacks
    on_success_callback: Callbacks
    on_retry_callback: Callbacks
    on_skipped_callback: Callbacks
    pre_execute: TaskPreExecuteHook | None
    post_execute: TaskPostExecuteHook | None
    trigger_rule: str
    resources: dict[str, Any] | None
    run_as_user: str | None
    map_index_template: str | None
    max_active_tis_per_dag: int | None
    max_active_tis_per_dagrun: int | None
    executor: str | None
    executor_config: dict[str, Any] | None
    do_xcom_push: bool
    multiple_outputs: bool
    inlets: Any
    outlets: Any
    doc: str | None
    doc_md: str | None
    doc_json: str | None
    doc_yaml: str | None
    doc_rst: str | None
    task_display_name: str | None
    logger_name: str | None
    allow_nested_operators: bool
    render_template_as_native_obj: bool | None


class AirflowArguments(TaskArguments, total=False):
    """Arguments of every Airflow operator."""

    task_id: Required[str]


class RequestArguments(AirflowArguments, total=False):
    """Arguments of every operator that starts an operation, but for its connection."""

    operation_id: Templated[str] | None
    wait_for_completion: bool
    deferrable: bool
    poll_interval: Seconds | None
    timeout: Seconds | None
    durable: bool
    on_kill: KillPolicy | None
    on_timeout: TimeoutPolicy
    on_failure: FailurePolicy


class OperatorArguments(RequestArguments, total=False):
    """Arguments of every operator of one API."""

    conn_id: Templated[str] | None


class AirflowSensorArguments(AirflowArguments, total=False):
    """Arguments of every Airflow sensor that this provider's do not name themselves."""

    mode: Literal["poke", "reschedule"]
    exponential_backoff: bool
    max_wait: Seconds | None
    silent_fail: bool
    never_fail: bool


class SensorArguments(AirflowSensorArguments, total=False):
    """Arguments of every sensor, but for what it waits for and its connection."""

    wait_for: Literal["all", "any"]
    poke_interval: Seconds | None
    poll_interval: Seconds | None
    timeout: Seconds
    deferrable: bool
    soft_fail: bool
