"""Many operations read by one request, at an API that shows several by their ids."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis.described import DescribedApi
from airflow_provider_ops.hooks.lookup import ahook_for
from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.testing import fail_first, html, not_found_first
from tests.apis.answers import answer
from tests.spec.examples import JOBS

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer, VirtualClock

WAITS = 120
LISTS = JOBS[JOBS.index("  open:") : JOBS.index("  by_ids")]
WAIT = JOBS[JOBS.index("wait:") : JOBS.index("cancel:")]
TEXT = JOBS.replace(LISTS, "").replace(WAIT, "").replace("budget: 5\n", "")
BY_IDS = "GET /jobs/operations"
ONE = "GET /jobs/operations/{operation_id}"


@pytest.fixture
def world(operations_simulator: SimulatorServer, virtual_time: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> Any:
    operations_simulator.duration = 60.0
    name = operations_simulator.add(TEXT)
    monkeypatch.setenv("AIRFLOW_CONN_JOBS", operations_simulator.connection_json(name, "any-key"))
    return operations_simulator


async def wait_for(count: int) -> list[OperationState]:
    hook = await ahook_for("jobs")
    async with hook.aclient() as client:
        started = [await client.send(hook.api.request("POST", "/jobs", json={"n": n})) for n in range(count)]
        settled = await asyncio.gather(*(hook.await_operation(one.operation_id) for one in started))
    return [one.state for one in settled]


def reads(world: SimulatorServer) -> tuple[int, int]:
    """Return the requests for several operations, and for one."""
    routes = world.stats()["by_route"]
    return routes.get(BY_IDS, 0), routes.get(ONE, 0)


async def test_many_waits_share_requests(world: SimulatorServer) -> None:
    assert set(await wait_for(WAITS)) == {OperationState.SUCCEEDED}
    several, single = reads(world)
    # 60 s of polls every 10 s at most, and some soon after the start: one by one they would be more than a thousand
    assert several <= 3 * 10 * (WAITS // 25 + 1)
    assert single <= WAITS // 4


async def test_one_wait_is_read_by_itself(world: SimulatorServer) -> None:
    assert await wait_for(1) == [OperationState.SUCCEEDED]
    assert reads(world)[0] == 0


async def test_what_the_answer_does_not_show_is_read_by_itself(world: SimulatorServer) -> None:
    world.faults({"api": "jobs", "route": "/jobs/operations", "fault": "html", "status": 200})
    assert set(await wait_for(10)) == {OperationState.SUCCEEDED}
    several, single = reads(world)
    assert (0 < several < 10, single > 10) == (True, True)


@pytest.mark.parametrize("fault", [fail_first(20, route="/jobs/operations"), fail_first(3, 400), html(5)])
async def test_trouble_settles_nothing(world: SimulatorServer, fault: Any) -> None:
    world.faults({**fault, "method": "GET"}, not_found_first(2))
    assert set(await wait_for(10)) == {OperationState.SUCCEEDED}


def test_ids_are_sent_as_the_spec_writes_them() -> None:
    api = DescribedApi(ApiSpec.from_yaml(TEXT))
    assert api.get_operations(["op_1", "op_2"]).request.query == {"id": ["op_1", "op_2"]}
    comma = DescribedApi(ApiSpec.from_yaml(TEXT.replace("?id={ids}", "?ids={ids:comma}")))
    assert comma.get_operations(["op_1", "op_2"]).request.query == {"ids": "op_1,op_2"}
    listed = DescribedApi(
        ApiSpec.from_yaml(TEXT.replace('"GET /operations?id={ids}"', 'POST /operations/query, body: {any: "{ids}"}'))
    )
    asked = listed.get_operations(["op_1", "op_2"]).request
    assert (asked.json, asked.replayable) == ({"any": ["op_1", "op_2"]}, True)


def test_an_answer_shows_only_what_was_asked_for() -> None:
    api = DescribedApi(ApiSpec.from_yaml(TEXT))
    rows = [{"id": "op_1", "status": "success"}, {"id": "op_9", "status": "success"}, {"id": "op_2", "status": {}}, 7]
    found = api.get_operations(["op_1", "op_2"]).parse(answer({"operations": rows}))
    assert {name: one.state for name, one in found.items()} == {"op_1": OperationState.SUCCEEDED}
