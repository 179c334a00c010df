"""What was seen open is told when it settles, whatever date its end has, and whatever the wall clock does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis.akua import API as AKUA
from airflow_provider_ops.apis.nirvana import API as NIRVANA
from airflow_provider_ops.apis.onvera import API as ONVERA
from airflow_provider_ops.core.settling import EventFilter
from airflow_provider_ops.polling.settled_feed import settled_feed_of
from airflow_provider_ops.testing import SimulatorServer, VirtualClock, early_dates
from airflow_provider_ops.triggers.watermark_tracker import WatermarkStore, WatermarkTracker
from tests.polling.test_settled_feed import client_of, start
from tests.triggers.events.parts import AssetStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ops.apis.base import Api
    from airflow_provider_ops.http.async_client import AsyncClient

LONG = 7200.0
DATES = [early_dates(), early_dates(3600.0), early_dates(no_end=True)]


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def server(clock: VirtualClock) -> Iterator[SimulatorServer]:
    with SimulatorServer(duration=LONG, clock=clock) as server:
        yield server


async def told(book: WatermarkTracker, client: AsyncClient) -> list[str]:
    """Look once, and take what is told for stored."""
    look = await settled_feed_of(client).poll()
    news, _ = await book.news(look)
    for stored in look.on_stored:
        await stored()
    return [one.operation.id for one in news]


def book(store: AssetStore) -> WatermarkTracker:
    return WatermarkTracker(WatermarkStore(store, "key"), EventFilter())


async def every_end(watcher: WatermarkTracker, client: AsyncClient, clock: VirtualClock, seconds: float) -> list[str]:
    """What is told in so many seconds; a short operation each time lets the watermark move on."""
    found: list[str] = []
    for number in range(int(seconds / 600.0) + 1):
        found += await told(watcher, client)
        await start(client, 1, f"short{clock.monotonic():.0f}-{number}-")
        await clock.asleep(600.0)
    return [*found, *await told(watcher, client)]


@pytest.mark.parametrize("dates", DATES, ids=["start", "early", "none"])
@pytest.mark.parametrize("api", [ONVERA, NIRVANA, AKUA], ids=lambda api: api.name)
async def test_an_end_with_a_wrong_date_is_told_once(
    server: SimulatorServer, clock: VirtualClock, api: Api, dates: dict[str, Any]
) -> None:
    server.faults(dates)
    async with client_of(server, clock, api) as client:
        await start(client, 3, "long")
        ids = {row["id"] for row in server.operations()}
        server.duration = 5.0
        found = await every_end(book(AssetStore()), client, clock, LONG * 1.2)
    assert sorted(name for name in found if name in ids) == sorted(ids)
    assert len(found) == len(set(found))


@pytest.mark.parametrize("dates", DATES, ids=["start", "early", "none"])
async def test_it_is_told_by_the_watcher_that_is_started_next(
    server: SimulatorServer, clock: VirtualClock, dates: dict[str, Any]
) -> None:
    server.faults(dates)
    store = AssetStore()
    async with client_of(server, clock) as client:
        await start(client, 3, "long")
        ids = {row["id"] for row in server.operations()}
        server.duration = 5.0
        await every_end(book(store), client, clock, LONG / 2)
    await clock.asleep(LONG)
    async with client_of(server, clock) as client:
        found = await every_end(book(store), client, clock, 1200.0)
    assert sorted(name for name in found if name in ids) == sorted(ids)


@pytest.mark.parametrize("step", [3600.0, -3600.0])
async def test_a_step_of_the_wall_clock_hides_no_end(server: SimulatorServer, clock: VirtualClock, step: float) -> None:
    server.duration = 300.0
    store = AssetStore()
    async with client_of(server, clock) as client:
        watcher = book(store)
        found = await told(watcher, client)
        await start(client, 3, "before")
        await clock.asleep(60.0)
        found += await told(watcher, client)
        clock.step(step)
        await start(client, 3, "after")
        await clock.asleep(400.0)
        found += await told(watcher, client)
    async with client_of(server, clock) as client:
        # another process, which knows nothing but the wall clock as it is now
        watcher = book(store)
        await start(client, 3, "restarted")
        await clock.asleep(400.0)
        found += [name for _ in range(3) for name in await told(watcher, client)]
    assert sorted(found) == sorted(row["id"] for row in server.operations())
