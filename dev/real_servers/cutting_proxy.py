"""A TCP proxy that lets a request through, and loses or holds back the answer to it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Literal

from typing_extensions import Self

#: What happens to an answer: the connection is reset, or nothing arrives until the client leaves.
Fault = Literal["cut", "hold"]

_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"^content-length:\s*(\d+)", re.IGNORECASE | re.MULTILINE)
_ACCEPTED: Final = re.compile(rb"HTTP/1\.1 2")
_PIECE: Final = 1 << 16
_START_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that the server has got."""

    line: str
    body: bytes


@dataclass
class CuttingProxy:
    """
    Stands before a server of the loopback interface, inside the `with` block.

    :param target: port of the server.
    :param faults: by a text: what happens to the first good answer to a change that has it in its body.
    """

    target: int
    faults: Mapping[str, Fault] = field(default_factory=dict)
    port: int = 0
    #: What is done, in the thread of the proxy, once an answer is held back.
    on_hold: dict[str, Callable[[], None]] = field(default_factory=dict)
    #: All requests, in order.
    sent: list[Sent] = field(default_factory=list)
    #: Texts whose answer the server has given and the client has not got.
    withheld: set[str] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._loop.run_forever, name="cutting proxy", daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(_START_SECONDS)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._leave(), self._loop).result(_START_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.port}"

    def mentions(self, text: str) -> list[Sent]:
        """Return the requests that have a text in their path or body."""
        return [one for one in self.sent if text in one.line or text.encode() in one.body]

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def _leave(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry the requests of one connection to the server."""
        try:
            answers, server = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        exchange = _Exchange(answers, writer)
        pump = asyncio.create_task(self._carry(exchange))
        try:
            while True:
                head, body = await _read_request(reader)
                # clients do not send the next request before they have the answer to this one
                exchange.text = self._chosen(head, body)
                self.sent.append(Sent(head.partition(b"\r\n")[0].decode(), body))
                server.write(head + body)
                await server.drain()
        except (OSError, asyncio.IncompleteReadError):
            # the client has left
            pass
        finally:
            pump.cancel()
            server.close()
            writer.close()

    def _chosen(self, head: bytes, body: bytes) -> str | None:
        if head.startswith(b"GET "):
            return None
        return next((text for text in self.faults if text not in self.withheld and text.encode() in body), None)

    async def _carry(self, exchange: _Exchange) -> None:
        with contextlib.suppress(OSError):
            while data := await exchange.answers.read(_PIECE):
                # what the server refuses starts nothing, so that a later answer is the one to lose
                if exchange.text is not None and _ACCEPTED.match(data):
                    self.withheld.add(exchange.text)
                    if self.faults[exchange.text] == "hold":
                        self.on_hold.get(exchange.text, lambda: None)()
                        # the server closes the connection soon, and the client must not see that either
                        await asyncio.Event().wait()
                    exchange.client.transport.abort()
                    return
                exchange.client.write(data)
                await exchange.client.drain()
            exchange.client.close()


@dataclass
class _Exchange:
    """The answers of one connection, and the fault of the one that comes next."""

    answers: asyncio.StreamReader
    client: asyncio.StreamWriter
    text: str | None = None


async def _read_request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(_HEAD_END)
    length = _LENGTH.search(head)
    return head, await reader.readexactly(int(length[1])) if length else b""
