"""Waits for the operations of one attempt: here for a moment, then in the triggerer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from airflow_provider_ops.core.end_requested import was_asked_to_end
from airflow_provider_ops.core.event_codec import from_event, is_decided
from airflow_provider_ops.core.gate import LineLog
from airflow_provider_ops.core.operation_history import OperationHistory
from airflow_provider_ops.core.timeline import Timeline
from airflow_provider_ops.core.wait_state import Outcome, TimedOut, WaitState
from airflow_provider_ops.core.zero_point import FIRST_SEEN, ZeroPoint, zero_point
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.lifecycle.deferral import defer
from airflow_provider_ops.lifecycle.options import DeferredWait, WaitOptions
from airflow_provider_ops.lifecycle.telemetry import record_wait_finished
from airflow_provider_ops.lifecycle.worker_reporter import WorkerReporter
from airflow_provider_ops.polling.waits import poll_until_done

Outcomes = Mapping[str, Outcome | None]
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Waiter:
    """The waits of one leg of an attempt, with one deadline.

    :param ti: the task instance.
    :param deadline: epoch seconds at which the attempt stops waiting.
    :param is_resumed: whether an earlier leg of this try may have recorded something.
    :param store: the task state store, ``None`` where there is none.
    :param on_kill: kill policy of the task, where it has one; ``on_timeout`` its timeout policy.
    :param loses_xcoms: whether Airflow deletes what this try has pushed before its next leg.
    :param shows_deadline: whether people are shown the deadline; not where nothing is waited for.
    """

    def __init__(
        self,
        hook: OperationsHook,
        options: WaitOptions,
        ti: Any,
        log: LineLog,
        *,
        deadline: float,
        is_resumed: bool,
        store: Any,
        loses_xcoms: bool = False,
        shows_deadline: bool = True,
        on_kill: str | None = None,
        on_timeout: str | None = None,
    ) -> None:
        self._hook = hook
        self._options = options
        self._ti = ti
        self._log = log
        self.deadline = deadline
        self.reporter = WorkerReporter(
            ti,
            hook.clock,
            api=hook.api.name,
            conn_id=hook.conn_id,
            deadline=deadline if shows_deadline else None,
            wait_for=options.wait_for,
            on_kill=on_kill,
            on_timeout=on_timeout,
            resumes=is_resumed,
            store=store,
            loses_xcoms=loses_xcoms,
        )
        #: What happened while this attempt waited, by operation id.
        self._timelines: dict[str, Timeline] = {}
        self._was_deferred = False
        self._states: Sequence[WaitState] = ()

    def wait(
        self, ids: Sequence[str], *, patience: float | None, kind: str = "", facts: Mapping[str, Any] = _NOTHING
    ) -> Outcomes:
        """Poll here; return the outcomes when they decide or the deadline has passed, else defer the task.

        :param patience: seconds to poll here before the task defers; ``None`` polls here to the end.
        :param facts: further arguments of the trigger.
        """
        now = self._hook.clock.time()
        until = self.deadline if patience is None else min(now + patience, self.deadline)
        states = self._states = self.states(ids, until, kind, handle=facts.get("handle"))
        poll_until_done(
            self._hook.get_conn(),
            states,
            self._log.info,
            self._options.wait_for,
            warn=self._log.warning,
            on_change=lambda _: self.reporter.record(states),
        )
        outcomes = {state.operation_id: state.outcome for state in states}
        self._timelines |= {state.operation_id: state.timeline for state in states}
        is_over = until >= self.deadline or self._is_over(outcomes)
        self.reporter.paused(states, is_over=is_over)
        if not is_over:
            self._defer(self.trigger(ids, kind, facts))
        return outcomes

    def resume(self, event: object) -> Outcomes:
        """Return the outcome of each operation from a trigger's event; ``None`` where none can be read."""
        waits = from_event(event)
        self._was_deferred = True
        self.reporter.ended(waits, event.get("story") if isinstance(event, Mapping) else None)
        for operation_id, (outcome, timeline) in waits.items():
            self._timelines[operation_id] = timeline
            operation = outcome.operation if outcome else None
            # without a record the event has to do
            known = self.reporter.zero_point(operation_id) or zero_point(operation, None, timeline.start)
            zero = known or ZeroPoint(timeline.start, FIRST_SEEN)
            self._log.info("%s while deferred%s: %s", operation_id, zero.label, "; ".join(timeline.lines(zero.at)))
        return {operation_id: outcome for operation_id, (outcome, _) in waits.items()}

    def states(self, ids: Sequence[str], deadline: float, kind: str = "", *, handle: object = None) -> list[WaitState]:
        """Return a new wait for each operation.

        :param deadline: epoch seconds.
        :param handle: what is stored about their submit.
        """
        interval = self._options.poll_interval
        return [
            self._hook.wait_state(
                one,
                deadline=deadline,
                poll_interval=interval,
                kind=kind,
                end_requested=was_asked_to_end(handle, one),
            )
            for one in ids
        ]

    def trigger(self, ids: Sequence[str], kind: str = "", facts: Mapping[str, Any] = _NOTHING) -> DeferredWait:
        """Return the trigger that continues to wait for operations."""
        return self._options.make_trigger(
            conn_id=self._hook.conn_id,
            operation_ids=ids,
            wait_for=self._options.wait_for,
            poll_interval=self._options.poll_interval,
            deadline=self.deadline,
            kind=kind,
            api=self._hook.api.name,
            told=self.reporter.last_reported_digest,
            **facts,
        )

    def emit_metrics(
        self, operation_id: str | None, outcome: Outcome | None, *, started: float, kind: str = ""
    ) -> None:
        """Emit metrics and a span for a wait that is over.

        :param started: epoch seconds of the submit, or of the wait where that is not known.
        """
        record_wait_finished(
            self._hook.api.name,
            outcome,
            kind=kind,
            started=started,
            now=self._hook.clock.time(),
            deferred=self._was_deferred,
            timeline=self._timelines.get(operation_id or ""),
        )

    @property
    def histories(self) -> Collection[OperationHistory]:
        """Return the history of each operation, as far as this leg knows it."""
        return self.reporter.histories

    def _is_over(self, outcomes: Outcomes) -> bool:
        final = [None if isinstance(outcome, TimedOut) else outcome for outcome in outcomes.values()]
        return is_decided(self._options.wait_for, final) or self._hook.clock.time() >= self.deadline

    def _defer(self, trigger: DeferredWait) -> None:
        defer(
            self._options.defer,
            trigger,
            method_name=self._options.resume_method,
            deadline=self.deadline,
            ti=self._ti,
            clock=self._hook.clock,
            warn=self._log.warning,
        )
