"""Portals and processes: forks, and ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.timeout(320)


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
from airflow_provider_ops.apis.onvera import API
from airflow_provider_ops.exceptions import OpsError
from airflow_provider_ops.http.blocking_client import BlockingClient
from airflow_provider_ops.http.portal import portal
from airflow_provider_ops.http.settings import Settings
from tests.http.portal.serving import LOOK, START, Server
server = Server()
def send_in_a_thread(client):
    # Python ends with SIGABRT where a daemon thread prints its error while the interpreter goes down
    def send():
        try:
            client.send_once(LOOK)
        except BaseException:
            pass
    threading.Thread(target=send, daemon=True).start()
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


def test_a_child_asks_no_caller_that_the_fork_has_left_behind() -> None:
    done = in_a_process("""
        from airflow_provider_ops.exceptions import AuthenticationError
        read = []
        settings = Settings("c", server.url, "k")
        client = BlockingClient(API, settings, reload=lambda: read.append(os.getpid()) or settings)
        server.status, server.pause = 401, 60.0
        send_in_a_thread(client)
        while not server.seen:
            time.sleep(0.01)
        server.pause = 0.0
        def child():
            # it would wait for ever
            signal.alarm(60)
            try:
                client.send_once(LOOK)
            except AuthenticationError:
                assert read == [os.getpid()]
                print("ok")
        assert fork(child) == 0
    """)
    assert (done.stdout, done.returncode) == ("ok\n", 0), done.stderr


@pytest.mark.parametrize("end", ["", "sys.exit(0)", "os.kill(os.getpid(), signal.SIGINT); time.sleep(5)"])
def test_a_process_ends_at_once_with_and_without_calls_under_way(end: str) -> None:
    done = in_a_process(
        f"""
        client = BlockingClient(API, Settings("c", server.url, "k"))
        get(client)
        server.pause = 60.0
        send_in_a_thread(client)
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
        send_in_a_thread(client)
        looked_up.wait()
        print("ok")
        """,
    )
    assert (done.stdout, done.returncode) == ("ok\n", 0), done.stderr
