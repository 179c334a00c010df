"""Connections straight on asyncio: what is written, what comes in, and how long to wait for it."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any, cast

import httpx

from airflow_provider_ops.client.tasks import spawn, time_limit

#: Bytes that have come and were not read, at which the server is made to wait.
_MOST_UNREAD = 256 * 1024
#: Seconds after which the next address of a host is tried as well (RFC 8305).
_NEXT_ADDRESS = 0.25


async def connect(host: str, port: int, tls: ssl.SSLContext | None, seconds: float) -> Socket:
    """A connection, encrypted where there is a context for that.

    :raises httpx.ConnectError: there is none; :class:`httpx.ConnectTimeout` when it takes too long.
    """
    loop = asyncio.get_running_loop()
    # uvloop has no race for the first address
    race: dict[str, Any] = {"happy_eyeballs_delay": _NEXT_ADDRESS} if isinstance(loop, asyncio.BaseEventLoop) else {}
    opening = spawn(loop.create_connection(Socket, host, port, ssl=tls, **race))
    try:
        with time_limit(seconds):
            _, socket = await asyncio.shield(opening)
    except asyncio.TimeoutError:
        opening.add_done_callback(_close)
        raise httpx.ConnectTimeout(f"no connection within {seconds:g} s") from None
    except asyncio.CancelledError:
        # left to end by itself: before Python 3.13 a race for the first address, when it is cancelled, loses its winner
        opening.add_done_callback(_close)
        raise
    except OSError as error:
        raise httpx.ConnectError(str(error) or type(error).__name__) from error
    return socket


def _close(opened: asyncio.Task[tuple[asyncio.Transport, Socket]]) -> None:
    if not opened.cancelled() and opened.exception() is None:
        opened.result()[0].abort()


class Socket(asyncio.Protocol):
    """One connection: what comes in is kept until it is read."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._unread = bytearray()
        self._is_paused = False
        self._is_over = False
        self._error: Exception | None = None
        self._reader: asyncio.Future[None] | None = None

    @property
    def has_something(self) -> bool:
        """Whether a read would return at once; of a connection that nobody uses: whether it can be used no more."""
        return bool(self._unread) or self._is_over

    def write(self, data: bytes) -> None:
        """Send. A request is small: what the kernel does not take at once asyncio keeps.

        :raises httpx.WriteError: the connection is closed.
        """
        if self._transport is None or self._transport.is_closing():
            raise httpx.WriteError("the connection is closed")
        self._transport.write(data)

    async def read(self, seconds: float | None) -> bytes:
        """What has come, as soon as there is something; nothing when the server has closed the connection.

        :raises httpx.ReadTimeout: nothing came for so long; :class:`httpx.ReadError` when the connection broke.
        """
        if not self.has_something:
            await self._more(seconds)
        if not self._unread and self._error is not None:
            raise httpx.ReadError(str(self._error) or type(self._error).__name__) from self._error
        data = bytes(self._unread)
        self._unread.clear()
        if self._is_paused and self._transport is not None:
            self._is_paused = False
            self._transport.resume_reading()
        return data

    async def aclose(self) -> None:
        """Close, whatever the server does."""
        if self._transport is not None:
            self._transport.close()
            # one turn to close properly; nobody waits for a server that does not take part in the end of TLS
            await asyncio.sleep(0)
            self._transport.abort()

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
        """From asyncio: there is a connection."""
        # by its methods it is one on every event loop, by its class not on uvloop
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """From asyncio: something has come."""
        self._unread += data
        if not self._is_paused and self._transport is not None and len(self._unread) > _MOST_UNREAD:
            self._is_paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """From asyncio: nothing more will come."""
        self._is_over = True
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        """From asyncio: the connection is gone."""
        self._is_over, self._error = True, error
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


def _expire(reader: asyncio.Future[None], seconds: float) -> None:
    if not reader.done():
        reader.set_exception(httpx.ReadTimeout(f"nothing came for {seconds:g} s"))
