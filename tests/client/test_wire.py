"""Reads over kept connections, against a server that answers byte for byte what a test wants."""

from __future__ import annotations

import asyncio
import gzip
from contextlib import asynccontextmanager
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import uvloop

from airflow_provider_ops.apis.onvera import API
from airflow_provider_ops.client import sockets
from airflow_provider_ops.client.answers import MAX_BODY, uses_proxy
from airflow_provider_ops.client.asynchronous import AsyncClient
from airflow_provider_ops.client.settings import Settings
from airflow_provider_ops.client.wire import Wire
from airflow_provider_ops.exceptions import TransportError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Server:
    """Answers each request with the next of some bytes; an empty answer holds on to the request."""

    def __init__(self, answers: list[bytes], *, hang_up: bool) -> None:
        self.answers, self.hang_up = answers, hang_up
        self.requests: list[bytes] = []
        self.connections = self.open = self.most_open = 0
        self.writers: list[asyncio.StreamWriter] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        self.connections += 1
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        try:
            while True:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                answer = self.answers.pop(0) if self.answers else OK
                if not answer:
                    await reader.read()
                    return
                await asyncio.sleep(0)
                writer.write(answer)
                await writer.drain()
                if self.hang_up:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self.open -= 1
            writer.close()


@asynccontextmanager
async def serving(*answers: bytes, hang_up: bool = False, most: int = 8) -> AsyncIterator[tuple[Server, Wire]]:
    server = Server(list(answers), hang_up=hang_up)
    listening = await asyncio.start_server(server, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    wire = Wire(f"http://127.0.0.1:{port}/api/v1", SSLContext(PROTOCOL_TLS_CLIENT), most)
    try:
        yield server, wire
    finally:
        await wire.aclose()
        listening.close()
        await listening.wait_closed()


async def get(wire: Wire, *, timeout: float = 30.0, limit: float = 60.0, grown: Callable[[int], None] = id) -> Any:
    return await wire.get("/api/v1/x?page=1", [("x-api-key", "k")], timeout=timeout, limit=limit, grown=grown)


async def until(there: Callable[[], bool]) -> None:
    while not there():  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0)


async def test_one_connection_serves_one_request_after_the_other() -> None:
    async with serving() as (server, wire):
        for _ in range(5):
            assert (await get(wire))[::2] == (200, b"ok")
    assert server.connections == 1
    host = f"host: {wire._host[1].decode()}"
    assert server.requests[0].decode().split("\r\n")[:3] == ["GET /api/v1/x?page=1 HTTP/1.1", host, "x-api-key: k"]


async def test_no_more_connections_than_allowed() -> None:
    async with serving(most=3) as (server, wire):
        await asyncio.gather(*(get(wire) for _ in range(20)))
        assert server.most_open <= 3


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\ncontent-length: %d\r\n\r\n%s", b"ok" * 2_000_000),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\ncontent-length: %d\r\n\r\n%s", b""),
    ],
)
async def test_every_way_to_write_a_body_is_read(answer: bytes, body: bytes) -> None:
    if b"%d" in answer:
        packed = gzip.compress(body)
        answer %= (len(packed), packed)
    async with serving(answer) as (server, wire):
        assert (await get(wire))[2] == body
        assert (await get(wire))[2] == b"ok"
        assert server.connections == 1


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.0 200 OK\r\n\r\nto the end", b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nto the end"]
)
async def test_a_body_that_ends_with_its_connection_is_read_and_the_next_request_takes_another(answer: bytes) -> None:
    async with serving(answer, hang_up=True) as (server, wire):
        assert (await get(wire))[2] == b"to the end"
        assert (await get(wire))[2] == b"ok"
        assert server.connections == 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\ncut", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\ncontent-len", httpx.RemoteProtocolError),
        (b"this is not HTTP\r\n\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nx: " + b"a" * 200_000 + b"\r\n\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nok", httpx.DecodingError),
    ],
)
async def test_what_is_no_answer_is_an_error_and_the_next_request_is_not_harmed(
    answer: bytes, error: type[Exception]
) -> None:
    async with serving(answer, hang_up=True) as (_, wire):
        with pytest.raises(error):
            await get(wire)
        assert (await get(wire))[2] == b"ok"


async def test_a_body_that_unpacks_to_too_much_is_not_unpacked_to_its_end() -> None:
    packed, sizes = gzip.compress(b"\0" * 64 * 1024 * 1024), []

    def grown(size: int) -> None:
        sizes.append(size)
        if size > MAX_BODY:
            raise TransportError("too large", reason="unreadable")

    answer = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n%s" % (len(packed), packed)
    async with serving(answer) as (_, wire):
        with pytest.raises(TransportError):
            await get(wire, grown=grown)
    # unpacked piece by piece
    assert len(sizes) == 1 or sizes[-2] <= MAX_BODY


async def test_what_comes_unasked_answers_nobody() -> None:
    async with serving() as (server, wire):
        await get(wire)
        server.writers[0].write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")
        await server.writers[0].drain()
        await asyncio.sleep(0.05)
        assert (await get(wire))[2] == b"ok"
        assert server.connections == 2


async def test_what_comes_behind_an_answer_is_no_answer_to_the_next_request() -> None:
    async with serving(OK + b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil") as (server, wire):
        assert (await get(wire))[2] == b"ok"
        assert (await get(wire))[2] == b"ok"
        assert server.connections == 2


async def test_an_answer_that_comes_faster_than_it_is_read_is_whole() -> None:
    body = bytes(range(256)) * 8192
    async with serving(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body) as (server, wire):
        assert (await get(wire))[2] == body
        assert (await get(wire))[2] == b"ok"
        assert server.connections == 1


async def test_a_connection_in_use_is_not_kept_once_all_are_closed() -> None:
    async with serving(b"") as (server, wire):
        reading = asyncio.ensure_future(get(wire))
        await until(lambda: bool(server.requests))
        await wire.aclose()
        server.writers[0].write(OK)
        assert (await reading)[2] == b"ok"
        await until(lambda: server.open == 0)


async def test_silence_and_an_answer_without_end_are_told_apart() -> None:
    async with serving(b"", b"") as (_, wire):
        with pytest.raises(httpx.ReadTimeout):
            await get(wire, timeout=0.3)
        with pytest.raises(asyncio.TimeoutError):
            await get(wire, timeout=5.0, limit=0.02)


async def test_who_gives_up_takes_the_connection_with_him_and_leaves_room() -> None:
    async with serving(b"", most=1) as (server, wire):
        waiting = asyncio.ensure_future(get(wire))
        await until(lambda: bool(server.requests))
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert (await get(wire))[2] == b"ok"
        assert server.connections == 2


async def test_nobody_there() -> None:
    async with serving() as (_, wire):
        pass
    with pytest.raises(httpx.ConnectError):
        await get(wire)


async def test_a_header_that_cannot_be_sent_is_refused() -> None:
    async with serving() as (_, wire):
        with pytest.raises(httpx.LocalProtocolError):
            await wire.get("/x", [("x", "a\r\nb: c")], timeout=1.0, limit=1.0, grown=id)
        assert (await get(wire))[2] == b"ok"


@pytest.mark.parametrize(
    ("env", "proxy", "uses"),
    [
        ({}, None, False),
        ({}, "http://proxy.example:3128", True),
        ({"https_proxy": "http://proxy.example:3128"}, None, True),
        ({"all_proxy": "http://proxy.example:3128"}, None, True),
        ({"http_proxy": "http://proxy.example:3128"}, None, False),
        ({"https_proxy": "http://proxy.example:3128", "no_proxy": "onvera.io"}, None, False),
    ],
)
async def test_proxies_are_never_passed_by(
    monkeypatch: pytest.MonkeyPatch, env: dict[str, str], proxy: str | None, uses: bool
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    settings = Settings("c", "https://api.onvera.io/api/v1", "key", proxy=proxy)
    assert uses_proxy(settings) is uses
    client = AsyncClient(API, settings)
    assert (client._wire is None) is uses
    await client.aclose()


async def test_who_is_cancelled_at_any_moment_leaves_no_connection_open(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[asyncio.Transport] = []

    class Noted(sockets.Socket):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            opened.append(transport)  # type: ignore[arg-type]

    monkeypatch.setattr(sockets, "Socket", Noted)
    async with serving() as (_, wire):
        for passes in range(60):
            reading = asyncio.ensure_future(get(wire))
            for _ in range(passes):
                await asyncio.sleep(0)
            reading.cancel()
            await asyncio.wait([reading])
            await wire.aclose()
        # one that was being opened is closed as soon as it is there
        await until(lambda: all(transport.is_closing() for transport in opened))
    assert opened


def test_reads_work_on_uvloop() -> None:
    async def read() -> bytes:
        async with serving() as (_, wire):
            answer: bytes = (await get(wire))[2]
            return answer

    loop = uvloop.new_event_loop()
    try:
        assert loop.run_until_complete(read()) == b"ok"
    finally:
        loop.close()
