"""Two triggerers that run one watcher, because one of them was taken for dead."""

from __future__ import annotations

import asyncio
from typing import Any

from airflow_provider_ops.core.settling import EventFilter, Snapshot
from airflow_provider_ops.triggers.watermark_tracker import WatermarkStore, WatermarkTracker
from tests.triggers.events.parts import AssetStore, look


class SlowStore(AssetStore):
    """Takes its time for each question."""

    async def aget(self, key: str, default: Any = None) -> Any:
        await asyncio.sleep(0.01)
        return await super().aget(key, default)

    async def aset(self, key: str, value: Any) -> None:
        await asyncio.sleep(0.01)
        await super().aset(key, value)


def book(store: AssetStore) -> WatermarkTracker:
    return WatermarkTracker(WatermarkStore(store, "key"), EventFilter())


async def told(watcher: WatermarkTracker, seen: Snapshot) -> tuple[list[str], list[str]]:
    news, again = await watcher.news(seen)
    return [one.operation.id for one in news], again


async def stored(seen: Snapshot) -> None:
    for callback in seen.on_stored:
        await callback()


async def test_what_the_other_has_announced_is_the_others() -> None:
    store = AssetStore()
    one, other = book(store), book(store)
    await told(one, look())
    await told(other, look())
    seen = look("a")
    assert await told(one, seen) == (["a"], [])
    assert await told(other, look("a")) == ([], [])
    assert await told(other, look("a", "b")) == (["b"], [])
    await stored(seen)
    assert await told(other, look("a", "b")) == ([], [])


async def test_an_announcement_that_stays_one_is_told_again_and_marked() -> None:
    store = AssetStore()
    one, other = book(store), book(store)
    await told(one, look())
    await told(other, look())
    await told(one, look("a"))
    looks = [await told(other, look("a")) for _ in range(4)]
    assert looks == [([], [])] * 3 + [(["a"], ["a"])]


async def test_two_that_look_at_the_same_moment_tell_each_end_once() -> None:
    store = SlowStore()
    watchers = [book(store), book(store)]
    await asyncio.gather(*(told(watcher, look()) for watcher in watchers))
    found: list[str] = []
    names: list[str] = []
    for number in range(5):
        names += [f"n{number}a", f"n{number}b"]
        looks = [look(*names), look(*names)]
        for news, again in await asyncio.gather(*map(told, watchers, looks)):
            assert not again
            found += news
        await asyncio.gather(*map(stored, looks))
    for _ in range(2):
        looks = [look(*names), look(*names)]
        found += [name for news, _ in await asyncio.gather(*map(told, watchers, looks)) for name in news]
        await asyncio.gather(*map(stored, looks))
    assert sorted(found) == sorted(names)
