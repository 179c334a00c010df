"""A clock that tests move, for the simulator and for code that is tested against it."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import threading
import weakref

PATIENCE = 25
"""Passes of the event loop without progress after which everybody is taken to be asleep."""


class VirtualClock:
    """Time that passes only when somebody sleeps (`auto=True`) or when `advance` is called (`auto=False`).

    With `auto` a sleep jumps to its end at once; of several asynchronous sleepers the earliest wakes first, as it
    would in real time. Without it, sleepers block until the test has advanced the clock far enough. One clock may be
    shared by threads and event loops, so a test can give the same one to the simulator and to the code under test.
    """

    def __init__(self, start: float = 1_750_000_000.0, *, auto: bool = True) -> None:
        self.auto = auto
        self._now = start
        self._moved = threading.Condition()
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self._ticking: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()

    def time(self) -> float:
        """Return the time now, in seconds since the epoch."""
        with self._moved:
            return self._now

    def monotonic(self) -> float:
        """Return the time now, in seconds that never step."""
        with self._moved:
            return self._now

    def sleep(self, seconds: float) -> None:
        """Return when that much time has passed."""
        with self._moved:
            until = self._now + seconds
            if self.auto:
                self._move_to(until)
            while self._now < until:
                self._moved.wait()

    async def asleep(self, seconds: float) -> None:
        """Return when that much time has passed, letting other tasks run."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        with self._moved:
            heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), loop, woken))
        if self.auto and loop not in self._ticking:
            self._ticking.add(loop)
            loop.call_soon(self._tick, loop, PATIENCE)
        await woken

    def advance(self, seconds: float) -> None:
        """Let time pass and wake who is due."""
        with self._moved:
            self._move_to(self._now + seconds)

    @property
    def asleep_now(self) -> int:
        """Number of asynchronous sleepers; a test can wait for them before it advances the clock."""
        with self._moved:
            return sum(not woken.done() for _, _, _, woken in self._sleepers)

    def _tick(self, loop: asyncio.AbstractEventLoop, patience: int) -> None:
        """Wait until the others in the loop had their turn, then jump to the first sleeper's time."""
        if patience:
            loop.call_soon(self._tick, loop, patience - 1)
            return
        with self._moved:
            # A sleep that was cancelled must not move the time.
            while self._sleepers and self._sleepers[0][3].done():
                heapq.heappop(self._sleepers)
            if not self._sleepers:
                self._ticking.discard(loop)
                return
            self._move_to(self._sleepers[0][0])
        loop.call_soon(self._tick, loop, PATIENCE)

    def _move_to(self, at: float) -> None:
        self._now = max(self._now, at)
        self._moved.notify_all()
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, loop, woken = heapq.heappop(self._sleepers)
            with contextlib.suppress(RuntimeError):  # its loop is closed: nobody is left to wake
                loop.call_soon_threadsafe(_wake, woken)


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)
