"""How fast one connection may be used: its budget, and the pauses its API asks for."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import threading
from collections import deque
from collections.abc import Hashable
from contextvars import Context
from typing import NamedTuple
from weakref import WeakValueDictionary

from pyrate_limiter import InMemoryBucket, Rate, RateItem

from airflow_provider_ops.client.clock import Clock, SystemClock
from airflow_provider_ops.client.tasks import spawn

#: The window of a budget, in seconds; a little longer than the second that it is for, because it is kept in whole ms.
_SECOND = 1.01
#: Seconds after which a request that has no answer yet is taken for arrived: long polls hold theirs back.
_ARRIVED = 0.5
#: How soon to ask again when the next turn depends on an answer.
_SOON = 0.02
#: Seconds after which a turn is no longer good: a busy event loop must not carry requests of one second into the next.
_STALE = 0.05
#: Seconds for which everybody pauses after a 429 that does not say for how long.
_UNSAID_PAUSE = 1.0
#: After a 429 half of the pace before it, growing by this factor per second, until it has not been refused for so long.
_SLOWER, _FASTER, _RECOVERED = 0.5, 1.15, 30.0
_SLOWEST = 0.5
_TOO_MANY = 429


class Pace:
    """Says how long to wait before the next request of one connection. Threads may share it.

    Between leaving and arriving a request may lose any time. So what counts is when it has certainly arrived, which is
    when its answer is there: a second later the next one may use its place, and however late that arrives, the API
    sees them more than a second apart.

    :param requests_per_second: the budget, held in every window of one second (a fraction rounded up);
        ``None`` for no limit.
    """

    def __init__(self, requests_per_second: float | None = None) -> None:
        self._lock = threading.Lock()
        self._paused_until = 0.0
        self._rate = _rate(requests_per_second) if requests_per_second else None
        self._bucket = InMemoryBucket([self._rate]) if self._rate else None
        #: When requests left that may not have arrived yet.
        self._under_way: deque[float] = deque()
        self._went: deque[float] = deque()
        #: Requests per second after a 429, and since when.
        self._slowed: tuple[float, float] | None = None

    def delay(self, now: float) -> float:
        """Take a place: 0.0 when the request may go now, else the seconds after which to ask again.

        Who was let go says so when it has its answer (:meth:`arrived`), or that it did not go (:meth:`stayed`).
        """
        with self._lock:
            delay = self.paused(now) or self._recovery(now) or self._budget(now)
            if not delay:
                self._went.append(now)
                while self._went[0] <= now - 1.0:
                    self._went.popleft()
            return delay

    def _budget(self, now: float) -> float:
        if self._bucket is None or self._rate is None:
            return 0.0
        while self._under_way and now - self._under_way[0] > _ARRIVED:
            self._under_way.popleft()
            self._rest(now)
        self._bucket.leak(int(now * 1000))
        if len(self._bucket.items) + len(self._under_way) < self._rate.limit:
            self._under_way.append(now)
            return 0.0
        first = min([item.timestamp / 1000 for item in self._bucket.items[:1]] + list(self._under_way)[:1])
        return max(first + self._rate.interval / 1000 - now, _SOON if self._under_way else 0.001)

    def _rest(self, now: float) -> None:
        if self._bucket is not None:
            self._bucket.put(RateItem("request", int(now * 1000)))

    def arrived(self, left: float, now: float) -> None:
        """Take in that the request that left then has an answer, or has none and never will."""
        with self._lock:
            if left in self._under_way:
                self._under_way.remove(left)
                self._rest(now)

    def stayed(self, left: float) -> None:
        """Take in that the request that was to leave then did not: its place is free for another."""
        with self._lock:
            if left in self._under_way:
                self._under_way.remove(left)

    def _recovery(self, now: float) -> float:
        if self._slowed is None:
            return 0.0
        pace, since = self._slowed
        if now - since > _RECOVERED:
            self._slowed = None
            return 0.0
        last = self._went[-1] if self._went else 0.0
        grown: float = pace * _FASTER ** max(now - since, 0.0)
        return max(0.0, last + 1.0 / grown - now)

    @property
    def has_budget(self) -> bool:
        """Whether requests per second are counted."""
        return self._bucket is not None

    def paused(self, now: float) -> float:
        """Seconds that are left of the pause the API asked for."""
        return max(0.0, self._paused_until - now)

    def pause(self, now: float, seconds: float) -> None:
        """Let no request of this connection go for so long: the API asked for it."""
        with self._lock:
            self._paused_until = max(self._paused_until, now + seconds)

    def heard(self, now: float, status: int, retry_after: float | None) -> None:
        """Take in what an answer says about our pace.

        Many requests may be under way when the API begins to refuse; they are one refusal, not many.
        """
        refused = status == _TOO_MANY
        pause = _UNSAID_PAUSE if refused and retry_after is None else retry_after
        if refused and not self.paused(now):
            with self._lock:
                recent = sum(at > now - 1.0 for at in self._went)
                self._slowed = (max(recent * _SLOWER, _SLOWEST), now + (pause or 0.0))
        if pause:
            self.pause(now, pause)


_SHARED: WeakValueDictionary[Hashable, Pace] = WeakValueDictionary()
_SHARED_LOCK = threading.Lock()


def shared_pace(requests_per_second: float | None, clock: Clock, *connection: str) -> Pace:
    """The pace of a connection, one for all clients of this process, whatever thread or event loop they are on.

    :param clock: clients that live by different clocks cannot share one.
    :param connection: what makes it this connection.
    """
    key = (*connection, requests_per_second, None if isinstance(clock, SystemClock) else id(clock))
    with _SHARED_LOCK:
        pace = _SHARED.get(key)
        if pace is None:
            pace = _SHARED[key] = Pace(requests_per_second)
        return pace


class Turn(NamedTuple):
    """What who waited for a turn has got."""

    #: 0.0 when the request may go; else the seconds of a pause that it cannot wait for.
    refused: float
    #: When the turn was given.
    at: float = 0.0


class Turns:
    """Whose turn it is on one event loop: what changes something goes first, the rest in the order it came."""

    def __init__(self, pace: Pace, clock: Clock) -> None:
        self._pace = pace
        self._clock = clock
        self._order = itertools.count()
        self._queue: list[tuple[bool, int, float | None, asyncio.Future[Turn]]] = []
        self._task: asyncio.Task[None] | None = None

    async def take(self, *, reads: bool, until: float | None = None) -> Turn:
        """Wait for a turn.

        :param reads: whether the request changes nothing, and so can wait for those that do.
        :param until: epoch seconds beyond which no pause that the API asked for is kept.
        """
        while True:
            turn = await self._next(reads, until)
            if turn.refused or self._clock.time() - turn.at <= _STALE or not self._pace.has_budget:
                return turn
            self._pace.stayed(turn.at)

    async def _next(self, reads: bool, until: float | None) -> Turn:
        now = self._clock.time()
        if not self._queue and not self._pace.delay(now):
            return Turn(0.0, now)
        if too_long := self._too_long(until, now):
            return Turn(too_long)
        turn: asyncio.Future[Turn] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._queue, (reads, next(self._order), until, turn))
        if self._task is None or self._task.done():
            self._task = Context().run(spawn, self._serve())
        return await turn

    def close(self) -> None:
        """End the work in the background. Nobody waits any more."""
        if self._task is not None:
            self._task.cancel()

    def _too_long(self, until: float | None, now: float) -> float:
        paused = self._pace.paused(now)
        return paused if until is not None and now + paused > until else 0.0

    async def _serve(self) -> None:
        while True:
            now = self._clock.time()
            for _, _, until, turn in self._queue:
                # a pause may begin, or grow, while others wait for their turn
                if not turn.done() and (too_long := self._too_long(until, now)):
                    turn.set_result(Turn(too_long))
            while self._queue and self._queue[0][-1].done():
                heapq.heappop(self._queue)
            if not self._queue:
                return
            if delay := self._pace.delay(now):
                await self._clock.asleep(delay)
            else:
                heapq.heappop(self._queue)[-1].set_result(Turn(0.0, now))
                # one turn at a time, so that each knows how old its own is
                await asyncio.sleep(0)


def _rate(per_second: float) -> Rate:
    if float(per_second).is_integer():
        return Rate(int(per_second), int(_SECOND * 1000))
    # the library counts whole requests: 2.5 per second are 1 per 404 ms, which no second has more than 3 of
    return Rate(1, max(1, math.ceil(_SECOND * 1000 / per_second)))
