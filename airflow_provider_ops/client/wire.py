"""Reads straight over httpcore, the engine of httpx, without the layers that httpx puts around each request.

What a wait costs is pages, and most of what a page costs is what a client does around it: a request through httpx takes
nearly three times the CPU of one through httpcore (docs/performance.md). So the reads of a poller come this way. What
changes something, proxies and long polls go through httpx. Failures are httpx's own, so that nobody has to know which
way a request went.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence

import httpcore
import httpx

from airflow_provider_ops.client.sockets import connect
from airflow_provider_ops.client.tasks import time_limit

#: Seconds for which a connection that nobody uses is kept.
_KEPT = 20.0
_PORTS = {"http": 80, "https": 443}

Headers = Sequence[tuple[str, str]]
#: Status, headers with lower-case names, body.
Answer = tuple[int, dict[str, str], bytes]


class Wire:
    """Connections to one origin on one event loop.

    :param url: base URL; nothing of it but scheme, host and port is used.
    :param most: connections at the same time; who comes later waits.
    """

    def __init__(self, url: str, tls: ssl.SSLContext, most: int) -> None:
        base = httpx.URL(url)
        self._origin = httpcore.Origin(base.raw_scheme, base.raw_host, base.port or _PORTS[base.scheme])
        self._host = (b"host", base.netloc)
        self._tls = tls
        self._room = asyncio.Semaphore(most)
        #: Those that nobody uses now, the one that was used last at the end.
        self._idle: list[httpcore.AsyncHTTP11Connection] = []
        self._is_closed = False

    async def get(
        self,
        target: str,
        headers: Headers,
        *,
        timeout: float,
        limit: float,
        grown: Callable[[int], None],
    ) -> Answer:
        """The answer to a GET.

        :param target: quoted path and query.
        :param timeout: seconds for connecting, and without a word from the server.
        :param limit: seconds for the whole answer.
        :param grown: told how long the body is so far; may raise.
        :raises httpx.HTTPError: no answer, or none that is HTTP.
        :raises asyncio.TimeoutError: the answer took longer than ``limit``.
        """
        scheme, host, port = self._origin.scheme, self._origin.host, self._origin.port
        request = httpcore.Request(
            "GET",
            httpcore.URL(scheme=scheme, host=host, port=port, target=target.encode("ascii")),
            headers=[self._host, *((name.encode("latin-1"), value.encode("latin-1")) for name, value in headers)],
            extensions={"timeout": {"read": timeout}},
        )
        try:
            # of that, nobody asks how long one waits for one of our own connections
            with time_limit(limit):
                async with self._room:
                    return await self._exchange(request, timeout, grown)
        except tuple(_AS_HTTPX) as error:
            raise _as_httpx(error) from error

    async def aclose(self) -> None:
        """Close all connections; one in use is closed by who uses it."""
        self._is_closed = True
        while self._idle:
            await self._idle.pop().aclose()

    async def _exchange(self, request: httpcore.Request, timeout: float, grown: Callable[[int], None]) -> Answer:
        connection = await self._connection(timeout)
        try:
            answer = await _answer(connection, request, grown)
        except BaseException:
            # httpcore does so itself, but not for who is cancelled before the request or after the answer
            await connection.aclose()
            raise
        if self._is_closed:
            await connection.aclose()
        elif connection.is_idle():
            self._idle.append(connection)
        return answer

    async def _connection(self, seconds: float) -> httpcore.AsyncHTTP11Connection:
        """One that was used before, where the server has not closed it, or a new one."""
        while self._idle and self._idle[0].has_expired():
            await self._idle.pop(0).aclose()
        while self._idle:
            connection = self._idle.pop()
            if not connection.has_expired():
                return connection
            await connection.aclose()
        stream = await connect(self._origin, self._tls, seconds)
        return httpcore.AsyncHTTP11Connection(self._origin, stream, keepalive_expiry=_KEPT)


async def _answer(
    connection: httpcore.AsyncHTTP11Connection, request: httpcore.Request, grown: Callable[[int], None]
) -> Answer:
    response = await connection.handle_async_request(request)
    try:
        named = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        body = bytearray()
        async for piece in _plain(response, named.get("content-encoding")):
            body += piece
            grown(len(body))
    finally:
        # with that httpcore closes the connection, unless the answer was read to its end
        await response.aclose()
    return response.status, named, bytes(body)


def _plain(response: httpcore.Response, encoding: str | None) -> AsyncIterator[bytes]:
    if encoding in (None, "identity"):
        return response.aiter_stream()
    # httpx knows how to unpack, piece by piece
    headers = {"content-encoding": str(encoding)}
    return httpx.Response(response.status, headers=headers, stream=_Stream(response)).aiter_bytes()


class _Stream(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._response.aiter_stream()


#: httpcore's failures have the names of httpx's, where httpx shows them.
_AS_HTTPX: dict[type[Exception], type[httpx.TransportError]] = {
    getattr(httpcore, kind.__name__): kind
    for kind in (
        httpx.ConnectError,
        httpx.ConnectTimeout,
        httpx.LocalProtocolError,
        httpx.PoolTimeout,
        httpx.ReadError,
        httpx.ReadTimeout,
        httpx.RemoteProtocolError,
        httpx.UnsupportedProtocol,
        httpx.WriteError,
        httpx.WriteTimeout,
    )
}


def _as_httpx(error: Exception) -> httpx.TransportError:
    return next(ours for theirs, ours in _AS_HTTPX.items() if isinstance(error, theirs))(str(error))
