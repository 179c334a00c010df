"""The history of one operation that people are shown: what was seen of it, and how the wait for it has ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_ops.core.changes import ended_as
from airflow_provider_ops.core.gate import SHORT, one_line, whole_rows
from airflow_provider_ops.core.joined_timeline import NOT_SEEN, joined, without_end
from airflow_provider_ops.core.timeline import Timeline
from airflow_provider_ops.core.wait_state import Outcome, Settled, TimedOut, Unobservable, WaitState
from airflow_provider_ops.core.zero_point import ZeroPoint, zero_point
from airflow_provider_ops.operation import Operation, OperationState

MOST_STEPS = SHORT.items
_MOST_PHASES = 40
#: Of many operations each keeps so many changes.
_LAST_CHANGES = 3

#: Outcome of an operation that its task has started and does not wait for.
STARTED = "started"

Phase = tuple[float, str, str | None]


@dataclass(slots=True)
class OperationHistory:
    """The history of one operation."""

    operation_id: str
    operation: Operation | None = None
    timeline: Timeline = field(default_factory=lambda: Timeline(0.0))
    #: ``(epoch seconds, raw state, phase)``, one for each that was seen.
    phases: list[Phase] = field(default_factory=list)
    #: When a step without times of its own was first and last seen to be in a state: ``{name: {state: epoch}}``.
    seen: dict[str, dict[str, float]] = field(default_factory=dict)
    outcome: str | None = None
    error: str | None = None
    failed_polls: int = 0
    last_error: str | None = None
    is_failing: bool = False
    next_poll: float | None = None
    interval: float | None = None
    #: Epoch seconds just before the submit, where a try of this task has sent it.
    submitted_at: float | None = None
    #: Epoch seconds at which a try has adopted it by the id that its task was given.
    adopted_at: float | None = None
    #: Failed polls of the legs before this one.
    failed_before: int = 0

    def on_result(self, operation: Operation | None, now: float) -> None:
        """Take in the result of a poll."""
        if operation is None:
            return
        self.operation = operation
        phase = operation.progress.phase if operation.progress else None
        if not self.phases or self.phases[-1][1:] != (operation.raw_state, phase):
            self.phases.append((round(now, 1), operation.raw_state, phase))
            # the first and the latest say most
            del self.phases[1 : 1 + max(0, len(self.phases) - _MOST_PHASES)]
        for step in operation.progress.steps if operation.progress else ():
            if step.started_at is None and step.ended_at is None and len(self.seen) < MOST_STEPS:
                self.seen.setdefault(step.name, {}).setdefault(step.state, round(now, 1))

    def observe(self, watch: WaitState, now: float) -> None:
        """Take in what a wait state knows."""
        self.on_result(watch.operation, now)
        # running out of time may only mean that another process continues the wait
        paused = isinstance(watch.outcome, TimedOut)
        self.timeline = joined(self.timeline, without_end(watch.timeline) if paused else watch.timeline)
        self.failed_polls = self.failed_before + watch.failed_polls
        self.last_error = watch.last_error or self.last_error
        self.is_failing = watch.is_failing
        self.next_poll, self.interval = watch.next_poll_at, watch.interval
        if isinstance(watch.outcome, (Settled, Unobservable)):
            self.ended(watch.outcome, None, now)

    def merge(self, facts: Mapping[str, Any]) -> None:
        """Take in what another leg has counted."""
        known = {at for at, _, _ in self.phases}
        phases = [(float(at), str(state), phase) for at, state, phase in whole_rows(facts["phases"], 3)]
        self.phases = _changes(sorted([*self.phases, *(phase for phase in phases if phase[0] not in known)], key=_at))
        self.failed_polls = max(self.failed_polls, int(facts["failed_looks"]))
        self.last_error = facts["last_error"] or self.last_error

    def continue_from(self, before: OperationHistory) -> None:
        """Take over what was known before the wait was begun again: by another triggerer, or by the worker after it."""
        self.timeline = joined(before.timeline, self.timeline)
        began = self.phases[0][0] if self.phases else float("inf")
        phases = [phase for phase in before.phases if phase[0] < began]
        self.phases = _changes([*phases, *self.phases])
        for name, states in before.seen.items():
            self.seen[name] = {**self.seen.get(name, {}), **states}
        self.failed_before = before.failed_polls
        self.failed_polls += before.failed_polls
        self.last_error = self.last_error or before.last_error
        self.operation = self.operation or before.operation
        self.submitted_at = self.submitted_at or before.submitted_at
        self.adopted_at = before.adopted_at or self.adopted_at

    def ended(self, outcome: Outcome | None, timeline: Timeline | None, now: float) -> None:
        """Take in how the wait ended."""
        self.timeline = self.timeline if timeline is None else joined(self.timeline, timeline)
        self.next_poll, self.is_failing = None, False
        match outcome:
            case Settled(operation):
                self.outcome = "settled"
                self.on_result(operation, operation.ended_at.timestamp() if operation.ended_at else now)
            case TimedOut(operation, error):
                self.outcome, self.error = "timeout", str(error) if error else None
                self.on_result(operation, now)
            case Unobservable(operation, error):
                self.outcome, self.error = "gave_up", str(error)
                self.on_result(operation, now)
            case None:
                self.outcome = "open"

    def on_later_read(self, operation: Operation, now: float) -> None:
        """Take in a read by another than the wait; how the wait has ended stays as it is."""
        outcome = self.outcome
        if operation.state.is_terminal:
            self.ended(Settled(operation), None, now)
        else:
            self.on_result(operation, now)
        self.outcome = outcome or self.outcome

    def on_started(self, operation: Operation | None, now: float) -> None:
        """Take in that it was started and that the task does not wait for it."""
        self.outcome = STARTED
        self.on_result(operation, now)

    @property
    def zero_point(self) -> ZeroPoint | None:
        """Return what its durations count from; ``None`` while nothing is known."""
        seen = [at for at, _, _ in self.phases[:1]]
        # an event without the phases still has the lines
        seen += [self.timeline.start + at for at, text in self.timeline.entries if not text.startswith(NOT_SEEN)][:1]
        return zero_point(self.operation, self.submitted_at, min(seen, default=self.timeline.start))

    @property
    def is_settled(self) -> bool:
        """Return whether the operation is known to be over."""
        return self.operation is not None and self.operation.state.is_terminal

    @property
    def has_succeeded(self) -> bool:
        """Return whether the operation has succeeded."""
        return self.operation is not None and self.operation.state is OperationState.SUCCEEDED

    @property
    def summary(self) -> str:
        """Return in a line how the wait ended."""
        if self.operation is None or not self.is_settled:
            last = f"; last seen {self.operation.raw_state}" if self.operation else ""
            said = f": {self.error}" if self.error else ""
            return one_line(f"{_WHY_OPEN.get(self.outcome, 'not waited for')}{said}{last}")
        return ended_as(self.operation)

    def to_dict(self, *, brief: bool = False) -> dict[str, Any]:
        """Return the history as JSON values.

        :param brief: leave out steps and all but the last changes.
        """
        timeline = self.timeline.to_dict()
        if brief:
            left_out = max(0, len(timeline["entries"]) - _LAST_CHANGES)
            timeline["entries"] = timeline["entries"][left_out:]
            timeline["dropped"] += left_out
        facts = {stored: getattr(self, name) for name, stored in _PLAIN.items()}
        return {
            "id": self.operation_id,
            "operation": _brief(self.operation, has_steps=not brief),
            "timeline": timeline,
            "phases": [list(phase) for phase in self.phases],
            "seen": {} if brief else self.seen,
            **facts,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> OperationHistory:
        """Read what :meth:`to_dict` of this or another release has written."""
        facts = {name: data[stored] for name, stored in _PLAIN.items() if stored in data}
        operation = data.get("operation")
        return cls(
            operation_id=str(data["id"]),
            operation=Operation.from_dict(operation) if operation else None,
            timeline=Timeline.from_dict(data.get("timeline") or {}),
            phases=[(float(at), str(state), phase) for at, state, phase in whole_rows(data.get("phases"), 3)],
            seen={str(name): dict(states) for name, states in (data.get("seen") or {}).items()},
            **facts,
        )


#: Fields that are JSON as they are, with the names under which they are stored since release 0.1.0.
_PLAIN = {
    "outcome": "outcome",
    "error": "error",
    "failed_polls": "failed_looks",
    "last_error": "last_error",
    "is_failing": "is_stumbling",
    "next_poll": "next_look",
    "interval": "interval",
    "submitted_at": "submitted_at",
    "adopted_at": "adopted_at",
}


#: Of a try that could not record how its wait ended.
UNRECORDED = "ended before the wait was over (cleared, or its worker was lost)"

_WHY_OPEN = {
    "timeout": "the deadline passed",
    "gave_up": "it could not be polled any more",
    None: UNRECORDED,
}


def _at(phase: Phase) -> float:
    return phase[0]


def _changes(phases: Sequence[Phase]) -> list[Phase]:
    """Return phases without those that repeat the one before."""
    return [phase for number, phase in enumerate(phases) if not number or phase[1:] != phases[number - 1][1:]]


def _brief(operation: Operation | None, *, has_steps: bool) -> dict[str, Any] | None:
    """Return an operation without its result and the details of its error, which may be large."""
    if operation is None:
        return None
    shown = operation.to_dict()
    shown["result"] = None
    if shown["progress"] and not has_steps:
        shown["progress"]["steps"] = []
    if shown["error"]:
        shown["error"]["details"] = {}
    return _without_none(shown)


def _without_none(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _without_none(value) if isinstance(value, dict) else value
        for name, value in facts.items()
        if value is not None
    }
