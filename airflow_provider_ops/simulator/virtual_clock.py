"""A clock that tests move, for the simulator and for code that is tested against it."""

from __future__ import annotations

import asyncio
import bisect
import contextlib
import heapq
import itertools
import math
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field

PATIENCE = 25
"""Passes of an event loop without a word to the clock after which it is taken to be idle."""

_BOOTED = 1000.0
"""What `monotonic` begins with: far from the epoch, so that a test fails where the two are mixed up."""
_BUSY_PAUSE = 0.001
_LONGEST_BUSY = 30.0
"""Seconds of real time for which a blocking sleep waits for what is under way elsewhere."""

_SERVED: ContextVar[Callable[[], bool]] = ContextVar("served")
"""On the side of a server: whether the client of the request that is being answered is still there."""


@dataclass(order=True)
class _Sleeper:
    until: float
    order: int
    loop: asyncio.AbstractEventLoop = field(compare=False)
    woken: asyncio.Future[None] = field(compare=False)
    serves: Callable[[], bool] | None = field(compare=False)

    @property
    def is_orphan(self) -> bool:
        """Return whether it holds an answer back that no client waits for any more."""
        return self.serves is not None and not self.serves()

    @property
    def holds_an_answer(self) -> bool:
        return self.serves is not None and self.serves()


class VirtualClock:
    """Time that passes only when all tasks sleep (`auto=True`) or when `advance` is called (`auto=False`).

    With `auto`, time jumps to the end of the earliest sleep once nothing else runs: all event loops that use the
    clock are idle, and no block of `busy` is active, unless a sleeping server holds its answer back.
    Without it, sleepers block until the test has advanced the clock far enough. One clock may be shared by threads and
    event loops, so a test can give the same one to the simulator and to the code under test.

    `step` moves the wall clock alone, as an administrator or a time server does. The simulator stands for other
    machines, so a `SimulatorServer` never sees that.
    """

    def __init__(self, start: float = 1_750_000_000.0, *, auto: bool = True) -> None:
        self.auto = auto
        self._now = _BOOTED
        self._epoch = start - _BOOTED
        self._stepped = 0.0
        self._moved = threading.Condition()
        self._order = itertools.count()
        self._sleepers: list[_Sleeper] = []
        self._busy = 0
        #: How often anybody has done something.
        self._news = 0
        self._loops: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()
        #: Loops that were idle since the last word to the clock, and those that are finding out.
        self._idle: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()
        self._checking: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()
        #: The machine's time at each jump, and this clock's after it.
        self._real: list[float] = [-math.inf]
        self._virtual: list[float] = [self._now]

    def time(self) -> float:
        """Return the time now, in seconds since the epoch."""
        with self._moved:
            return self._epoch + self._stepped + self._now

    def monotonic(self) -> float:
        """Return the time now, in seconds that never step; what they are counted from means nothing."""
        with self._moved:
            return self._now

    def step(self, seconds: float) -> None:
        """Move the wall clock forwards, or backwards where negative. No time passes, no sleep ends."""
        with self._moved:
            self._stepped += seconds

    def without_steps(self) -> SteadyClock:
        """Return the same time as it is on machines whose wall clocks are not stepped."""
        return SteadyClock(self, self._epoch)

    def from_wall(self, at: float) -> float:
        """Return what this clock showed when the machine's clock showed `at`."""
        with self._moved:
            return self._epoch + self._stepped + self._virtual[bisect.bisect_right(self._real, at) - 1]

    def sleep(self, seconds: float) -> None:
        """Return when that much time has passed."""
        with self._moved:
            until = self._now + seconds
            if self.auto:
                self._wait_while_busy()
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
            until = self._now + seconds
            heapq.heappush(self._sleepers, _Sleeper(until, next(self._order), loop, woken, _SERVED.get(None)))
            self._loops.add(loop)
            self._heard()
        await woken

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """Keep time from passing inside the block: something real is under way."""
        with self._moved:
            self._busy += 1
            self._join()
            self._heard()
        try:
            yield
        finally:
            with self._moved:
                self._busy -= 1
                self._heard()

    @contextlib.contextmanager
    def serving(self, is_awaited: Callable[[], bool]) -> Iterator[None]:
        """On the side of a server: what sleeps inside the block holds an answer back.

        :param is_awaited: whether the client is still there.
        """
        token = _SERVED.set(is_awaited)
        try:
            yield
        finally:
            _SERVED.reset(token)
            with self._moved:
                self._heard()

    def advance(self, seconds: float) -> None:
        """Let time pass and wake who is due."""
        with self._moved:
            self._move_to(self._now + seconds)

    @property
    def asleep_now(self) -> int:
        """Return the number of asynchronous sleepers; a test can wait for them before it advances the clock."""
        with self._moved:
            return sum(not sleeper.woken.done() for sleeper in self._sleepers)

    def _join(self) -> None:
        with contextlib.suppress(RuntimeError):
            self._loops.add(asyncio.get_running_loop())

    def _heard(self) -> None:
        """Somebody has done something: all loops must be found idle anew."""
        self._idle.clear()
        self._news += 1
        if self.auto and self._sleepers:
            for loop in self._running():
                self._check(loop)

    def _running(self) -> list[asyncio.AbstractEventLoop]:
        return [loop for loop in self._loops if loop.is_running()]

    def _check(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop not in self._checking:
            self._checking.add(loop)
            try:
                loop.call_soon_threadsafe(self._tick, loop, PATIENCE, self._news)
            except RuntimeError:  # it has been closed meanwhile
                self._checking.discard(loop)
                self._loops.discard(loop)

    def _tick(self, loop: asyncio.AbstractEventLoop, patience: int, news: int) -> None:
        """Wait until the others in the loop had their turn; the last loop that is found idle lets time pass."""
        with self._moved:
            if patience or self._news != news:
                # tasks that have just done something run before it
                left = patience - 1 if self._news == news else PATIENCE
                loop.call_soon(self._tick, loop, left, self._news)
                return
            self._checking.discard(loop)
            self._idle.add(loop)
            running = self._running()
            if not all(one in self._idle for one in running):
                for one in running:
                    if one not in self._idle:
                        self._check(one)
                # one that ends before its turn never answers
                self._check_again(loop)
                return
            # A sleep that was cancelled must not move the time.
            while self._sleepers and self._sleepers[0].woken.done():
                heapq.heappop(self._sleepers)
            if all(sleeper.is_orphan or sleeper.woken.done() for sleeper in self._sleepers):
                return
            if self._is_busy():
                self._check_again(loop)
                return
            self._move_to(self._sleepers[0].until)

    def _check_again(self, loop: asyncio.AbstractEventLoop) -> None:
        self._checking.add(loop)
        loop.call_later(_BUSY_PAUSE, self._tick, loop, PATIENCE, self._news)

    def _is_busy(self) -> bool:
        held = sum(sleeper.holds_an_answer and not sleeper.woken.done() for sleeper in self._sleepers)
        return self._busy > held

    def _wait_while_busy(self) -> None:
        give_up = time.monotonic() + _LONGEST_BUSY
        while self._is_busy() and time.monotonic() < give_up:
            self._moved.wait(_BUSY_PAUSE)

    def _move_to(self, at: float) -> None:
        self._now = max(self._now, at)
        self._real.append(time.time())
        self._virtual.append(self._now)
        self._moved.notify_all()
        while self._sleepers and self._sleepers[0].until <= self._now:
            sleeper = heapq.heappop(self._sleepers)
            with contextlib.suppress(RuntimeError):  # its loop is closed: no task is left to wake
                sleeper.loop.call_soon_threadsafe(_wake, sleeper.woken)
        self._heard()


class SteadyClock:
    """A virtual clock as other machines have it."""

    def __init__(self, clock: VirtualClock, epoch: float) -> None:
        self._clock = clock
        self._epoch = epoch

    def time(self) -> float:
        """Return the time now, in seconds since the epoch."""
        return self._epoch + self._clock.monotonic()

    async def asleep(self, seconds: float) -> None:
        """Return when that much time has passed."""
        await self._clock.asleep(seconds)

    def serving(self, is_awaited: Callable[[], bool]) -> contextlib.AbstractContextManager[None]:
        """Do as `VirtualClock.serving`."""
        return self._clock.serving(is_awaited)


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)
