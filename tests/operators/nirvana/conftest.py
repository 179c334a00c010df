from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.hooks.nirvana import NirvanaHook
from airflow_provider_ops.lifecycle.handle_store import HandleStore
from airflow_provider_ops.lifecycle.submitter import SubmitResult, Submitter
from airflow_provider_ops.testing import SimulatorServer, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ops.apis.submits import SubmitCall
    from airflow_provider_ops.http.clock import Clock
from tests.attempts import attempt, identity_of
from tests.operators.nirvana.parts import Memory


@pytest.fixture(scope="module")
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(scope="module")
def served(clock: VirtualClock) -> Iterator[SimulatorServer]:
    with SimulatorServer(duration=100, clock=clock) as server:
        yield server


@pytest.fixture
def server(served: SimulatorServer, monkeypatch: pytest.MonkeyPatch) -> SimulatorServer:
    served.reset()
    for name, value in served.environ().items():
        monkeypatch.setenv(name, value)
    return served


@pytest.fixture
def hook(server: SimulatorServer, clock: Clock) -> Iterator[NirvanaHook]:
    hook = NirvanaHook(clock=clock)
    yield hook
    hook.close()


@pytest.fixture
def ensure(hook: NirvanaHook, clock: VirtualClock) -> Callable[..., SubmitResult]:
    def run(
        submit: SubmitCall, store: Memory | None = None, *, lines: list[str] | None = None, **facts: Any
    ) -> SubmitResult:
        identity = identity_of(
            submit, attempt(facts.get("try_number", 1)), arguments=f"1:{facts.get('fingerprint', 'f')}"
        )
        told = [] if lines is None else lines
        handles = HandleStore(Memory() if store is None else store, told.append)
        deadline = clock.time() + facts.get("patience", 900)
        say = told.append
        return Submitter(hook, submit, identity, handles, deadline=deadline, log=say, warn=say).run()

    return run
