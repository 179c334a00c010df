"""One leg of a task that waits for operations which others have started."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from airflow_provider_ops._compat import AirflowSensorTimeout
from airflow_provider_ops.core.event_codec import WaitFor, from_event, is_decided, succeeded, why_no_outcome
from airflow_provider_ops.core.gate import LineLog
from airflow_provider_ops.core.history import OperationHistory
from airflow_provider_ops.core.poll_policy import RECHECK_SECONDS
from airflow_provider_ops.core.timeline import Timeline
from airflow_provider_ops.core.wait_state import Outcome, Settled, TimedOut, Unobservable, WaitState
from airflow_provider_ops.core.wording import named, settled_badly, still_running, timed_out
from airflow_provider_ops.exceptions import OpsError, WaitTimeout, reworded
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.lifecycle import telemetry
from airflow_provider_ops.lifecycle.deferral import defer
from airflow_provider_ops.lifecycle.worker_reporter import WorkerReporter
from airflow_provider_ops.operation import Operation
from airflow_provider_ops.polling.waits import poll_once, poll_until_done
from airflow_provider_ops.triggers.operation import OperationTrigger

#: Seconds; no operation of these APIs is known to take longer than an hour or so.
DEFAULT_TIMEOUT = 24 * 3600.0

Outcomes = Mapping[str, Outcome | None]


class OperationSensorTimeout(WaitTimeout, AirflowSensorTimeout):
    """The sensor's ``timeout`` passed. Not retried by Airflow; skipped with ``soft_fail``."""


class SensorAttempt:
    """Waits for operations; every method ends with them in the order of their ids, raises, or defers the task.

    :param ids: one id or more, each once.
    :param defer: the task's own ``defer``; ``log`` its logger.
    :param ti: the task instance; ``store`` its task state store, ``None`` where there is none.
    :param resume: name of the task's method for the leg after the trigger.
    :param started_at: epoch seconds from which ``timeout`` counts.
    :param timeout: seconds.
    """

    def __init__(
        self,
        hook: OperationsHook,
        ids: Sequence[str],
        *,
        wait_for: WaitFor,
        poll_interval: float | None,
        started_at: float,
        timeout: float,
        defer: Callable[..., Any],
        log: Any,
        ti: Any,
        store: Any,
        resume: str = "execute_complete",
    ) -> None:
        self._hook = hook
        self._ids = unique(hook, ids)
        self._wait_for = wait_for
        self._poll_interval = poll_interval
        self._started_at = started_at
        self._deadline = started_at + timeout
        self._defer_task = defer
        self._log = LineLog(log)
        self._ti = ti
        self._store = store
        self._resume = resume
        self._current_reporter: WorkerReporter | None = None
        #: Of the waits that the trigger has told of.
        self._timelines: dict[str, Timeline] = {}

    def start(self, patience: float | None) -> list[Operation]:
        """The first leg: wait here, for ``patience`` seconds before the task defers, or without that to the end."""
        self._reporter(resumes=False)
        now = self._hook.clock.time()
        until = self._deadline if patience is None else min(self._deadline, now + patience)
        outcomes = self._wait_here(until)
        if patience is not None and not self._is_over(outcomes):
            self._defer()
        return self._conclude(outcomes)

    def resume(self, event: object, patience: float) -> list[Operation]:
        """The leg after the trigger has fired."""
        waits = from_event(event)
        self._reporter().ended(waits, event.get("story") if isinstance(event, Mapping) else None)
        outcomes: dict[str, Outcome | None] = {}
        for operation_id in self._ids:
            outcome, timeline = waits.get(operation_id, (None, None))
            outcomes[operation_id] = outcome
            if timeline is not None:
                self._timelines[operation_id] = timeline
                self._log.info("%s while deferred: %s", operation_id, "; ".join(timeline.lines()))
        if not is_decided(self._wait_for, list(outcomes.values())):
            return self.recheck(f"the trigger ended without an outcome: {why_no_outcome(event)}", patience)
        return self._conclude(outcomes)

    def recheck(self, why: str, patience: float) -> list[Operation]:
        """The leg after something went wrong around us."""
        self._log.warning("Looking again, because %s", why)
        outcomes = self._wait_here(min(self._hook.clock.time() + max(patience, RECHECK_SECONDS), self._deadline))
        if not self._is_over(outcomes):
            self._defer()
        return self._conclude(outcomes)

    def poll_once(self, *, resumes: bool) -> list[Operation] | None:
        """One look at each; ``None`` while they do not decide the verdict. Passing faults are not yet an answer.

        :param resumes: whether this is not the first leg of the try.
        """
        watches = self._wait_states(deadline=float("inf"))
        for watch in watches:
            poll_once(self._hook.get_conn(), watch, self._log.info)
            # a refusal is watched within this leg, since nothing remembers it until the next
            while watch.is_refused and watch.outcome is None:
                self._hook.clock.sleep(max(0.0, watch.next_poll_at - self._hook.clock.time()))
                poll_once(self._hook.get_conn(), watch, self._log.info)
        outcomes = {watch.operation_id: watch.outcome for watch in watches}
        is_over = is_decided(self._wait_for, list(outcomes.values()))
        self._reporter(resumes=resumes).paused(watches, is_over=is_over)
        return self._conclude(outcomes) if is_over else None

    def histories(self) -> Collection[OperationHistory]:
        """The story of each operation, as this leg knows it."""
        return self._current_reporter.histories if self._current_reporter else ()

    def _reporter(self, *, resumes: bool = True) -> WorkerReporter:
        if self._current_reporter is None:
            self._current_reporter = WorkerReporter(
                self._ti,
                self._hook.clock,
                api=self._hook.api.name,
                conn_id=self._hook.conn_id,
                deadline=self._deadline,
                wait_for=self._wait_for,
                resumes=resumes,
                store=self._store,
            )
        return self._current_reporter

    def _wait_states(self, deadline: float) -> list[WaitState]:
        return [
            self._hook.wait_state(operation_id, deadline=deadline, poll_interval=self._poll_interval)
            for operation_id in self._ids
        ]

    def _wait_here(self, until: float) -> Outcomes:
        watches, report = self._wait_states(until), self._reporter()
        poll_until_done(self._hook.get_conn(), watches, report.log_and_report(watches, self._log.info), self._wait_for)
        outcomes = {watch.operation_id: watch.outcome for watch in watches}
        report.paused(watches, is_over=self._is_over(outcomes))
        return outcomes

    def _is_over(self, outcomes: Outcomes) -> bool:
        final = [None if isinstance(outcome, TimedOut) else outcome for outcome in outcomes.values()]
        return is_decided(self._wait_for, final) or self._hook.clock.time() >= self._deadline

    def _defer(self) -> None:
        trigger = OperationTrigger(
            self._hook.conn_id,
            self._ids,
            self._wait_for,
            self._poll_interval,
            self._deadline,
            api=self._hook.api.name,
            told=self._reporter().last_reported_digest,
        )
        defer(
            self._defer_task,
            trigger,
            method_name=self._resume,
            deadline=self._deadline,
            ti=self._ti,
            clock=self._hook.clock,
            warn=self._log.warning,
        )

    def _conclude(self, outcomes: Outcomes) -> list[Operation]:
        """What succeeded, or the error that the outcomes stand for."""
        self._emit_metrics(outcomes)
        good = [
            self._hook.whole(outcome)
            for outcome in outcomes.values()
            if isinstance(outcome, Settled) and succeeded(outcome)
        ]
        if len(good) == len(outcomes) or (good and self._wait_for == "any"):
            return good
        late = next(((key, outcome) for key, outcome in outcomes.items() if isinstance(outcome, TimedOut)), None)
        bad = [
            outcome
            for outcome in outcomes.values()
            if isinstance(outcome, (Settled, Unobservable)) and not succeeded(outcome)
        ]
        if bad and (self._wait_for == "all" or late is None):
            raise self._failure(bad[0], outcomes)
        if late is None:
            msg = f"the wait ended without an outcome for {', '.join(outcomes)}: a retry waits again"
            raise OpsError(msg)
        raise self._timeout(*late)

    def _emit_metrics(self, outcomes: Outcomes) -> None:
        # of several, those that the verdict did not have to wait for have no outcome
        for operation_id, outcome in outcomes.items():
            if outcome is None:
                continue
            telemetry.record_wait_finished(
                self._hook.api.name,
                outcome,
                started=self._started_at,
                now=self._hook.clock.time(),
                deferred=bool(self._timelines),
                timeline=self._timelines.get(operation_id),
            )

    def _failure(self, outcome: Settled | Unobservable, outcomes: Outcomes) -> OpsError:
        if isinstance(outcome, Unobservable):
            name = named(next(key for key, other in outcomes.items() if other is outcome), outcome.operation)
            return reworded(outcome.error, f"{name} cannot be read any more: {outcome.error.what.rstrip('.')}")
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
            # what the user has set, not what it took to notice
            waited=min(self._hook.clock.time(), self._deadline) - self._started_at,
            error=outcome.error,
            consequence=still_running(outcome.operation, "; clear the task to wait for it again"),
        )
        return OperationSensorTimeout(error.what, outcome.operation)


def unique(hook: OperationsHook, ids: Sequence[str]) -> list[str]:
    """Ids that the hook's API can wait for, each once.

    :raises InvalidArgument: one cannot be an id.
    """
    return list(dict.fromkeys(hook.api.validate_operation_id(operation_id) for operation_id in ids))
