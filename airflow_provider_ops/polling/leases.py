"""One asynchronous client per event loop and connection, alive as long as it is in use."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from airflow_provider_ops.http.async_client import AsyncClient

T = TypeVar("T")
Key = tuple[str, str]

#: Seconds for which a connection that was looked up is good: each lookup holds up the whole triggerer.
TIME_TO_LIVE = 60.0
#: Users that begin in one pass of the event loop. Thousands that come together must not keep others from their turn.
_PER_PASS = 50


class StartThrottle:
    """Let a limited number of callers start per pass of the event loop, in the order they came."""

    def __init__(self) -> None:
        self._room = _PER_PASS
        self._queue: deque[asyncio.Future[None]] = deque()
        self._counting = False

    async def wait(self) -> None:
        """Return when there is room."""
        if self._room and not self._queue:
            self._room -= 1
            self._count()
            return
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        await turn

    def _count(self) -> None:
        if not self._counting:
            self._counting = True
            asyncio.get_running_loop().call_soon(self._next_pass)

    def _next_pass(self) -> None:
        self._counting, self._room = False, _PER_PASS
        while self._queue and self._room:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                self._room -= 1
        if self._room < _PER_PASS:
            # the next caller must find room again, also when this pass has taken all of it
            self._count()


_BEGINNING: WeakKeyDictionary[asyncio.AbstractEventLoop, StartThrottle] = WeakKeyDictionary()


def wait_for_start() -> Awaitable[None]:
    """Return what to await first where thousands may start together: only a few then begin their work at a time."""
    loop = asyncio.get_running_loop()
    throttle = _BEGINNING.get(loop)
    if throttle is None:
        throttle = _BEGINNING[loop] = StartThrottle()
    return throttle.wait()


@dataclass(slots=True)
class ClientLease:
    """A client and the number of its users; :func:`acquire` it, and :meth:`release` it once."""

    key: Key
    opening: asyncio.Task[AsyncClient]
    users: int = 0

    @property
    def client(self) -> AsyncClient:
        """Return the client, for callers that have acquired the lease."""
        return self.opening.result()

    async def release(self) -> None:
        """Release the lease; the last release closes the client."""
        self.users -= 1
        if self.users == 0:
            clients = _LOOPS.get(asyncio.get_running_loop(), {})
            if clients.get(self.key) is self:
                del clients[self.key]
            await _close(self.opening)


_LOOPS: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Key, ClientLease]] = WeakKeyDictionary()


async def acquire(key: Key, opening: Callable[[], Awaitable[AsyncClient]], *, begun: bool = False) -> ClientLease:
    """Acquire the client for ``key`` on the running loop; the first call opens it, the last release closes it.

    This is for thousands of users at once: :func:`shared_client` would be one more object for each.

    :param key: API and connection id.
    :param opening: reads the connection and builds the client. Runs once for users that come together,
        because a lookup holds up the whole triggerer.
    :param begun: whether the user has awaited :func:`wait_for_start` just now.
    """
    clients = _LOOPS.setdefault(asyncio.get_running_loop(), {})
    shared = clients.get(key)
    if shared is None or _has_failed(shared.opening):
        shared = clients[key] = ClientLease(key, asyncio.ensure_future(_open(opening)))
    shared.users += 1
    try:
        if not shared.opening.done():
            # all that wait for it will continue in one pass of the loop
            begun = False
            # shielded: a cancelled user must not take the opening away from the others
            await asyncio.shield(shared.opening)
        if not begun:
            await wait_for_start()
    except BaseException:
        await shared.release()
        raise
    return shared


@asynccontextmanager
async def shared_client(key: Key, opening: Callable[[], Awaitable[AsyncClient]]) -> AsyncIterator[AsyncClient]:
    """Acquire a client as :func:`acquire` does, and release it at the end of the block."""
    shared = await acquire(key, opening)
    try:
        yield shared.client
    finally:
        await shared.release()


async def _open(opening: Callable[[], Awaitable[AsyncClient]]) -> AsyncClient:
    return await opening()


def _has_failed(task: asyncio.Task[Any]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


async def _close(task: asyncio.Task[AsyncClient]) -> None:
    if not task.done():
        task.cancel()
    elif not _has_failed(task):
        await task.result().aclose()


_CACHE: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Key, tuple[float, asyncio.Task[Any]]]] = WeakKeyDictionary()


async def cached(key: Key, look_up: Callable[[], Awaitable[T]]) -> T:
    """Return what ``look_up`` returns, called once per event loop and time to live, for any number of callers.

    A lookup that fails is not cached.
    """
    known = _CACHE.setdefault(asyncio.get_running_loop(), {})
    now = time.monotonic()
    for old in [name for name, (until, _) in known.items() if until <= now]:
        del known[old]
    if key not in known or _has_failed(known[key][1]):
        known[key] = (now + TIME_TO_LIVE, asyncio.ensure_future(_await(look_up)))
    result: T = await asyncio.shield(known[key][1])
    return result


def invalidate(key: Key) -> None:
    """Drop a cached value that has turned out to be out of date, so that it is looked up again the next time."""
    _CACHE.get(asyncio.get_running_loop(), {}).pop(key, None)


async def _await(look_up: Callable[[], Awaitable[T]]) -> T:
    return await look_up()
