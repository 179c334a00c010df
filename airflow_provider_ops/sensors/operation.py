"""The sensor that waits for operations, with the same verdicts in every mode."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator

from airflow_provider_ops._compat import (
    AirflowRescheduleException,
    AirflowSkipException,
    TaskDeferralError,
    TaskDeferralTimeout,
)
from airflow_provider_ops.apis.http import split_reference
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.hooks.base import OperationsHook, check_seconds
from airflow_provider_ops.hooks.lookup import hook_for
from airflow_provider_ops.lineage import TellsLineage
from airflow_provider_ops.operation import Operation
from airflow_provider_ops.operators.deferral import event_guard
from airflow_provider_ops.operators.fields import is_literal
from airflow_provider_ops.operators.results import checked
from airflow_provider_ops.retry_policy import retried_only_if_it_helps, use_by_default
from airflow_provider_ops.sensors.waits import DEFAULT_TIMEOUT, OperationSensorTimeout, Waits
from airflow_provider_ops.waiting.policy import seconds_to_wait
from airflow_provider_ops.waiting.progress import Chapter
from airflow_provider_ops.waiting.verdict import check_wait_for

if TYPE_CHECKING:
    from airflow.sdk import Context

#: ``mode="reschedule"`` costs a worker leg per look, so its default interval is longer than the API's advice.
_RESCHEDULE_INTERVAL = 60.0
_LOOK_BEFORE_DEFERRING = 2.0

__all__ = ["DEFAULT_TIMEOUT", "OperationSensor", "OperationSensorTimeout"]


class OperationSensor(TellsLineage, BaseSensorOperator):
    """Waits until operations settle, whoever started them, on any of the APIs.

    Succeeds when they succeeded, and returns them as JSON: one for one id, a list for a list. An operation that
    failed or was cancelled fails the task, also with ``soft_fail``; only running out of time is skipped by it.

    :param conn_id: Airflow connection; its type decides which API is asked.
    :param operation_id: one id or a list of them.
    :param wait_for: ``all`` (the first failure fails the task) or ``any`` (the first success ends the wait).
    :param poke_interval: seconds between looks; default is the API's own advice (60 s with ``mode="reschedule"``).
    :param timeout: seconds to wait, as in every sensor across deferrals and reschedules.
    :param deferrable: wait in the triggerer; ``mode="reschedule"`` asks for rescheduling instead.
    """

    template_fields: Sequence[str] = ("conn_id", "operation_id")
    ui_color = "#e6f1f2"

    def __init__(
        self,
        *,
        conn_id: str,
        operation_id: str | Sequence[str],
        wait_for: str = "all",
        poke_interval: float | timedelta | None = None,
        timeout: float | timedelta = DEFAULT_TIMEOUT,
        deferrable: bool = True,
        soft_fail: bool = False,
        **kwargs: Any,
    ) -> None:
        self.poll_interval = _seconds(poke_interval)
        check_seconds("poke_interval", self.poll_interval, above=0.0)
        check_seconds("timeout", _seconds(timeout))
        super().__init__(
            poke_interval=self.poll_interval or _RESCHEDULE_INTERVAL, timeout=timeout, soft_fail=soft_fail, **kwargs
        )
        use_by_default(self, starts_anew=False)
        if not operation_id:
            msg = "operation_id is empty: give one operation id or a list of them"
            raise InvalidArgument(msg)
        for literal in _listed(operation_id):
            if is_literal(literal):
                split_reference("operation_id", literal)
        self.conn_id = conn_id
        self.operation_id = operation_id
        self.wait_for = check_wait_for(wait_for)
        self.deferrable = deferrable
        self._hook: OperationsHook | None = None
        self._leg: Waits | None = None

    @property
    def hook(self) -> OperationsHook:
        """The hook for the type of ``conn_id``, made at the first use on a worker."""
        if self._hook is None:
            self._hook = hook_for(self.conn_id)
        return self._hook

    def execute(self, context: Context) -> Any:
        """Wait in the way that was asked for."""
        with retried_only_if_it_helps(self):
            self.hook.settings()
            if self.reschedule:
                # what cannot work must show here: around poke() Airflow may turn any error into another look
                self._waits(context)
                return self._poke_and_reschedule(context)
            return self._ending(lambda waits: waits.begin(_LOOK_BEFORE_DEFERRING if self.deferrable else None), context)

    def _poke_and_reschedule(self, context: Context) -> Any:
        try:
            return super().execute(context)
        except AirflowRescheduleException as error:
            # the scheduler confuses this leg with the next, as after a deferral, where that begins too soon
            earliest = datetime.now(timezone.utc) + timedelta(seconds=event_guard(context["ti"], self.log.warning))
            error.reschedule_date = max(error.reschedule_date, earliest)
            raise

    def poke(self, context: Context) -> Any:
        """One leg of ``mode="reschedule"``: look once at each; passing faults are not yet an answer."""
        from airflow.sdk.bases.sensor import PokeReturnValue  # noqa: PLC0415 - not exported by airflow.sdk before 3.2

        operations = self._waits(context).look_once(resumes=bool(context.get("task_reschedule_count")))
        if operations is None:
            return False
        return PokeReturnValue(is_done=True, xcom_value=self._result(operations))

    def execute_complete(self, context: Context, event: object) -> Any:
        """Go on when the trigger has fired."""
        return self._ending(lambda waits: waits.go_on(event, _LOOK_BEFORE_DEFERRING), context)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume without the framework's rule that with ``soft_fail`` any Airflow error of a deferred leg is a skip."""
        with retried_only_if_it_helps(self):
            try:
                # BaseSensorOperator's own override is what would skip failures
                return super(BaseSensorOperator, self).resume_execution(next_method, next_kwargs, context)
            except (TaskDeferralTimeout, TaskDeferralError) as error:
                why = f"{type(error).__name__}: {error}"
                return self._ending(lambda waits: waits.look_again(why, _LOOK_BEFORE_DEFERRING), context)

    def awaited(self) -> str | Sequence[str]:
        """What to wait for, from the rendered fields: one id or a list of them."""
        return self.operation_id

    def _chapters(self) -> Iterable[Chapter]:
        return self._leg.chapters() if self._leg is not None else ()

    def _waits(self, context: Context) -> Waits:
        self._leg = Waits(
            self.hook,
            _listed(self.awaited()),
            wait_for=self.wait_for,
            poll_interval=self.poll_interval,
            started_at=self.hook.on_clock(context["ti"].start_date),
            timeout=seconds_to_wait(float(self.timeout), self.execution_timeout),
            defer=self.defer,
            log=self.log,
            ti=context["ti"],
            store=context.get("task_state_store"),
        )
        return self._leg

    def _ending(self, wait: Callable[[Waits], list[Operation]], context: Context) -> Any:
        try:
            return self._result(wait(self._waits(context)))
        except OperationSensorTimeout as error:
            if self.soft_fail:
                raise AirflowSkipException(str(error)) from None
            raise

    def _result(self, operations: Sequence[Operation]) -> Any:
        ids = ", ".join(operation.id for operation in operations)
        found = checked([operation.to_dict() for operation in operations], succeeded=f"operation {ids}")
        return found[0] if isinstance(self.awaited(), str) else found


def _seconds(value: float | timedelta | None) -> float | None:
    return value.total_seconds() if isinstance(value, timedelta) else value


def _listed(value: str | Sequence[str]) -> list[str]:
    if isinstance(value, (list, tuple)):
        return list(value)
    return [value] if isinstance(value, str) else []
