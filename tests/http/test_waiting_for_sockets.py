"""A request that waited for a socket leaves by the rate limit of the moment when it leaves."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ops.apis.calls import Call, Request
from airflow_provider_ops.apis.onvera import API
from airflow_provider_ops.exceptions import RateLimited
from airflow_provider_ops.http.async_client import AsyncClient
from airflow_provider_ops.http.clock import SystemClock
from airflow_provider_ops.http.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from airflow_provider_ops.http.rate_limiter import Priority

START = Call(Request("POST", "/x", "/x"), lambda response: response.status)
SOCKETS, REQUESTS, BUDGET = 4, 12, 2


class LeapingClock(SystemClock):
    """Time that passes only while someone sleeps, and not while a request that has its socket is yet to leave."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.left: list[float] = []
        self._leaving = 0

    @contextmanager
    def busy(self) -> Iterator[None]:
        self._leaving += 1
        yield

    def leave(self, _request: Request, _priority: Priority) -> None:
        self._leaving -= 1
        self.left.append(self.now)

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    async def asleep(self, seconds: float) -> None:
        await until(lambda: not self._leaving)
        self.now += seconds


class Server:
    """Answers nothing before it is released."""

    def __init__(self) -> None:
        self.seen = 0
        self.released = asyncio.Event()
        self.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            self.seen += 1
            await self.released.wait()
            writer.write(self.answer)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def sending(clock: LeapingClock) -> AsyncIterator[tuple[Server, AsyncClient]]:
    server = Server()
    listening = await asyncio.start_server(server, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/api/v1"
    client = AsyncClient(API, Settings("c", url, "k", requests_per_second=BUDGET), clock)
    client.before_change = clock.leave
    try:
        yield server, client
    finally:
        await client.aclose()
        listening.close()


async def until(there: Callable[[], bool]) -> None:
    while not there():  # noqa: ASYNC110 - the server does not say
        await asyncio.sleep(0)


def waiting(client: AsyncClient) -> int:
    """How many have a permit and no socket."""
    return len(client._transport.slot(writes=True)._waiters or ())


async def test_those_that_waited_for_a_socket_keep_to_the_budget_when_they_leave() -> None:
    clock = LeapingClock()
    async with sending(clock) as (server, client):
        tasks = [asyncio.ensure_future(client.send_once(START)) for _ in range(REQUESTS)]
        await until(lambda: server.seen == SOCKETS and waiting(client) == REQUESTS - SOCKETS)
        clock.now += 1
        server.released.set()
        assert await asyncio.gather(*tasks) == [200] * REQUESTS
    assert max(sum(1 for other in clock.left if at <= other < at + 1) for at in clock.left) <= BUDGET


async def test_those_that_waited_for_a_socket_keep_a_pause_that_began_meanwhile() -> None:
    clock = LeapingClock()
    async with sending(clock) as (server, client):
        tasks = [asyncio.ensure_future(client.send_once(START, deadline=clock.now + 60)) for _ in range(REQUESTS)]
        await until(lambda: server.seen == SOCKETS and waiting(client) == REQUESTS - SOCKETS)
        clock.now += 1
        server.answer = b"HTTP/1.1 429 x\r\nretry-after: 600\r\ncontent-length: 0\r\n\r\n"
        server.released.set()
        for error in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(error, RateLimited)
    assert len(clock.left) == SOCKETS
    assert pytest.approx(600, abs=10) == client._limiter.paused(clock.now)
