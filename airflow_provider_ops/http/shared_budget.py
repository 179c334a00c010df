"""One budget for all processes that use a connection, kept in Redis.

A request needs a permit of this process (:mod:`airflow_provider_ops.http.rate_limiter`) and one of Redis, whose clock
alone counts. Without Redis each process keeps to its share, which all of them together never exceed.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from airflow_provider_ops.http.background import create_background_task
from airflow_provider_ops.http.budget_home import BudgetHome, BudgetUnreachable
from airflow_provider_ops.http.clock import Clock
from airflow_provider_ops.http.rate_limiter import STALE, Priority, RateLimiter

if TYPE_CHECKING:
    from airflow_provider_ops.http.redis_window import RedisWindow
    from airflow_provider_ops.http.settings import Settings

log = logging.getLogger(__name__)

#: Permits that are leased at once, as a part of the budget.
_CHUNK: Final = 1 / 20
#: Seconds between two attempts to reach Redis again.
_PROBE: Final = 1.0
#: Seconds after a loss in which nothing but kills leaves: what Redis granted last counts as well.
_SETTLE: Final = 1.05
#: Seconds after a return for which the share counts beside Redis: the others are still coming back.
_RETURN: Final = 2.5 * _PROBE
#: Seconds after which a page of a list holds back no longer: it serves a hundred waits.
_HELD_BACK: Final = 1.0
#: Requests per second of a process without Redis, at least.
_SLOWEST: Final = 0.2


class Fallback:
    """Whether the budget of a connection can be reached from this process, and how fast it may be used without."""

    def __init__(self, limiter: RateLimiter, per_second: float, processes: int) -> None:
        self._limiter = limiter
        self.per_second = per_second
        share = per_second / processes
        #: Requests per second of this process without Redis.
        self.share = float(math.floor(share)) if share >= 1 else max(share, _SLOWEST)
        #: Permits that are leased at once.
        self.chunk = max(1, math.floor(per_second * _CHUNK))
        self._lost = False
        self._returning_until = -math.inf
        self._probed_at = -math.inf

    @property
    def is_lost(self) -> bool:
        """Return whether the share alone counts."""
        return self._lost

    def lose(self, now: float) -> bool:
        """Take in that Redis did not answer; return whether that is new."""
        was_lost, self._lost, self._probed_at = self._lost, True, now
        if not was_lost:
            self._limiter.restrict(self.share)
            self._limiter.pause(now, _SETTLE)
        return not was_lost

    def probes(self, now: float) -> bool:
        """Return whether it is time to try again, and count that as tried."""
        if not self._lost or now - self._probed_at < _PROBE:
            return False
        self._probed_at = now
        return True

    def find(self, now: float) -> None:
        """Take in that Redis answers again."""
        if self._lost:
            self._lost, self._returning_until = False, now + _RETURN

    def settle(self, now: float) -> bool:
        """Lift the share when all processes have had time to return; return whether that happened now."""
        if self._returning_until == -math.inf or now < self._returning_until:
            return False
        self._returning_until = -math.inf
        self._limiter.restrict(self.per_second)
        return True


_FALLBACKS: WeakKeyDictionary[RateLimiter, Fallback] = WeakKeyDictionary()


def open_shared_budget(settings: Settings, limiter: RateLimiter, clock: Clock) -> SharedBudget | None:
    """Return the shared budget of a connection, ``None`` where it has none."""
    home, rate = settings.budget, settings.requests_per_second
    if home is None or not rate:
        return None
    # what it imports is there only with the extra; settings were refused without
    from airflow_provider_ops.http.redis_window import RedisWindow  # noqa: PLC0415

    fallback = _FALLBACKS.setdefault(limiter, Fallback(limiter, rate, home.processes))
    name = f"airflow-operations:{settings.conn_id}@{settings.base_url}"
    window = RedisWindow(home.url, name, rate, fallback.chunk)
    return SharedBudget(f"connection {settings.conn_id!r}", home, window, limiter, fallback, clock)


class SharedBudget:
    """Lease permits of one connection from Redis, on one event loop. Without Redis there are fewer, never an error."""

    def __init__(
        self, where: str, home: BudgetHome, window: RedisWindow, limiter: RateLimiter, fallback: Fallback, clock: Clock
    ) -> None:
        self._where = where
        self._home = home
        self._window = window
        self._limiter = limiter
        self._fallback = fallback
        self._clock = clock
        self._leased: deque[float] = deque()
        self._held_back_since: float | None = None

    async def lease(self, priority: Priority, waiting: int) -> float:
        """Make sure that a permit is there: 0.0 when it is, else the seconds after which to try again.

        :param waiting: requests that wait; a chunk has no more permits.
        """
        now = self._clock.monotonic()
        while self._leased and now - self._leased[0] > STALE:
            self._leased.popleft()
        if self._leased:
            return 0.0
        if self._fallback.is_lost:
            if self._fallback.probes(now):
                create_background_task(self._reach_again())
            return 0.0
        if self._fallback.settle(now):
            log.info("%s: the shared budget at %s counts again", self._where, self._home)
        try:
            return await self._ask(priority, min(self._fallback.chunk, max(waiting, 1)))
        except BudgetUnreachable as error:
            self._lose(error)
            # what leaves now must have a permit of this process as it is without Redis
            return self._limiter.delay(self._clock.monotonic(), priority)

    def use(self) -> None:
        """Use one of the permits that :meth:`lease` has made sure of."""
        if self._leased:
            self._leased.popleft()

    async def publish_pause(self, status: int, seconds: float) -> None:
        """Let all processes keep the pause that the API asked this one for."""
        if self._fallback.is_lost:
            return
        try:
            await self._window.mark_pause(status, seconds)
        except BudgetUnreachable as error:
            self._lose(error)

    async def aclose(self) -> None:
        """Close the connections."""
        try:
            await self._window.aclose()
        except BudgetUnreachable as error:
            log.debug("%s: %s was closed already: %s", self._where, self._home, error)

    async def _ask(self, priority: Priority, wanted: int) -> float:
        marks, now = await self._window.marks(), self._clock.monotonic()
        if marks.pause and priority is not Priority.KILL:
            if not self._limiter.paused(now):
                self._limiter.on_response(now, marks.status, marks.pause)
            return max(self._limiter.delay(now, priority), marks.pause)
        if marks.urgent and self._holds_back(priority, now):
            return marks.urgent
        delay = await self._window.take(wanted)
        if not delay:
            self._held_back_since = None
            self._leased.extend([self._clock.monotonic()] * wanted)
        elif priority <= Priority.WRITE:
            await self._window.mark_urgent()
        return delay

    def _holds_back(self, priority: Priority, now: float) -> bool:
        if priority <= Priority.WRITE:
            return False
        if self._held_back_since is None:
            self._held_back_since = now
        return priority is not Priority.PAGE or now - self._held_back_since < _HELD_BACK

    async def _reach_again(self) -> None:
        try:
            await self._window.ping()
        except BudgetUnreachable:
            return
        self._fallback.find(self._clock.monotonic())

    def _lose(self, error: Exception) -> None:
        if self._fallback.lose(self._clock.monotonic()):
            log.warning(
                "%s: the shared budget at %s cannot be reached (%s). Until it can, this process sends at most %g "
                "requests per second: its share of %g among %d processes ([operations] budget_processes)",
                *(self._where, self._home, error),
                *(self._fallback.share, self._fallback.per_second, self._home.processes),
            )
