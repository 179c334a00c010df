"""The sensor that waits for operations, with the same verdicts in every mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator

from airflow_provider_ops._compat import (
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferralError,
    TaskDeferralTimeout,
)
from airflow_provider_ops.apis.http import split_reference
from airflow_provider_ops.client.waits import look, wait
from airflow_provider_ops.exceptions import InvalidArgument, OpsError, WaitTimeout
from airflow_provider_ops.hooks.base import OperationsHook, check_seconds
from airflow_provider_ops.hooks.lookup import hook_for
from airflow_provider_ops.operators.fields import is_literal
from airflow_provider_ops.triggers.operation import OperationTrigger
from airflow_provider_ops.waiting.verdict import check_wait_for, from_event, is_decided, succeeded
from airflow_provider_ops.waiting.watch import GaveUp, Outcome, Settled, TimedOut, Watch
from airflow_provider_ops.waiting.wording import settled_badly, timed_out

if TYPE_CHECKING:
    from airflow.sdk import Context

#: Seconds; no operation of these APIs is known to take longer than an hour or so.
DEFAULT_TIMEOUT = 24 * 3600.0
#: ``mode="reschedule"`` costs a worker leg per look, so its default interval is longer than the API's advice.
_RESCHEDULE_INTERVAL = 60.0
_LOOK_BEFORE_DEFERRING = 2.0
_BACKSTOP = timedelta(seconds=120)


class OperationSensorTimeout(WaitTimeout, AirflowSensorTimeout):
    """The sensor's ``timeout`` passed. Not retried by Airflow; skipped with ``soft_fail``."""


class OperationSensor(BaseSensorOperator):
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

    @property
    def hook(self) -> OperationsHook:
        """The hook for the type of ``conn_id``, made at the first use on a worker."""
        if self._hook is None:
            self._hook = hook_for(self.conn_id)
        return self._hook

    def execute(self, context: Context) -> Any:
        """Wait in the way that was asked for."""
        self.hook.settings()
        ids = self._ids()
        if self.reschedule:
            return super().execute(context)
        deadline = self._deadline(context)
        until = min(deadline, self.hook.clock.time() + _LOOK_BEFORE_DEFERRING) if self.deferrable else deadline
        outcomes = self._wait_here(ids, until)
        if self.deferrable and not self._is_over(outcomes, deadline):
            self._defer(ids, deadline)
        return self._conclude(outcomes, context)

    def poke(self, context: Context) -> Any:
        """One leg of ``mode="reschedule"``: look once at each; passing faults are not yet an answer."""
        from airflow.sdk.bases.sensor import PokeReturnValue  # noqa: PLC0415 - not exported by airflow.sdk before 3.2

        outcomes = self._look_once()
        if not is_decided(self.wait_for, list(outcomes.values())):
            return False
        return PokeReturnValue(is_done=True, xcom_value=self._conclude(outcomes, context))

    def execute_complete(self, context: Context, event: object) -> Any:
        """Go on when the trigger has fired."""
        waits = from_event(event)
        outcomes: dict[str, Outcome | None] = {}
        for operation_id in self._ids():
            outcome, timeline = waits.get(operation_id, (None, None))
            outcomes[operation_id] = outcome
            if timeline is not None:
                self.log.info("%s while deferred: %s", operation_id, "; ".join(timeline.lines()))
        if not is_decided(self.wait_for, list(outcomes.values())):
            why = event.get("error") if isinstance(event, Mapping) else None
            return self._look_again(context, f"the trigger ended without an outcome: {why or 'no reason given'}")
        return self._conclude(outcomes, context)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume without the framework's rule that with ``soft_fail`` any Airflow error of a deferred leg is a skip."""
        try:
            # BaseSensorOperator's own override is what would skip failures
            return super(BaseSensorOperator, self).resume_execution(next_method, next_kwargs, context)
        except (TaskDeferralTimeout, TaskDeferralError) as error:
            return self._look_again(context, f"{type(error).__name__}: {error}")

    def awaited(self) -> str | Sequence[str]:
        """What to wait for, from the rendered fields: one id or a list of them."""
        return self.operation_id

    def _ids(self) -> list[str]:
        ids = [self.hook.api.reference(operation_id) for operation_id in _listed(self.awaited())]
        if not ids:
            msg = "operation_id is an empty list: there is nothing to wait for"
            raise InvalidArgument(msg)
        return list(dict.fromkeys(ids))

    def _deadline(self, context: Context) -> float:
        limit = float(self.timeout)
        if self.execution_timeout is not None:
            limit = min(limit, self.execution_timeout.total_seconds())
        return context["ti"].start_date.timestamp() + limit

    def _watches(self, ids: Sequence[str], deadline: float) -> list[Watch]:
        return [
            self.hook.watch(operation_id, deadline=deadline, poll_interval=self.poll_interval) for operation_id in ids
        ]

    def _wait_here(self, ids: Sequence[str], until: float) -> dict[str, Outcome | None]:
        watches = self._watches(ids, until)
        wait(self.hook.get_conn(), watches, self.log.info, self.wait_for)
        return {watch.operation_id: watch.outcome for watch in watches}

    def _look_once(self) -> dict[str, Outcome | None]:
        watches = self._watches(self._ids(), deadline=float("inf"))
        for watch in watches:
            look(self.hook.get_conn(), watch, self.log.info)
            # a refusal is watched within this leg, since nothing remembers it until the next
            while watch.is_refused and watch.outcome is None:
                self.hook.clock.sleep(max(0.0, watch.next_look - self.hook.clock.time()))
                look(self.hook.get_conn(), watch, self.log.info)
        return {watch.operation_id: watch.outcome for watch in watches}

    def _is_over(self, outcomes: Mapping[str, Outcome | None], deadline: float) -> bool:
        final = [None if isinstance(outcome, TimedOut) else outcome for outcome in outcomes.values()]
        return is_decided(self.wait_for, final) or self.hook.clock.time() >= deadline

    def _defer(self, ids: Sequence[str], deadline: float) -> None:
        left = max(0.0, deadline - self.hook.clock.time())
        trigger = OperationTrigger(
            self.conn_id, ids, self.wait_for, self.poll_interval, deadline, api=self.hook.api.name
        )
        self.defer(trigger=trigger, method_name="execute_complete", timeout=timedelta(seconds=left) + _BACKSTOP)

    def _look_again(self, context: Context, why: str) -> Any:
        self.log.warning("Looking again, because %s", why)
        deadline = self._deadline(context)
        outcomes = self._wait_here(self._ids(), self.hook.clock.time() + _LOOK_BEFORE_DEFERRING)
        if not self._is_over(outcomes, deadline):
            self._defer(self._ids(), deadline)
        return self._conclude(outcomes, context)

    def _conclude(self, outcomes: Mapping[str, Outcome | None], context: Context) -> Any:
        """The result, or the error that the outcomes stand for."""
        good = {key: outcome for key, outcome in outcomes.items() if succeeded(outcome)}
        if len(good) == len(outcomes) or (good and self.wait_for == "any"):
            return self._result(good)
        late = next(((key, outcome) for key, outcome in outcomes.items() if isinstance(outcome, TimedOut)), None)
        bad = [
            outcome
            for outcome in outcomes.values()
            if isinstance(outcome, (Settled, GaveUp)) and not succeeded(outcome)
        ]
        if bad and (self.wait_for == "all" or late is None):
            raise self._failure(bad[0], outcomes)
        if late is None:
            msg = f"the wait ended without an outcome for {', '.join(outcomes)}"
            raise OpsError(msg)
        raise self._timeout(*late, context)

    def _result(self, good: Mapping[str, Outcome | None]) -> Any:
        operations = [outcome.operation.to_dict() for outcome in good.values() if isinstance(outcome, Settled)]
        return operations if not isinstance(self.awaited(), str) else operations[0]

    def _failure(self, outcome: Settled | GaveUp, outcomes: Mapping[str, Outcome | None]) -> OpsError:
        if isinstance(outcome, GaveUp):
            return outcome.error
        running = [key for key, other in outcomes.items() if other is None]
        others = f"Not waited for any more: {', '.join(running)}." if running else ""
        operation = outcome.operation
        try:
            operation = self.hook.run(self.hook.api.explain_failure(operation))
        except OpsError as error:
            self.log.warning("The reason could not be looked up: %s", error)
        return settled_badly(operation, what_exists=others, next_try="A retry finds it in the same state.")

    def _timeout(self, operation_id: str, outcome: TimedOut, context: Context) -> Exception:
        waited = self.hook.clock.time() - context["ti"].start_date.timestamp()
        error = timed_out(
            operation_id,
            outcome.operation,
            waited=waited,
            error=outcome.error,
            consequence="It goes on remotely.",
        )
        if self.soft_fail:
            return AirflowSkipException(str(error))
        return OperationSensorTimeout(str(error), outcome.operation)


def _seconds(value: float | timedelta | None) -> float | None:
    return value.total_seconds() if isinstance(value, timedelta) else value


def _listed(value: str | Sequence[str]) -> list[str]:
    if isinstance(value, (list, tuple)):
        return list(value)
    return [value] if isinstance(value, str) else []
