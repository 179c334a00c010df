"""What a watcher tells after a restart."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset

from airflow_provider_ops.core.settling import EventFilter, SettledOperation, Snapshot
from airflow_provider_ops.triggers.events import OperationEventTrigger
from airflow_provider_ops.triggers.watermark_tracker import WatermarkStore, WatermarkTracker

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer
from tests.old_airflow import needs_stores_of_assets
from tests.triggers.events.parts import FAST, AssetStore, Watching, create, look, until, watching

# -- restarts


async def test_a_restart_neither_replays_nor_misses(operations_simulator: SimulatorServer) -> None:
    store = AssetStore()
    async with watching(store) as first:
        before = create(3)
        await until(lambda: len(first.told) >= 3)
        await until(lambda: not store.mark["doubt"])
    during = create(4, "during")
    await asyncio.sleep(0.4)
    async with watching(store) as second:
        after = create(2, "after")
        await until(lambda: len(second.told) >= 6)
        await asyncio.sleep(0.3)
    assert sorted(first.told) == sorted(before)
    assert sorted(second.told) == sorted(during | after)
    assert not any(event["redelivered"] for event in second.events)


async def test_another_interval_goes_on_where_the_last_one_was(operations_simulator: SimulatorServer) -> None:
    store = AssetStore()
    async with watching(store):
        ...
    ids = create(2)
    await asyncio.sleep(0.4)
    async with watching(store, poll_interval=0.07) as watcher:
        await until(lambda: len(watcher.told) >= 2)
    assert set(watcher.told) == ids
    assert len(store.data) == 1


def book(store: Any) -> WatermarkTracker:
    return WatermarkTracker(WatermarkStore(store, "key"), EventFilter())


def told(news: tuple[list[SettledOperation], list[str]]) -> tuple[list[str], list[str]]:
    return [one.operation.id for one in news[0]], news[1]


async def test_who_dies_before_the_event_is_known_to_be_stored_has_it_told_again_and_marked() -> None:
    store = AssetStore()
    first = book(store)
    await first.news(look("old"))
    assert told(await first.news(look("old", "a", "b"))) == (["a", "b"], [])
    assert told(await book(store).news(look("old", "a", "b", "c"))) == (["a", "b", "c"], ["a", "b"])


async def test_what_is_stored_is_told_no_more() -> None:
    store = AssetStore()
    first = book(store)
    await first.news(look())
    seen = look("a")
    await first.news(seen)
    for stored in seen.on_stored:
        await stored()
    assert told(await first.news(look("a"))) == ([], [])
    assert told(await book(store).news(look("a", "b"))) == (["b"], [])


async def test_one_event_at_a_time() -> None:
    first = book(AssetStore())
    await first.news(look())
    seen = look("a")
    await first.news(seen)
    assert told(await first.news(look("a", "b"))) == ([], [])
    # somebody else failed over that look, so nobody called back; it is over all the same
    seen.over = True
    assert told(await first.news(look("a", "b"))) == (["b"], [])


async def test_a_triggerer_that_was_taken_for_dead_tells_nothing_that_the_other_has_told() -> None:
    store = AssetStore()
    stalled, other = book(store), book(store)
    await stalled.news(look())
    await other.news(look())
    seen = look("a")
    await other.news(seen)
    for stored in seen.on_stored:
        await stored()
    assert told(await stalled.news(look("a"))) == ([], [])
    assert told(await stalled.news(look("a", "b"))) == (["b"], [])


async def test_nothing_is_told_while_the_store_is_away_and_nothing_is_lost() -> None:
    store = AssetStore()
    first = book(store)
    store.away = True
    assert told(await first.news(look("old"))) == ([], [])
    store.away = False
    await first.news(look("old"))
    store.away = True
    assert told(await first.news(look("old", "a"))) == ([], [])
    store.away = False
    seen = look("old", "a")
    assert told(await first.news(seen)) == (["a"], [])
    store.away = True
    seen.over = True
    for stored in seen.on_stored:
        await stored()
    assert told(await first.news(look("old", "a"))) == ([], [])
    store.away = False
    assert told(await first.news(look("old", "a", "b"))) == (["b"], [])


async def test_a_look_that_does_not_reach_back_to_the_watermark_is_left_out() -> None:
    store, wanted = AssetStore(), []
    first = book(store)
    await first.news(look("a"))
    shallow = Snapshot(look("b").ended, 900.0, 1000.0, lambda _who, since: wanted.append(since))
    assert told(await book(store).news(shallow)) == ([], [])
    assert wanted == [store.mark["floor"]]


async def test_a_state_that_nobody_understands_begins_anew() -> None:
    store = AssetStore()
    store.data["key"] = '{"version": 99}'
    assert told(await book(store).news(look("a"))) == ([], [])
    assert store.mark["version"] == 1


async def test_without_a_store_it_works_from_now_on(operations_simulator: SimulatorServer) -> None:
    watcher = Watching(OperationEventTrigger("onvera_default", **FAST))
    await until(lambda: operations_simulator.stats()["requests"] > 10)
    ids = create(3)
    await until(lambda: len(watcher.told) >= 3)
    await watcher.kill()
    assert set(watcher.told) == ids


@needs_stores_of_assets
async def test_several_assets_with_one_watcher_get_events_but_no_watermark() -> None:
    context = importlib.import_module("airflow.sdk.execution_time.context")
    several = context.AssetStateStoreAccessors(inlets=[Asset("one"), Asset("two")])
    first = book(several)
    await first.news(look())
    assert told(await first.news(look("a"))) == (["a"], [])


async def test_the_asset_that_keeps_the_watermark_can_be_named() -> None:
    stores = {"one": AssetStore(), "two": AssetStore()}

    class Several:
        def __getitem__(self, asset: Asset) -> AssetStore:
            return stores[asset.name]

    await WatermarkTracker(WatermarkStore(Several(), "key", "two"), EventFilter()).news(look())
    assert [bool(store.data) for store in stores.values()] == [False, True]
