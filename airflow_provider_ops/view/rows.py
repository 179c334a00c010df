"""The rows of the chart: steps, resources or phases of one operation, with their times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_ops.core.operation_history import OperationHistory
from airflow_provider_ops.core.zero_point import FIRST_SEEN
from airflow_provider_ops.operation import OperationState, Step

#: Seconds after its start within which the first sight of an operation is taken for its beginning.
_SOON = 2.0
#: Words of the APIs for what a step is; the page has a sign and a colour for each.
_STEP_STATES: Mapping[str, frozenset[str]] = {
    "done": frozenset({"completed", "succeeded", "success", "done", "ready", "unchanged", "finished"}),
    "running": frozenset({"running", "in_progress", "active", "executing"}),
    "failed": frozenset({"failed", "error", "errored"}),
    "skipped": frozenset({"skipped", "cancelled", "canceled"}),
    "pending": frozenset({"pending", "queued", "waiting", "not_started", ""}),
}


def is_observed(history: OperationHistory) -> bool:
    """Return whether start or end are times of our polls, because the API gives none."""
    operation = history.operation
    if operation is None or (operation.started_at or operation.created_at) is None:
        return True
    return operation.state.is_terminal and operation.ended_at is None


def span_of(history: OperationHistory) -> tuple[float | None, float | None]:
    """Return when an operation began and ended, as far as that is known."""
    operation = history.operation
    zero = history.zero_point
    # a poll that failed is no sight of it
    is_known = zero is not None and (operation is not None or zero.event != FIRST_SEEN)
    start = zero.at if zero is not None and is_known else None
    if operation is None or not operation.state.is_terminal:
        return start, None
    end = operation.ended_at.timestamp() if operation.ended_at else history.phases[-1][0] if history.phases else None
    return start, end


def rows_of(history: OperationHistory, end: float | None) -> tuple[list[dict[str, Any]], str]:
    """Return the rows of the chart and its title: the API's own steps or resources, else the observed phases."""
    steps = history.operation.progress.steps if history.operation and history.operation.progress else ()
    if steps:
        unseen_before = _first_seen(history)
        return [_step(step, history.seen.get(step.name, {}), end, unseen_before) for step in steps], "Steps"
    return _phases(history, end), "Phases"


def _first_seen(history: OperationHistory) -> float | None:
    """Return when an operation was first seen; ``None`` where that was when it began.

    What it was in then may have begun at any time before.
    """
    first = history.phases[0][0] if history.phases else None
    zero = history.zero_point
    is_late = zero is None or zero.event == FIRST_SEEN or (first is not None and first - zero.at > _SOON)
    return first if is_late else None


def _step(step: Step, seen: Mapping[str, float], end: float | None, unseen_before: float | None) -> dict[str, Any]:
    state = step_state(step.state)
    own = step.started_at is not None or step.ended_at is not None
    if own:
        started = step.started_at.timestamp() if step.started_at else None
        ended = step.ended_at.timestamp() if step.ended_at else None
    else:
        started, ended = _observed(seen)
    if state == "pending":
        started = ended = None
    return {
        "name": step.name or "unnamed",
        "state": state,
        "word": step.state,
        "start": started,
        "end": ended,
        # it ended with the operation at the latest; the API does not say when
        "until": end if ended is None and started is not None else ended,
        "observed": not own,
        "is_longer": not own and started is not None and started == unseen_before,
        "message": step.message,
        "needs_human": step.needs_human,
    }


def _observed(seen: Mapping[str, float]) -> tuple[float | None, float | None]:
    running = [at for state, at in seen.items() if step_state(state) in ("running", "unknown")]
    over = [at for state, at in seen.items() if step_state(state) in ("done", "failed", "skipped")]
    return (min(running) if running else None), (min(over) if over else None)


def step_state(word: str) -> str:
    """Return one of ``done``, ``running``, ``failed``, ``skipped``, ``pending``, or ``unknown``."""
    plain = word.strip().lower().replace("-", "_").replace(" ", "_")
    return next((state for state, words in _STEP_STATES.items() if plain in words), "unknown")


def _phases(history: OperationHistory, end: float | None) -> list[dict[str, Any]]:
    operation = history.operation
    phases = list(history.phases)
    if not phases or operation is None:
        return []
    if operation.state.is_terminal:
        # the end is a moment, not a phase
        last = phases.pop()
        end = end or last[0]
    unseen_before = _first_seen(history)
    rows: list[dict[str, Any]] = []
    for number, (at, raw_state, phase) in enumerate(phases):
        follows = phases[number + 1][0] if number + 1 < len(phases) else end
        if end is not None:
            # the end is the API's own time, and may come before we noticed
            follows = end if follows is None else min(follows, end)
        # the API's own clock may be a little ahead of ours
        ended = None if follows is None else max(follows, at)
        name = phase or raw_state
        rows.append(
            {"name": name, "state": "done", "word": raw_state, "start": at, "end": ended, "until": ended}
            | {"observed": True, "is_longer": at == unseen_before, "message": None, "needs_human": False}
        )
    if rows:
        rows[-1]["state"] = _LAST_PHASE.get(operation.state, "running")
    return rows


def end_where_last_seen(rows: Sequence[dict[str, Any]], known_until: float, *, is_success: bool) -> None:
    """End the phase that was last watched there: when it ended, and what came between it and the next, is not known."""
    for row in rows:
        if row["end"] is not None and row["end"] > known_until:
            until = max(row["start"], known_until)
            row |= {"end": None, "until": until, "at_least": until - row["start"]}
            row["message"] = "what came after was not watched"
            if row is rows[-1] and not is_success:
                row["state"] = "unknown"


_LAST_PHASE = {
    OperationState.SUCCEEDED: "done",
    OperationState.FAILED: "failed",
    OperationState.CANCELLED: "skipped",
    OperationState.PENDING: "pending",
}
