from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ops.testing import SimulatorServer, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def hook_clock() -> VirtualClock:
    return VirtualClock(start=time.time())


@pytest.fixture(scope="session")
def _hook_world(hook_clock: VirtualClock) -> Iterator[SimulatorServer]:
    with SimulatorServer(duration=300.0, clock=hook_clock) as server:
        yield server


@pytest.fixture
def world(
    _hook_world: SimulatorServer, hook_clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, retry_at_once: None
) -> SimulatorServer:
    """A simulator in virtual time, to which the default connections lead."""
    _hook_world.reset()
    # pauses that an earlier test brought on are over
    hook_clock.advance(4000)
    for name, value in _hook_world.environ().items():
        monkeypatch.setenv(name, value)
    return _hook_world
