"""The window of a shared budget in Redis, by the clock of Redis. Needs the extra ``redis``."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final, NamedTuple

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from throttled.asyncio import RateLimiterType, Throttled, rate_limiter
from throttled.asyncio.store import RedisStore
from throttled.exceptions import BaseThrottledError

from airflow_provider_ops.http.budget_home import BudgetUnreachable

#: Seconds for the permits of a hundred seconds: ways to the API are not equally long.
WINDOW: Final = 105
#: Seconds within which Redis must answer.
_TIMEOUT: Final = 0.5
#: Milliseconds for which reads hold back after a write has found no permit.
_URGENT: Final = 150


class Marks(NamedTuple):
    """What the processes of a connection have left for each other.

    :param pause: seconds that are left of the pause that the API asked one of them for; 0.0 for none.
    :param status: the status with which it did.
    :param urgent: seconds for which reads hold back, so that a write finds a permit; 0.0 for none.
    """

    pause: float
    status: int
    urgent: float


def permits_per_window(per_second: float, burst: int) -> int:
    """Return how many permits follow evenly in :data:`WINDOW` seconds, so that with a burst no second has too many."""
    return max(1, math.floor((per_second - burst + 1) * 100))


class RedisWindow:
    """Permits and marks of one connection, on one event loop. Each method raises :class:`BudgetUnreachable`.

    Permits are granted so that no second has more than the budget: ``burst`` at once, the others evenly after that.

    :param name: begins all keys.
    :param burst: permits that may be taken at once.
    """

    def __init__(self, url: str, name: str, per_second: float, burst: int) -> None:
        store = _Store(url, options={"CONNECTION_POOL_KWARGS": _options()})
        # the library counts whole seconds and permits
        rate = rate_limiter.Rate(timedelta(seconds=WINDOW), permits_per_window(per_second, burst))
        self._window = Throttled(
            key="window",
            using=RateLimiterType.GCRA.value,
            quota=rate_limiter.Quota(rate, burst),
            store=store,
            key_prefix=name,
        )
        self._redis = store.client
        self._pause, self._urgent = f"{name}:pause", f"{name}:urgent"

    async def marks(self) -> Marks:
        """Return what the other processes have left."""
        async with _reached():
            pipeline = self._redis.pipeline(transaction=False)
            for mark in (self._pause, self._urgent):
                pipeline.pttl(mark)
            pipeline.get(self._pause)
            pause, urgent, status = await pipeline.execute()
        return Marks(max(pause, 0) / 1000, int(status or 0), max(urgent, 0) / 1000)

    async def take(self, permits: int) -> float:
        """Take that many permits, or none: 0.0, or the seconds after which there may be some."""
        async with _reached():
            result = await self._window.limit(cost=permits)
        return max(result.state.retry_after, 0.001) if result.limited else 0.0

    async def mark_pause(self, status: int, seconds: float) -> None:
        """Let all processes pause; a longer pause stays."""
        async with _reached():
            if seconds > max(await self._redis.pttl(self._pause), 0) / 1000:
                await self._redis.set(self._pause, status, px=math.ceil(seconds * 1000))

    async def mark_urgent(self) -> None:
        """Let reads of all processes hold back for a moment."""
        async with _reached():
            await self._redis.set(self._urgent, 1, px=_URGENT)

    async def ping(self) -> None:
        """Return when Redis answers."""
        async with _reached():
            await self._redis.ping()

    async def aclose(self) -> None:
        """Close the connections."""
        async with _reached():
            await self._redis.aclose(close_connection_pool=True)


class _Store(RedisStore):
    @property
    def client(self) -> Redis:
        client: Any = self._backend.get_client()
        return client  # type: ignore[no-any-return]


def _options() -> dict[str, Any]:
    # No attempt is repeated: after a broken connection another Redis may be there, which knows of no permit.
    return {
        "socket_timeout": _TIMEOUT,
        "socket_connect_timeout": _TIMEOUT,
        "retry": Retry(NoBackoff(), 0),
    }


@asynccontextmanager
async def _reached() -> AsyncIterator[None]:
    try:
        yield
    except (RedisError, BaseThrottledError, OSError, RuntimeError) as error:
        # the library says the same of each; the text of Redis names host and port, never the password
        cause = error.__cause__ if isinstance(error, BaseThrottledError) and error.__cause__ else error
        raise BudgetUnreachable(str(cause)) from error
