"""Connections for httpcore, straight on asyncio.

httpcore's own go through anyio, which serves other event loops as well and pays for it at every read: with several
pages under way at the same time a page takes nearly twice the CPU (docs/performance.md). A triggerer runs on asyncio.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any, cast

import httpcore

from airflow_provider_ops.client.tasks import spawn, time_limit

#: Bytes that have come and were not read, at which the server is made to wait.
_MOST_UNREAD = 256 * 1024
#: Seconds after which the next address of a host is tried as well (RFC 8305).
_NEXT_ADDRESS = 0.25


async def connect(origin: httpcore.Origin, tls: ssl.SSLContext, seconds: float) -> httpcore.AsyncNetworkStream:
    """A connection to an origin, encrypted where its scheme is https.

    :raises httpcore.ConnectError: there is none; :class:`httpcore.ConnectTimeout` when it takes too long.
    """
    loop = asyncio.get_running_loop()
    # uvloop has no race for the first address
    race: dict[str, Any] = {"happy_eyeballs_delay": _NEXT_ADDRESS} if isinstance(loop, asyncio.BaseEventLoop) else {}
    opening = spawn(
        loop.create_connection(
            _Incoming,
            origin.host.decode("ascii"),
            origin.port,
            ssl=tls if origin.scheme == b"https" else None,
            **race,
        )
    )
    try:
        with time_limit(seconds):
            transport, incoming = await asyncio.shield(opening)
    except asyncio.TimeoutError:
        opening.add_done_callback(_close)
        raise httpcore.ConnectTimeout(f"no connection within {seconds:g} s") from None
    except asyncio.CancelledError:
        # left to end by itself: before Python 3.13 a race for the first address, when it is cancelled, loses its winner
        opening.add_done_callback(_close)
        raise
    except OSError as error:
        raise httpcore.ConnectError(str(error) or type(error).__name__) from error
    return _Stream(transport, incoming)


def _close(opened: asyncio.Task[tuple[asyncio.Transport, _Incoming]]) -> None:
    if not opened.cancelled() and opened.exception() is None:
        opened.result()[0].abort()


class _Stream(httpcore.AsyncNetworkStream):
    def __init__(self, transport: asyncio.Transport, incoming: _Incoming) -> None:
        self._transport = transport
        self._incoming = incoming

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._incoming.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        # a GET is small: what the kernel does not take at once asyncio keeps, and the answer is limited in time anyway
        if self._transport.is_closing():
            raise httpcore.WriteError("the connection is closed")
        self._transport.write(buffer)

    async def aclose(self) -> None:
        self._transport.close()
        # one turn to close properly; nobody waits for a server that does not take part in the end of TLS
        await asyncio.sleep(0)
        self._transport.abort()

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            # httpcore asks this of a connection that nobody uses: something there means that it was closed
            return self._incoming.has_something
        return self._transport.get_extra_info(info)


class _Incoming(asyncio.Protocol):
    """What comes in on one connection, until it is read."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._unread = bytearray()
        self._is_paused = False
        self._is_over = False
        self._error: Exception | None = None
        self._reader: asyncio.Future[None] | None = None

    @property
    def has_something(self) -> bool:
        """Whether a read would return at once."""
        return bool(self._unread) or self._is_over

    async def read(self, most: int, seconds: float | None) -> bytes:
        """At most so many bytes, as soon as there are some; none when the server has closed the connection.

        :raises httpcore.ReadTimeout: nothing came for so long; :class:`httpcore.ReadError` when the connection broke.
        """
        if not self.has_something:
            await self._more(seconds)
        if not self._unread and self._error is not None:
            raise httpcore.ReadError(str(self._error) or type(self._error).__name__) from self._error
        data = bytes(self._unread[:most])
        del self._unread[:most]
        if self._is_paused and self._transport is not None and len(self._unread) <= _MOST_UNREAD:
            self._is_paused = False
            self._transport.resume_reading()
        return data

    async def _more(self, seconds: float | None) -> None:
        loop = asyncio.get_running_loop()
        self._reader = reader = loop.create_future()
        # a timer and no time limit around the caller, which costs several times as much
        timer = None if seconds is None else loop.call_later(seconds, _expire, reader, seconds)
        try:
            await reader
        finally:
            self._reader = None
            if timer is not None:
                timer.cancel()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # by its methods it is one on every event loop, by its class not on uvloop
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._unread += data
        if not self._is_paused and self._transport is not None and len(self._unread) > _MOST_UNREAD:
            self._is_paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._is_over = True
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        self._is_over, self._error = True, error
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


def _expire(reader: asyncio.Future[None], seconds: float) -> None:
    if not reader.done():
        reader.set_exception(httpcore.ReadTimeout(f"nothing came for {seconds:g} s"))
