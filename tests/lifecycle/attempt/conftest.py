from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.http.clock import SystemClock

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer
from tests.lifecycle.attempt.parts import Create


@pytest.fixture(autouse=True)
def _defer_at_once(monkeypatch: pytest.MonkeyPatch, retry_at_once: None) -> None:
    """Operations of a test settle before the look that spares short deferrals is over."""
    monkeypatch.setattr("airflow_provider_ops.lifecycle.attempt.SECONDS_BEFORE_DEFERRING", 0.0)
    monkeypatch.setattr("airflow_provider_ops.lifecycle.attempt.RECHECK_SECONDS", 0.0)


@pytest.fixture(autouse=True)
def events() -> list[Any]:
    Create.events.clear()
    return Create.events


@pytest.fixture
def unhurried(operations_simulator: SimulatorServer) -> None:
    """Operations still run at the first look, also on a machine that is busy, so that the task defers."""
    operations_simulator.duration = 1.0


@pytest.fixture
def hasty() -> type[OnveraHook]:
    """A hook that does not take its long pauses."""

    class HastyClock(SystemClock):
        async def asleep(self, seconds: float) -> None:
            await super().asleep(min(seconds, 0.05))

    class HastyHook(OnveraHook):
        def __init__(self, conn_id: str | None = None, **kwargs: Any) -> None:
            super().__init__(conn_id, clock=HastyClock(), **kwargs)

    return HastyHook
