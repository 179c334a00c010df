"""The sensor that waits for operations, with the same verdicts in every mode."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseSensorOperator
from typing_extensions import Unpack

from airflow_provider_ops._compat import (
    AirflowRescheduleException,
    AirflowSkipException,
    TaskDeferralError,
    TaskDeferralTimeout,
)
from airflow_provider_ops.core.arguments import Seconds, check_choice, check_seconds
from airflow_provider_ops.core.event_codec import WaitFor, check_wait_for
from airflow_provider_ops.core.gate import line_log_of
from airflow_provider_ops.core.operation_history import OperationHistory
from airflow_provider_ops.core.poll_interval import seconds_to_wait
from airflow_provider_ops.core.values import lasting
from airflow_provider_ops.exceptions import located
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.hooks.lookup import hook_for
from airflow_provider_ops.lifecycle.deferral import event_guard
from airflow_provider_ops.lifecycle.failed_start import failed_start_recorded
from airflow_provider_ops.lifecycle.options import WaitOptions
from airflow_provider_ops.lifecycle.results import checked
from airflow_provider_ops.lineage import LineageMixin
from airflow_provider_ops.operation import Operation
from airflow_provider_ops.operators.arguments import (
    AirflowSensorArguments,
    SensorArguments,
    Templated,
    TemplatedList,
)
from airflow_provider_ops.operators.describing import parameters_of, with_all_arguments
from airflow_provider_ops.operators.fields import check_ids, ids_of
from airflow_provider_ops.operators.fitting import check_declared
from airflow_provider_ops.operators.mapping import CheckedMapping
from airflow_provider_ops.operators.rendering import DeclaredTemplates
from airflow_provider_ops.retry_policy import OperationRetryPolicy, enforce_retry_policy, set_default_retry_policy
from airflow_provider_ops.sensors.attempts import DEFAULT_TIMEOUT, OperationSensorTimeout, SensorAttempt
from airflow_provider_ops.triggers.operation import OperationTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

#: ``mode="reschedule"`` costs a worker leg per poll, so its default interval is longer than the API's advice.
_RESCHEDULE_INTERVAL = 60.0

__all__ = ["DEFAULT_TIMEOUT", "OperationSensor", "OperationSensorTimeout"]


class OperationSensor(DeclaredTemplates, LineageMixin, CheckedMapping, BaseSensorOperator):
    """Wait until operations settle, however they were started, on any of the APIs.

    Succeeds when they succeeded, and returns them as JSON: one for one id, a list for a list. An operation that
    failed or was cancelled fails the task, also with ``soft_fail``; only running out of time is skipped by it.

    :param conn_id: Airflow connection; its type decides which API is asked.
    :param operation_id: one id or a list of them.
    :param wait_for: ``all`` (the first failure fails the task) or ``any`` (the first success ends the wait).
    :param poke_interval: seconds or a ``timedelta`` between two polls; default is the API's own advice (60 s with
        ``mode="reschedule"``).
    :param poll_interval: the same, by the name that the operators have for it; wins where both are given.
    :param timeout: seconds or a ``timedelta`` to wait, as in every sensor across deferrals and reschedules.
    :param deferrable: wait in the triggerer; ``mode="reschedule"`` asks for rescheduling instead.
    :param soft_fail: skip instead of fail, only when ``timeout`` has passed.
    """

    template_fields: Sequence[str] = ("conn_id", "operation_id")
    _declared_types: ClassVar[Mapping[str, Any]] = {"conn_id": str, "operation_id": str | Sequence[str]}
    default_retry_policy = OperationRetryPolicy(starts_anew=False)
    ui_color = "#e6f1f2"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Describe all arguments of a subclass in its docstring."""
        super().__init_subclass__(**kwargs)
        if vars(cls).get("__doc__"):
            cls.__doc__ = with_all_arguments(
                cls.__doc__, _DESCRIBED, {**SensorArguments.__annotations__, "conn_id": str}
            )

    def __init__(
        self,
        *,
        conn_id: Templated[str],
        operation_id: TemplatedList[str],
        wait_for: WaitFor = "all",
        poke_interval: Seconds | None = None,
        poll_interval: Seconds | None = None,
        timeout: Seconds = DEFAULT_TIMEOUT,
        deferrable: bool = True,
        soft_fail: bool = False,
        **kwargs: Unpack[AirflowSensorArguments],
    ) -> None:
        operation_id = lasting(operation_id)
        arguments = {
            "conn_id": conn_id,
            "operation_id": operation_id,
            "wait_for": wait_for,
            "poke_interval": poke_interval,
            "poll_interval": poll_interval,
            "timeout": timeout,
            "deferrable": deferrable,
        }
        with enforce_retry_policy(self):
            self.check_arguments(arguments)
        self.poll_interval = check_seconds("poke_interval", poke_interval if poll_interval is None else poll_interval)
        super().__init__(
            poke_interval=self.poll_interval or _RESCHEDULE_INTERVAL, timeout=timeout, soft_fail=soft_fail, **kwargs
        )
        set_default_retry_policy(self, self.default_retry_policy)
        self.conn_id: Any = conn_id
        self.operation_id: Any = operation_id
        self.wait_for = wait_for
        self.deferrable = deferrable
        self._hook: OperationsHook | None = None
        self._attempt: SensorAttempt | None = None

    @classmethod
    def check_arguments(cls, arguments: Mapping[str, Any]) -> None:
        """Refuse arguments that cannot work, each by itself and as far as it is known; without I/O.

        :raises InvalidArgument: names the argument and what is allowed.
        """
        for name in ("poke_interval", "poll_interval"):
            check_seconds(name, arguments.get(name), above=0.0)
        check_seconds("timeout", arguments.get("timeout"))
        check_wait_for(arguments.get("wait_for", "all"))
        check_choice("deferrable", arguments.get("deferrable"), (True, False, None))
        if "operation_id" in arguments:
            check_ids("operation_id", arguments["operation_id"])
        check_declared(cls._declared_types, arguments)

    @property
    def hook(self) -> OperationsHook:
        """Return the hook for the type of ``conn_id``, made at the first use on a worker."""
        if self._hook is None:
            self._hook = hook_for(self.rendered_field("conn_id"))
        return self._hook

    def execute(self, context: Context) -> Any:
        """Wait in the way that was asked for."""
        with failed_start_recorded(self, context), enforce_retry_policy(self):
            self.hook.settings()
            if self.reschedule:
                # wrong arguments must fail here: around poke() Airflow may turn any error into another poke
                self._waits(context)
                return self._poke_and_reschedule(context)
            return self._ending(SensorAttempt.start, context)

    def _poke_and_reschedule(self, context: Context) -> Any:
        try:
            return super().execute(context)
        except AirflowRescheduleException as error:
            # the scheduler confuses this leg with the next, as after a deferral, where that begins too soon
            earliest = datetime.now(timezone.utc) + timedelta(seconds=event_guard(context["ti"], self.log.warning))
            error.reschedule_date = max(error.reschedule_date, earliest)
            raise

    def poke(self, context: Context) -> Any:
        """Poll each operation once, in one leg of ``mode="reschedule"``; temporary errors do not end the wait."""
        from airflow.sdk.bases.sensor import PokeReturnValue  # noqa: PLC0415 - not exported by airflow.sdk before 3.2

        is_resumed = bool(context.get("task_reschedule_count"))
        found = self._ending(SensorAttempt.poll_once, context, is_resumed=is_resumed)
        return False if found is None else PokeReturnValue(is_done=True, xcom_value=found)

    def execute_complete(self, context: Context, event: object) -> Any:
        """Continue after the trigger has fired."""
        return self._ending(lambda attempt: attempt.resume(event), context, is_resumed=True)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume without the framework's rule that with ``soft_fail`` any Airflow error of a deferred leg is a skip."""
        with enforce_retry_policy(self):
            try:
                # BaseSensorOperator's own override is what would skip failures
                return super(BaseSensorOperator, self).resume_execution(next_method, next_kwargs, context)
            except (TaskDeferralTimeout, TaskDeferralError) as error:
                why = f"{type(error).__name__}: {error}"
                return self._ending(lambda attempt: attempt.recheck(why), context, is_resumed=True)

    def operation_ids(self) -> str | Sequence[str]:
        """Return the ids to wait for, from the rendered fields: one id or a list of them."""
        awaited: str | Sequence[str] = self.rendered_field("operation_id")
        return awaited

    def _histories(self) -> Iterable[OperationHistory]:
        return self._attempt.histories if self._attempt is not None else ()

    def _waits(self, context: Context, *, is_resumed: bool = False) -> SensorAttempt:
        self._attempt = SensorAttempt(
            self.hook,
            ids_of("operation_id", self.operation_ids()),
            WaitOptions(
                defer=self.defer,
                make_trigger=OperationTrigger,
                deferrable=self.deferrable,
                poll_interval=self.poll_interval,
                wait_for=self.wait_for,
            ),
            started_at=self.hook.on_clock(self._started_at(context)),
            timeout=seconds_to_wait(float(self.timeout), self.execution_timeout),
            ti=context["ti"],
            log=line_log_of(self),
            store=context.get("task_state_store"),
            is_resumed=is_resumed,
            reschedules=self.reschedule,
        )
        return self._attempt

    def _started_at(self, context: Context) -> datetime:
        """Return when the wait began: Airflow keeps the start of the try across deferrals, not across reschedules."""
        ti = context["ti"]
        first = ti.get_first_reschedule_date(context) if self.reschedule else None
        return first or ti.start_date

    def _ending(
        self, leg: Callable[[SensorAttempt], list[Operation] | None], context: Context, *, is_resumed: bool = False
    ) -> Any:
        """Return the result of a leg, ``None`` where that has not ended the wait."""
        try:
            operations = leg(self._waits(context, is_resumed=is_resumed))
            return None if operations is None else self._result(operations)
        except OperationSensorTimeout as error:
            if self.soft_fail:
                raise AirflowSkipException(str(located(error, self.hook.where))) from None
            raise

    def _result(self, operations: Sequence[Operation]) -> Any:
        ids = ", ".join(operation.id for operation in operations)
        found = checked([operation.to_dict() for operation in operations], succeeded=f"operation {ids}")
        return found[0] if isinstance(self.operation_ids(), str) else found


_DESCRIBED = parameters_of(OperationSensor.__doc__)
OperationSensor.__doc__ = with_all_arguments(OperationSensor.__doc__, {}, SensorArguments.__annotations__)
