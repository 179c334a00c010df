"""Lists that race, reorder, lie or fail: the poller finds every end all the same, on every API that lists."""

from __future__ import annotations

import asyncio
import gc
import time
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis.akua import API as AKUA
from airflow_provider_ops.apis.calls import Call, Page, Paged
from airflow_provider_ops.apis.nirvana import API as NIRVANA
from airflow_provider_ops.apis.onvera import API as ONVERA
from airflow_provider_ops.apis.onvera import Onvera
from airflow_provider_ops.apis.operation_lists import OperationList
from airflow_provider_ops.core.wait_state import Settled, TimedOut, WaitState
from airflow_provider_ops.hooks.lazy_wait import LazyDeadlineWait
from airflow_provider_ops.http.async_client import AsyncClient
from airflow_provider_ops.http.clock import SystemClock
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.polling.poller import poller_of
from airflow_provider_ops.polling.waits import apoll_until_done
from airflow_provider_ops.testing import SimulatorServer, VirtualClock, operation_cancelled, operation_fails

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

    from airflow_provider_ops.apis.base import Api
    from airflow_provider_ops.http.clock import Clock

DURATION = 60.0
INTERVAL = 5.0
PROJECT = "proj_bench"


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def server(clock: VirtualClock) -> Iterator[SimulatorServer]:
    with SimulatorServer(duration=DURATION, clock=clock) as server:
        yield server


@asynccontextmanager
async def client_of(
    server: SimulatorServer, clock: Clock, api: Api = ONVERA, **options: Any
) -> AsyncIterator[AsyncClient]:
    settings = Settings("test", server.base_url(api.name), "key", verify=False, **options)
    client = AsyncClient(api, settings, clock)
    try:
        yield client
    finally:
        await client.aclose()


async def start(client: AsyncClient, count: int) -> list[str]:
    return [(await client.send(ONVERA.create_deployment("airflow", f"n{i}"))).operation_id for i in range(count)]


def watch_of(client: AsyncClient, operation_id: str, seconds: float = 1000.0) -> WaitState:
    now = client.clock.time()
    return WaitState(operation_id, now=now, policy=client.api.poll_policy("", INTERVAL), deadline=now + seconds)


async def delays(client: AsyncClient, ids: Sequence[str]) -> dict[str, float]:
    """How late each end was known; fails for those that were not found."""
    late: dict[str, float] = {}

    async def one(operation_id: str) -> None:
        watch = watch_of(client, operation_id)
        await apoll_until_done(client, [watch], lambda _: None)
        assert isinstance(watch.outcome, Settled), watch.outcome
        ended = watch.outcome.operation.ended_at
        assert ended is not None
        late[operation_id] = client.clock.time() - ended.timestamp()

    await asyncio.gather(*(one(operation_id) for operation_id in ids))
    return late


class Odd(Onvera):
    """Onvera whose lists are changed by a function before anybody reads them."""

    def __init__(self, change: Callable[[list[Any]], Sequence[Any]]) -> None:
        super().__init__()
        self._change = change

    def open_operations(self) -> Sequence[OperationList]:
        return [self._odd(listed) for listed in super().open_operations()]

    def recent_operations(self) -> Sequence[OperationList]:
        return [self._odd(listed) for listed in super().recent_operations()]

    def _odd(self, listed: OperationList) -> OperationList:
        return listed._replace(entries=Paged(self._odd_call(listed.entries.first)))

    def _odd_call(self, call: Call[Page[Any]]) -> Call[Page[Any]]:
        def parse(response: Any) -> Page[Any]:
            page = call.parse(response)
            following = self._odd_call(page.next) if page.next else None
            return Page(self._change(list(page.items)), following)

        return Call(call.request, parse)


LIMIT = 2 * INTERVAL + 1  # the times of the API are whole seconds


async def test_lists_in_another_order_delay_nothing(server: SimulatorServer, clock: VirtualClock) -> None:
    async with client_of(server, clock, Odd(lambda items: items[::-1])) as client:
        late = await delays(client, await start(client, 250))
    assert max(late.values()) <= LIMIT


async def test_lists_that_drop_entries_at_random_delay_nothing(server: SimulatorServer, clock: VirtualClock) -> None:
    turn = iter(range(10_000_000))
    lossy = Odd(lambda items: [item for item in items if next(turn) % 7])
    async with client_of(server, clock, lossy) as client:
        late = await delays(client, await start(client, 250))
    assert max(late.values()) <= LIMIT


async def test_ids_that_no_list_ever_shows_are_read_by_themselves(server: SimulatorServer, clock: VirtualClock) -> None:
    hidden: set[str] = set()
    async with client_of(server, clock, Odd(lambda items: [i for i in items if i["id"] not in hidden])) as client:
        ids = await start(client, 60)
        hidden.update(ids[:20])
        late = await delays(client, ids)
    assert max(late.values()) <= LIMIT


async def test_lists_that_stay_empty_delay_nothing(server: SimulatorServer, clock: VirtualClock) -> None:
    async with client_of(server, clock, Odd(lambda _: [])) as client:
        late = await delays(client, await start(client, 40))
    assert max(late.values()) <= LIMIT


@pytest.mark.parametrize("junk", [None, 7, "text", [], {}, {"id": None}])
async def test_entries_that_are_no_operations_disturb_nobody(
    server: SimulatorServer, clock: VirtualClock, junk: Any
) -> None:
    poisoned = Odd(lambda items: [junk, *items])
    async with client_of(server, clock, poisoned) as client:
        late = await delays(client, await start(client, 30))
    assert max(late.values()) <= LIMIT


async def test_one_entry_that_cannot_be_read_is_trouble_for_one_wait(
    server: SimulatorServer, clock: VirtualClock
) -> None:
    poison: set[str] = set()

    def spoil(items: list[Any]) -> list[Any]:
        return [{**item, "status": {}} if item["id"] in poison else item for item in items]

    async with client_of(server, clock, Odd(spoil)) as client:
        ids = await start(client, 30)
        poison.add(ids[3])
        watches = [watch_of(client, operation_id, seconds=200.0) for operation_id in ids]
        await asyncio.gather(*(apoll_until_done(client, [one], lambda _: None) for one in watches))
    troubled = [one.operation_id for one in watches if any("could not poll" in line for line in one.timeline.lines())]
    assert troubled == [ids[3]]
    assert all(isinstance(one.outcome, Settled) for one in watches if one.operation_id != ids[3])


async def test_a_page_that_our_own_reading_stumbles_over_ends_no_wait(
    server: SimulatorServer, clock: VirtualClock
) -> None:
    def stumble(_: list[Any]) -> list[Any]:
        raise AttributeError("no such thing")

    async with client_of(server, clock, Odd(stumble)) as client:
        late = await delays(client, await start(client, 30))
    assert max(late.values()) <= LIMIT


async def test_thousands_that_come_together_are_looked_at_together(
    server: SimulatorServer, clock: VirtualClock
) -> None:
    async with client_of(server, clock) as client:
        ids = await start(client, 1500)
        before, began = server.stats()["requests"], clock.time()
        waits = [
            asyncio.ensure_future(apoll_until_done(client, [watch_of(client, operation_id)], lambda _: None))
            for operation_id in ids
        ]
        while server.stats()["requests"] == before:
            await clock.asleep(0.1)
        # a pause as between any two looks, and no request for each of those that came first
        assert 1.0 < clock.time() - began < 2 * INTERVAL
        await clock.asleep(0.1)
        assert server.stats()["requests"] - before < 40
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


async def test_cancelled_operations_are_found_as_soon_as_others(server: SimulatorServer, clock: VirtualClock) -> None:
    server.faults(operation_cancelled("by hand", name="n1*"), operation_fails("quota", name="n2*"))
    async with client_of(server, clock) as client:
        late = await delays(client, await start(client, 120))
    assert max(late.values()) <= LIMIT


class WithoutWait(type(AKUA)):  # type: ignore[misc]
    """Akua for a clock that runs on while an answer is held, so that nothing could be timed by it."""

    longest_poll = 0.0


async def test_akua_lists_for_the_many(server: SimulatorServer, clock: VirtualClock) -> None:
    async with client_of(server, clock, WithoutWait()) as client:
        ids = await akua_clusters(server, client, 150)
        before = server.stats()["requests"]
        late = await delays(client, ids)
        stats = server.stats()
    # its reads lag behind the end
    assert max(late.values()) <= LIMIT + 1
    assert stats["requests"] - before < 150 * DURATION / INTERVAL / 5


async def test_akua_holds_a_few_of_many(server: SimulatorServer, clock: VirtualClock) -> None:
    async with client_of(server, clock, AKUA) as client:
        late = await delays(client, await akua_clusters(server, client, 150))
        stats = server.stats()
    assert len(late) == 150
    assert stats["by_route"]["GET /akua/v1/operations"] > 0
    assert stats["by_route"]["POST /akua/v1/operations/{id}:wait"] > 0
    assert stats["connections_open_peak"] <= 20


async def test_steps_that_lists_leave_out_are_seen_all_the_same(clock: VirtualClock) -> None:
    with SimulatorServer(duration=600.0, clock=clock) as server:
        async with client_of(server, clock, WithoutWait()) as client:
            watches = [watch_of(client, name, 400.0) for name in await akua_clusters(server, client, 60)]
            await asyncio.gather(*(apoll_until_done(client, [watch], lambda _: None) for watch in watches))
        stats = server.stats()["by_route"]
    found = [watch.operation for watch in watches]
    assert [one for one in found if one is None or not one.progress or not one.progress.steps] == []
    assert stats["GET /akua/v1/operations"] > 20


async def test_akua_holds_few_waits_and_knows_at_once() -> None:
    # in real time: virtual time goes on while an answer is on its way
    with SimulatorServer(duration=1.0) as server:
        async with client_of(server, SystemClock(), AKUA) as client:
            ids = await akua_clusters(server, client, 8)
            found: dict[str, float] = {}

            async def one(operation_id: str) -> None:
                await apoll_until_done(client, [watch_of(client, operation_id)], lambda _: None)
                found[operation_id] = time.time()

            await asyncio.gather(*(one(operation_id) for operation_id in ids))
        rows = server.operations()
        ends = {row["id"]: datetime.fromisoformat(row["ended_at"].replace("Z", "+00:00")) for row in rows}
        stats = server.stats()
    assert max(at - ends[name].timestamp() for name, at in found.items()) < 0.5
    assert "GET /akua/v1/operations" not in stats["by_route"]


async def akua_clusters(server: SimulatorServer, client: AsyncClient, count: int) -> list[str]:
    from airflow_provider_ops.apis.calls import Request  # noqa: PLC0415

    def create(number: int) -> Call[str]:
        body, headers = {"name": f"n{number}", "region_id": "reg_eu"}, {"idempotency-key": f"k{number}"}
        return Call(Request("POST", "/clusters", "/clusters", json=body, headers=headers), lambda _: "")

    for number in range(count):
        await client.send(create(number))
    return [row["id"] for row in server.operations("akua")]


async def test_nirvana_reads_other_projects_by_themselves(server: SimulatorServer, clock: VirtualClock) -> None:
    operations = [await nirvana_vpcs(server, clock, project, 30) for project in ("one", "two")]
    async with client_of(server, clock, NIRVANA, extras={"project_id": "one"}) as client:
        late = await delays(client, [*operations[0], *operations[1][:5]])
    assert max(late.values()) <= LIMIT


async def test_nirvana_without_filters_is_read_one_by_one(server: SimulatorServer, clock: VirtualClock) -> None:
    ids = await nirvana_vpcs(server, clock, "one", 30)
    server.faults({"fault": "status", "status": 400, "route": "/v1/operations", "method": "GET"})
    async with client_of(server, clock, NIRVANA, extras={"project_id": "one"}) as client:
        late = await delays(client, ids)
    assert max(late.values()) <= LIMIT


async def nirvana_vpcs(server: SimulatorServer, clock: VirtualClock, project: str, count: int) -> list[str]:
    from airflow_provider_ops.apis.nirvana import networking  # noqa: PLC0415

    async with client_of(server, clock, NIRVANA) as client:
        return [
            (
                await client.send(
                    networking.create_vpc(
                        name=f"{project}-{i}", project_id=project, region="us-sva-2", subnet_name="s", tags=[]
                    )
                )
            ).id
            for i in range(count)
        ]


async def test_ten_thousand_waits_come_and_go_and_leave_nothing(server: SimulatorServer, clock: VirtualClock) -> None:
    async with client_of(server, clock) as client:
        ids = await start(client, 20)
        for operation_id in ids[:2]:  # what is made once only
            once = asyncio.ensure_future(apoll_until_done(client, [watch_of(client, operation_id)], print))
            await asyncio.wait({once}, timeout=0)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        # a read that is cut off closes its socket before it ends
        await asyncio.gather(*others, return_exceptions=True)
        gc.collect()
        tasks, objects = len(asyncio.all_tasks()), len(gc.get_objects())
        for _ in range(100):
            waits = [
                asyncio.ensure_future(apoll_until_done(client, [watch_of(client, ids[i % 20])], lambda _: None))
                for i in range(100)
            ]
            await asyncio.sleep(0)
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        assert poller_of(client).size == 0
        del waits, wait
        for _ in range(10):  # the loop itself holds what it is about to run
            await asyncio.sleep(0)
        gc.collect()
        assert len(asyncio.all_tasks()) == tasks
        assert len(gc.get_objects()) - objects < 1000
    for _ in range(200):
        if server.stats()["connections_open"] == 0:
            break
        await asyncio.sleep(0.01)
    assert server.stats()["connections_open"] == 0


async def test_a_deadline_that_the_first_look_sets_is_when_the_wait_ends(
    server: SimulatorServer, clock: VirtualClock
) -> None:
    class Hasty(Onvera):
        timeouts: Mapping[str, float] = {"": 33.0, "another.kind": 1000.0}

    async with client_of(server, clock, Hasty()) as client:
        ids = await start(client, 20)
        began, policy = clock.time(), client.api.poll_policy("", INTERVAL)
        watches = [LazyDeadlineWait(operation_id, client.api, now=began, policy=policy) for operation_id in ids]
        await asyncio.gather(*(apoll_until_done(client, [watch], lambda _: None) for watch in watches))
        assert all(isinstance(watch.outcome, TimedOut) for watch in watches)
        assert clock.time() - began == pytest.approx(33.0, abs=0.3)


async def test_waits_that_end_early_leave_no_deadlines_behind(server: SimulatorServer, clock: VirtualClock) -> None:
    async with client_of(server, clock) as client:
        ids = await start(client, 5)
        stays = asyncio.ensure_future(apoll_until_done(client, [watch_of(client, ids[0])], lambda _: None))
        for _ in range(2000):
            wait = asyncio.ensure_future(apoll_until_done(client, [watch_of(client, ids[1])], lambda _: None))
            await asyncio.sleep(0)
            wait.cancel()
            await asyncio.gather(wait, return_exceptions=True)
        assert len(poller_of(client)._subscriptions._deadlines) < 200
        await stays


async def test_a_second_wait_for_the_same_operation_learns_what_the_first_knows(
    server: SimulatorServer, clock: VirtualClock
) -> None:
    async with client_of(server, clock) as client:
        ids = await start(client, 20)
        first = [
            asyncio.ensure_future(apoll_until_done(client, [watch_of(client, one)], lambda _: None)) for one in ids
        ]
        await asyncio.sleep(0)
        target: Any = poller_of(client)._subscriptions.by_id[ids[4]]
        while not target.raw:  # noqa: ASYNC110 - nobody tells when it is read
            await asyncio.sleep(0)
        late = watch_of(client, ids[4])
        second = asyncio.ensure_future(apoll_until_done(client, [late], lambda _: None))
        await asyncio.sleep(0)
        assert target.raw is None
        await asyncio.gather(second, *first)
    assert isinstance(late.outcome, Settled)
    assert late.outcome.operation.state is OperationState.SUCCEEDED
