"""Reads straight over h11, the HTTP/1.1 of httpx, without the layers that httpx and httpcore put around each request.

What a wait costs is pages, and most of what a page costs is what a client does around it: a request through httpx takes
much more CPU than one through h11 (docs/performance.md). So the reads of a poller come this way. What changes
something, proxies and long polls go through httpx. Failures are httpx's own, so that nobody has to know which way a
request went.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator, Sequence

import h11
import httpx

from airflow_provider_ops.client.sockets import Socket, connect
from airflow_provider_ops.client.tasks import time_limit

#: Seconds for which a connection that nobody uses is kept.
_KEPT = 20.0
_PORTS = {"http": 80, "https": 443}
#: Bytes of status line and headers, and of what is unpacked at a time.
_MOST_HEADERS, _PIECE = 100 * 1024, 16 * 1024

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
        self._address = base.raw_host.decode("ascii"), base.port or _PORTS[base.scheme]
        self._host = (b"host", base.netloc)
        self._tls = tls if base.scheme == "https" else None
        self._room = asyncio.Semaphore(most)
        #: Those that nobody uses now, the one that was used last at the end.
        self._idle: list[_Connection] = []
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
        try:
            encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
            request = h11.Request(method="GET", target=target, headers=[self._host, *encoded])
            # of that, nobody asks how long one waits for one of our own connections
            with time_limit(limit):
                async with self._room:
                    return await self._exchange(request, timeout, grown)
        except h11.LocalProtocolError as error:
            raise httpx.LocalProtocolError(str(error)) from error
        except h11.RemoteProtocolError as error:
            raise httpx.RemoteProtocolError(str(error)) from error

    async def aclose(self) -> None:
        """Close all connections; one in use is closed by who uses it."""
        self._is_closed = True
        while self._idle:
            await self._idle.pop().aclose()

    async def _exchange(self, request: h11.Request, timeout: float, grown: Callable[[int], None]) -> Answer:
        connection = await self._connection(timeout)
        try:
            answer = await connection.exchange(request, timeout, grown)
        except BaseException:
            await connection.aclose()
            raise
        if self._is_closed or not connection.can_go_on():
            await connection.aclose()
        else:
            self._idle.append(connection)
        return answer

    async def _connection(self, seconds: float) -> _Connection:
        """One that was used before, where the server has not closed it, or a new one."""
        while self._idle and self._idle[0].has_expired:
            await self._idle.pop(0).aclose()
        while self._idle:
            connection = self._idle.pop()
            if not connection.has_expired:
                return connection
            await connection.aclose()
        return _Connection(await connect(*self._address, self._tls, seconds))


class _Connection:
    """One connection, which serves one request after the other."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_HEADERS)
        self._used_at = 0.0

    async def exchange(self, request: h11.Request, timeout: float, grown: Callable[[int], None]) -> Answer:
        """Send a request and read the answer to its end."""
        head, end = self._http.send(request), self._http.send(h11.EndOfMessage())
        self._socket.write((head or b"") + (end or b""))
        response = await self._event(timeout)
        while isinstance(response, h11.InformationalResponse):
            response = await self._event(timeout)
        if not isinstance(response, h11.Response):
            raise httpx.RemoteProtocolError(f"{type(response).__name__} where an answer should begin")
        named = {name.decode("latin-1"): value.decode("latin-1") for name, value in response.headers}
        body = bytearray()
        while isinstance(piece := await self._event(timeout), h11.Data):
            body += piece.data
            grown(len(body))
        encoding = named.get("content-encoding", "identity")
        content = bytes(body) if encoding == "identity" else _unpacked(body, encoding, grown)
        return response.status_code, named, content

    def can_go_on(self) -> bool:
        """Whether another request can follow; if so, be ready for it."""
        http = self._http
        # what came behind the answer would answer the next request
        if http.our_state is not h11.DONE or http.their_state is not h11.DONE or http.trailing_data[0]:
            return False
        http.start_next_cycle()
        self._used_at = asyncio.get_running_loop().time()
        return True

    @property
    def has_expired(self) -> bool:
        """Whether one that nobody uses is of no more use: too old, closed, or the server has said something unasked."""
        return self._socket.has_something or asyncio.get_running_loop().time() - self._used_at > _KEPT

    async def aclose(self) -> None:
        """Close it."""
        await self._socket.aclose()

    async def _event(self, timeout: float) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            data = await self._socket.read(timeout)
            if not data and self._http.their_state is h11.SEND_RESPONSE:
                raise httpx.RemoteProtocolError("the server has closed the connection without an answer")
            self._http.receive_data(data)
        return event


def _unpacked(packed: bytearray, encoding: str, grown: Callable[[int], None]) -> bytes:
    """A body without its encoding, piece by piece: some unpack to a thousand times their size."""
    # httpx knows how
    response = httpx.Response(200, headers={"content-encoding": encoding}, stream=_Pieces(packed))
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        grown(len(body))
    return bytes(body)


class _Pieces(httpx.SyncByteStream):
    def __init__(self, content: bytearray) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        return (bytes(self._content[at : at + _PIECE]) for at in range(0, len(self._content), _PIECE))
