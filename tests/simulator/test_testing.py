"""What `airflow_provider_ops.testing` gives to users."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import pytest

from airflow_provider_ops import testing
from airflow_provider_ops.testing import SimulatorServer, VirtualClock

if TYPE_CHECKING:
    from tests.simulator.conftest import World

operations_simulator = testing.operations_simulator


def create(http: httpx.Client, url: str) -> None:
    answer = http.post(f"{url}/deployments", json={"app_type": "airflow"}, headers={"X-API-Key": "k"})
    assert answer.status_code == 202


@pytest.mark.parametrize("turn", [1, 2])
def test_the_fixture_is_fresh_for_every_test(
    operations_simulator: SimulatorServer, http: httpx.Client, turn: int
) -> None:
    assert operations_simulator.resources() == []
    assert operations_simulator.duration == 0.2
    assert operations_simulator.stats()["requests"] == 0
    operations_simulator.duration = 10 * turn
    operations_simulator.faults(testing.fail_first(5, method="GET"))
    connection = json.loads(os.environ["AIRFLOW_CONN_ONVERA_DEFAULT"])
    assert connection == {
        "conn_type": "onvera",
        "host": f"{operations_simulator.url}/onvera/api/v1",
        "password": "test-key",
    }
    create(http, connection["host"])
    assert len(operations_simulator.resources()) == len(operations_simulator.operations("onvera")) == 1
    assert operations_simulator.resources("nirvana") == []
    assert len(operations_simulator.requests("onvera")) == 1


def test_the_environment_is_put_back() -> None:
    assert "AIRFLOW_CONN_ONVERA_DEFAULT" not in os.environ


def test_the_fixture_works_from_a_conftest(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["airflow_provider_ops.testing"]\n')
    test = "def test_it(operations_simulator):\n    assert operations_simulator.apis\n"
    (tmp_path / "test_it.py").write_text(test)
    # a project of its own, wherever the temporary directory is
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    without = ("-p", "no:cacheprovider", "--confcutdir", str(tmp_path))
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", *without]
    own = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    environment = {**own, "PYTHONPATH": str(Path.cwd()), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_a_connection_as_a_uri(world: World) -> None:
    parts = urlsplit(world.server.connection_uri("onvera", "p@ss/word", timeout=5, verify=False))
    assert parts.scheme == "onvera"
    assert unquote(parts.password or "") == "p@ss/word"
    assert unquote(parts.netloc.rpartition("@")[2]) == world.server.base_url("onvera")
    assert json.loads(parse_qs(parts.query)["__extra__"][0]) == {"timeout": 5, "verify": False}
    as_json = json.loads(world.server.connection_json("onvera", verify=False))
    assert as_json["extra"] == {"verify": False}


def test_a_server_that_is_not_running_says_so(http: httpx.Client) -> None:
    server = SimulatorServer()
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.url
    server.stop()
    with server:
        with pytest.raises(RuntimeError, match="already running"):
            server.start()
        first = server.url
    with server:
        assert server.stats()["requests"] == 0
        assert http.get(f"{server.url}/_control/stats").status_code == 200
    with pytest.raises(httpx.ConnectError):
        http.get(first)


def test_a_server_that_is_held_up_says_so(http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    held, free = threading.Event(), threading.Event()

    def hold_up(*_request: object) -> None:
        held.set()
        free.wait(30)

    with SimulatorServer() as server:
        server.observe(hold_up)
        asking = threading.Thread(target=http.get, args=(f"{server.url}/onvera/api/v1/operations",))
        asking.start()
        assert held.wait(30)
        monkeypatch.setattr("airflow_provider_ops.testing.server._PATIENCE", 0.05)
        try:
            with pytest.raises(RuntimeError, match=r"has not answered within 0\.05 s"):
                server.stats()
        finally:
            free.set()
            asking.join()


def test_a_server_stops_at_once_though_a_request_hangs() -> None:
    with SimulatorServer() as server:
        server.faults(testing.hang(600))
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=5) as sock:
            sock.sendall(b"GET /onvera/api/v1/operations HTTP/1.1\r\nHost: x\r\n\r\n")
            while server.stats()["requests"] == 0:
                time.sleep(0.01)
            began = time.monotonic()
            server.stop()
            assert time.monotonic() - began < 60


def test_importing_it_is_cheap() -> None:
    script = (
        "import sys, airflow_provider_ops.testing\n"
        "print([name for name in ('uvicorn', 'starlette', 'pydantic', 'httpx', 'airflow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_it_can_be_imported_without_pytest() -> None:
    script = (
        "import sys; sys.modules['pytest'] = None\n"
        "from airflow_provider_ops.testing import SimulatorServer, fail_first\n"
        "print(fail_first(2))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "'count': 2" in done.stdout


def test_a_virtual_sleep_takes_no_time() -> None:
    clock = VirtualClock(start=1000)
    clock.sleep(3600)
    assert clock.time() == 4600
    clock.advance(400)
    assert clock.time() == 5000


async def test_virtual_sleepers_wake_in_order_of_time() -> None:
    clock = VirtualClock(start=0)
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, *naps: float) -> None:
        for nap in naps:
            await clock.asleep(nap)
            woken.append((name, clock.time()))

    await asyncio.gather(sleeper("a", 5, 5), sleeper("b", 3, 3, 3), sleeper("c", 0, 100))
    assert woken == [("c", 0), ("b", 3), ("a", 5), ("b", 6), ("b", 9), ("a", 10), ("c", 100)]


async def test_a_cancelled_virtual_sleep_does_not_move_the_time() -> None:
    clock = VirtualClock(start=0)
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(VirtualClock(auto=False).asleep(100), 0.01)
    task = asyncio.ensure_future(clock.asleep(1_000_000))
    await asyncio.sleep(0)
    task.cancel()
    await clock.asleep(5)
    for _ in range(200):  # long enough for the clock to believe that all are asleep
        await asyncio.sleep(0)
    assert clock.time() == 5


async def test_without_auto_only_advance_moves_the_time() -> None:
    clock = VirtualClock(start=0, auto=False)
    task = asyncio.ensure_future(clock.asleep(10))
    thread = threading.Thread(target=clock.sleep, args=(10,))
    thread.start()
    await asyncio.sleep(0.02)
    clock.advance(9)
    await asyncio.sleep(0.02)
    assert (task.done(), thread.is_alive(), clock.asleep_now) == (False, True, 1)
    clock.advance(1)
    await asyncio.wait_for(task, 1)
    thread.join(1)
    assert (thread.is_alive(), clock.asleep_now) == (False, 0)
