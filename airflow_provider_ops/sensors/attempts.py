"""One leg of a task that waits for operations that were started elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from airflow_provider_ops._compat import AirflowSensorTimeout
from airflow_provider_ops.core.event_codec import is_decided, succeeded, why_no_outcome
from airflow_provider_ops.core.gate import LineLog
from airflow_provider_ops.core.operation_history import OperationHistory
from airflow_provider_ops.core.poll_interval import RECHECK_SECONDS
from airflow_provider_ops.core.wait_state import Settled, TimedOut, Unobservable, WaitState
from airflow_provider_ops.core.wording import named, settled_badly, still_running, timed_out, utc
from airflow_provider_ops.exceptions import OpsError, WaitTimeout, reworded
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.lifecycle.options import SECONDS_BEFORE_DEFERRING, WaitOptions
from airflow_provider_ops.lifecycle.waiter import Outcomes, Waiter
from airflow_provider_ops.operation import Operation
from airflow_provider_ops.polling.waits import poll_once

#: Seconds; no operation of these APIs is known to take longer than an hour or so.
DEFAULT_TIMEOUT = 24 * 3600.0


class OperationSensorTimeout(WaitTimeout, AirflowSensorTimeout):
    """The sensor's ``timeout`` passed. Not retried by Airflow; skipped with ``soft_fail``."""


class SensorAttempt:
    """Wait for operations; every leg ends with them in the order of their ids, raises, or defers the task.

    :param ids: one id or more, each once.
    :param started_at: epoch seconds from which ``timeout`` counts.
    :param timeout: seconds.
    :param ti: the task instance; ``log`` its logger, ``store`` its task state store, ``None`` where there is none.
    :param reschedules: whether the task is rescheduled between two polls.
    """

    def __init__(
        self,
        hook: OperationsHook,
        ids: Sequence[str],
        options: WaitOptions,
        *,
        started_at: float,
        timeout: float,
        ti: Any,
        log: LineLog,
        store: Any,
        is_resumed: bool = False,
        reschedules: bool = False,
    ) -> None:
        self._hook = hook
        self._ids = unique(hook, ids)
        self._options = options
        self._started_at = started_at
        self._log = log
        deadline = started_at + timeout
        self._is_resumed = is_resumed
        self._waiter = Waiter(
            hook,
            options,
            ti,
            self._log,
            deadline=deadline,
            is_resumed=is_resumed,
            store=store,
            loses_xcoms=reschedules,
        )

    def start(self) -> list[Operation]:
        """Wait here, for a moment before the task defers where it may, else to the end. The first leg."""
        self._announce()
        return self._wait(SECONDS_BEFORE_DEFERRING)

    def _announce(self) -> None:
        which = f", for {self._options.wait_for} of them" if len(self._ids) > 1 else ""
        until = utc(self._waiter.deadline)
        ids, title = ", ".join(self._ids), self._hook.api.title
        self._log.info("%s: waiting until %s at the latest for %s%s", title, until, ids, which)
        self._waiter.reporter.waits_for(self._ids)

    def resume(self, event: object) -> list[Operation]:
        """Continue after the trigger has fired."""
        reported = self._waiter.resume(event)
        outcomes = {operation_id: reported.get(operation_id) for operation_id in self._ids}
        if not is_decided(self._options.wait_for, list(outcomes.values())):
            return self.recheck(f"the trigger ended without an outcome: {why_no_outcome(event)}")
        return self._conclude(outcomes)

    def recheck(self, why: str) -> list[Operation]:
        """Poll after something failed around the wait, and continue the wait if it is not decided."""
        self._log.warning("Checking again, because %s", why)
        return self._wait(max(SECONDS_BEFORE_DEFERRING, RECHECK_SECONDS))

    def poll_once(self) -> list[Operation] | None:
        """Poll each operation once; ``None`` while they do not decide the verdict. Passing faults are no answer."""
        if not self._is_resumed:
            self._announce()
        states = self._waiter.states(self._ids, self._waiter.deadline)
        if not self._poll_each(states):
            self._waiter.reporter.paused(states, is_over=False)
            # past the deadline Airflow would end the task next, with an error that names no operation
            if self._hook.clock.time() < self._waiter.deadline or not self._poll_each(states):
                return None
        self._waiter.reporter.paused(states, is_over=True)
        return self._conclude({state.operation_id: state.outcome for state in states})

    def _poll_each(self, states: Sequence[WaitState]) -> bool:
        """Poll each operation that is open; return whether the outcomes decide the verdict."""
        for state in states:
            if state.outcome is not None:
                continue
            poll_once(self._hook.get_conn(), state, self._log.info, warn=self._log.warning)
            # a refusal is followed within this leg, since nothing remembers it until the next
            while state.is_refused and state.outcome is None:
                self._hook.clock.sleep(max(0.0, state.next_poll_at - self._hook.clock.time()))
                poll_once(self._hook.get_conn(), state, self._log.info, warn=self._log.warning)
        return is_decided(self._options.wait_for, [state.outcome for state in states])

    @property
    def histories(self) -> Collection[OperationHistory]:
        """Return the history of each operation, as far as this leg knows it."""
        return self._waiter.histories

    def _wait(self, patience: float) -> list[Operation]:
        return self._conclude(self._waiter.wait(self._ids, patience=patience if self._options.deferrable else None))

    def _conclude(self, outcomes: Outcomes) -> list[Operation]:
        """Return the operations that succeeded, or raise the error that the outcomes stand for."""
        self._emit_metrics(outcomes)
        good = [
            self._hook.whole(outcome)
            for outcome in outcomes.values()
            if isinstance(outcome, Settled) and succeeded(outcome)
        ]
        if len(good) == len(outcomes) or (good and self._options.wait_for == "any"):
            return good
        late = next(((key, outcome) for key, outcome in outcomes.items() if isinstance(outcome, TimedOut)), None)
        bad = [
            outcome
            for outcome in outcomes.values()
            if isinstance(outcome, (Settled, Unobservable)) and not succeeded(outcome)
        ]
        if bad and (self._options.wait_for == "all" or late is None):
            raise self._failure(bad[0], outcomes)
        if late is None:
            msg = f"the wait ended without an outcome for {', '.join(outcomes)}: a retry waits again"
            raise OpsError(msg)
        raise self._timeout(*late)

    def _emit_metrics(self, outcomes: Outcomes) -> None:
        # of several, those that the verdict did not have to wait for have no outcome
        for operation_id, outcome in outcomes.items():
            if outcome is not None:
                self._waiter.emit_metrics(operation_id, outcome, started=self._started_at)

    def _failure(self, outcome: Settled | Unobservable, outcomes: Outcomes) -> OpsError:
        if isinstance(outcome, Unobservable):
            name = named(next(key for key, other in outcomes.items() if other is outcome), outcome.operation)
            return reworded(outcome.error, f"{name} cannot be read: {outcome.error.what.rstrip('.')}")
        running = [key for key, other in outcomes.items() if other is None or isinstance(other, TimedOut)]
        others = f"Not waited for any more: {', '.join(running)}." if running else ""
        operation = outcome.operation
        try:
            operation = self._hook.run(self._hook.api.explain_failure(operation))
        except OpsError as error:
            self._log.warning("The reason could not be read: %s", error.without_advice)
        return settled_badly(operation, what_exists=others, next_try="A retry finds it in the same state.")

    def _timeout(self, operation_id: str, outcome: TimedOut) -> OperationSensorTimeout:
        error = timed_out(
            named(operation_id, outcome.operation),
            outcome.operation,
            # what the user has set, not what it took to notice; `dag.test()` gives each leg a start of its own
            waited=self._waiter.deadline - self._started_at,
            error=outcome.error,
            consequence=still_running(outcome.operation, "; clear the task to wait for it again", error=outcome.error),
        )
        return OperationSensorTimeout(error.what, outcome.operation)


def unique(hook: OperationsHook, ids: Sequence[str]) -> list[str]:
    """Ids that the hook's API can wait for, each once.

    :raises InvalidArgument: one cannot be an id.
    """
    return list(dict.fromkeys(hook.api.validate_operation_id(operation_id) for operation_id in ids))
