"""Metrics and traces of a wait that is over, emitted on a worker."""

from __future__ import annotations

from airflow_provider_ops import metrics, tracing
from airflow_provider_ops.core.timeline import Timeline
from airflow_provider_ops.core.wait_state import Outcome, Settled, TimedOut, Unobservable


def record_wait_finished(
    api: str,
    outcome: Outcome | None,
    *,
    kind: str = "",
    started: float,
    now: float,
    deferred: bool,
    timeline: Timeline | None = None,
) -> None:
    """Emit metrics and a span that say how a wait ended.

    :param kind: what was submitted, for an operation that does not say it.
    :param started: epoch seconds of the submit, or of the wait where that is not known.
    """
    mode = "deferred" if deferred else "worker"
    match outcome:
        case Settled(operation):
            kind = operation.kind or kind
            metrics.SETTLED.add(api=api, kind=kind, state=operation.state.value)
            metrics.WAIT.took(now - started, api=api, kind=kind)
            if operation.ended_at is not None:
                metrics.LAG.took(now - operation.ended_at.timestamp(), api=api, mode=mode)
            tracing.waited(operation, started=started, now=now, mode=mode, timeline=timeline)
        case TimedOut() | None:
            metrics.UNSETTLED.add(api=api, kind=kind, why="timeout")
        case Unobservable():
            metrics.UNSETTLED.add(api=api, kind=kind, why="gave_up")
