from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_ops.hooks.akua import AkuaHook
from airflow_provider_ops.lifecycle.handle_store import HandleStore
from airflow_provider_ops.lifecycle.submitter import SubmitResult, Submitter
from airflow_provider_ops.testing import (
    SimulatorServer,
    VirtualClock,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ops.apis.submits import SubmitCall
    from airflow_provider_ops.http.clock import Clock
from tests.attempts import identity_of
from tests.operators.akua.parts import DURATION, Memory


@pytest.fixture(scope="module")
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(scope="module")
def served(clock: VirtualClock) -> Iterator[SimulatorServer]:
    with SimulatorServer(duration=DURATION, clock=clock) as server:
        yield server


@pytest.fixture
def server(served: SimulatorServer, monkeypatch: pytest.MonkeyPatch, retry_at_once: None) -> SimulatorServer:
    served.reset()
    for name, value in served.environ().items():
        monkeypatch.setenv(name, value)
    return served


@pytest.fixture
def hook(server: SimulatorServer, clock: Clock) -> Iterator[AkuaHook]:
    hook = AkuaHook(clock=clock)
    yield hook
    hook.close()


@pytest.fixture
def ensure(hook: AkuaHook, clock: VirtualClock) -> Callable[..., SubmitResult]:
    """What an operator does with its submit; each call is one try of the same task run."""

    def run(submit: SubmitCall, store: Memory | None = None) -> SubmitResult:
        identity = identity_of(submit)
        handles = HandleStore(Memory() if store is None else store, lambda _: None)
        deadline = clock.time() + 900
        return Submitter(hook, submit, identity, handles, deadline=deadline, log=lambda _: None).run()

    return run
