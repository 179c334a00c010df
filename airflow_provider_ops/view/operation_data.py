"""Makes what the page shows of one operation from its history. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from airflow_provider_ops.core.history import WaitHistory
from airflow_provider_ops.core.operation_history import STARTED, OperationHistory
from airflow_provider_ops.core.zero_point import FIRST_SEEN
from airflow_provider_ops.operation import web_address
from airflow_provider_ops.view.headline import ended_by, headline_of, tone_of, word_of
from airflow_provider_ops.view.rows import end_where_last_seen, is_observed, rows_of, span_of


class Observation(NamedTuple):
    """The time up to which something is known.

    :param over: whether the task no longer waits.
    :param written_at: when worker or triggerer last recorded what they knew.
    :param live: result of a read by the page itself.
    :param task_end: when the task ended, where that was before the wait was over.
    """

    over: bool
    written_at: float | None
    live: Mapping[str, Any] | None
    task_end: float | None

    def checked_at(self, history: OperationHistory) -> float | None:
        """Return when an open operation that is no longer waited for was last checked; ``None`` for all others."""
        if not self.over or history.is_settled:
            return None
        if self.live and history.operation_id in self.live["read"]:
            return float(self.live["at"])
        return self.written_at

    def is_checked_now(self, history: OperationHistory) -> bool:
        """Return whether the page itself has read the operation."""
        return self.live is not None and history.operation_id in self.live["read"]


def operation_data(
    wait: WaitHistory, history: OperationHistory, status: str, now: float, seen: Observation
) -> dict[str, Any]:
    """Return what the page shows of one operation.

    :param status: of the page.
    """
    operation, over, zero = history.operation, seen.over, history.zero_point
    progress = operation.progress if operation else None
    start, end = span_of(history)
    rows, title = rows_of(history, end)
    if over and seen.is_checked_now(history) and title == "Phases":
        # it was not checked between the last poll of the wait and the read by this page
        end_where_last_seen(rows, seen.written_at or 0.0, is_success=history.has_succeeded)
    state = _state(history, over=over, is_checked_now=seen.is_checked_now(history))
    # it settled only after the task had been killed
    continued = end is not None and seen.task_end is not None and end > seen.task_end
    return {
        "id": history.operation_id,
        "kind": operation.kind if operation else "",
        "state": state,
        "tone": tone_of(state),
        "word": word_of(state),
        "headline": headline_of(wait, history, state, status, ended_at=end, continued=continued)._asdict(),
        "checked_at": seen.checked_at(history),
        "is_checked_now": seen.is_checked_now(history),
        "raw_state": operation.raw_state if operation else None,
        "phase": progress.phase if progress else None,
        "message": progress.message if progress else None,
        "done": progress.done if progress else None,
        "total": progress.total if progress else None,
        "resource": " ".join(filter(None, (operation.resource_type, operation.resource_id))) if operation else "",
        "url": web_address(operation.url if operation else None),
        "error": _error(history),
        # its error is what that policy was to come to
        "ended_by": ended_by(wait, history, state, continued=continued),
        "outcome": history.outcome,
        "started_at": start,
        "adopted_at": history.adopted_at,
        "start_is": zero.event if zero else FIRST_SEEN,
        "ended_at": end,
        "continued": continued,
        "is_settled": history.is_settled,
        "observed": is_observed(history),
        "rows": rows,
        "rows_title": title,
        "log": _log(history, start),
        "dropped": history.timeline.dropped,
        "failed_looks": history.failed_polls,
        "failed_note": _failed_note(history),
        "last_error": history.last_error,
        "is_stumbling": history.is_failing and not over,
        "next_look": history.next_poll if history.next_poll and history.next_poll > now and not over else None,
        "interval": None if over or history.is_settled else history.interval,
    }


def _log(history: OperationHistory, zero: float | None) -> list[dict[str, Any]]:
    """Return what was logged of the wait.

    :param zero: what the operation's duration counts from.
    """
    timed = [(history.timeline.start + at, text) for at, text in history.timeline.entries]
    if timed and zero is None:
        zero = timed[0][0]
    # two clocks may differ
    return [{"at": at, "after": max(at - (zero or 0.0), 0.0), "text": text} for at, text in timed]


def _state(history: OperationHistory, *, over: bool, is_checked_now: bool) -> str:
    if history.operation is not None and history.is_settled:
        return str(history.operation.state)
    if history.outcome in ("timeout", "gave_up"):
        return history.outcome
    if history.outcome == STARTED:
        # what the answer to the submit said is not what it is now
        return str(history.operation.state) if history.operation and is_checked_now else STARTED
    if over or history.outcome == "open":
        return "open"
    return str(history.operation.state) if history.operation else "unseen"


def _failed_note(history: OperationHistory) -> str:
    """Return what the failed polls came to."""
    if history.outcome == "gave_up":
        return "the last of them ended the wait"
    return "tolerated; the operation is not affected" if history.operation else "tolerated; nothing is known of it yet"


def _error(history: OperationHistory) -> dict[str, Any] | None:
    error = history.operation.error if history.operation else None
    if error is not None:
        return {"message": error.message, "code": error.code, "retryable": error.retryable}
    return {"message": history.error, "code": None, "retryable": None} if history.error else None
