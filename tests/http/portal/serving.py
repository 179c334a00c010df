"""A server that counts what it sees, and interruptions, for the tests of the portal.

Needs neither Airflow nor fixtures of other tests, so that it runs with any Python.
"""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_provider_ops.apis.calls import Call, Request
from airflow_provider_ops.http.portal import portal
from airflow_provider_ops.http.portal_call import PortalCall

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOOK = Call(Request("GET", "/x", "/x"), lambda response: response.status)
START = Call(Request("POST", "/x", "/x", json={}), lambda response: response.status)


class Interrupted(BaseException):
    """What Airflow's own signal handlers raise, as far as it matters here."""


class Server:
    """A server in a thread that counts the requests it has seen completely, and answers after a while."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.pause = 0.0
        self.status = 200
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self.connections = 0
        self._thread.start()
        self._ready.wait()

    def _run(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        asyncio.set_event_loop(self._loop)
        listening = self._loop.run_until_complete(asyncio.start_server(self._connected, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/api/v1"
        self._loop.call_soon(self._ready.set)
        self._loop.run_forever()
        listening.close()
        for task in self._tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
        self._loop.close()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if b"content-length: 2" in head.lower():
                    await reader.readexactly(2)
                self.seen.append(b" ".join(head.split(b" ")[:2]).decode())
                await asyncio.sleep(self.pause)
                body = b'{"error": {"code": "UNAUTHORIZED", "message": "no"}}' if self.status == 401 else b"{}"
                writer.write(b"HTTP/1.1 %d OK\r\ncontent-length: %d\r\n\r\n%s" % (self.status, len(body), body))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            return
        finally:
            writer.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)


@contextmanager
def interrupting(after: float, *, number: int = signal.SIGALRM, times: int = 1) -> Iterator[None]:
    """A handler that raises, ``after`` seconds, more often where asked for."""
    # nothing is raised into the lines that take the handler away, wherever the body was left
    left, is_over = times, False

    def handler(*_args: object) -> None:
        nonlocal left
        left -= 1
        if is_over:
            return
        if left > 0:
            signal.setitimer(signal.ITIMER_REAL, 1e-5)
        raise Interrupted

    before = signal.signal(number, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, after)
        yield
    finally:
        is_over = True
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(number, before)


def tasks_on_the_loop() -> int:
    async def count(_call: PortalCall[int]) -> int:
        return len(asyncio.all_tasks())

    return portal().call(count)


def settle(quiet: Callable[[], bool]) -> bool:
    until = time.monotonic() + 20
    while not quiet() and time.monotonic() < until:
        time.sleep(0.01)
    return quiet()


async def nothing(_call: PortalCall[int]) -> int:
    return 7
