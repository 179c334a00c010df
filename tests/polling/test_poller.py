"""The shared poller: everybody's end is found, cheaply, whatever the lists do."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ops.apis.onvera import API
from airflow_provider_ops.core.wait_state import Settled, TimedOut, Unobservable, WaitState
from airflow_provider_ops.exceptions import NotFound
from airflow_provider_ops.http.async_client import AsyncClient
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.polling.poller import poller_of
from airflow_provider_ops.polling.waits import apoll_until_done
from airflow_provider_ops.testing import SimulatorServer, VirtualClock, fail_first, operation_fails, outage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

DURATION = 60.0
INTERVAL = 5.0
LIST = "/operations"
READ = "/operations/{id}"


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def server(clock: VirtualClock) -> Iterator[SimulatorServer]:
    with SimulatorServer(duration=DURATION, clock=clock) as server:
        yield server


@asynccontextmanager
async def client_of(server: SimulatorServer, clock: VirtualClock) -> AsyncIterator[AsyncClient]:
    client = AsyncClient(API, Settings("test", server.base_url("onvera"), "key", verify=False), clock)
    try:
        yield client
    finally:
        await client.aclose()


async def start(client: AsyncClient, count: int) -> list[str]:
    return [(await client.send(API.create_deployment("airflow", f"n{i}"))).operation_id for i in range(count)]


def watch(client: AsyncClient, operation_id: str, *, seconds: float = 1000.0) -> WaitState:
    now = client.clock.time()
    return WaitState(operation_id, now=now, policy=API.poll_policy("", INTERVAL), deadline=now + seconds)


async def wait_each(
    client: AsyncClient, ids: list[str], log: Callable[[str], None] = lambda _: None
) -> list[WaitState]:
    watches = [watch(client, operation_id) for operation_id in ids]
    await asyncio.gather(*(apoll_until_done(client, [one], log) for one in watches))
    return watches


def reads(server: SimulatorServer, route: str) -> int:
    by_route: dict[str, int] = server.stats()["by_route"]
    return by_route.get(f"GET /onvera/api/v1{route}", 0)


async def all_closed(server: SimulatorServer) -> bool:
    """Whether the server has seen the end of all connections; it learns of that a moment later."""
    for _ in range(200):
        if server.stats()["connections_open"] == 0:
            return True
        await asyncio.sleep(0.01)
    return False


def succeeded(watches: list[WaitState]) -> bool:
    return all(
        isinstance(one.outcome, Settled) and one.outcome.operation.state is OperationState.SUCCEEDED for one in watches
    )


async def test_many_waits_cost_pages_and_not_reads(server: SimulatorServer, clock: VirtualClock) -> None:
    async with client_of(server, clock) as client:
        ids = await start(client, 300)
        assert succeeded(await wait_each(client, ids))
    one_by_one = 300 * DURATION / INTERVAL
    assert reads(server, LIST) + reads(server, READ) < one_by_one / 10


async def test_the_last_hundred_of_many_are_not_read_although_lists_show_their_ends(
    server: SimulatorServer, clock: VirtualClock
) -> None:
    ids = []
    async with client_of(server, clock) as client:
        for number in range(1000):
            server.duration = 20.0 + number * 0.04
            ids += await start(client, 1)
        server.latency = 0.02
        assert succeeded(await wait_each(client, ids))
    assert reads(server, READ) < 15


async def test_few_waits_are_read_one_by_one(server: SimulatorServer, clock: VirtualClock) -> None:
    async with client_of(server, clock) as client:
        assert succeeded(await wait_each(client, await start(client, 3)))
    assert reads(server, LIST) == 0


async def test_an_end_is_found_within_two_intervals(server: SimulatorServer, clock: VirtualClock) -> None:
    found: dict[str, float] = {}

    async def one(client: AsyncClient, operation_id: str) -> None:
        mine = watch(client, operation_id)
        await apoll_until_done(client, [mine], lambda _: None)
        assert isinstance(mine.outcome, Settled)
        assert mine.outcome.operation.ended_at is not None
        found[operation_id] = clock.time() - mine.outcome.operation.ended_at.timestamp()

    async with client_of(server, clock) as client:
        ids = await start(client, 250)
        await asyncio.gather(*(one(client, operation_id) for operation_id in ids))
    assert len(found) == 250
    # times of the API are whole seconds
    assert max(found.values()) <= 2 * INTERVAL + 1


async def test_lists_that_fail_do_not_matter_while_reads_work(server: SimulatorServer, clock: VirtualClock) -> None:
    async with client_of(server, clock) as client:
        ids = await start(client, 40)
        server.faults({"fault": "status", "status": 500, "route": LIST, "method": "GET"})
        watches = await wait_each(client, ids)
        assert succeeded(watches)
    # a fault of the lists is no trouble of the operations
    assert not any("could not poll" in line for one in watches for line in one.timeline.lines()[1:])


async def test_lists_that_failed_for_a_moment_are_soon_used_again(server: SimulatorServer, clock: VirtualClock) -> None:
    async with client_of(server, clock) as client:
        ids = await start(client, 300)
        server.faults(outage(2.0, route=LIST, method="GET"))
        assert succeeded(await wait_each(client, ids))
    # each is read once or twice meanwhile, and not in every interval of a minute
    assert reads(server, READ) < 3 * 300


async def test_lists_are_tried_again_when_reads_fail_as_well(server: SimulatorServer, clock: VirtualClock) -> None:
    async with client_of(server, clock) as client:
        ids = await start(client, 40)
        lists, singles = outage(5.0, route=LIST, method="GET"), outage(300.0, route=READ, method="GET")
        server.faults({**lists, "after": 30.0}, {**singles, "after": 36.0})
        began = clock.monotonic()
        assert succeeded(await wait_each(client, ids))
    assert clock.monotonic() - began < DURATION * 1.2 + 2 * INTERVAL + 1


async def test_lists_that_never_show_an_operation_do_not_lose_it(server: SimulatorServer, clock: VirtualClock) -> None:
    async with client_of(server, clock) as client:
        ids = await start(client, 40)
        # what a list shows under another spelling is not there for the poller
        strange = [operation_id.upper().replace("OP_", "op_") for operation_id in ids[:1]]
        watches = [watch(client, operation_id, seconds=300) for operation_id in (*ids[1:], *strange)]
        await asyncio.gather(*(apoll_until_done(client, [one], lambda _: None) for one in watches))
    assert succeeded(watches[:-1])
    assert isinstance(watches[-1].outcome, Unobservable)
    assert isinstance(watches[-1].outcome.error, NotFound)


async def test_an_outage_fails_no_wait(server: SimulatorServer, clock: VirtualClock) -> None:
    async with client_of(server, clock) as client:
        ids = await start(client, 50)
        server.faults(outage(90.0))
        before = server.stats()["requests"]
        assert succeeded(await wait_each(client, ids))
    # one request tells what fifty would: an outage is not answered with a flood
    assert server.stats()["requests"] - before < 150


async def test_one_deadline_ends_one_wait(server: SimulatorServer, clock: VirtualClock) -> None:
    async with client_of(server, clock) as client:
        ids = await start(client, 20)
        watches = [watch(client, operation_id) for operation_id in ids]
        hurried = watch(client, ids[0], seconds=12.0)
        began = clock.time()
        ended: list[float] = []

        async def hurry() -> None:
            await apoll_until_done(client, [hurried], lambda _: None)
            ended.append(clock.time() - began)

        await asyncio.gather(hurry(), *(apoll_until_done(client, [one], lambda _: None) for one in watches))
    assert isinstance(hurried.outcome, TimedOut)
    assert ended[0] == pytest.approx(12.0, abs=INTERVAL)
    assert succeeded(watches)


async def test_cancelling_one_wait_leaves_the_others_alone(server: SimulatorServer, clock: VirtualClock) -> None:
    async with client_of(server, clock) as client:
        ids = await start(client, 20)
        watches = [watch(client, operation_id) for operation_id in ids]
        tasks = [asyncio.create_task(apoll_until_done(client, [one], lambda _: None)) for one in watches]
        await clock.asleep(10)
        tasks[0].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1:] == [None] * 19
    assert succeeded(watches[1:])


async def test_failures_are_told_to_those_who_wait_for_them(server: SimulatorServer, clock: VirtualClock) -> None:
    server.faults(operation_fails("quota exceeded", name="n7"))
    async with client_of(server, clock) as client:
        watches = await wait_each(client, await start(client, 30))
    states = [one.outcome.operation.state for one in watches if isinstance(one.outcome, Settled)]
    assert states.count(OperationState.FAILED) == 1
    assert states[7] is OperationState.FAILED


async def test_any_is_decided_by_the_first_success(server: SimulatorServer, clock: VirtualClock) -> None:
    async with client_of(server, clock) as client:
        first = await start(client, 1)
        await clock.asleep(30)
        watches = [watch(client, operation_id) for operation_id in (*first, *await start(client, 1))]
        await apoll_until_done(client, watches, lambda _: None, "any")
    assert succeeded(watches[:1])
    assert watches[1].outcome is None


async def test_nothing_is_left_when_all_waits_are_over(server: SimulatorServer, clock: VirtualClock) -> None:
    before = len(asyncio.all_tasks())
    async with client_of(server, clock) as client:
        await wait_each(client, await start(client, 120))
        assert poller_of(client).size == 0
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == before
    assert await all_closed(server)


async def test_each_wait_logs_its_own_story(server: SimulatorServer, clock: VirtualClock) -> None:
    lines: dict[int, list[str]] = {index: [] for index in range(12)}
    async with client_of(server, clock) as client:
        ids = await start(client, 12)
        watches = [watch(client, operation_id) for operation_id in ids]
        await asyncio.gather(
            *(apoll_until_done(client, [one], lines[index].append) for index, one in enumerate(watches))
        )
    for index, operation_id in enumerate(ids):
        assert lines[index]
        assert all(line.startswith(operation_id) for line in lines[index])
        # changes only: a wait of a minute takes a handful of lines, however often it was looked for
        assert len(lines[index]) <= 6


async def test_retry_after_pauses_everybody_on_the_connection(server: SimulatorServer, clock: VirtualClock) -> None:
    async with client_of(server, clock) as client:
        ids = await start(client, 30)
        server.faults({"fault": "status", "status": 429, "retry_after": 40, "count": 1})
        assert succeeded(await wait_each(client, ids))
    requests = server.requests("onvera")
    refused = next(index for index, request in enumerate(requests) if request["status"] == 429)
    pause = moment(requests[refused + 1]) - moment(requests[refused])
    assert pause.total_seconds() >= 39.9


def moment(request: dict[str, str]) -> datetime:
    return datetime.fromisoformat(request["at"].replace("Z", "+00:00"))


async def test_two_event_loops_do_not_share(server: SimulatorServer, clock: VirtualClock) -> None:
    async with client_of(server, clock) as client:
        ids = await start(client, 6)

        def elsewhere() -> bool:
            async def main() -> bool:
                async with client_of(server, clock) as other:
                    return succeeded(await wait_each(other, ids))

            return asyncio.run(main())

        mine, theirs = await asyncio.gather(wait_each(client, ids), asyncio.to_thread(elsewhere))
    assert succeeded(mine)
    assert theirs


async def test_a_read_that_fails_once_is_one_line(server: SimulatorServer, clock: VirtualClock) -> None:
    lines: list[str] = []
    async with client_of(server, clock) as client:
        ids = await start(client, 1)
        server.faults(fail_first(3, route=READ))
        assert succeeded(await wait_each(client, ids, lines.append))
    assert sum("could not poll" in line for line in lines) == 1
    assert sum("can poll again after 3 failed polls" in line for line in lines) == 1
