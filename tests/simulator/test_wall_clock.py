"""Virtual time: what passes, and what only steps."""

from __future__ import annotations

from datetime import datetime

import pytest

from airflow_provider_ops.apis.onvera import API
from airflow_provider_ops.http.async_client import AsyncClient
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.testing import SimulatorServer, VirtualClock


@pytest.mark.parametrize("step", [3600.0, -3600.0])
def test_a_step_moves_the_wall_clock_alone(step: float) -> None:
    clock = VirtualClock()
    clock.sleep(5.0)
    wall, steady = clock.time(), clock.monotonic()
    clock.step(step)
    assert (clock.time() - wall, clock.monotonic() - steady) == (step, 0.0)
    clock.sleep(7.0)
    assert (clock.time() - wall, clock.monotonic() - steady) == (step + 7.0, 7.0)


async def test_the_simulator_is_another_machine() -> None:
    clock = VirtualClock()
    began = clock.time()
    with SimulatorServer(duration=60.0, clock=clock) as server:
        client = AsyncClient(API, Settings("test", server.base_url("onvera"), "key", verify=False), clock)
        clock.step(86_400.0)
        await client.send(API.create_deployment("airflow"))
        await clock.asleep(61.0)
        (row,) = server.operations()
        await client.aclose()
    started = datetime.fromisoformat(row["started_at"].replace("Z", "+00:00")).timestamp()
    assert row["stage"] == "succeeded"
    assert began <= started < began + 60.0
