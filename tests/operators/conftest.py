from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.testing import SimulatorServer, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def operator_clock() -> VirtualClock:
    return VirtualClock(start=time.time())


@pytest.fixture(scope="session")
def _operator_world(operator_clock: VirtualClock) -> Iterator[SimulatorServer]:
    with SimulatorServer(duration=300.0, clock=operator_clock) as server:
        yield server


@pytest.fixture
def world(
    _operator_world: SimulatorServer, operator_clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, retry_at_once: None
) -> SimulatorServer:
    """A simulator in virtual time, to which the default connections lead."""
    _operator_world.reset()
    # pauses that an earlier test brought on are over
    operator_clock.advance(4000)
    for name, value in _operator_world.environ().items():
        monkeypatch.setenv(name, value)
    return _operator_world


@pytest.fixture
def hook(world: SimulatorServer, operator_clock: VirtualClock) -> Iterator[OnveraHook]:
    made = OnveraHook(clock=operator_clock)
    yield made
    made.close()
