"""One poller per connection and event loop: it looks for all waits together, in the cheapest way for what it has.

Few waits are read one by one, or held in long polls where the API has them. Many are looked for in the API's lists:
an operation that a list shows is observed by it, one that has left the lists of open operations is looked for among
the recently settled ones, and read by itself when it is not there either. So the cost grows with pages, not with
waits, and no list that errs, lags or shuffles its pages can lose an operation.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterable, Sequence
from contextvars import Context
from typing import TYPE_CHECKING

from airflow_provider_ops import metrics
from airflow_provider_ops.apis.http import Call
from airflow_provider_ops.client.answers import unreadable
from airflow_provider_ops.client.lists import Lists
from airflow_provider_ops.client.targets import Log, Target, Targets, Wait
from airflow_provider_ops.client.tasks import spawn
from airflow_provider_ops.exceptions import OpsError, RateLimited
from airflow_provider_ops.operation import Operation
from airflow_provider_ops.waiting import planning
from airflow_provider_ops.waiting.verdict import WaitFor
from airflow_provider_ops.waiting.watch import Watch

if TYPE_CHECKING:
    from airflow_provider_ops.client.asynchronous import AsyncClient

log = logging.getLogger(__name__)

#: Open long polls per connection and event loop: each holds a socket, and others need sockets too.
MOST_LONG_POLLS = 10
#: Single reads under way at the same time, and how many share one socket: each open one makes every request dearer.
_MOST_READS = 10
_READS_PER_SOCKET = 8
#: Operations read by themselves after a look at lists that do not show all; more where there are more pages.
_DETAILS = 5
#: Shortest pause between two rounds, against a plan that never sleeps; longer where many waits are read one by one,
#: because each round goes through all of them.
_SHORTEST, _MANY, _SHORTEST_OF_MANY = 0.05, 500, 0.25
#: Waits that are told of the same trouble before others get their turn on the event loop.
_CHUNK = 100


class Poller:
    """Looks for all waits of one client."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._clock = client.clock
        self._targets = Targets()
        self._lists = Lists(client, self._targets)
        self._task: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        self._lists_off_until = 0.0
        self._next_look = 0.0
        self._swept_at = 0.0
        #: When the first of those that wait now, or ever since then, came.
        self._began = 0.0
        self._sweep_took = 0.0
        self._failures = 0
        self._long_polls = 0
        self._told_of_budget = False

    @property
    def size(self) -> int:
        """How many operations somebody waits for now."""
        return len(self._targets)

    async def wait(self, watches: Sequence[Watch], log: Log, wait_for: WaitFor = "all", *, hold: bool = True) -> None:
        """Return when the watches decide the verdict. Their outcomes hold the result.

        :param hold: whether an API that can may hold its answers back; what happens until then is not seen.
        """
        wait = Wait(watches, wait_for, log, asyncio.get_running_loop().create_future(), may_hold=hold)
        if not self._targets:
            self._began = self._clock.time()
        self._targets.add(wait)
        if not self._woken.is_set() and not self._will_look_in_time(watches):
            self._woken.set()
        if self._task is None or self._task.done():
            # in a context of its own: what it does belongs to no single caller
            self._task = Context().run(spawn, self._run())
        try:
            await wait.decided
        finally:
            self._targets.forget(wait)
            if not self._targets and self._task is not None:
                self._task.cancel()
                self._task = None

    def _will_look_in_time(self, watches: Sequence[Watch]) -> bool:
        """Whether newcomers need not wake us: thousands that come together would each make us go through all."""
        last = min([watch.deadline for watch in watches if watch.deadline is not None], default=float("inf"))
        return self._next_look <= last and self._uses_lists()

    async def _run(self) -> None:
        try:
            while self._targets:
                await self._sleep()
                self._hold_some()
                if self._uses_lists():
                    await self._look_at_lists()
                else:
                    await self._look_one_by_one()
        except Exception as error:
            # never leave callers waiting for a poller that is gone
            for target in self._targets:
                for wait in target.waits.values():
                    if not wait.decided.done():
                        wait.decided.set_exception(error)
            raise

    async def _sleep(self) -> None:
        self._woken.clear()
        now = self._clock.time()
        pause = min(max(self._due() - now, self._shortest), 3600.0)
        sleeping = asyncio.ensure_future(self._clock.asleep(pause))
        waking = asyncio.ensure_future(self._woken.wait())
        try:
            await asyncio.wait((sleeping, waking), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            waking.cancel()

    def _due(self) -> float:
        if self._uses_lists():
            deadline = self._targets.first_deadline
            return self._next_look if deadline is None else min(self._next_look, deadline)
        return min((target.next_look for target in self._targets if not target.holding), default=float("inf"))

    @property
    def _shortest(self) -> float:
        many = len(self._targets) > _MANY and not self._uses_lists()
        return _SHORTEST_OF_MANY if many else _SHORTEST

    # -- single reads and long polls

    async def _look_one_by_one(self) -> None:
        now = self._clock.time()
        await self._read_all([target for target in self._targets if not target.holding and target.next_look <= now])

    async def _read_all(self, targets: Iterable[Target]) -> None:
        """Read operations by themselves, or begin to hold them."""
        queue = [target for target in targets if target.waits and not self._hold(target)]

        async def reader() -> None:
            while queue:
                target = queue.pop()
                if target.waits:
                    await self._read(target, self._client.api.get_operation)

        self._count(len(queue), "read")
        readers = min(_MOST_READS, -(-len(queue) // _READS_PER_SOCKET))
        await asyncio.gather(*(reader() for _ in range(readers)))

    def _hold(self, target: Target) -> bool:
        """Begin a long poll where that is possible."""
        if self._client.api.longest_poll < 1.0 or self._long_polls >= MOST_LONG_POLLS or ":" in target.operation_id:
            return False
        # after an error a plain read is the safer look
        if target.holding or target.is_stumbling or not target.may_hold or self._hold_seconds(target) < 1.0:
            return False
        target.holding = True
        self._long_polls += 1
        spawn(self._held(target))
        return True

    def _hold_seconds(self, target: Target) -> float:
        longest, deadline = self._client.api.longest_poll, target.deadline
        return longest if deadline is None else min(longest, deadline - self._clock.time())

    async def _held(self, target: Target) -> None:
        self._count(1, "hold")
        try:
            seconds = self._hold_seconds(target)
            await self._read(target, lambda operation_id: self._client.api.long_poll(operation_id, seconds))
        finally:
            target.holding = False
            self._long_polls -= 1
            self._woken.set()

    async def _read(self, target: Target, call: Callable[[str], Call[Operation]]) -> OpsError | None:
        started = self._clock.time()
        try:
            operation = await self._client.send_once(call(target.operation_id), until=target.deadline)
        except Exception as error:  # noqa: BLE001 - one answer that cannot be read is trouble for one wait only
            trouble = unreadable(error)
            self._tolerate(trouble)
            self._targets.failed(target, trouble, self._clock.time())
            return trouble
        now = self._clock.time()
        self._targets.saw(target, operation, now, waited=now - started if target.holding else 0.0)
        return None

    # -- lists

    def _uses_lists(self) -> bool:
        if not self._client.api.lists_operations or self._clock.time() < self._lists_off_until:
            return False
        # what is held needs no other look
        waits = len(self._targets) - self._long_polls
        return planning.lists_are_cheaper(waits, max(self._lists.open_pages, planning.pages_of(waits)))

    async def _look_at_lists(self) -> None:
        started = self._clock.time()
        if not self._swept_at:
            interval, waits = self._targets.shortest_interval, len(self._targets)
            self._next_look = started + planning.first_look(interval, waits, started - self._began)
        ending = self._targets.at_deadline(started)
        alone: list[Target] = []
        # many that end together are looked at together
        if started >= self._next_look or len(ending) > planning.FEW_MISSING:
            interval = self._targets.shortest_interval
            alone = [*await self._look(started, interval, sweep=bool(ending)), *self._to_know_more_of()]
            now = self._clock.time()
            self._next_look = max(started + self._pause(interval), now + _SHORTEST)
            self._mind_the_budget(interval)
        now = self._clock.time()
        unlisted = self._targets.unlisted.values()
        late = [target for target in unlisted if not target.holding and target.next_look <= now]
        await self._read_all({id(target): target for target in (*alone, *late, *ending)}.values())

    def _pause(self, interval: float) -> float:
        lists = self._lists
        return planning.pause_between_looks(
            interval, lists.all_pages, self._failures, in_doubt=lists.in_doubt, took=self._sweep_took
        )

    def _to_know_more_of(self) -> list[Target]:
        """A few in turn, where lists leave out what a person may have to act on."""
        if self._client.api.lists_show_progress:
            return []
        return self._targets.longest_unread(max(self._lists.all_pages, _DETAILS))

    async def _look(self, now: float, interval: float, *, sweep: bool) -> list[Target]:
        lists = self._lists
        try:
            if not (sweep or lists.in_doubt) and not planning.sweep_is_due(
                interval,
                now - self._swept_at,
                self._pause(interval),
                pages=lists.open_pages,
                depth=lists.depth,
                ends=lists.ends,
            ):
                await lists.peek()
                missing = []
            else:
                self._swept_at = now
                missing = await lists.sweep()
                self._sweep_took = self._clock.time() - now
        except RateLimited as error:
            # the connection pauses for as long as the API asks; there is nothing to find out
            self._tolerate(error)
            return []
        except Exception as error:  # noqa: BLE001 - whatever is in a list, single reads go on
            self._failures += 1
            await self._lists_failed(unreadable(error), interval)
            return []
        self._failures = 0
        return missing

    def _hold_some(self) -> None:
        """Of many waits a few are held as well: those that came first are the next to end."""
        if self._client.api.longest_poll >= 1.0:
            now = self._clock.time()
            for target in self._targets:
                if self._long_polls >= MOST_LONG_POLLS:
                    break
                # a server that does not hold its answers back must not be asked without pause
                if target.next_look <= now:
                    self._hold(target)

    async def _lists_failed(self, error: OpsError, interval: float) -> None:
        """One single read tells a fault of the lists from a fault of the API or the network."""
        probe = next(iter(self._targets), None)
        if probe is None:
            return
        now = self._clock.time()
        self._tolerate(error)
        self._count(1, "read")
        if await self._read(probe, self._client.api.get_operation) is None:
            self._lists_off_until = now + planning.LISTS_OFF
            log.warning("%s: lists fail while reads work (%s); reading one by one", self._client.api.title, error)
            for target in self._targets:
                # not all at once: so many reads would be a burst
                target.look_at(now + random.uniform(0.0, interval))
            return
        for count, target in enumerate(self._targets):
            if target is not probe and target.waits:
                self._targets.failed(target, error, now)
            if count % _CHUNK == _CHUNK - 1:
                await asyncio.sleep(0)

    def _count(self, requests: int, way: str) -> None:
        metrics.LOOKS.add(requests, api=self._client.api.name, way=way)

    def _tolerate(self, error: OpsError) -> None:
        metrics.ERRORS.add(api=self._client.api.name, reason=metrics.reason(error))

    def _mind_the_budget(self, interval: float) -> None:
        budget = self._client.settings.requests_per_second
        seconds = planning.seconds_for_all(self._lists.all_pages, budget)
        if seconds > interval and not self._told_of_budget:
            self._told_of_budget = True
            log.warning(
                "%s: %d waits take about %d requests per look; at %g requests per second each is looked at every "
                "%.0f s, not every %.0f s",
                self._client.settings.conn_id,
                self.size,
                self._lists.all_pages,
                budget,
                seconds,
                interval,
            )
