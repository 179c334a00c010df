"""How fast one connection may be used: its budget per second, the pauses its API asks for, and the order of requests.

One :class:`RateLimiter` serves all clients of a connection in this process.
"""

from __future__ import annotations

import itertools
import math
import os
import threading
from collections import deque
from collections.abc import Hashable
from enum import IntEnum
from weakref import WeakValueDictionary

from airflow_provider_ops.http.clock import Clock, SystemClock

#: The window of a budget in seconds, a little longer than the second that it is for.
_WINDOW = 1.01
#: Seconds after which a request without an answer is taken for arrived: long polls hold theirs back.
_ARRIVED = 0.5
#: Seconds after which an unused permit is void: a busy event loop must not carry requests of one second into the next.
STALE = 0.05
#: In place of the moment of a permit, where there is none.
NO_PERMIT = -math.inf
#: How soon to try again when the next permit depends on an answer.
_SOON = 0.02
#: Seconds of pause after a 429 that does not say how long.
_UNSAID_PAUSE = 1.0
#: After a 429 half of the rate before it, growing by this factor per second, until it has not been refused for so long.
_SLOWER, _FASTER, _RECOVERED = 0.5, 1.15, 30.0
#: Requests per second at least: slower than that the few pages of one scan would take longer than the pause itself.
_SLOWEST = 2.0
#: Seconds for which the busiest one before a refusal counts: between two scans most are quiet, in an outage all.
_REMEMBERED = 60.0
#: So few requests after a pause say nothing about the rate when they are refused: the pause was too short.
_FEW = 3
_TOO_MANY = 429


class Priority(IntEnum):
    """Which request goes first. A kill waits for no pause: it has only seconds, and asks for less work, not more.

    Every second permit, kills aside, is for a page of a list that waits: one page serves a hundred waits, and neither
    many writes nor many reads may keep them all from it.
    """

    KILL = 0
    WRITE = 1
    READ = 2
    PAGE = 3


class RateLimiter:
    """Grant requests of one connection, whatever threads and event loops they come from. All times are monotonic.

    Between leaving and arriving a request may lose any time. So it occupies its place until a second after its answer:
    however late it arrives, the API sees no second with more than the budget.

    :param requests_per_second: held in every window of one second (a fraction rounded up); ``None`` for no limit.
    """

    def __init__(self, requests_per_second: float | None = None) -> None:
        self._lock = threading.Lock()
        self._paused_until = -math.inf
        self._most, self._window = _window(requests_per_second)
        #: When requests left that have no answer yet, and when those were answered that still occupy a place.
        self._under_way: deque[float] = deque()
        self._answered: deque[float] = deque()
        self._left: deque[float] = deque()
        #: Seconds that no later one was busier than: their ends, and how many requests left in each.
        self._busiest: deque[tuple[float, int]] = deque()
        self._left_since_pause = 0
        #: Requests per second after a 429, and since when.
        self._slowed: tuple[float, float] | None = None

    @property
    def has_budget(self) -> bool:
        """Return whether requests per second are counted."""
        return self._most is not None

    def try_acquire(self, now: float, priority: Priority = Priority.READ) -> float:
        """Take a place: 0.0 when the request may leave now, else the seconds after which to try again.

        :meth:`complete` or :meth:`release` must follow.
        """
        with self._lock:
            delay = self._delay(now, priority)
            if not delay:
                if self._most is not None:
                    self._under_way.append(now)
                self._record_departure(now)
            return delay

    def delay(self, now: float, priority: Priority = Priority.READ) -> float:
        """Return the seconds after which to try again; 0.0 where :meth:`try_acquire` would take a place now."""
        with self._lock:
            return self._delay(now, priority)

    def complete(self, left: float, now: float) -> None:
        """Take in that the request that left then has an answer, or will have none."""
        with self._lock:
            if self._most is not None and left in self._under_way:
                self._under_way.remove(left)
                self._answered.append(now)

    def release(self, left: float) -> None:
        """Take in that the request that was to leave then did not: its place is free."""
        with self._lock:
            if left in self._under_way:
                self._under_way.remove(left)

    def on_response(self, now: float, status: int, retry_after: float | None) -> float:
        """Take in what an answer says about the rate; return the seconds for which it asks to pause.

        Many requests may be under way when the API begins to refuse; they are one refusal, not many.

        :param retry_after: seconds.
        """
        is_refused = status == _TOO_MANY
        pause = _UNSAID_PAUSE if is_refused and retry_after is None else retry_after or 0.0
        with self._lock:
            if is_refused and not self.paused(now):
                self._slowed = (self._slower(now), now + pause)
                self._busiest.clear()
                self._left_since_pause = 0
        if pause:
            self.pause(now, pause)
        return pause

    def pause(self, now: float, seconds: float) -> None:
        """Let nothing but kills leave for so long."""
        with self._lock:
            self._paused_until = max(self._paused_until, now + seconds)

    def paused(self, now: float) -> float:
        """Return the seconds that are left of the pause the API asked for."""
        return max(0.0, self._paused_until - now)

    def restrict(self, requests_per_second: float | None) -> None:
        """Take another budget from now on; what has left lately counts."""
        with self._lock:
            self._most, self._window = _window(requests_per_second)

    def _delay(self, now: float, priority: Priority) -> float:
        waits = priority is not Priority.KILL
        return ((self.paused(now) or self._recovery(now)) if waits else 0.0) or self._budget(now)

    def _budget(self, now: float) -> float:
        if self._most is None:
            return 0.0
        while self._under_way and now - self._under_way[0] > _ARRIVED:
            self._under_way.popleft()
            self._answered.append(now)
        while self._answered and self._answered[0] <= now - self._window:
            self._answered.popleft()
        if len(self._answered) + len(self._under_way) < self._most:
            return 0.0
        first = min([*itertools.islice(self._answered, 1), *itertools.islice(self._under_way, 1)])
        return max(first + self._window - now, _SOON if self._under_way else 0.001)

    def _recovery(self, now: float) -> float:
        if not (regained := self._regained(now)):
            return 0.0
        last = self._left[-1] if self._left else -math.inf
        return max(0.0, last + 1.0 / regained - now)

    def _record_departure(self, now: float) -> None:
        self._left.append(now)
        self._left_since_pause += 1
        while self._left[0] <= now - 1.0:
            self._left.popleft()
        while self._busiest and self._busiest[-1][1] <= len(self._left):
            self._busiest.pop()
        self._busiest.append((now, len(self._left)))

    def _slower(self, now: float) -> float:
        """Return the requests per second after a refusal."""
        while self._busiest and self._busiest[0][0] <= now - _REMEMBERED:
            self._busiest.popleft()
        # what leaves during a recovery is a trickle, and no measure of what was too fast
        if regained := self._regained(now):
            return regained if self._left_since_pause <= _FEW else max(regained * _SLOWER, _SLOWEST)
        most = self._busiest[0][1] if self._busiest else 0
        return max(most * _SLOWER, _SLOWEST)

    def _regained(self, now: float) -> float:
        """Return the requests per second that are possible again since a refusal; 0.0 where nothing limits them."""
        if self._slowed is None or now - self._slowed[1] > _RECOVERED:
            return 0.0
        rate, since = self._slowed
        grown: float = rate * _FASTER ** max(now - since, 0.0)
        return grown


def _window(per_second: float | None) -> tuple[int | None, float]:
    if not per_second:
        return None, _WINDOW
    if float(per_second).is_integer():
        return int(per_second), _WINDOW
    # 2.5 per second are one in 404 ms, which no second has more than 3 of
    return 1, _WINDOW / per_second


_SHARED: WeakValueDictionary[Hashable, RateLimiter] = WeakValueDictionary()
_SHARED_LOCK = threading.Lock()


def shared_limiter(requests_per_second: float | None, clock: Clock, *connection: str) -> RateLimiter:
    """Return the limiter of a connection, one for all clients of this process.

    :param clock: clients that live by different clocks cannot share one.
    :param connection: what makes it this connection.
    """
    key = (*connection, requests_per_second, None if isinstance(clock, SystemClock) else id(clock))
    with _SHARED_LOCK:
        limiter = _SHARED.get(key)
        if limiter is None:
            limiter = _SHARED[key] = RateLimiter(requests_per_second)
        return limiter


def _forget_after_fork() -> None:
    """Drop what a fork has copied: another thread may have held a lock at that moment."""
    global _SHARED, _SHARED_LOCK
    _SHARED, _SHARED_LOCK = WeakValueDictionary(), threading.Lock()


os.register_at_fork(after_in_child=_forget_after_fork)
