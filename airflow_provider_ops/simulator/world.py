"""The state of one API: its operations, its resources, and the agenda that moves them."""

from __future__ import annotations

import asyncio
import heapq
import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .ids import Ids
from .lifecycle import JITTER, Fate, Script, cancelled_at, timetable
from .records import Operation, Resource, Step
from .table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from .clock import Clock


@dataclass
class Settings:
    """What can be set from the command line; `duration` and `latency` may be changed while running."""

    duration: float = 5.0
    """Seconds that an operation takes."""
    seed: int = 1
    latency: float = 0.0
    """Seconds that every answer of an API takes longer."""
    rate_limit: float | None = None
    """Requests per second and API above which answers are 429; None for no limit."""


class World:
    """Everything that exists at one simulated API.

    Every call first lets time pass (`advance`): what should have happened since the last call happens then, in order
    and with the time at which it was due, so no client can notice that nothing ran in between.
    """

    def __init__(
        self,
        api: str,
        settings: Settings,
        clock: Clock,
        operation_facets: Mapping[str, Callable[[Operation], Hashable]],
        resource_facets: Mapping[str, Callable[[Resource], Hashable]],
    ) -> None:
        self.api = api
        self.settings = settings
        self.clock = clock
        # Separate streams: a fault that draws a number must not change the ids that follow.
        self.ids = Ids(random.Random(f"{settings.seed}:{api}:ids"))
        self._jitter = random.Random(f"{settings.seed}:{api}:jitter")
        self.operations: Table[Operation] = Table(
            {
                "kind": lambda o: o.kind,
                "status": lambda o: o.shown,
                "resource": lambda o: o.resource.id,
                **operation_facets,
            },
            as_listed=lambda o: o.listed or o,
        )
        self.resources: Table[Resource] = Table(
            {"kind": lambda r: r.kind, "status": lambda r: r.status, "deleted": lambda r: r.deleted, **resource_facets}
        )
        self._agenda: list[tuple[float, int, int, Operation]] = []
        #: What lists will show, and from when on.
        self._news: list[tuple[float, int, int, Operation, Operation]] = []

    def now(self) -> float:
        """Return the time of the clock."""
        return self.clock.time()

    def advance(self) -> float:
        """Let everything happen that is due, and return the time."""
        now = self.clock.time()
        while self._agenda and self._agenda[0][0] <= now:
            _, _, table_no, operation = heapq.heappop(self._agenda)
            if table_no == operation.timetable:
                self._take(operation, operation.steps.pop())
                self._schedule(operation)
        while self._news and self._news[0][0] <= now:
            *_, operation, listed = heapq.heappop(self._news)
            operation.listed = listed
            self.operations.changed(operation)
        return now

    def add(self, kind: str, resource_id: str, name: str, status: str, details: Mapping[str, Any]) -> Resource:
        """Create a resource."""
        now = self.clock.time()
        return self.resources.add(
            Resource(self.api, kind, resource_id, name, status, created_at=now, updated_at=now, details=dict(details))
        )

    def update(
        self, resource: Resource, *, status: str | None = None, deleted: bool = False, at: float | None = None
    ) -> None:
        """Change a resource (now, or `at` the time at which it was due), so that lists and its version follow."""
        resource.status = resource.status if status is None else status
        resource.deleted = resource.deleted or deleted
        resource.updated_at = self.clock.time() if at is None else at
        resource.version += 1
        self.resources.changed(resource)

    def start(
        self,
        kind: str,
        operation_id: str,
        resource: Resource,
        script: Script,
        fate: Fate,
        on_settled: Callable[[Operation], None] | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> Operation:
        """Start an operation on a resource; `on_settled` is called when it has ended, before anybody sees that."""
        now = self.clock.time()
        duration = self.settings.duration * (1 + self._jitter.uniform(-JITTER, JITTER))
        steps = timetable(now, duration, script, fate)
        operation = Operation(
            self.api,
            kind,
            operation_id,
            resource,
            created_at=now,
            steps=steps[::-1],
            on_settled=on_settled,
            details=dict(details or {}),
            reason=fate.reason,
            code=fate.code,
            advice=fate.advice,
            hidden_reads=fate.hidden_reads,
            cancel_seconds=fate.cancel_seconds,
            list_lag=fate.list_lag,
            dates_early=fate.dates_early,
            hides_end=fate.hides_end,
            updated_at=now,
        )
        resource.operation = operation
        if resource.created_by is None:
            resource.created_by = operation.id
        self.operations.add(operation)
        self._schedule(operation)
        self.advance()
        return operation

    def cancel(self, operation: Operation, reason: str, default_seconds: float = 0.0) -> None:
        """Let an operation drain and end as cancelled; a second cancel changes nothing."""
        if operation.settled or operation.cancel_requested_at is not None:
            return
        now = self.clock.time()
        seconds = default_seconds if operation.cancel_seconds is None else operation.cancel_seconds
        operation.cancel_requested_at = now
        operation.reason, operation.code = reason, None
        operation.steps = cancelled_at(now + seconds, operation.phase)
        operation.timetable += 1
        self._schedule(operation)
        self._wake(operation)
        self.advance()

    async def until_settled(self, operation: Operation, timeout: float) -> None:
        """Return when the operation has settled or the timeout (of this clock) is over: what a long poll does."""
        deadline = self.clock.time() + timeout
        while (now := self.advance()) < deadline and not operation.settled:
            # A change sets the event and removes it, so the next check makes or finds a new one.
            operation.changed = operation.changed or asyncio.Event()
            due = min(deadline, operation.steps[-1].at if operation.steps else deadline)
            await self._either(due - now, operation.changed)

    async def _either(self, seconds: float, event: asyncio.Event) -> None:
        """Return after the time or when the event is set, whichever is first."""
        tasks = [asyncio.ensure_future(self.clock.asleep(seconds)), asyncio.ensure_future(event.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    def _schedule(self, operation: Operation) -> None:
        if operation.steps:
            entry = (operation.steps[-1].at, operation.seq, operation.timetable, operation)
            heapq.heappush(self._agenda, entry)

    def _take(self, operation: Operation, step: Step) -> None:
        if operation.list_lag and operation.listed is None:
            operation.listed = replace(operation)
        operation.stage, operation.phase, operation.word = step.stage, step.phase, step.word
        if step.phase is not None:
            operation.entered.setdefault(step.phase.name, step.at)
        operation.updated_at = step.at
        if step.stage == "running" and operation.started_at is None:
            operation.started_at = step.at
        if operation.settled:
            self._settle(operation, step.at)
        if operation.list_lag:
            shown = replace(operation, listed=None)
            entry = (step.at + operation.list_lag, operation.seq, -len(operation.steps), operation, shown)
            heapq.heappush(self._news, entry)
        self.operations.changed(operation)
        self._wake(operation)

    def _settle(self, operation: Operation, at: float) -> None:
        operation.ended_at = at
        if operation.on_settled is not None:
            operation.on_settled(operation)
        if operation.resource.operation is operation:
            operation.resource.operation = None

    @staticmethod
    def _wake(operation: Operation) -> None:
        if operation.changed is not None:
            operation.changed.set()
            operation.changed = None
