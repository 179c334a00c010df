from __future__ import annotations

import pytest

from airflow_provider_ops.testing import SimulatorServer, VirtualClock
from tests.lifecycle.kills.parts import Life


@pytest.fixture
def life(world: SimulatorServer, operator_clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> Life:
    monkeypatch.setattr("airflow_provider_ops.hooks.base.default_clock", lambda: operator_clock)
    return Life(world, operator_clock)
