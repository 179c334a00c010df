"""One poller per connection and event loop: it looks for all waits together, in the cheapest way for what it has.

Few waits are read one by one, or held in long polls where the API has them. Many are looked for in the API's lists:
an operation that a list shows is observed by it, one that has left the lists of open operations is looked for among
the recently settled ones, and read by itself when it is not there either. So the cost grows with pages, not with
waits, and no list that errs, lags or shuffles its pages can lose an operation.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_ops.apis.base import Listed
from airflow_provider_ops.apis.http import Call, Page
from airflow_provider_ops.client.tasks import spawn
from airflow_provider_ops.exceptions import OpsError, RateLimited
from airflow_provider_ops.operation import Operation
from airflow_provider_ops.waiting import planning
from airflow_provider_ops.waiting.verdict import WaitFor, is_decided
from airflow_provider_ops.waiting.watch import Watch

if TYPE_CHECKING:
    from airflow_provider_ops.client.asynchronous import AsyncClient

Log = Callable[[str], None]
log = logging.getLogger(__name__)

#: Open long polls per connection and event loop: each holds a socket, and others need sockets too.
MOST_LONG_POLLS = 10
#: Single reads under way at the same time.
_MOST_READS = 10
_READS_PER_SOCKET = 8
#: Shortest pause between two rounds, against a plan that never sleeps.
_SHORTEST = 0.05
#: A page of recently settled operations is followed by the next when it shows at least so many that are waited for.
_USEFUL_HITS = 3
#: Against a list that never ends.
_MOST_PAGES = 2000


@dataclass(eq=False)
class _Wait:
    """One caller: its watches, its verdict, and the context its log lines belong to."""

    watches: Sequence[Watch]
    wait_for: WaitFor
    log: Log
    decided: asyncio.Future[None]
    context: Context = field(default_factory=copy_context)

    def settle(self) -> None:
        """Wake the caller when nothing can change the verdict any more."""
        if not self.decided.done() and is_decided(self.wait_for, [watch.outcome for watch in self.watches]):
            self.decided.set_result(None)

    def say(self, watch: Watch, lines: Iterable[str]) -> None:
        """Log on behalf of the caller, so that each line lands in the log of its own task."""
        for line in lines:
            self.context.run(self.log, f"{watch.operation_id}: {line}")


@dataclass(eq=False)
class _Target:
    """One operation and everybody who waits for it."""

    operation_id: str
    waits: list[tuple[_Wait, Watch]] = field(default_factory=list)
    misses: int = 0
    #: No list shows it although it is open.
    unlisted: bool = False
    #: The entry of a list that was read last.
    raw: Mapping[str, Any] | None = None
    holding: bool = False

    def open(self) -> list[tuple[_Wait, Watch]]:
        return [(wait, watch) for wait, watch in self.waits if watch.outcome is None]

    @property
    def next_look(self) -> float:
        return min((watch.next_look for _, watch in self.open()), default=float("inf"))

    @property
    def is_at_deadline(self) -> bool:
        return any(watch.deadline is not None and watch.next_look >= watch.deadline for _, watch in self.open())


class Poller:
    """Looks for all waits of one client."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._clock = client.clock
        self._targets: dict[str, _Target] = {}
        self._task: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        self._pages = 0
        self._lists_off_until = 0.0
        self._next_list = 0.0
        self._long_polls = 0

    @property
    def size(self) -> int:
        """How many operations somebody waits for now."""
        return len(self._targets)

    async def wait(self, watches: Sequence[Watch], log: Log, wait_for: WaitFor = "all") -> None:
        """Return when the watches decide the verdict. Their outcomes hold the result."""
        wait = _Wait(watches, wait_for, log, asyncio.get_running_loop().create_future())
        for watch in watches:
            self._targets.setdefault(watch.operation_id, _Target(watch.operation_id)).waits.append((wait, watch))
        wait.settle()
        self._woken.set()
        if self._task is None or self._task.done():
            # in a context of its own: what it does belongs to no single caller
            self._task = Context().run(spawn, self._run())
        try:
            await wait.decided
        finally:
            self._forget(wait)

    def _forget(self, wait: _Wait) -> None:
        for watch in wait.watches:
            target = self._targets[watch.operation_id]
            target.waits = [pair for pair in target.waits if pair[0] is not wait]
            if not target.waits:
                del self._targets[watch.operation_id]
        if not self._targets and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        try:
            while self._targets:
                await self._sleep()
                await self._round()
        except Exception as error:
            # never leave callers waiting for a poller that is gone
            for target in list(self._targets.values()):
                for wait, _ in target.waits:
                    if not wait.decided.done():
                        wait.decided.set_exception(error)
            raise

    async def _sleep(self) -> None:
        self._woken.clear()
        due = (
            self._next_list
            if self._lists()
            else min(
                (target.next_look for target in self._targets.values() if not target.holding), default=float("inf")
            )
        )
        pause = max(due - self._clock.time(), _SHORTEST)
        sleeping = asyncio.ensure_future(self._clock.asleep(min(pause, 3600.0)))
        waking = asyncio.ensure_future(self._woken.wait())
        try:
            await asyncio.wait((sleeping, waking), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            waking.cancel()

    async def _round(self) -> None:
        now = self._clock.time()
        if self._lists():
            if now >= self._next_list:
                await self._look_at_lists()
            return
        due = [target for target in self._targets.values() if not target.holding and target.next_look <= now]
        await self._read_all(due)

    # -- single reads and long polls

    async def _read_all(self, targets: Sequence[_Target]) -> None:
        queue = list(targets)
        for target in list(queue):
            if self._may_hold(target, self._clock.time()):
                queue.remove(target)
                target.holding = True
                self._long_polls += 1
                spawn(self._hold(target))

        async def reader() -> None:
            while queue:
                await self._read(queue.pop(), self._client.api.get_operation)

        # each open socket makes every request of the pool dearer, so a few reads share one
        readers = min(_MOST_READS, -(-len(queue) // _READS_PER_SOCKET))
        await asyncio.gather(*(reader() for _ in range(readers)))

    def _may_hold(self, target: _Target, now: float) -> bool:
        if self._client.api.longest_poll < 1.0 or self._long_polls >= MOST_LONG_POLLS or ":" in target.operation_id:
            return False
        # after an error a plain read is the safer look
        return not any(watch.is_stumbling for _, watch in target.open()) and self._hold_seconds(target, now) >= 1.0

    def _hold_seconds(self, target: _Target, now: float) -> float:
        deadlines = [watch.deadline for _, watch in target.open() if watch.deadline is not None]
        return min([self._client.api.longest_poll, *(deadline - now for deadline in deadlines)])

    async def _hold(self, target: _Target) -> None:
        try:
            seconds = self._hold_seconds(target, self._clock.time())
            await self._read(target, lambda operation_id: self._client.api.long_poll(operation_id, seconds))
        finally:
            target.holding = False
            self._long_polls -= 1
            self._woken.set()

    async def _read(self, target: _Target, call: Callable[[str], Call[Operation]]) -> OpsError | None:
        started = self._clock.time()
        try:
            operation = await self._client.send_once(call(target.operation_id))
        except OpsError as error:
            self._failed([target], error)
            return error
        waited = self._clock.time() - started if target.holding else 0.0
        self._saw(target, operation, waited=waited)
        return None

    # -- lists

    def _lists(self) -> bool:
        if not self._client.api.lists_operations or self._clock.time() < self._lists_off_until:
            return False
        listed = sum(not target.unlisted for target in self._targets.values())
        pages = max(self._pages, listed // 100)
        return planning.lists_are_cheaper(listed, pages)

    async def _look_at_lists(self) -> None:
        started = self._clock.time()
        try:
            missing = await self._sweep()
        except RateLimited:
            # the connection pauses for as long as the API asks; there is nothing to find out
            missing = []
        except OpsError as error:
            await self._lists_failed(error)
            missing = []
        now = self._clock.time()
        intervals = [watch.policy.cap for target in self._targets.values() for _, watch in target.waits[:1]]
        self._next_list = max(started + planning.list_interval(min(intervals, default=1.0)), now + _SHORTEST)
        late = [target for target in self._targets.values() if target.unlisted and target.next_look <= now]
        ending = [target for target in self._targets.values() if target.is_at_deadline and target.next_look <= now]
        await self._read_all(list({id(target): target for target in (*missing, *late, *ending)}.values()))

    async def _sweep(self) -> list[_Target]:
        """Observe what the lists show; return what must be read by itself."""
        seen: set[str] = set()
        pages = 0
        for paged in self._client.api.open_operations():
            pages += await self._pages_of(paged.first, seen, least_hits=0)
        self._pages = pages
        missing = self._missing(seen)
        if len(missing) > planning.FEW_MISSING:
            for paged in self._client.api.recent_operations():
                if self._missing(seen):
                    await self._pages_of(paged.first, seen, least_hits=_USEFUL_HITS)
            missing = self._missing(seen)
        few = len(missing) <= planning.FEW_MISSING
        for target in missing:
            target.misses += 1
        return [target for target in missing if few or target.misses >= planning.MISSES]

    def _missing(self, seen: set[str]) -> list[_Target]:
        return [
            target
            for target in self._targets.values()
            if target.operation_id not in seen and not target.unlisted and target.open()
        ]

    async def _pages_of(self, first: Call[Page[Listed]], seen: set[str], least_hits: int) -> int:
        """Read pages while each shows at least so many operations that somebody waits for; return how many."""
        call: Call[Page[Listed]] | None = first
        pages = 0
        while call is not None and pages < _MOST_PAGES:
            page = await self._client.send_once(call)
            pages += 1
            hits = 0
            for item in page.items:
                if (target := self._targets.get(item.id)) is not None:
                    hits += 1
                    seen.add(item.id)
                    self._saw_listed(target, item)
            if hits < least_hits or len(seen) >= len(self._targets):
                break
            call = page.next
        return pages

    def _saw_listed(self, target: _Target, item: Listed) -> None:
        target.misses = 0
        if target.raw == item.raw:
            # most entries of most pages: nothing to read, nothing to tell
            now = self._clock.time()
            for wait, watch in target.open():
                wait.say(watch, watch.saw_the_same(now))
                wait.settle()
            return
        try:
            operation = item.read(item.raw)
        except OpsError as error:
            # one entry that cannot be read is trouble for those who wait for it, and for nobody else
            self._failed([target], error)
            return
        target.raw = item.raw
        self._saw(target, operation, from_list=True)

    async def _lists_failed(self, error: OpsError) -> None:
        """One single read tells a fault of the lists from a fault of the API or the network."""
        probe = next(iter(self._targets.values()), None)
        if probe is None:
            return
        if await self._read(probe, self._client.api.get_operation) is None:
            self._lists_off_until = self._clock.time() + planning.LISTS_OFF
            log.warning("%s: lists fail while reads work (%s); reading one by one", self._client.api.title, error)
        else:
            self._failed([target for target in self._targets.values() if target is not probe], error)

    # -- telling the watches

    def _saw(self, target: _Target, operation: Operation, *, waited: float = 0.0, from_list: bool = False) -> None:
        now = self._clock.time()
        if not from_list and target.misses >= planning.MISSES and not operation.state.is_terminal:
            target.unlisted = True
        for wait, watch in target.open():
            known = watch.operation
            if (
                from_list
                and operation.progress is None
                and known is not None
                and known.raw_state == operation.raw_state
            ):
                # lists may leave out what single reads show
                operation = replace(operation, progress=known.progress)
            if operation.id != watch.operation_id:
                operation = replace(operation, id=watch.operation_id)
            wait.say(watch, watch.saw(operation, now, waited=waited))
            wait.settle()

    def _failed(self, targets: Iterable[_Target], error: OpsError) -> None:
        now = self._clock.time()
        for target in list(targets):
            for wait, watch in target.open():
                wait.say(watch, watch.failed(error, now))
                wait.settle()
