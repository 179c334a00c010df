"""How fast one connection may be used: its budget, and the pauses its API asks for."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Protocol

from pyrate_limiter import InMemoryBucket, Rate, RateItem


class Clock(Protocol):
    """Time, injectable: tests advance it instead of sleeping."""

    def time(self) -> float:
        """Epoch seconds."""

    def sleep(self, seconds: float) -> None:
        """Block the caller."""

    async def asleep(self, seconds: float) -> None:
        """Suspend the caller."""


class SystemClock:
    """Real time. Wall clock, because deadlines are compared across machines and restarts."""

    def time(self) -> float:
        """Epoch seconds."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Block the caller."""
        time.sleep(seconds)

    async def asleep(self, seconds: float) -> None:
        """Suspend the caller."""
        await asyncio.sleep(seconds)


class Pace:
    """Says how long to wait before the next request of one connection.

    :param requests_per_second: the budget, held in every window of one second (a fraction rounded up); ``None`` for no limit.
    """

    def __init__(self, requests_per_second: float | None = None) -> None:
        self._paused_until = 0.0
        self._bucket = InMemoryBucket([_rate(requests_per_second)]) if requests_per_second else None

    def delay(self, now: float) -> float:
        """Take a slot: 0.0 when the request may go now, else the seconds after which to ask again."""
        if paused := self.paused(now):
            return paused
        if self._bucket is None:
            return 0.0
        item = RateItem("request", int(now * 1000))
        self._bucket.leak(item.timestamp)
        if self._bucket.put(item):
            return 0.0
        waiting = self._bucket.waiting(item)
        # the library's signature allows buckets that answer later; an in-memory one answers at once
        return max(waiting / 1000, 0.001) if isinstance(waiting, int) else 0.001

    def paused(self, now: float) -> float:
        """Seconds that are left of the pause the API asked for."""
        return max(0.0, self._paused_until - now)

    def pause(self, now: float, seconds: float) -> None:
        """Let no request of this connection go for so long: the API asked for it."""
        self._paused_until = max(self._paused_until, now + seconds)


def _rate(per_second: float) -> Rate:
    if per_second.is_integer():
        return Rate(int(per_second), 1000)
    # the library counts whole requests: 2.5 per second are 1 per 400 ms, which no second has more than 3 of
    return Rate(1, max(1, math.ceil(1000 / per_second)))
