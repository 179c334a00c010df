from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis.onvera import API
from airflow_provider_ops.exceptions import InvalidConnection
from airflow_provider_ops.http.async_client import AsyncClient
from airflow_provider_ops.polling import leases as shared
from airflow_provider_ops.polling.leases import _LOOPS, cached, invalidate, shared_client

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ops.http.settings import Settings
    from airflow_provider_ops.testing import SimulatorServer

KEY = ("onvera", "onvera_default")


class Door:
    """Opens clients and remembers them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.opened: list[AsyncClient] = []
        self.may_open = asyncio.Event()
        self.may_open.set()
        self.error: Exception | None = None
        self.begun = 0

    async def open(self) -> AsyncClient:
        self.begun += 1
        await self.may_open.wait()
        if self.error:
            raise self.error
        self.opened.append(AsyncClient(API, self.settings))
        return self.opened[-1]

    @property
    def closed(self) -> list[bool]:
        return [client._transport.is_closed for client in self.opened]


@pytest.fixture
async def door(settings: Callable[..., Settings]) -> Any:
    made = Door(settings())
    yield made
    assert all(made.closed), "a client was left open"
    assert not _LOOPS.get(asyncio.get_running_loop())


async def use(door: Door, until: asyncio.Event | None = None) -> AsyncClient:
    async with shared_client(KEY, door.open) as client:
        if until is not None:
            await until.wait()
        assert not client._transport.is_closed
        return client


async def test_users_that_come_together_share_one_client(door: Door) -> None:
    clients = await asyncio.gather(*(use(door) for _ in range(50)))
    assert len({id(client) for client in clients}) == 1
    assert door.closed == [True]


async def test_the_client_lives_as_long_as_its_last_user(door: Door) -> None:
    first, last = asyncio.Event(), asyncio.Event()
    one, two = asyncio.create_task(use(door, first)), asyncio.create_task(use(door, last))
    await asyncio.sleep(0.01)
    first.set()
    await one
    assert door.closed == [False]
    last.set()
    await two
    assert door.closed == [True]


async def test_after_the_last_user_a_new_client_is_opened(door: Door) -> None:
    assert await use(door) is not await use(door)
    assert door.closed == [True, True]


async def test_a_cancelled_opener_does_not_take_the_opening_away_from_the_others(door: Door) -> None:
    door.may_open.clear()
    opener = asyncio.create_task(use(door))
    await asyncio.sleep(0)
    others = [asyncio.create_task(use(door)) for _ in range(3)]
    await asyncio.sleep(0)
    opener.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opener
    door.may_open.set()
    clients = await asyncio.gather(*others)
    assert len({id(client) for client in clients}) == 1
    assert door.begun == 1


async def test_an_opening_nobody_waits_for_any_more_is_ended(door: Door) -> None:
    door.may_open.clear()
    users = [asyncio.create_task(use(door)) for _ in range(3)]
    await asyncio.sleep(0)
    for user in users:
        user.cancel()
    await asyncio.gather(*users, return_exceptions=True)
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1
    door.may_open.set()
    assert await use(door) in door.opened


async def test_a_failed_opening_is_told_to_all_and_the_next_user_tries_again(door: Door) -> None:
    door.error = InvalidConnection("no such connection")
    results = await asyncio.gather(*(use(door) for _ in range(5)), return_exceptions=True)
    assert all(result is door.error for result in results)
    assert door.begun == 1
    door.error = None
    assert await use(door) in door.opened


async def test_other_connections_have_other_clients(door: Door) -> None:
    async with shared_client(KEY, door.open) as one, shared_client(("onvera", "other"), door.open) as two:
        assert one is not two


async def test_a_cancelled_user_of_an_open_client_closes_only_its_own_use(door: Door) -> None:
    stay = asyncio.Event()
    goes, stays = asyncio.create_task(use(door, asyncio.Event())), asyncio.create_task(use(door, stay))
    await asyncio.sleep(0.01)
    goes.cancel()
    with pytest.raises(asyncio.CancelledError):
        await goes
    assert door.closed == [False]
    stay.set()
    await stays


def test_two_event_loops_do_not_share(settings: Callable[..., Settings]) -> None:
    async def one() -> AsyncClient:
        door = Door(settings())
        return await use(door)

    assert asyncio.run(one()) is not asyncio.run(one())


async def test_no_sockets_are_left_behind(door: Door, world: SimulatorServer) -> None:
    async def ask() -> None:
        async with shared_client(KEY, door.open) as client:
            await client.send(API.list_deployments().first)

    await asyncio.gather(*(ask() for _ in range(20)))
    for _ in range(100):
        if not world.stats()["connections_open"]:
            break
        await asyncio.sleep(0.01)
    assert world.stats()["connections_open"] == 0
    assert len(asyncio.all_tasks()) == 1


async def test_thousands_that_come_together_leave_others_their_turn(door: Door) -> None:
    stay, entered = asyncio.Event(), 0

    async def user() -> None:
        nonlocal entered
        async with shared_client(KEY, door.open):
            entered += 1
            await stay.wait()

    async with shared_client(KEY, door.open):
        users = [asyncio.create_task(user()) for _ in range(1000)]
        most, before = 0, 0
        while entered < 1000:
            await asyncio.sleep(0)
            most, before = max(most, entered - before), entered
        assert most <= 2 * shared._PER_PASS
        stay.set()
        await asyncio.gather(*users)


@pytest.mark.parametrize("count", [1, 49, 50, 51, 99, 100, 101, 150])
async def test_whoever_comes_after_many_is_let_in(door: Door, count: int) -> None:
    await asyncio.gather(*(shared.wait_for_start() for _ in range(count)))
    await asyncio.wait_for(shared.wait_for_start(), 5)
    users = [asyncio.create_task(use(door)) for _ in range(count)]
    await asyncio.wait_for(asyncio.gather(*users), 5)
    assert isinstance(await asyncio.wait_for(use(door), 5), AsyncClient)


async def test_cancelled_users_at_the_door_hold_nobody_up(door: Door) -> None:
    async with shared_client(KEY, door.open):
        users = [asyncio.create_task(use(door)) for _ in range(500)]
        await asyncio.sleep(0)
        for user in users[::2]:
            user.cancel()
        # a wait without end is what must not be; how long it takes is the machine's affair
        results = await asyncio.wait_for(asyncio.gather(*users, return_exceptions=True), 120)
    assert sum(isinstance(result, asyncio.CancelledError) for result in results) >= 200
    assert sum(isinstance(result, AsyncClient) for result in results) >= 250


class LookUp:
    def __init__(self) -> None:
        self.times = 0
        self.error: Exception | None = None

    async def __call__(self) -> int:
        self.times += 1
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        return self.times


async def test_a_connection_is_looked_up_once_by_however_many() -> None:
    look_up = LookUp()
    assert set(await asyncio.gather(*(cached(("x", "one"), look_up) for _ in range(100)))) == {1}
    assert await cached(("x", "one"), look_up) == 1
    assert await cached(("x", "two"), look_up) == 2
    assert look_up.times == 2


async def test_a_connection_is_looked_up_again_after_its_time_to_live(monkeypatch: pytest.MonkeyPatch) -> None:
    look_up = LookUp()
    monkeypatch.setattr(shared, "TIME_TO_LIVE", 0.0)
    assert await cached(("x", "one"), look_up) == 1
    assert await cached(("x", "one"), look_up) == 2


async def test_what_is_out_of_date_is_forgotten() -> None:
    look_up = LookUp()
    await cached(("x", "one"), look_up)
    invalidate(("x", "one"))
    assert await cached(("x", "one"), look_up) == 2


async def test_a_look_up_that_failed_is_not_remembered() -> None:
    look_up = LookUp()
    look_up.error = InvalidConnection("no such connection")
    with pytest.raises(InvalidConnection):
        await cached(("x", "one"), look_up)
    look_up.error = None
    assert await cached(("x", "one"), look_up) == 2


async def test_one_that_gives_up_does_not_take_the_look_up_away_from_others() -> None:
    look_up = LookUp()
    first, second = (asyncio.ensure_future(cached(("x", "one"), look_up)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 1
