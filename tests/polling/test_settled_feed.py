"""Whatever the lists do, each end on a connection is found within a look or two, and looks stay cheap."""

from __future__ import annotations

import gc
import weakref
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis.akua import API as AKUA
from airflow_provider_ops.apis.calls import Call, Page, Paged, Request
from airflow_provider_ops.apis.nirvana import API as NIRVANA
from airflow_provider_ops.apis.nirvana import networking
from airflow_provider_ops.apis.onvera import API as ONVERA
from airflow_provider_ops.apis.onvera import Onvera
from airflow_provider_ops.apis.operation_lists import OperationList
from airflow_provider_ops.core.settling import SLACK
from airflow_provider_ops.exceptions import ServerError
from airflow_provider_ops.http.async_client import AsyncClient
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.polling.settled_feed import settled_feed_of
from airflow_provider_ops.testing import SimulatorServer, VirtualClock, fail_first, operation_fails

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from airflow_provider_ops.apis.base import Api

DURATION = 60.0
INTERVAL = 10.0
PROJECT = "one"


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def server(clock: VirtualClock) -> Iterator[SimulatorServer]:
    with SimulatorServer(duration=DURATION, clock=clock) as server:
        yield server


@asynccontextmanager
async def client_of(server: SimulatorServer, clock: VirtualClock, api: Api = ONVERA) -> AsyncIterator[AsyncClient]:
    extras = {"project_id": PROJECT} if api is NIRVANA else {}
    settings = Settings("test", server.base_url(api.name), "key", verify=False, extras=extras)
    client = AsyncClient(api, settings, clock)
    try:
        yield client
    finally:
        await client.aclose()


def creating(api: Api, name: str) -> Call[Any]:
    if api is NIRVANA:
        return networking.create_vpc(name=name, project_id=PROJECT, region="us-sva-2", subnet_name="s", tags=[])
    if api is AKUA:
        body, headers = {"name": name, "region_id": "reg_eu"}, {"idempotency-key": name}
        return Call(Request("POST", "/clusters", "/clusters", json=body, headers=headers), lambda _: None)
    return ONVERA.create_deployment("airflow", name)


async def start(client: AsyncClient, count: int, prefix: str = "n") -> None:
    for number in range(count):
        await client.send(creating(client.api, f"{prefix}{number}"))


async def watch(client: AsyncClient, seconds: float, seen: dict[str, float] | None = None) -> dict[str, float]:
    """When each end was seen first, after how many seconds."""
    seen = {} if seen is None else seen
    began = client.clock.time()
    while client.clock.time() - began < seconds:
        for one in (await settled_feed_of(client).poll()).ended:
            seen.setdefault(one.operation.id, client.clock.time() - one.at)
        await client.clock.asleep(INTERVAL)
    return seen


LATE = INTERVAL + 3  # times in whole seconds, and reads that lag behind the end


@pytest.mark.parametrize("api", [ONVERA, NIRVANA, AKUA], ids=lambda api: api.name)
async def test_every_end_is_seen_with_the_next_look(server: SimulatorServer, clock: VirtualClock, api: Api) -> None:
    server.faults(operation_fails("quota", name="n1*"))
    async with client_of(server, clock, api) as client:
        await settled_feed_of(client).poll()
        await start(client, 130)
        seen = await watch(client, 2 * DURATION)
    assert set(seen) == {row["id"] for row in server.operations()}
    assert max(seen.values()) <= LATE


@pytest.mark.parametrize("api", [ONVERA, NIRVANA, AKUA], ids=lambda api: api.name)
async def test_what_starts_and_settles_between_two_looks_is_seen(
    server: SimulatorServer, clock: VirtualClock, api: Api
) -> None:
    server.duration = 2.0
    async with client_of(server, clock, api) as client:
        await settled_feed_of(client).poll()
        await start(client, 30)
        await clock.asleep(300)
        ended = (await settled_feed_of(client).poll()).ended
    assert len(ended) == 30
    assert sorted(ended, key=lambda one: one.at) == list(ended)


@pytest.mark.parametrize("api", [ONVERA, NIRVANA, AKUA], ids=lambda api: api.name)
async def test_one_that_runs_for_hours_is_seen_among_hundreds_that_do_not(
    server: SimulatorServer, clock: VirtualClock, api: Api
) -> None:
    async with client_of(server, clock, api) as client:
        server.duration = 2700.0
        await start(client, 2, "long")
        slow = {row["id"] for row in server.operations()}
        server.duration = 5.0
        await settled_feed_of(client).poll()
        for batch in range(3):
            await start(client, 40, f"b{batch}-")
            await clock.asleep(800)
            await settled_feed_of(client).poll()
        seen = await watch(client, 700)
    assert slow <= set(seen)
    assert max(seen[name] for name in slow) <= LATE


@pytest.mark.parametrize("api", [ONVERA, NIRVANA, AKUA], ids=lambda api: api.name)
async def test_one_that_ran_for_hours_and_settled_while_nobody_looked_is_seen(
    server: SimulatorServer, clock: VirtualClock, api: Api
) -> None:
    async with client_of(server, clock, api) as client:
        server.duration = 7200.0
        await start(client, 1, "long")
        (slow,) = server.operations()
        server.duration = 5.0
        for batch in range(3):
            await start(client, 120, f"b{batch}-")
            await clock.asleep(2000)
        floor, who = clock.time(), Wanting()
        await clock.asleep(3600)
        await start(client, 1, "last")
        await clock.asleep(60)
        settled_feed_of(client).subscribe(who, floor)
        ended = [one.operation.id for one in (await settled_feed_of(client).poll()).ended]
    assert slow["id"] in ended
    assert len(ended) == 2


async def test_a_quiet_look_costs_a_page_per_list(server: SimulatorServer, clock: VirtualClock) -> None:
    server.duration = 5.0
    async with client_of(server, clock) as client:
        await start(client, 450)
        await clock.asleep(3600)
        await start(client, 1)
        await clock.asleep(3600)
        await settled_feed_of(client).poll()
        before = server.stats()["requests"]
        await settled_feed_of(client).poll()
    assert server.stats()["requests"] - before == 5


async def test_a_look_of_somebody_else_will_do(server: SimulatorServer, clock: VirtualClock) -> None:
    async with client_of(server, clock) as client:
        await settled_feed_of(client).poll()
        before = server.stats()["requests"]
        await settled_feed_of(client).poll(max_age=INTERVAL)
        assert server.stats()["requests"] == before
        await clock.asleep(INTERVAL + 1)
        await settled_feed_of(client).poll(max_age=INTERVAL)
        assert server.stats()["requests"] > before


async def test_looks_reach_back_for_those_who_want_it_and_as_long_as_they_live(
    server: SimulatorServer, clock: VirtualClock
) -> None:
    server.duration = 5.0
    async with client_of(server, clock) as client:
        began = clock.time()
        await start(client, 250, "old")
        await clock.asleep(4 * 3600)
        await start(client, 250, "new")
        await clock.asleep(60)
        ends, who = settled_feed_of(client), Wanting()
        assert len((await ends.poll()).ended) == 250
        ends.subscribe(who, began)
        look = await ends.poll(max_age=INTERVAL)
        assert (len(look.ended), look.since) == (500, began)
        del who
        gc.collect()
        look = await ends.poll()
        assert (len(look.ended), look.since) == (250, look.newest - SLACK)


class Wanting: ...


class Odd(Onvera):
    """Onvera whose lists are changed by a function before anybody reads them."""

    def __init__(self, change: Callable[[list[Any]], list[Any]], *, per_page: int | None = None) -> None:
        super().__init__()
        self._change = change
        self._per_page = per_page

    def open_operations(self) -> list[OperationList]:
        return [self._odd_list(listed) for listed in super().open_operations()]

    def recent_operations(self) -> list[OperationList]:
        return [self._odd_list(listed) for listed in super().recent_operations()]

    def _odd_list(self, listed: OperationList) -> OperationList:
        return listed._replace(entries=Paged(self._odd(listed.entries.first)))

    def _odd(self, call: Call[Page[Any]]) -> Call[Page[Any]]:
        def parse(response: Any) -> Page[Any]:
            page = call.parse(response)
            return Page(self._change(list(page.items)), self._odd(page.next) if page.next else None)

        return Call(call.request, parse)


async def test_lists_that_are_oldest_first_are_read_to_their_end(server: SimulatorServer, clock: VirtualClock) -> None:
    server.duration = 5.0
    async with client_of(server, clock, Odd(lambda items: items[::-1])) as client:
        await start(client, 250)
        await clock.asleep(4 * 3600)
        await settled_feed_of(client).poll()
        await start(client, 30, "new")
        await clock.asleep(20)
        ended = (await settled_feed_of(client).poll()).ended
    assert len(ended) == 30


async def test_lists_that_drop_entries_at_random_lose_none(server: SimulatorServer, clock: VirtualClock) -> None:
    turn = iter(range(10_000_000))
    async with client_of(server, clock, Odd(lambda items: [item for item in items if next(turn) % 7])) as client:
        await settled_feed_of(client).poll()
        await start(client, 130)
        seen = await watch(client, 3 * DURATION)
    assert set(seen) == {row["id"] for row in server.operations()}


async def test_an_operation_that_leaves_all_lists_is_read_by_itself(
    server: SimulatorServer, clock: VirtualClock
) -> None:
    hidden: set[str] = set()
    async with client_of(server, clock, Odd(lambda items: [one for one in items if one["id"] not in hidden])) as client:
        await start(client, 3)
        await settled_feed_of(client).poll()
        hidden.update(row["id"] for row in server.operations())
        seen = await watch(client, 2 * DURATION)
    assert set(seen) == hidden


async def test_an_operation_that_is_gone_is_forgotten(server: SimulatorServer, clock: VirtualClock) -> None:
    async with client_of(server, clock) as client:
        await start(client, 3)
        await settled_feed_of(client).poll()
        server.reset()
        server.faults()
        await settled_feed_of(client).poll()
        before = server.stats()["requests"]
        assert not (await settled_feed_of(client).poll()).ended
    assert server.stats()["requests"] - before == 5


@pytest.mark.parametrize("junk", [None, 7, "text", [], {}, {"id": "x"}, {"id": "x", "status": "succeeded", "type": 7}])
async def test_entries_that_are_no_operations_hide_none(
    server: SimulatorServer, clock: VirtualClock, junk: Any
) -> None:
    spoilt = Odd(lambda items: [junk, *items])
    async with client_of(server, clock, spoilt) as client:
        await settled_feed_of(client).poll()
        await start(client, 3)
        seen = await watch(client, 2 * DURATION)
    assert {row["id"] for row in server.operations()} <= set(seen)


async def test_nothing_is_lost_by_looks_that_fail(server: SimulatorServer, clock: VirtualClock) -> None:
    async with client_of(server, clock) as client:
        await settled_feed_of(client).poll()
        await start(client, 30)
        await clock.asleep(2 * DURATION)
        server.faults(fail_first(3))
        for _ in range(3):
            with pytest.raises(ServerError):
                await settled_feed_of(client).poll()
        assert len((await settled_feed_of(client).poll()).ended) == 30


async def test_a_clock_that_is_ahead_hides_nothing(server: SimulatorServer, clock: VirtualClock) -> None:
    slow = VirtualClock(clock.time() - 3600)
    async with client_of(server, slow) as client:
        await settled_feed_of(client).poll()
        await start(client, 5)
        clock.advance(2 * DURATION)
        slow.advance(2 * DURATION)
        assert len((await settled_feed_of(client).poll()).ended) == 5


async def test_it_ends_with_its_client(server: SimulatorServer, clock: VirtualClock) -> None:
    async with client_of(server, clock) as client:
        ends = weakref.ref(settled_feed_of(client))
        assert settled_feed_of(client) is ends()
    del client
    gc.collect()
    assert ends() is None


async def test_a_date_far_ahead_hides_nothing_that_ends_until_then(
    server: SimulatorServer, clock: VirtualClock
) -> None:
    ahead: set[str] = set()

    def spoil(items: list[Any]) -> list[Any]:
        return [{**one, "ended_at": "2199-01-01T00:00:00Z"} if one["id"] in ahead else one for one in items]

    async with client_of(server, clock, Odd(spoil)) as client:
        await start(client, 1, "ahead")
        ahead.update(row["id"] for row in server.operations())
        await clock.asleep(2 * DURATION)
        watcher = Wanting()
        look = await settled_feed_of(client).poll()
        settled_feed_of(client).subscribe(watcher, look.newest - SLACK)
        await start(client, 3, "later")
        await clock.asleep(2 * DURATION)
        later = (await settled_feed_of(client).poll()).ended
    assert {row["id"] for row in server.operations()} - ahead <= {
        one.operation.id for one in later if one.at >= look.since
    }
