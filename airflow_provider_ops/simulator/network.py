"""The TCP side: a uvicorn that knows its connections, so that they can be counted and cut.

ASGI has no way to cut a connection. asyncio reports each connection to uvicorn's protocol classes, so a thin
subclass keeps a book of them; an application finds its connection there by the client's address, which is unique among
the open ones. That works the same for both of uvicorn's classic HTTP implementations.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import struct
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import Scope

_NO_LINGER = struct.pack("ii", 1, 0)


class Connection:
    """One open TCP connection."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        host, port = transport.get_extra_info("peername")[:2]
        self.client = (str(host), int(port))
        self.lost = asyncio.Event()
        self.counted_in: object = None
        """The statistics that have counted it already."""

    async def cut(self) -> None:
        """Reset the connection: the client sees ECONNRESET, not an orderly end."""
        sock = self.transport.get_extra_info("socket")
        if sock is not None:
            # Through a copy of the descriptor, as uvloop's stand-in for a socket takes no options.
            with contextlib.suppress(OSError), socket.socket(fileno=os.dup(sock.fileno())) as twin:
                twin.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()
        # Only after uvicorn has learnt of it may the application return without an answer.
        await self.lost.wait()


class Connections:
    """The open connections by the address of the client."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], Connection] = {}
        self.on_lost: Callable[[Connection], None] = lambda _connection: None

    def made(self, transport: asyncio.Transport) -> Connection:
        """Take note of a new connection."""
        connection = Connection(transport)
        self._open[connection.client] = connection
        return connection

    def lost(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        # The client may already have come back from the same port.
        if self._open.get(connection.client) is connection:
            del self._open[connection.client]
        connection.lost.set()
        self.on_lost(connection)

    def of(self, scope: Scope) -> Connection | None:
        """Return the connection of a request; None if it did not come through a socket."""
        client = scope.get("client")
        return self._open.get((client[0], client[1])) if client else None

    def abort_all(self) -> None:
        """End all connections."""
        for connection in list(self._open.values()):
            connection.transport.abort()


def _protocol(connections: Connections) -> type[asyncio.Protocol]:
    """Return uvicorn's HTTP protocol with a book of connections; httptools where Airflow brought it, else h11."""
    base: Any
    if find_spec("httptools"):
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol as base  # noqa: N813, PLC0415
    else:
        from uvicorn.protocols.http.h11_impl import H11Protocol as base  # noqa: N813, PLC0415

    class TrackedProtocol(base):  # type: ignore[misc]
        def connection_made(self, transport: asyncio.Transport) -> None:
            self._tracked = connections.made(transport)
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            connections.lost(self._tracked)

    return TrackedProtocol


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; raise OSError where that cannot be."""
    family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    sock = socket.socket(family, kind, proto)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(4096)
        # Children of the process that uses the simulator must not keep the port open.
        sock.set_inheritable(False)
    except OSError:
        sock.close()
        raise
    return sock


class Server(uvicorn.Server):
    """A uvicorn that says when it is ready, ends without delay and exits with 0 on a signal."""

    def __init__(
        self,
        app: Any,
        connections: Connections,
        *,
        on_ready: Callable[[], None],
        certfile: str | None = None,
        keyfile: str | None = None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=_protocol(connections),
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                # the date of an answer is that of the simulator's own clock
                date_header=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=1,
                ssl_certfile=certfile,
                ssl_keyfile=keyfile,
            )
        )
        self._connections = connections
        self._on_ready = on_ready
        # Reads the certificate: what is wrong with it must be known before the server starts.
        self.config.load()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve and say so."""
        await super().startup(sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop at once: requests that hang by a fault would otherwise hold the process."""
        for task in list(self.server_state.tasks):
            task.cancel()
        self._connections.abort_all()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGINT and SIGTERM as a wish to stop; uvicorn would raise them again at the end."""
        try:
            previous = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        except ValueError:  # not the main thread: its owner stops it by `should_exit`
            yield
            return
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
