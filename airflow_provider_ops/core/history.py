"""The history of a wait that people are shown: one record per operation, small enough to be kept beside the task.

The process that waits (worker or triggerer) records what its wait states know whenever something changed, and keeps the
result where Airflow's UI can read it. A later leg, or another triggerer, continues where the last one stopped.
"""

from __future__ import annotations

import contextlib
import functools
import json
import operator
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_ops.core.aftermath import Aftermath
from airflow_provider_ops.core.changes import ended_as
from airflow_provider_ops.core.gate import SHORT, clean, fit, one_line, share, whole_rows
from airflow_provider_ops.core.timeline import Timeline
from airflow_provider_ops.core.wait_state import (
    CAN_POLL_AGAIN,
    COULD_NOT_POLL,
    DEADLINE_REACHED,
    FAILED_POLLS,
    GIVING_UP,
    Outcome,
    Settled,
    TimedOut,
    Unobservable,
    WaitState,
)
from airflow_provider_ops.core.zero_point import ZeroPoint, zero_point
from airflow_provider_ops.operation import Operation, OperationState

#: XCom key of the record. Renaming it would hide the history of tasks that have ended.
KEY = "operation_progress"
#: Key in the task state store of the outcomes of earlier tries.
TRIES = "airflow_provider_ops.tries"
#: Key in the task state store of the record of a try whose XComs do not outlive each of its legs.
RECORD = "airflow_provider_ops.record"
#: Layout of the record; older ones stay readable.
VERSION = 1

#: Beginnings of timeline lines that report no new state of the operation, those of earlier releases included.
_TROUBLE = (COULD_NOT_POLL, CAN_POLL_AGAIN, FAILED_POLLS, GIVING_UP, "could not look", "can look again")
_STEP = "step "
_NOT_SEEN = (*_TROUBLE, DEADLINE_REACHED)

#: Bounds of one record: it is written again on each change and read by every open page.
MOST_OPERATIONS = SHORT.items
MOST_STEPS = SHORT.items
#: Of more operations than this each is recorded without its steps and with its last few changes only.
_FEW = 10
_MOST_PHASES = 40
_LAST_CHANGES = 3


#: Names of stored texts that may be missing.
_TEXTS = ("on_kill", "on_timeout", "error")

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
        self.timeline = _joined(self.timeline, _without_end(watch.timeline) if paused else watch.timeline)
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

    def ended(self, outcome: Outcome | None, timeline: Timeline | None, now: float) -> None:
        """Take in how the wait ended."""
        self.timeline = self.timeline if timeline is None else _joined(self.timeline, timeline)
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
        seen += [self.timeline.start + at for at, text in self.timeline.entries if not text.startswith(_NOT_SEEN)][:1]
        return zero_point(self.operation, self.submitted_at, min(seen, default=self.timeline.start))

    @property
    def has_succeeded(self) -> bool:
        """Return whether the operation has succeeded."""
        return self.operation is not None and self.operation.state is OperationState.SUCCEEDED

    @property
    def summary(self) -> str:
        """Return in a line how the wait ended."""
        if self.operation is None or not self.operation.state.is_terminal:
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


@dataclass(slots=True)
class WaitHistory:
    """The operations that one try of a task waits for, with the history of each.

    :param where: ``worker`` or ``triggerer``: the process that polls.
    :param deadline: epoch seconds.
    :param on_kill: kill policy of the task; ``None`` where it has none, or its release did not record it.
    :param on_timeout: the same for its timeout policy.
    """

    api: str
    conn_id: str
    try_number: int
    where: str
    wait_for: str = "all"
    deadline: float | None = None
    on_kill: str | None = None
    on_timeout: str | None = None
    is_over: bool = False
    #: What the try left behind, once it has ended without success.
    aftermath: Aftermath | None = None
    #: When the record was written that this was read from.
    written_at: float = 0.0
    #: Why the try has failed, where it came to know no operation.
    error: str | None = None
    #: How many operations the record that this was read from has left out.
    omitted: int = 0
    operations: dict[str, OperationHistory] = field(default_factory=dict)

    def record(self, watches: Iterable[WaitState], now: float) -> None:
        """Take in what wait states know now."""
        for watch in watches:
            self.operation(watch.operation_id).observe(watch, now)

    def operation(self, operation_id: str) -> OperationHistory:
        """Return the history of an operation, an empty one when there is none."""
        return self.operations.setdefault(operation_id, OperationHistory(operation_id))

    def continue_from(self, record: object) -> None:
        """Take over what an earlier leg of the same try has kept, where that can be read."""
        earlier = read_record(record)
        if earlier is None or earlier.try_number != self.try_number:
            return
        self.on_kill = self.on_kill or earlier.on_kill
        self.on_timeout = self.on_timeout or earlier.on_timeout
        for operation_id, before in earlier.operations.items():
            after = self.operations.get(operation_id)
            self.operations[operation_id] = before if after is None else _continued(before, after)
        self.operations = {
            # in the order in which the waits began
            **{name: self.operations[name] for name in earlier.operations},
            **self.operations,
        }

    def to_event(self) -> dict[str, Any]:
        """Return the part that an event carries, for a worker that finds no stored record."""
        summary = {
            name: {
                "phases": [list(phase) for phase in history.phases],
                "failed_looks": history.failed_polls,
                "last_error": history.last_error,
            }
            for name, history in list(self.operations.items())[:_FEW]
        }
        return fit(summary).value  # type: ignore[no-any-return]

    def merge(self, summary: object) -> None:
        """Take in what the trigger's event carries."""
        for name, facts in summary.items() if isinstance(summary, Mapping) else ():
            # no task may fail because another release wrote the event differently
            with contextlib.suppress(Exception):
                if name in self.operations or facts["phases"]:
                    self.operation(str(name)).merge(facts)

    def to_record(self, now: float) -> dict[str, Any]:
        """Return the record as JSON values, bounded, without anything secret."""
        shown = list(self.operations.values())[:MOST_OPERATIONS]
        brief, limits = len(shown) > _FEW, share(len(shown))
        return {
            "version": VERSION,
            "api": self.api,
            "conn_id": self.conn_id,
            "try_number": self.try_number,
            "where": self.where,
            "wait_for": self.wait_for,
            "deadline": self.deadline,
            "on_kill": self.on_kill,
            "on_timeout": self.on_timeout,
            "aftermath": fit(self.aftermath.to_dict()).value if self.aftermath else None,
            "is_over": self.is_over,
            "error": self.error,
            "written_at": round(now, 1),
            "omitted": len(self.operations) - len(shown),
            "operations": [fit(history.to_dict(brief=brief), limits).value for history in shown],
        }


def read_record(record: object) -> WaitHistory | None:
    """Return the history in a record; ``None`` when there is none that this release can read."""
    try:
        if isinstance(record, str):
            record = json.loads(record)
        if not isinstance(record, Mapping):
            return None
        # users and tasks that may write XComs could have written any number, and anything
        entries = record["operations"]
        histories = [OperationHistory.from_dict(clean(entry)) for entry in entries[:MOST_OPERATIONS]]
        return WaitHistory(
            api=str(record["api"]),
            conn_id=str(record["conn_id"]),
            try_number=int(record["try_number"]),
            where=str(record["where"]),
            wait_for=str(record.get("wait_for", "all")),
            deadline=record.get("deadline"),
            **{name: clean(text) for name in _TEXTS if isinstance(text := record.get(name), str)},
            aftermath=Aftermath.from_dict(clean(record.get("aftermath"))),
            is_over=bool(record.get("is_over")),
            written_at=float(record.get("written_at") or 0.0),
            omitted=int(record.get("omitted") or 0) + len(entries) - len(histories),
            operations={history.operation_id: history for history in histories},
        )
    except Exception:  # noqa: BLE001 - whatever another release, or a person, has written there
        return None


def digest(watches: Sequence[WaitState]) -> int:
    """Return a number that changes when the reported state of the waits does.

    The digest of several waits is made of the digests of each.
    """
    return functools.reduce(operator.xor, map(_digest_of, watches), 0)


def _digest_of(watch: WaitState) -> int:
    facts = (watch.operation_id, watch.is_failing, *(_state_of(watch.operation) if watch.operation else ()))
    return zlib.crc32(repr(facts).encode())


def _state_of(operation: Operation) -> tuple[str, str]:
    return operation.raw_state, str(operation.progress or "")


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


def _without_end(timeline: Timeline) -> Timeline:
    entries = [entry for entry in timeline.entries if entry[1] != DEADLINE_REACHED]
    return Timeline(timeline.start, entries, timeline.dropped)


def _joined(before: Timeline, after: Timeline) -> Timeline:
    """Return one timeline of two: what happened before the second began, then what was new in the second.

    Each leg of a wait begins with what it finds, which the leg before has noted already.
    """
    if not before.entries or after.start == before.start:
        return after if after.entries or not before.entries else before
    earlier = [(at, text) for at, text in before.entries if before.start + at < after.start]
    shift = after.start - before.start
    joined = Timeline(before.start, earlier, before.dropped + after.dropped)
    noted = [text for _, text in earlier]
    for at, text in after.entries:
        if not _is_noted(text, noted):
            joined.add(before.start + shift + at, text)
            noted.append(text)
    return joined


def _is_noted(text: str, noted: Sequence[str]) -> bool:
    """Return whether a line adds nothing to the lines before it."""
    if text.startswith(_TROUBLE):
        return bool(noted) and noted[-1] == text
    if text.startswith(_STEP):
        return text in noted
    return next((line == text for line in reversed(noted) if not line.startswith((*_TROUBLE, _STEP))), False)


def _continued(before: OperationHistory, after: OperationHistory) -> OperationHistory:
    """Return the history of a wait that was begun again: by another triggerer, or by the worker after the triggerer."""
    after.timeline = _joined(before.timeline, after.timeline)
    began = after.phases[0][0] if after.phases else float("inf")
    phases = [phase for phase in before.phases if phase[0] < began]
    after.phases = _changes([*phases, *after.phases])
    for name, states in before.seen.items():
        after.seen[name] = {**after.seen.get(name, {}), **states}
    after.failed_before = before.failed_polls
    after.failed_polls += before.failed_polls
    after.last_error = after.last_error or before.last_error
    after.operation = after.operation or before.operation
    after.submitted_at = after.submitted_at or before.submitted_at
    after.adopted_at = before.adopted_at or after.adopted_at
    return after
