"""The portal: interruptions, forks, ends of processes, and the places where it must not be used.

Needs neither Airflow nor fixtures of other tests, so that it runs with any Python.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis.calls import Call, Request
from airflow_provider_ops.apis.onvera import API
from airflow_provider_ops.exceptions import AuthenticationError, ConfigurationError, OpsError
from airflow_provider_ops.http.blocking_client import BlockingClient
from airflow_provider_ops.http.network import Delivery
from airflow_provider_ops.http.portal import PortalCall, portal
from airflow_provider_ops.http.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.timeout(320)
ROOT = Path(__file__).parents[2]
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


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    yield one
    one.stop()


@pytest.fixture
def client(server: Server) -> Iterator[BlockingClient]:
    with BlockingClient(API, Settings("c", server.url, "a-key")) as made:
        yield made


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


def test_a_call_returns_what_the_work_returns_and_raises_what_it_raises() -> None:
    async def fail(_call: PortalCall[int]) -> int:
        raise OpsError("no")

    assert portal().call(nothing) == 7
    with pytest.raises(OpsError, match="no"):
        portal().call(fail)


def test_there_is_one_portal_however_many_ask_at_once() -> None:
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(portal())) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {id(one) for one in found} == {id(portal())}


# raised into somebody's callback of the garbage collector, it is swallowed there
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_interruption_at_any_microsecond_leaves_nothing_behind_and_knows_what_was_sent(
    server: Server, client: BlockingClient, method: str, times: int
) -> None:
    draw, server.pause = random.Random(times), 0.002
    client.send_once(LOOK)
    deliveries: dict[str, Delivery] = {}
    for number in range(60):
        path, delivery = f"/x{number}", Delivery()
        call = Call(Request(method, path, path), lambda response: response.status)
        deliveries[f"{method} /api/v1{path}"] = delivery
        try:
            with interrupting(draw.uniform(1e-6, 6e-3), times=times):
                client.send_once(call, delivery=delivery)
        except Interrupted:
            continue
    # all that was interrupted has ended, and the portal serves on
    assert settle(lambda: tasks_on_the_loop() <= 2)
    server.pause = 0.0
    assert client.send_once(LOOK) == 200
    for what, delivery in deliveries.items():
        assert server.seen.count(what) <= 1
        # what the server has got is never taken for unsent
        assert delivery.has_begun or what not in server.seen


def test_what_was_interrupted_before_it_began_never_leaves(server: Server, client: BlockingClient) -> None:
    client.send_once(LOOK)
    call: PortalCall[int] = PortalCall(lambda _: client._open().client.send_once(START))
    call.abandon(portal().loop)
    portal().loop.call_soon_threadsafe(call.start)
    assert client.send_once(LOOK) == 200
    assert not any(what.startswith("POST") for what in server.seen)


def test_an_interrupted_caller_waits_for_the_end_of_its_work_but_not_for_ever() -> None:
    ended: list[str] = []

    async def stubborn(_call: PortalCall[None]) -> None:
        try:
            await asyncio.sleep(30)
        finally:
            ended.append("told")
            await asyncio.sleep(3)
            ended.append("late")

    with pytest.raises(Interrupted):
        with interrupting(0.05):
            portal().call(stubborn)
    assert ended == ["told"]


def test_how_work_ends_whose_caller_has_gone_is_no_complaint_of_the_loop() -> None:
    """The loop complains in the task's log, with a traceback, about errors that nobody asks for."""
    complaints: list[str] = []
    ended = threading.Event()
    loop = portal().loop

    async def fails_when_cancelled(_call: PortalCall[None]) -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            raise OpsError("it was held back") from None

    async def collect() -> None:
        gc.collect()
        ended.set()

    loop.set_exception_handler(lambda _loop, context: complaints.append(context["message"]))
    try:
        with pytest.raises(Interrupted):
            with interrupting(0.05):
                portal().call(fails_when_cancelled)
        asyncio.run_coroutine_threadsafe(collect(), loop)
        assert ended.wait(30)
    finally:
        loop.set_exception_handler(None)
    assert complaints == []


def test_a_signal_handler_may_call_in_while_a_call_is_under_way(server: Server, client: BlockingClient) -> None:
    answers: list[int] = []
    server.pause = 0.2

    def handler(*_args: object) -> None:
        answers.append(client.send_once(LOOK))

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        assert client.send_once(LOOK) == 200
    finally:
        signal.signal(signal.SIGALRM, before)
    assert answers == [200]


def test_signals_interrupt_the_main_thread_and_no_other(server: Server, client: BlockingClient) -> None:
    server.pause = 30.0
    killer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGALRM))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    killer.start()
    with pytest.raises(Interrupted):
        with interrupting(0.0):
            client.send_once(LOOK)
    killer.join()


# -- places where it must not be used


async def test_code_on_an_event_loop_is_told_what_to_use_instead(server: Server) -> None:
    client = BlockingClient(API, Settings("c", server.url, "a-key"))
    with pytest.raises(ConfigurationError, match="await the method whose name begins with 'a'"):
        client.send_once(LOOK)
    client.close()
    assert server.seen == []


def test_its_own_thread_is_refused_instead_of_waiting_for_itself(server: Server, client: BlockingClient) -> None:
    async def call_in(_call: PortalCall[int]) -> int:
        return await asyncio.get_running_loop().run_in_executor(None, lambda: 1) + client.send_once(LOOK)

    with pytest.raises(ConfigurationError, match="would wait for itself"):
        portal().call(call_in)


def test_what_needs_airflow_is_done_in_the_callers_thread(server: Server) -> None:
    server.status = 401
    places: list[int] = []

    def reload() -> Settings:
        places.append(threading.get_ident())
        server.status = 200
        return Settings("c", server.url, "another-key")

    with BlockingClient(API, Settings("c", server.url, "a-key"), reload=reload) as client:
        assert client.send_once(LOOK) == 200
        assert client.settings.key == "another-key"

        lines: list[tuple[str, int]] = []

        async def work(_client: Any, post: Callable[[Callable[[], None]], None]) -> None:
            for line in "abc":
                post(lambda line=line: lines.append((line, threading.get_ident())))  # type: ignore[misc]

        client.drive_posting(work)
    here = threading.get_ident()
    assert places == [here]
    assert lines == [("a", here), ("b", here), ("c", here)]


def test_a_look_up_that_fails_is_an_error_of_the_call(server: Server) -> None:
    server.status = 401

    def reload() -> Settings:
        raise OpsError("no secrets backend")

    with BlockingClient(API, Settings("c", server.url, "a-key"), reload=reload) as client:
        with pytest.raises(OpsError, match="no secrets backend"):
            client.send_once(LOOK)
        with pytest.raises(AuthenticationError):
            client.send_once(LOOK)


def test_a_client_that_nobody_has_any_more_is_closed(server: Server) -> None:
    client = BlockingClient(API, Settings("c", server.url, "a-key"))
    client.send_once(LOOK)
    assert server._tasks
    del client
    gc.collect()
    assert settle(lambda: not server._tasks)


# -- processes


def in_a_process(code: str, *, timeout: float = 300.0) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"{PRELUDE}\n{textwrap.dedent(code)}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


PRELUDE = """
import os, signal, sys, threading, time
from tests.http.test_portal import *
server = Server()
def fork(child):
    pid = os.fork()
    if not pid:
        try:
            code = child() or 0
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            code = 1
        sys.stdout.flush()
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
def get(client):
    assert client.send_once(LOOK) == 200
"""


def test_a_fork_before_the_first_use_makes_two_portals() -> None:
    done = in_a_process("""
        def child():
            get(BlockingClient(API, Settings("c", server.url, "k")))
        assert fork(child) == 0
        get(BlockingClient(API, Settings("c", server.url, "k")))
        print("ok")
    """)
    assert (done.stdout, done.returncode) == ("ok\n", 0), done.stderr


def test_a_fork_after_the_first_use_drops_portal_and_connections_without_closing_those_of_the_parent() -> None:
    done = in_a_process("""
        client = BlockingClient(API, Settings("c", server.url, "k", requests_per_second=100))
        get(client)
        ours = portal()
        def child():
            get(client)
            assert portal() is not ours
            client.close()
            def grandchild():
                get(client)
            assert fork(grandchild) == 0
        assert fork(child) == 0
        before = server.connections
        get(client)
        assert portal() is ours
        # over the connection from before the fork
        assert server.connections == before, (before, server.connections)
        print("ok")
    """)
    assert (done.stdout, done.returncode) == ("ok\n", 0), done.stderr


def test_nothing_is_imported_on_the_loop_where_a_fork_would_leave_it_half_imported_for_ever() -> None:
    done = in_a_process("""
        client = BlockingClient(API, Settings("c", server.url, "k"))
        before = set(sys.modules)
        client.send(LOOK)
        client.send_once(START)
        try:
            BlockingClient(API, Settings("c", "http://localhost:9/api/v1", "k")).send_once(LOOK)
        except OpsError:
            print(set(sys.modules) - before)
    """)
    assert (done.stdout, done.returncode) == ("set()\n", 0), done.stderr


def test_a_fork_while_a_call_is_under_way_in_another_thread() -> None:
    done = in_a_process("""
        client = BlockingClient(API, Settings("c", server.url, "k", requests_per_second=1000))
        stop = threading.Event()
        def busy():
            while not stop.is_set():
                get(client)
        threads = [threading.Thread(target=busy) for _ in range(3)]
        for thread in threads: thread.start()
        time.sleep(0.2)
        for _ in range(5):
            assert fork(lambda: get(client)) == 0
        stop.set()
        for thread in threads: thread.join()
        print("ok")
    """)
    assert (done.stdout, done.returncode) == ("ok\n", 0), done.stderr


@pytest.mark.parametrize("end", ["", "sys.exit(0)", "os.kill(os.getpid(), signal.SIGINT); time.sleep(5)"])
def test_a_process_ends_at_once_with_and_without_calls_under_way(end: str) -> None:
    done = in_a_process(
        f"""
        client = BlockingClient(API, Settings("c", server.url, "k"))
        get(client)
        server.pause = 60.0
        threading.Thread(target=lambda: client.send_once(LOOK), daemon=True).start()
        while len(server.seen) < 2: time.sleep(0.01)
        {end}
        """,
    )
    # the call that was under way ends with an error of ours, or with its thread
    assert done.returncode in (0, 130, -signal.SIGINT), done.stderr


def test_a_name_server_that_does_not_answer_does_not_hold_up_the_end() -> None:
    done = in_a_process(
        """
        import socket
        looked_up = threading.Event()
        def never(*args, **options):
            looked_up.set()
            time.sleep(600)
        socket.getaddrinfo = never
        client = BlockingClient(API, Settings("c", "https://api.example.com/api/v1", "k"))
        threading.Thread(target=lambda: client.send_once(LOOK), daemon=True).start()
        looked_up.wait()
        print("ok")
        """,
    )
    assert (done.stdout, done.returncode) == ("ok\n", 0), done.stderr
