"""One asynchronous client per event loop and connection, alive as long as somebody uses it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from airflow_provider_ops.client.asynchronous import AsyncClient

Key = tuple[str, str]


@dataclass
class _Shared:
    client: asyncio.Task[AsyncClient]
    users: int = 0


_LOOPS: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Key, _Shared]] = WeakKeyDictionary()


@asynccontextmanager
async def shared_client(key: Key, opening: Callable[[], Awaitable[AsyncClient]]) -> AsyncIterator[AsyncClient]:
    """The client for ``key`` on the running loop; opened by the first user, closed after the last.

    :param key: API and connection id.
    :param opening: looks the connection up and builds the client. Runs once for users that come together,
        because a look-up holds up the whole triggerer.
    """
    clients = _LOOPS.setdefault(asyncio.get_running_loop(), {})
    shared = clients.get(key)
    if shared is None or _has_failed(shared.client):
        shared = clients[key] = _Shared(asyncio.ensure_future(_open(opening)))
    shared.users += 1
    try:
        # shielded: a cancelled user must not take the opening away from the others
        yield await asyncio.shield(shared.client)
    finally:
        shared.users -= 1
        if shared.users == 0:
            if clients.get(key) is shared:
                del clients[key]
            await _close(shared.client)


async def _open(opening: Callable[[], Awaitable[AsyncClient]]) -> AsyncClient:
    return await opening()


def _has_failed(task: asyncio.Task[AsyncClient]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


async def _close(task: asyncio.Task[AsyncClient]) -> None:
    if not task.done():
        task.cancel()
    elif not _has_failed(task):
        await task.result().aclose()
