"""One exchange over real sockets, against a server that answers byte for byte what a test wants."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import logging
import time
import zlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import uvloop

from airflow_provider_ops.exceptions import TransportError
from airflow_provider_ops.http import network
from airflow_provider_ops.http.bodies import MAX_BODY, MAX_CONTAINERS, MAX_VALUES
from airflow_provider_ops.http.network import Delivery
from airflow_provider_ops.http.tls import plain_context
from airflow_provider_ops.http.transport import Transport, TransportFailed, build_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
EVIL = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"


class Server:
    """Answers each request with the next of some bytes; an empty answer holds on to the request."""

    def __init__(self, answers: list[bytes], *, hang_up: bool) -> None:
        self.answers, self.hang_up = answers, hang_up
        self.requests: list[bytes] = []
        self.connections = self.open = self.most_open = 0
        self.writers: list[asyncio.StreamWriter] = []
        self.url = ""

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
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            return
        finally:
            self.open -= 1
            writer.close()


@asynccontextmanager
async def serving(*answers: bytes, hang_up: bool = False) -> AsyncIterator[tuple[Server, Transport]]:
    server = Server(list(answers), hang_up=hang_up)
    listening = await asyncio.start_server(server, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/api/v1/x"
    transport = Transport(plain_context(), None)
    try:
        yield server, transport
    finally:
        await transport.aclose()
        listening.close()
        await listening.wait_closed()


async def ask(
    server: Server,
    transport: Transport,
    *,
    writes: bool = False,
    timeout: float = 30.0,
    total: float = 60.0,
    delivery: Delivery | None = None,
) -> Any:
    method = "POST" if writes else "GET"
    request = build_request(
        method, server.url, query={"page": 1}, json=None, headers={"x-api-key": "k"}, timeout=timeout, read=timeout
    )
    async with transport.slot(writes=writes):
        return await transport.exchange(
            request, writes=writes, total=total, delivery=delivery or Delivery(), before=lambda: None
        )


async def body(server: Server, transport: Transport, **options: Any) -> bytes:
    content: bytes = (await ask(server, transport, **options))[2]
    return content


async def until(there: Callable[[], bool]) -> None:
    while not there():  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0)


async def test_one_connection_serves_one_read_after_the_other() -> None:
    async with serving() as (server, transport):
        for _ in range(5):
            assert (await ask(server, transport))[::2] == (200, b"ok")
    assert server.connections == 1
    first, *headers = server.requests[0].decode().split("\r\n")
    assert first == "GET /api/v1/x?page=1 HTTP/1.1"
    assert {"x-api-key: k", "accept-encoding: gzip, deflate"} <= {header.lower() for header in headers}


async def test_httpx_logs_no_address_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="httpx")
    async with serving() as (server, transport):
        await ask(server, transport)
    # its query may have a secret
    assert "page=1" not in caplog.text
    logging.getLogger("httpx").info("a line about another request")
    assert "another request" in caplog.text


async def test_what_changes_something_never_goes_over_a_connection_that_was_used_before() -> None:
    async with serving() as (server, transport):
        await ask(server, transport)
        for _ in range(3):
            await ask(server, transport, writes=True)
    assert server.connections == 4


async def test_no_more_connections_than_allowed() -> None:
    async with serving() as (server, transport):
        await asyncio.gather(*(ask(server, transport, writes=n % 2 == 0) for n in range(60)))
        assert server.most_open <= 20


def deflated(data: bytes, wbits: int = zlib.MAX_WBITS) -> bytes:
    packer = zlib.compressobj(wbits=wbits)
    return packer.compress(data) + packer.flush()


BIG = b"ok" * 2_000_000


@pytest.mark.parametrize(
    ("answer", "content"),
    [
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;x=y\r\nok\r\n0\r\nTrailer: t\r\n\r\n", b"ok"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 50 + OK, b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (("gzip", gzip.compress(BIG, mtime=0)), BIG),
        (("GZip", gzip.compress(b"", mtime=0)), b""),
        (("x-gzip", gzip.compress(b"ok", mtime=0)), b"ok"),
        (("deflate", deflated(b"ok" * 999)), b"ok" * 999),
        (("deflate", deflated(b"ok" * 999, -zlib.MAX_WBITS)), b"ok" * 999),
        (("identity", b"ok"), b"ok"),
        (("gzip", b""), b""),
    ],
)
async def test_every_way_to_write_a_body_is_read(answer: Any, content: bytes) -> None:
    if isinstance(answer, tuple):
        encoding, packed = answer
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\ncontent-length: {len(packed)}\r\n\r\n"
        answer = head.encode() + packed
    async with serving(answer) as (server, transport):
        assert await body(server, transport) == content
        assert await body(server, transport) == b"ok"
        assert server.connections == 1


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.0 200 OK\r\n\r\nto the end", b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nto the end"]
)
async def test_a_body_that_ends_with_its_connection_is_read_and_the_next_request_takes_another(answer: bytes) -> None:
    async with serving(answer, hang_up=True) as (server, transport):
        assert await body(server, transport) == b"to the end"
        assert await body(server, transport) == b"ok"
        assert server.connections == 2


def encoded(encoding: str, packed: bytes) -> bytes:
    return f"HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: {len(packed)}\r\n\r\n".encode() + packed


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\ncut", "reset"),
        (b"HTTP/1.1 200 OK\r\ncontent-len", "reset"),
        (b"this is not HTTP\r\n\r\n", "reset"),
        (b"HTTP/2 200\r\n\r\n", "reset"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"a" * 200_000 + b"\r\n\r\n", "reset"),
        (encoded("gzip", b"ok"), "unreadable"),
        (encoded("gzip", gzip.compress(b"ok" * 999, mtime=0)[:-20]), "unreadable"),
        (encoded("gzip, gzip", gzip.compress(gzip.compress(b"ok", mtime=0))), "unreadable"),
        (encoded("br", b"ok"), "unreadable"),
        (encoded("deflate", b"ok"), "unreadable"),
        (encoded("gzip", gzip.compress(b"\0" * 64 * 1024 * 1024, mtime=0)), "unreadable"),
        (encoded("identity", b"[" * (MAX_CONTAINERS + 1)), "unreadable"),
        (encoded("identity", b"[" + b"1," * MAX_VALUES + b"1]"), "unreadable"),
        (encoded("identity", b" " * (MAX_BODY + 1)), "unreadable"),
        (encoded("gzip", gzip.compress(b"ok") + b"x" * MAX_BODY), "unreadable"),
        (encoded("deflate", b"\x78\x9c" + b"\0\0\0\xff\xff" * (MAX_BODY // 5)), "unreadable"),
    ],
)
async def test_what_is_no_answer_is_an_error_and_the_next_request_is_not_harmed(answer: bytes, reason: str) -> None:
    async with serving(answer, hang_up=True) as (server, transport):
        with pytest.raises((TransportFailed, TransportError)) as caught:
            await ask(server, transport)
        assert isinstance(caught.value, (TransportFailed, TransportError))
        assert caught.value.reason == reason
        assert await body(server, transport) == b"ok"


async def test_commas_in_texts_are_no_values() -> None:
    commas = rb'["a \" b\\", "' + b"," * 2 * MAX_VALUES + b'"]'
    async with serving(encoded("identity", commas)) as (server, transport):
        assert await body(server, transport) == commas


# -- answers to no request


async def test_what_comes_between_two_requests_answers_none() -> None:
    async with serving() as (server, transport):
        await ask(server, transport)
        server.writers[0].write(EVIL)
        await server.writers[0].drain()
        await asyncio.sleep(0.05)
        assert await body(server, transport) == b"ok"
        assert server.connections == 2


@pytest.mark.parametrize("split", [0, 1, 10, 40, len(EVIL)])
async def test_a_second_answer_is_never_taken_for_the_next(split: int) -> None:
    async with serving(OK + EVIL[:split]) as (server, transport):
        assert await body(server, transport) == b"ok"
        await asyncio.sleep(0.01)
        server.writers[0].write(EVIL[split:])
        for _ in range(3):
            try:
                assert await body(server, transport) == b"ok"
            except (TransportFailed, TransportError):
                continue
        assert await body(server, transport) == b"ok"


async def test_a_second_answer_in_two_segments_is_never_taken_for_the_next() -> None:
    async with serving(b"") as (server, transport):
        asking = asyncio.ensure_future(ask(server, transport))
        await until(lambda: bool(server.requests))
        for part in (OK, EVIL):
            server.writers[0].write(part)
            await asyncio.sleep(0)
        assert (await asking)[2] == b"ok"
        # it may have come together with the first one, and be found out too late to take another connection
        with contextlib.suppress(TransportError):
            assert await body(server, transport) == b"ok"
        assert await body(server, transport) == b"ok"


# -- time


async def test_silence_and_an_answer_without_end_are_told_apart_by_their_message() -> None:
    async with serving(b"", b"") as (server, transport):
        with pytest.raises(TransportFailed, match="nothing came") as caught:
            await ask(server, transport, timeout=0.3)
        assert caught.value.reason == "timeout"
        with pytest.raises(TransportFailed, match="not complete") as caught:
            await ask(server, transport, timeout=5.0, total=0.02)
        assert caught.value.reason == "timeout"


STARTS = [
    b"HTTP/1.1 2",
    b"HTTP/1.1 200 OK\r\nx: ",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: ",
    b"",
]
DRIPS = [b"0", b"a", b"0", b"1\r\nx\r\n", b" ", b"y", b"HTTP/1.1 100 \r\n\r\n"]


@pytest.mark.parametrize(("start", "drip"), list(zip(STARTS, DRIPS, strict=True)))
async def test_an_answer_that_trickles_is_given_up_in_time_wherever_it_trickles(start: bytes, drip: bytes) -> None:
    async def dribble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(start)
        try:
            while True:
                await asyncio.sleep(0.01)
                writer.write(drip)
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            writer.close()

    listening = await asyncio.start_server(dribble, "127.0.0.1", 0)
    server = Server([], hang_up=False)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/x"
    transport = Transport(plain_context(), None)
    with pytest.raises(TransportFailed) as caught:
        await asyncio.wait_for(ask(server, transport, timeout=10.0, total=0.3), 20.0)
    assert caught.value.reason == "timeout"
    assert caught.value.maybe_executed
    await transport.aclose()
    listening.close()


@pytest.mark.parametrize(
    "flood",
    [
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 60_000 + b"0\r\n\r\n",
        b"HTTP/1.1 100 \r\n\r\n" * 30_000,
        encoded("gzip", gzip.compress(b" " * (MAX_BODY - 1))),
    ],
)
async def test_a_flood_of_small_pieces_lets_others_have_their_turn(flood: bytes) -> None:
    turns, longest, last = 0, 0.0, time.thread_time()

    async def others() -> None:
        nonlocal turns, longest, last
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            longest, last, turns = max(longest, now - last), now, turns + 1

    async with serving(flood) as (server, transport):
        beside = asyncio.ensure_future(others())
        await asyncio.gather(ask(server, transport), return_exceptions=True)
        beside.cancel()
    assert turns > 20


async def test_an_answer_that_comes_faster_than_it_is_read_is_whole() -> None:
    content = bytes(range(256)) * 8192
    async with serving(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(content) + content) as (
        server,
        transport,
    ):
        assert await body(server, transport) == content
        assert await body(server, transport) == b"ok"
        assert server.connections == 1


# -- what is known of a request


async def test_whether_a_request_has_begun_is_known_while_it_is_under_way() -> None:
    async with serving(b"") as (server, transport):
        delivery = Delivery()
        asking = asyncio.ensure_future(ask(server, transport, writes=True, delivery=delivery))
        before = delivery.has_begun
        assert not before
        await until(lambda: bool(server.requests))
        assert delivery.has_begun
        asking.cancel()
        await asyncio.wait([asking])
        assert delivery.has_begun


async def test_nobody_there() -> None:
    async with serving() as (server, transport):
        pass
    transport, delivery = Transport(plain_context(), None), Delivery()
    with pytest.raises(TransportFailed) as caught:
        await ask(server, transport, delivery=delivery)
    assert (caught.value.reason, caught.value.maybe_executed, delivery.has_begun) == ("connect", False, False)
    await transport.aclose()


async def test_who_gives_up_takes_the_connection_with_him_and_leaves_room() -> None:
    async with serving(b"") as (server, transport):
        waiting = asyncio.ensure_future(ask(server, transport))
        await until(lambda: bool(server.requests))
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await body(server, transport) == b"ok"
        assert server.connections == 2


async def test_who_is_cancelled_at_any_moment_leaves_no_connection_open(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[asyncio.Transport] = []

    class Noted(network.Stream):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            opened.append(transport)  # type: ignore[arg-type]

    monkeypatch.setattr(network, "Stream", Noted)
    async with serving() as (server, transport):
        for passes in range(60):
            reading = asyncio.ensure_future(ask(server, transport, writes=True))
            for _ in range(passes):
                await asyncio.sleep(0)
            reading.cancel()
            await asyncio.wait([reading])
        # one that was being opened is closed as soon as it is there
        await until(lambda: all(transport.is_closing() for transport in opened))
    assert opened


def test_reads_work_on_uvloop() -> None:
    async def read() -> bytes:
        async with serving() as (server, transport):
            return await body(server, transport)

    loop = uvloop.new_event_loop()
    try:
        assert loop.run_until_complete(read()) == b"ok"
    finally:
        loop.close()


@pytest.mark.parametrize("status", [301, 307])
@pytest.mark.parametrize("place", ["http://[", "mailto:x", "http://xn--a..", "//xn--aftp:", "http://h:99999", "\xff"])
async def test_where_a_redirect_leads_is_not_read(status: int, place: str) -> None:
    head = f"HTTP/1.1 {status} x\r\nlocation: {place}\r\ncontent-length: 2\r\n\r\nok"
    async with serving(head.encode("latin-1")) as (server, transport):
        assert (await ask(server, transport, writes=True))[::2] == (status, b"ok")
