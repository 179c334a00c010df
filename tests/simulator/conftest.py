from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from airflow_provider_ops.testing import SimulatorServer, VirtualClock
from dev.conform.kept import kept
from dev.conform.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "sk-test-canary"
DURATION = 100.0
"""Virtual seconds that an operation takes, give or take the jitter."""


QUICK: dict[str, Any] = {"trust_env": False, "verify": False}
"""For clients: loading the system's certificates takes longer than most tests."""


class World:
    """One simulator in virtual time, with a client of one of its APIs."""

    def __init__(self, server: SimulatorServer, clock: VirtualClock, client: httpx.Client, http: httpx.Client) -> None:
        self.server, self.clock, self.client, self.http = server, clock, client, http

    def control(self, page: str, method: str = "GET", **options: Any) -> httpx.Response:
        return self.http.request(method, f"{self.server.url}/_control/{page}", **options)

    def create(self, **body: Any) -> dict[str, Any]:
        answer = self.client.post("/deployments", json={"app_type": "airflow", **body})
        assert answer.status_code == 202, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    def ready(self, **body: Any) -> dict[str, Any]:
        made = self.create(**body)
        self.clock.advance(2 * DURATION)
        return made

    def get(self, path: str, **params: Any) -> Any:
        answer = self.client.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def operation(self, made: dict[str, Any]) -> Any:
        return self.get(f"/operations/{made['operation_id']}")


@pytest.fixture(scope="session")
def manual_clock() -> VirtualClock:
    return VirtualClock(auto=False)


@pytest.fixture(scope="session")
def virtual_server(manual_clock: VirtualClock) -> Iterator[SimulatorServer]:
    with SimulatorServer(duration=DURATION, clock=manual_clock) as server:
        yield server


@pytest.fixture(scope="session")
def recorders(virtual_server: SimulatorServer) -> dict[str, Recorder]:
    """What holds the answers to the tests' requests against the contracts."""
    recorders = {api: Recorder(api, kept(api)) for api in ("akua", "nirvana")}
    for recorder in recorders.values():
        # most requests of these tests are meant to be refused
        recorder.checks_requests = False
        virtual_server.observe(recorder)
    return recorders


@pytest.fixture
def conforming(recorders: dict[str, Recorder]) -> Iterator[None]:
    """Every answer that a test gets is as the contract says."""
    for recorder in recorders.values():
        recorder.problems.clear()
    yield
    assert [recorder.report() for recorder in recorders.values()] == [[], []]


@pytest.fixture(scope="session")
def real_server() -> Iterator[SimulatorServer]:
    with SimulatorServer(duration=0.1) as server:
        yield server


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    """A client for any address, without a key."""
    with httpx.Client(timeout=5, **QUICK) as client:
        yield client


@pytest.fixture
def connect() -> Iterator[Callable[..., httpx.Client]]:
    """Makes clients of a server, each with connections of its own."""
    clients: list[httpx.Client] = []

    def make(server: SimulatorServer, key: str | None = KEY, path: str = "/onvera/api/v1") -> httpx.Client:
        headers = {} if key is None else {"X-API-Key": key}
        clients.append(httpx.Client(base_url=server.url + path, headers=headers, timeout=5, **QUICK))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def world(
    virtual_server: SimulatorServer,
    manual_clock: VirtualClock,
    connect: Callable[..., httpx.Client],
    http: httpx.Client,
) -> World:
    virtual_server.reset()
    return World(virtual_server, manual_clock, connect(virtual_server), http)


@pytest.fixture
def real(real_server: SimulatorServer) -> SimulatorServer:
    real_server.reset()
    return real_server
