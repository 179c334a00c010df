"""Connections for httpcore straight on asyncio, so that what has come unasked is seen before it answers a request."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import httpcore

from airflow_provider_ops.http.background import create_background_task

#: What opens connections; tests bring their own.
NetworkBackend: TypeAlias = httpcore.AsyncNetworkBackend

#: Unread bytes of a connection at which the server is made to wait.
_MOST_UNREAD = 256 * 1024
#: Bytes handed on at a time before the event loop may serve others: a body may come in chunks of one byte.
_PIECE = 16 * 1024
#: The same within a body: there the reader lets others take their turn.
_BODY_PIECE = 64 * 1024
#: Bytes that may come before a body begins: headers, and any number of interim answers.
_MOST_HEADERS = 128 * 1024
#: Seconds after which the next address of a host is tried as well (RFC 8305).
_NEXT_ADDRESS = 0.25
#: Seconds for a connection under way when its client closes.
_LAST_OPENING = 0.25
_STATUS_LINE, _WAY = b"HTTP/1.", b"CONNECT "


@dataclass(slots=True)
class Delivery:
    """How far one request has come, and the way to give it up. Another thread may read it at any time.

    httpcore loses track of a connection whose task is cancelled at certain moments. So it is never cancelled: what it
    waits for ends with an error.

    :param has_begun: whether the API may have seen a part of the request, so that without an answer its outcome is
        not known.
    :param has_received: bytes that have come since.
    :param is_in_body: whether the headers of the answer are complete.
    :param before: called right before the first byte of the request leaves; may raise to keep it back.
    """

    has_begun: bool = False
    has_received: int = 0
    is_in_body: bool = False
    before: Callable[[], None] | None = None
    _is_given_up: bool = False
    _waits_for: asyncio.Future[None] | None = None

    def reset(self, before: Callable[[], None] | None = None) -> None:
        """Begin anew."""
        self.before = before
        self.has_begun = self.is_in_body = self._is_given_up = False
        self.has_received = 0

    def give_up(self) -> None:
        """Let the exchange end with an error, at whatever it waits for."""
        self._is_given_up = True
        if self._waits_for is not None:
            _end(self._waits_for, httpcore.ReadError("given up"))

    def check(self) -> None:
        """Raise once the exchange was given up."""
        if self._is_given_up:
            raise httpcore.ReadError("given up")

    async def wait(self, moment: asyncio.Future[None], seconds: float | None, late: Exception) -> None:
        """Wait for something that ends when the exchange is given up, and with an error when it takes too long."""
        self.check()
        # a timer and no time limit around the caller, which costs several times as much
        timer = None if seconds is None else asyncio.get_running_loop().call_later(seconds, _end, moment, late)
        self._waits_for = moment
        try:
            await moment
        finally:
            self._waits_for = None
            if timer is not None:
                timer.cancel()


#: The request on behalf of which the running task uses a connection.
DELIVERY: ContextVar[Delivery] = ContextVar("delivery")


class Backend(httpcore.AsyncNetworkBackend):
    """Open connections on the running event loop. :meth:`aclose` it on the same."""

    def __init__(self) -> None:
        self._openings: set[asyncio.Task[Any]] = set()

    async def aclose(self) -> None:
        """Let connections end that are under way and not wanted any more: they would be lost with the event loop."""
        if self._openings:
            _, late = await asyncio.wait(self._openings, timeout=_LAST_OPENING)
            for opening in late:
                opening.cancel()
            # one turn, in which what has been opened closes
            await asyncio.sleep(0)

    async def connect_tcp(  # noqa: D102 - httpcore's interface
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002 - never asked for
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        # uvloop has no race for the first address
        race: dict[str, Any] = (
            {"happy_eyeballs_delay": _NEXT_ADDRESS} if isinstance(loop, asyncio.BaseEventLoop) else {}
        )
        opening = create_background_task(loop.create_connection(Stream, host, port, **race))
        self._openings.add(opening)
        opening.add_done_callback(self._openings.discard)
        try:
            await _done(opening, timeout, httpcore.ConnectTimeout(f"no connection within {timeout or 0:g} s"))
        except BaseException:
            # left to end by itself: before Python 3.13 a cancelled race for the first address loses its winner
            opening.add_done_callback(_close)
            raise
        try:
            _, stream = opening.result()
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(_text(error)) from error
        return stream

    async def sleep(self, seconds: float) -> None:  # noqa: D102
        await asyncio.sleep(seconds)


def _close(opened: asyncio.Task[tuple[asyncio.Transport, Stream]]) -> None:
    if not opened.cancelled() and opened.exception() is None:
        opened.result()[0].abort()


class Stream(httpcore.AsyncNetworkStream, asyncio.Protocol):
    """One connection. It reads at all times, so that what comes between two requests is known before the next."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._unread = bytearray()
        self._is_paused = False
        self._is_over = False
        self._error: Exception | None = None
        self._reader: asyncio.Future[None] | None = None
        #: Whether nothing has been handed on of the answer to the last request.
        self._is_unanswered = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: D102
        delivery = DELIVERY.get()
        delivery.check()
        if self._unread or self._is_over:
            # others first: there may be much of it
            await asyncio.sleep(0)
        else:
            self._reader = asyncio.get_running_loop().create_future()
            await delivery.wait(self._reader, timeout, httpcore.ReadTimeout(f"nothing came for {timeout or 0:g} s"))
        if not self._unread and self._error is not None:
            raise httpcore.ReadError(_text(self._error)) from self._error
        size = min(max_bytes, _BODY_PIECE if delivery.is_in_body else _PIECE)
        data = bytes(self._unread[:size])
        del self._unread[:size]
        if self._is_paused and self._transport is not None and len(self._unread) < _MOST_UNREAD:
            self._is_paused = False
            self._transport.resume_reading()
        self._account(delivery, data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, D102
        if not buffer:
            return
        delivery = DELIVERY.get()
        delivery.check()
        # what goes to the API begins with a method; what goes to a SOCKS proxy, with a number
        is_start = not delivery.has_begun and buffer[:1].isalpha()
        if is_start and self._unread:
            raise httpcore.RemoteProtocolError("the server has sent something that was not asked for")
        if self._transport is None or self._transport.is_closing():
            raise httpcore.WriteError("the connection is closed")
        if is_start:
            self._is_unanswered = True
            # to an HTTP proxy: about the way to the API, which sees nothing of it
            if not buffer.startswith(_WAY):
                if delivery.before is not None:
                    delivery.before()
                delivery.has_begun = True
        # a request is small: what the kernel does not take at once asyncio keeps
        self._transport.write(buffer)

    async def start_tls(  # noqa: D102
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        if self._transport is None or self._unread:
            raise httpcore.ConnectError("the connection cannot be encrypted: the server has spoken already")
        loop = asyncio.get_running_loop()
        securing = create_background_task(
            loop.start_tls(self._transport, self, ssl_context, server_hostname=server_hostname)
        )
        try:
            await _done(securing, timeout, httpcore.ConnectTimeout(f"no TLS within {timeout or 0:g} s"))
            secured = securing.result()
        except (OSError, ValueError) as error:
            self._abort()
            raise httpcore.ConnectError(_text(error)) from error
        except BaseException:
            self._abort()
            raise
        if secured is None:
            raise httpcore.ConnectError("the server has closed the connection during the TLS handshake")
        self._transport = secured
        return self

    def get_extra_info(self, info: str) -> Any:  # noqa: D102
        if info == "is_readable":
            # of a connection between two requests: whether it can be used no more
            return bool(self._unread) or self._is_over
        return None if self._transport is None else self._transport.get_extra_info(info)

    async def aclose(self) -> None:  # noqa: D102
        if self._transport is not None:
            self._transport.close()
            # one turn to close properly, and no wait for a server that does not take part in the end of TLS
            await asyncio.sleep(0)
            self._abort()

    def _account(self, delivery: Delivery, data: bytes) -> None:
        delivery.has_received += len(data)
        if not delivery.is_in_body and delivery.has_received > _MOST_HEADERS:
            raise httpcore.RemoteProtocolError(f"no body began within {_MOST_HEADERS // 1024} KiB")
        if self._is_unanswered and data:
            self._is_unanswered = False
            if not data.startswith(_STATUS_LINE[: len(data)]):
                raise httpcore.RemoteProtocolError(f"no answer in HTTP/1.1: it begins with {data[:40]!r}")

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection that asyncio has opened."""
        # by its methods it is one on every event loop, by its class not on uvloop
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Keep what has come until it is read."""
        self._unread += data
        if not self._is_paused and self._transport is not None and len(self._unread) > _MOST_UNREAD:
            self._is_paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """Record that nothing more will come."""
        self._is_over = True
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        """Record that the connection is gone."""
        self._is_over, self._error = True, error
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


def _end(moment: asyncio.Future[None], error: Exception) -> None:
    if not moment.done():
        moment.set_exception(error)


async def _done(task: asyncio.Task[Any], seconds: float | None, late: Exception) -> None:
    """Return when a task is done, whatever came of it."""
    moment: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    task.add_done_callback(lambda _: None if moment.done() else moment.set_result(None))
    await DELIVERY.get().wait(moment, seconds, late)


def _text(error: BaseException) -> str:
    return str(error) or type(error).__name__
