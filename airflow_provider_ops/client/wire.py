"""Reads straight over httpcore, the engine of httpx, without the layers that httpx puts around each request.

What a wait costs is pages, and most of what a page costs is what a client does around it: a request through httpx takes
nearly three times the CPU of one through httpcore (docs/performance.md). So the reads of a poller come this way. What
changes something, proxies and long polls go through httpx. Failures are httpx's own, so that nobody has to know which
way a request went.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Sequence

import httpcore
import httpx

from airflow_provider_ops.client.tasks import time_limit

#: Seconds for which a connection that nobody uses is kept.
_KEPT = 20.0

Headers = Sequence[tuple[str, str]]
#: Status, headers with lower-case names, body.
Answer = tuple[int, dict[str, str], bytes]


class Wire:
    """Connections to one origin on one event loop.

    :param url: base URL; nothing of it but scheme, host and port is used.
    :param most: connections at the same time; who comes later waits.
    """

    def __init__(self, url: str, tls: ssl.SSLContext, most: int) -> None:
        origin = httpx.URL(url)
        self._origin = (origin.raw_scheme, origin.raw_host, origin.port)
        self._host = (b"host", origin.netloc)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls, max_connections=most, max_keepalive_connections=most, keepalive_expiry=_KEPT
        )

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
        scheme, host, port = self._origin
        # nobody asks how long one waits for one of our own connections: the limit of the answer holds for that as well
        seconds = {"connect": timeout, "read": timeout, "write": timeout, "pool": limit}
        request = httpcore.Request(
            "GET",
            httpcore.URL(scheme=scheme, host=host, port=port, target=target.encode("ascii")),
            headers=[self._host, *((name.encode("latin-1"), value.encode("latin-1")) for name, value in headers)],
            extensions={"timeout": seconds},
        )
        try:
            with time_limit(limit):
                return await self._exchange(request, grown)
        except tuple(_AS_HTTPX) as error:
            raise _as_httpx(error) from error

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()

    async def _exchange(self, request: httpcore.Request, grown: Callable[[int], None]) -> Answer:
        response = await self._pool.handle_async_request(request)
        try:
            named = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            body = bytearray()
            async for piece in _plain(response, named.get("content-encoding")):
                body += piece
                grown(len(body))
        finally:
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
