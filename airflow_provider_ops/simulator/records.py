"""What the simulator remembers: operations and the resources they act on, in words that are common to all APIs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

Stage = Literal["queued", "running", "succeeded", "failed", "cancelled"]

SETTLED: frozenset[str] = frozenset({"succeeded", "failed", "cancelled"})
"""Stages that never change again."""


class Phase(NamedTuple):
    """A part of the running time, as the API reports progress."""

    name: str
    message: str


class Step(NamedTuple):
    """From this time on, the operation is in this stage and phase; `word` is shown in place of a known status."""

    at: float
    stage: Stage
    phase: Phase | None = None
    word: str | None = None


@dataclass(eq=False)
class Resource:
    """A thing that an API manages: a deployment, a VM, a cluster."""

    api: str
    kind: str
    id: str
    name: str
    status: str
    created_at: float
    updated_at: float
    details: dict[str, Any] = field(default_factory=dict)
    created_by: str | None = None
    """Id of the operation that created it."""
    operation: Operation | None = None
    """The operation in flight, or None."""
    deleted: bool = False
    version: int = 1
    """Goes up with every change; an API with etags makes them from it."""
    seq: int = -1


@dataclass(eq=False)
class Operation:
    """A long-running action; the world moves it along its steps as time passes."""

    api: str
    kind: str
    id: str
    resource: Resource
    created_at: float
    steps: list[Step]
    """What is still to come, the next one last."""
    on_settled: Callable[[Operation], None] | None = None
    details: dict[str, Any] = field(default_factory=dict)
    reason: str | None = None
    """Why it failed or was cancelled; known to the API's callers once it has settled."""
    code: str | None = None
    advice: tuple[bool | None, float | None] = (None, None)
    """Whether the API says that trying again helps, and after how many seconds; None leaves it to the API."""
    hidden_reads: int = 0
    """So many single reads still answer "not found"."""
    cancel_seconds: float | None = None
    """How long a cancel drains; None leaves it to the API."""
    stage: Stage = "queued"
    phase: Phase | None = None
    entered: dict[str, float] = field(default_factory=dict)
    """When each phase began, by its name."""
    word: str | None = None
    updated_at: float = 0.0
    started_at: float | None = None
    ended_at: float | None = None
    cancel_requested_at: float | None = None
    list_lag: float = 0.0
    """Lists show it as it was so many seconds ago."""
    listed: Operation | None = None
    """What lists show, while that is not the operation as it is."""
    dates_early: float = 0.0
    hides_end: bool = False
    """Dates of change and end are shown so many seconds too early, or that of the end not at all."""
    reads: int = 0
    timetable: int = 0
    """Goes up when the steps are rewritten, so that the agenda can recognize old entries."""
    changed: asyncio.Event | None = None
    """Set when something changed, for those who wait; made by the first of them."""
    seq: int = -1

    @property
    def shown_updated_at(self) -> float:
        """Return when it changed last, as the API says."""
        return max(self.created_at, self.updated_at - self.dates_early)

    @property
    def shown_ended_at(self) -> float | None:
        """Return when it ended, as the API says; None where that is not said."""
        if self.ended_at is None or self.hides_end:
            return None
        return max(self.created_at, self.ended_at - self.dates_early)

    @property
    def settled(self) -> bool:
        """Return whether it has ended, in whatever way."""
        return self.stage in SETTLED

    @property
    def shown(self) -> str:
        """Return the stage, or the unknown word that a fault put in its place."""
        return self.word or self.stage
