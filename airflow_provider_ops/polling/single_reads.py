"""Single reads and long polls of one client, in the background: one that hangs holds up no other."""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_ops import metrics
from airflow_provider_ops.apis.calls import Call
from airflow_provider_ops.core.outage import concerns_connection
from airflow_provider_ops.exceptions import OpsError, RateLimited, TransportError
from airflow_provider_ops.http.background import create_background_task
from airflow_provider_ops.http.clock import on_wall_clock
from airflow_provider_ops.http.responses import unreadable
from airflow_provider_ops.operation import Operation
from airflow_provider_ops.polling.subscriptions import PolledOperation, Subscriptions

if TYPE_CHECKING:
    from airflow_provider_ops.http.async_client import AsyncClient

#: Open long polls per connection and event loop: each holds a socket, and others need sockets too.
MOST_LONG_POLLS = 10
#: Single reads under way at the same time, and how many share one socket: each open one makes every request cost more.
_MOST_READS = 10
_READS_PER_SOCKET = 8
#: Seconds after which a read is slow: those that wait behind it get another reader.
_SLOW = 0.5
#: A request for several takes along whose poll is due within this share of an interval.
_SOON = 0.5
#: Seconds for which each is read by itself after a request for several was refused.
_APART = 60.0


class SingleReads:
    """Read operations by themselves.

    :param on_result: called after each read with its error; ``None`` for an answer.
    :param on_crash: called when reading itself has a fault.
    """

    def __init__(
        self,
        client: AsyncClient,
        targets: Subscriptions,
        on_result: Callable[[PolledOperation, OpsError | None], None],
        on_crash: Callable[[Exception], None],
    ) -> None:
        self._client = client
        self._clock = client.clock
        self._subscriptions = targets
        self._on_result = on_result
        self._on_crash = on_crash
        self._queue: deque[PolledOperation] = deque()
        #: When each reader has begun its present read.
        self._readers: dict[object, float] = {}
        self._is_relieving = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.long_polls = 0
        #: Until when each is read by itself, because a request for several was refused.
        self._apart_until = float("-inf")

    def request(self, targets: Iterable[PolledOperation]) -> None:
        """Read operations soon, each once; an operation that is being read already is not read again."""
        for target in targets:
            if target.waits and not target.is_reading:
                target.is_reading = True
                self._queue.append(target)
        self._add_readers()
        if self._queue and not self._is_relieving:
            self._is_relieving = True
            self._create_task(self._relieve())

    def long_poll(self, target: PolledOperation) -> bool:
        """Begin a long poll where that is possible; return whether it has begun."""
        api = self._client.api
        if api.longest_poll < 1.0 or self.long_polls >= MOST_LONG_POLLS or ":" in target.operation_id:
            return False
        # after an error a plain read is the safer poll
        if target.is_long_polling or target.is_reading or target.is_failing or not target.may_long_poll:
            return False
        if self._long_poll_seconds(target) < 1.0:
            return False
        target.is_long_polling = True
        self.long_polls += 1
        self._create_task(self._read_long_poll(target))
        return True

    def long_poll_some(self) -> None:
        """Begin long polls, as far as that is possible, for those that came first: they are the next to end."""
        if self._client.api.longest_poll >= 1.0:
            now = self._clock.monotonic()
            for target in self._subscriptions:
                if self.long_polls >= MOST_LONG_POLLS:
                    break
                # a server that does not hold its answers back must not be asked without pause
                if target.next_poll <= now:
                    self.long_poll(target)

    async def read(
        self, target: PolledOperation, call: Call[Operation] | None = None, *, way: str = "read"
    ) -> OpsError | None:
        """Read one operation now; return the error where there was one."""
        metrics.POLLS.add(1, api=self._client.api.name, way=way)
        started = self._clock.monotonic()
        try:
            call = call or self._client.api.get_operation(target.operation_id)
            operation = await self._client.send_once(call, deadline=on_wall_clock(self._clock, target.ends_at))
        except Exception as error:  # noqa: BLE001 - one answer that cannot be read is an error for one wait only
            failure = unreadable(error)
            metrics.ERRORS.add(api=self._client.api.name, reason=metrics.reason(failure))
            self._subscriptions.on_error(target, failure, self._clock.monotonic())
            return failure
        now = self._clock.monotonic()
        self._subscriptions.on_result(target, operation, now, waited=now - started if way == "hold" else 0.0)
        return None

    def close(self) -> None:
        """Cancel all that is under way: there are no waits any more."""
        self._queue.clear()
        for task in self._tasks:
            task.cancel()

    def _create_task(self, work: Coroutine[Any, Any, None]) -> None:
        task = create_background_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._on_crash(error)

    def _add_readers(self) -> None:
        """Start readers until enough work on the queue; those whose read hangs do not count."""
        slow_since = self._clock.monotonic() - _SLOW
        at_work = sum(since > slow_since for since in self._readers.values())
        needed = min(_MOST_READS, -(-len(self._queue) // _READS_PER_SOCKET)) - at_work
        for _ in range(min(needed, 2 * _MOST_READS - len(self._readers))):
            self._readers[reader := object()] = self._clock.monotonic()
            self._create_task(self._work(reader))

    async def _relieve(self) -> None:
        try:
            while self._queue:
                await self._clock.asleep(_SLOW)
                self._add_readers()
        finally:
            self._is_relieving = False

    async def _work(self, reader: object) -> None:
        try:
            while self._queue:
                self._readers[reader] = self._clock.monotonic()
                await self._some()
        finally:
            del self._readers[reader]

    async def _some(self) -> None:
        """Read what is next in the queue: together with others, where the API can show several."""
        together = self._together()
        if len(together) == 1:
            await self._one(together[0])
            return
        try:
            rest = await self._at_once(together)
        finally:
            for target in together:
                target.is_reading = False
        for target in rest:
            target.is_reading = True
            await self._one(target)

    def _together(self) -> list[PolledOperation]:
        """Return the targets of one request: those in the queue, then those whose polls are due soon."""
        most = max(self._client.api.ids_per_request, 1)
        chosen = [self._queue.popleft() for _ in range(min(most, len(self._queue)))]
        if most == 1 or self._clock.monotonic() < self._apart_until:
            self._queue.extendleft(reversed(chosen[1:]))
            return chosen[:1]
        if room := most - len(chosen):
            soon = self._clock.monotonic() + self._subscriptions.shortest_interval * _SOON
            others = (one for one in self._subscriptions if one.next_poll <= soon)
            for target in heapq.nsmallest(room, others, key=lambda one: one.next_poll):
                target.is_reading = True
                chosen.append(target)
        return chosen

    async def _at_once(self, together: Sequence[PolledOperation]) -> list[PolledOperation]:
        """Read several by one request; return those that must be read by themselves."""
        known = {target.operation_id: target for target in together if target.waits}
        if not known:
            return []
        metrics.POLLS.add(1, api=self._client.api.name, way="ids")
        try:
            call = self._client.api.get_operations(list(known))
            until = on_wall_clock(self._clock, self._subscriptions.first_deadline)
            found = await self._client.send_once(call, deadline=until)
        except Exception as error:  # noqa: BLE001 - as in a single read
            return self._without(unreadable(error), list(known.values()))
        now = self._clock.monotonic()
        for name, operation in found.items():
            self._subscriptions.on_result(known[name], operation, now)
            known[name].is_reading = False
            self._on_result(known[name], None)
        return [target for name, target in known.items() if name not in found and target.waits]

    def _without(self, error: OpsError, together: list[PolledOperation]) -> list[PolledOperation]:
        """Take in that the request for several has failed; return those that a read of their own may do better for."""
        metrics.ERRORS.add(api=self._client.api.name, reason=metrics.reason(error))
        is_unreadable = isinstance(error, TransportError) and error.reason == "unreadable"
        if is_unreadable or not (isinstance(error, RateLimited) or concerns_connection(error)):
            self._apart_until = self._clock.monotonic() + _APART
            return together
        now = self._clock.monotonic()
        for target in together:
            self._subscriptions.on_error(target, error, now)
            target.is_reading = False
            self._on_result(target, error)
        return []

    async def _one(self, target: PolledOperation) -> None:
        try:
            error = await self.read(target) if target.waits else None
        finally:
            target.is_reading = False
        self._on_result(target, error)

    def _long_poll_seconds(self, target: PolledOperation) -> float:
        longest, ends_at = self._client.api.longest_poll, target.ends_at
        return longest if ends_at is None else min(longest, ends_at - self._clock.monotonic())

    async def _read_long_poll(self, target: PolledOperation) -> None:
        try:
            call = self._client.api.long_poll(target.operation_id, self._long_poll_seconds(target))
            error = await self.read(target, call, way="hold")
        finally:
            target.is_long_polling = False
            self.long_polls -= 1
        self._on_result(target, error)
