"""Two runs with the same seed and the same calls are the same, to the last byte."""

from __future__ import annotations

from typing import Any

import httpx

from airflow_provider_ops.simulator.app import Simulator
from airflow_provider_ops.simulator.world import Settings
from airflow_provider_ops.testing import VirtualClock, fail_sometimes


async def story(seed: int, *, faults: bool = False) -> list[tuple[int, bytes]]:
    """Return all answers to a fixed series of calls."""
    clock = VirtualClock(auto=False)
    simulator = Simulator(Settings(duration=10, seed=seed), clock)
    if faults:
        simulator.set_faults([fail_sometimes(0.5, method="GET")])
    answers: list[tuple[int, bytes]] = []
    transport = httpx.ASGITransport(simulator.app)
    headers = {"X-API-Key": "k"}
    async with httpx.AsyncClient(transport=transport, base_url="http://s/onvera/api/v1", headers=headers) as client:

        async def call(method: str, path: str, body: Any = None) -> Any:
            answer = await client.request(method, path, json=body)
            answers.append((answer.status_code, answer.content))
            return answer.json()

        made = [await call("POST", "/deployments", {"app_type": "airflow"}) for _ in range(3)]
        for _ in range(30):
            await call("GET", "/operations")
            clock.advance(0.5)
        await call("DELETE", f"/deployments/{made[0]['data']['deployment_id']}")
        await call("GET", "/deployments")
    return answers


async def test_the_same_seed_gives_the_same_answers() -> None:
    assert await story(7) == await story(7)
    assert await story(7, faults=True) == await story(7, faults=True)


async def test_another_seed_gives_others() -> None:
    first, second = await story(7), await story(8)
    assert first != second
    assert [status for status, _ in first] == [status for status, _ in second]


async def test_the_time_an_operation_takes_varies_a_little() -> None:
    clock = VirtualClock(auto=False)
    simulator = Simulator(Settings(duration=100), clock)
    transport = httpx.ASGITransport(simulator.app)
    headers = {"X-API-Key": "k"}
    async with httpx.AsyncClient(transport=transport, base_url="http://s/onvera/api/v1", headers=headers) as client:
        for _ in range(20):
            await client.post("/deployments", json={"app_type": "airflow"})
    clock.advance(1000)
    world = simulator.apis["onvera"].world
    world.advance()
    took = {row.ended_at - row.created_at for row in world.operations if row.ended_at is not None}
    assert len(took) == 20
    assert 90 <= min(took) < 95
    assert 105 < max(took) <= 110


async def test_a_fault_that_draws_numbers_does_not_change_the_ids() -> None:
    plain, struck = await story(7), await story(7, faults=True)
    assert plain[:3] == struck[:3]
    assert any(status == 503 for status, _ in struck)
    deletes = [answers[33] for answers in (plain, struck)]
    assert deletes[0] == deletes[1]
