"""The pytest fixtures that need no Airflow."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from airflow_provider_ops.simulator.virtual_clock import VirtualClock
from airflow_provider_ops.testing.server import SimulatorServer

_SERVER: pytest.StashKey[SimulatorServer] = pytest.StashKey()
_LONG = 600.0
"""Seconds an operation takes in virtual time: ten minutes, which pass at once."""


@pytest.fixture
def operations_simulator(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatorServer]:
    """Start or reset a simulator to which the default connections of all APIs lead.

    One server serves the whole session (starting one takes longer than most tests) and is reset for every test. A test
    that also asks for `virtual_time` has one of its own, which lives by that clock.
    """
    with _serving(request) as server:
        server.reset()
        for name, value in server.environ().items():
            monkeypatch.setenv(name, value)
        yield server
        server.reset()


@pytest.fixture
def virtual_time(monkeypatch: pytest.MonkeyPatch) -> VirtualClock:
    """Use one clock for all waits of operators, sensors, triggers and hooks, and for the simulator: hours pass at once.

    Airflow itself, with its `retry_delay`, runs in real time.
    """
    clock = VirtualClock(start=time.time())
    monkeypatch.setattr("airflow_provider_ops.hooks.base.default_clock", lambda: clock)
    return clock


@contextmanager
def _serving(request: pytest.FixtureRequest) -> Iterator[SimulatorServer]:
    if "virtual_time" in request.fixturenames:
        clock: VirtualClock = request.getfixturevalue("virtual_time")
        with SimulatorServer(duration=_LONG, clock=clock) as server:
            yield server
        return
    config = request.config
    if _SERVER not in config.stash:
        config.stash[_SERVER] = server = SimulatorServer()
        server.start()
        config.add_cleanup(server.stop)
    yield config.stash[_SERVER]
