from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import stamina

from airflow_provider_ops.apis.onvera import API
from airflow_provider_ops.http.async_client import AsyncClient
from airflow_provider_ops.http.blocking_client import BlockingClient
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.testing import SimulatorServer, VirtualClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator


@pytest.fixture(scope="session")
def world_clock() -> VirtualClock:
    """One clock for simulator and clients: hours pass in no time."""
    return VirtualClock(start=time.time())


@pytest.fixture(scope="session")
def _world(world_clock: VirtualClock) -> Iterator[SimulatorServer]:
    with SimulatorServer(duration=60.0, clock=world_clock) as server:
        yield server


@pytest.fixture
def world(_world: SimulatorServer, world_clock: VirtualClock) -> SimulatorServer:
    """A simulator in virtual time."""
    _world.reset()
    # pauses that an earlier test brought on are over
    world_clock.advance(4000)
    return _world


@pytest.fixture
def settings(world: SimulatorServer) -> Callable[..., Settings]:
    def make(**options: Any) -> Settings:
        options = {"key": "test-key", "base_url": world.base_url("onvera"), "verify": False, "timeout": 5.0, **options}
        return Settings("onvera_default", **options)

    return make


@pytest.fixture
def client(settings: Callable[..., Settings], world_clock: VirtualClock) -> Iterator[Callable[..., BlockingClient]]:
    """Makes synchronous clients of the simulator in virtual time."""
    made: list[BlockingClient] = []

    def make(*, reload: Any = None, backend: Any = None, clock: Any = None, **options: Any) -> BlockingClient:
        made.append(BlockingClient(API, settings(**options), clock or world_clock, reload=reload, backend=backend))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
async def aclient(
    settings: Callable[..., Settings], world_clock: VirtualClock
) -> AsyncIterator[Callable[..., AsyncClient]]:
    """Makes asynchronous clients of the simulator in virtual time."""
    made: list[AsyncClient] = []

    def make(*, reload: Any = None, clock: Any = None, **options: Any) -> AsyncClient:
        made.append(AsyncClient(API, settings(**options), clock or world_clock, reload=reload))
        return made[-1]

    yield make
    for one in made:
        await one.aclose()


@pytest.fixture(autouse=True)
def _retries_do_not_pause() -> Iterator[None]:
    with stamina.set_testing(True, attempts=20, cap=True):
        yield
