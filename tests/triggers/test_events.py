"""The asset watcher: what it tells, and what a restart, a kill or an unwilling store change about that."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import Asset, AssetWatcher
from airflow.sdk.serde import deserialize, serialize

from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.testing import fail_first, operation_fails
from airflow_provider_ops.triggers.bookkeeping import Book, StateStore
from airflow_provider_ops.triggers.events import OperationEventTrigger, settled_operations
from airflow_provider_ops.triggers.looks import looks, taken_as_stored
from airflow_provider_ops.waiting.settling import MOST_TOLD, Ended, Look, Wanted, to_payload

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from airflow_provider_ops.testing import SimulatorServer

FAST: dict[str, Any] = {"poll_interval": 0.05}
NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


class AssetStore:
    """Airflow's store of one asset as its contract describes it."""

    def __init__(self) -> None:
        self.data: dict[str, str] = {}
        self.away = False

    async def aget(self, key: str, default: Any = None) -> Any:
        if self.away:
            raise ConnectionError("Airflow is away")
        return json.loads(self.data[key]) if key in self.data else default

    async def aset(self, key: str, value: Any) -> None:
        if self.away:
            raise ConnectionError("Airflow is away")
        self.data[key] = json.dumps(value)

    @property
    def mark(self) -> Any:
        (value,) = self.data.values()
        return json.loads(value)


def create(count: int, prefix: str = "n") -> set[str]:
    hook = OnveraHook()
    ids = {hook.create_deployment("airflow", f"{prefix}{number}").operation_id for number in range(count)}
    hook.close()
    return ids


async def until(there: Callable[[], object]) -> None:
    async with asyncio_timeout(10):
        while not there():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


@asynccontextmanager
async def asyncio_timeout(seconds: float) -> AsyncIterator[None]:
    # asyncio.timeout is there from Python 3.11 on
    task = asyncio.current_task()
    assert task is not None
    handle = asyncio.get_running_loop().call_later(seconds, task.cancel, "too late")
    try:
        yield
    finally:
        handle.cancel()


class Watching:
    """A watcher that runs in a task, and what it has told so far."""

    def __init__(self, trigger: OperationEventTrigger, store: AssetStore | None = None) -> None:
        self.events: list[dict[str, Any]] = []
        self.trigger = trigger
        self.trigger.asset_state_store = store  # type: ignore[assignment]
        self._task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        async for event in self.trigger.run():
            self.events.append(json.loads(json.dumps(event.payload)))

    @property
    def told(self) -> list[str]:
        return [operation["id"] for event in self.events for operation in event["operations"]]

    async def kill(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


@asynccontextmanager
async def watching(store: AssetStore | None = None, *args: Any, **options: Any) -> AsyncIterator[Watching]:
    """A watcher that has its watermark."""
    store = AssetStore() if store is None else store
    watcher = Watching(OperationEventTrigger("onvera_default", *args, **{**FAST, **options}), store)
    try:
        await until(lambda: store.data)
        yield watcher
    finally:
        await watcher.kill()


@pytest.fixture(autouse=True)
def _no_pauses(retry_at_once: None) -> None: ...


# -- the journey

FULL = OperationEventTrigger(
    "c", ["vm.*", "vpc.create"], "failed", ("r1", "r2"), 2.5, since="2026-01-01T00:00:00Z", asset="a"
)


@pytest.mark.parametrize("trigger", [FULL, OperationEventTrigger("c")], ids=["full", "bare"])
def test_a_watcher_survives_the_journey_through_airflow(trigger: OperationEventTrigger) -> None:
    classpath, kwargs = trigger.serialize()
    assert classpath == "airflow_provider_ops.triggers.events.OperationEventTrigger"
    back = OperationEventTrigger(**deserialize(json.loads(json.dumps(serialize(kwargs)))))
    assert back.serialize() == trigger.serialize()
    assert AssetWatcher(name="w", trigger=back)


def test_the_order_of_what_is_wanted_makes_no_other_watcher() -> None:
    one = OperationEventTrigger("c", kinds=["b", "a"], states=["failed", "cancelled"])
    other = OperationEventTrigger("c", kinds=("a", "b", "a"), states=("cancelled", "failed"))
    assert one.serialize() == other.serialize()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"conn_id": ""}, "conn_id"),
        ({"kinds": []}, "kinds"),
        ({"kinds": [7]}, "kinds"),
        ({"states": ["running"]}, "succeeded"),
        ({"states": "canceled"}, "cancelled"),
        ({"resource_ids": ["../etc"]}, "resource_ids"),
        ({"poll_interval": 0}, "poll_interval"),
        ({"poll_interval": "5"}, "poll_interval"),
        ({"since": "yesterday"}, "since"),
        ({"since": datetime(2026, 1, 1)}, "time zone"),  # noqa: DTZ001 - what is refused
        ({"since": 7}, "since"),
    ],
)
def test_bad_input_is_told_when_the_file_is_read(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgument, match=says):
        OperationEventTrigger(**{"conn_id": "c", **arguments})


def test_watchers_of_a_connection_share_a_stream_whatever_they_want() -> None:
    one, other = OperationEventTrigger("c", kinds="vm.*"), OperationEventTrigger("c", states="failed", poll_interval=10)
    assert one.shared_stream_key() == other.shared_stream_key()
    assert one.shared_stream_key() != OperationEventTrigger("d", kinds="vm.*").shared_stream_key()
    assert one.shared_stream_key() != OperationEventTrigger("c", poll_interval=11).shared_stream_key()


async def test_the_watermark_is_found_again_by_every_release(operations_simulator: SimulatorServer) -> None:
    store = AssetStore()
    async with watching(store, "deployment.*"):
        assert list(store.data) == ["operation_events:XYn9Evex"]
        assert sorted(store.mark) == ["doubt", "floor", "seen", "version"]


# -- what is told


async def test_what_settles_from_now_on_is_told_once(operations_simulator: SimulatorServer) -> None:
    create(3, "before")
    await asyncio.sleep(0.4)
    async with watching() as watcher:
        ids = create(5)
        await until(lambda: len(watcher.told) >= 5)
        await asyncio.sleep(0.3)
    assert sorted(watcher.told) == sorted(ids)
    event = watcher.events[0]
    assert (event["version"], event["conn_id"], event["redelivered"]) == (1, "onvera_default", [])
    assert event["operations"][0]["kind"] == "deployment.create"
    assert event["operations"][0]["state"] == "succeeded"


async def test_since_tells_what_has_settled_before(operations_simulator: SimulatorServer) -> None:
    ids = create(3)
    await asyncio.sleep(0.4)
    async with watching(since=datetime.now(timezone.utc) - timedelta(hours=1)) as watcher:
        await until(lambda: len(watcher.told) >= 3)
    assert sorted(watcher.told) == sorted(ids)


async def test_each_watcher_is_told_what_it_wants(operations_simulator: SimulatorServer) -> None:
    operations_simulator.faults(operation_fails("quota", name="bad*"))
    async with watching(None, "deployment.*", "failed") as failed, watching(None, "vm.*") as other:
        create(3, "good")
        bad = create(2, "bad")
        await until(lambda: len(failed.told) >= 2)
        await asyncio.sleep(0.3)
    assert set(failed.told) == bad
    assert not other.told


async def test_many_come_in_several_events(operations_simulator: SimulatorServer) -> None:
    store = AssetStore()
    operations_simulator.duration = 0.02
    async with watching(store):
        ...
    ids = create(MOST_TOLD + 20)
    await asyncio.sleep(0.2)
    async with watching(store) as watcher:
        await until(lambda: len(watcher.told) >= len(ids))
    assert [len(event["operations"]) for event in watcher.events] == [MOST_TOLD, 20]
    assert set(watcher.told) == ids


async def test_watchers_of_one_connection_look_together(operations_simulator: SimulatorServer) -> None:
    async def looks_of(count: int) -> float:
        """Looks per interval."""
        stores = [AssetStore() for _ in range(count)]
        interval = 0.2
        triggers = [OperationEventTrigger("onvera_default", poll_interval=interval) for _ in stores]
        watchers = [Watching(trigger, store) for trigger, store in zip(triggers, stores, strict=True)]
        await until(lambda: all(store.data for store in stores))
        before = operations_simulator.stats()["requests"]
        await asyncio.sleep(5 * interval)
        made: int = operations_simulator.stats()["requests"] - before
        for watcher in watchers:
            await watcher.kill()
        return made / 25  # five lists

    assert await looks_of(1) <= 1.3
    assert await looks_of(8) <= 2.5


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


def look(*names: str) -> Look:
    from airflow_provider_ops.operation import Operation, OperationState  # noqa: PLC0415

    found = [
        Ended(Operation(name, "onvera", "deployment.create", OperationState.SUCCEEDED, "succeeded"), 1000.0)
        for name in names
    ]
    return Look(found, 0.0, 1000.0, lambda _who, _since: None)


def book(store: Any) -> Book:
    return Book(StateStore(store, "key"), Wanted())


def told(news: tuple[list[Ended], list[str]]) -> tuple[list[str], list[str]]:
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
    shallow = Look(look("b").ended, 900.0, 1000.0, lambda _who, since: wanted.append(since))
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


async def test_several_assets_with_one_watcher_get_events_but_no_watermark() -> None:
    context = pytest.importorskip("airflow.sdk.execution_time.context")
    if not hasattr(context, "AssetStateStoreAccessors"):
        pytest.skip("before Airflow 3.3")
    several = context.AssetStateStoreAccessors(inlets=[Asset("one"), Asset("two")])
    first = book(several)
    await first.news(look())
    assert told(await first.news(look("a"))) == (["a"], [])


async def test_the_asset_that_keeps_the_watermark_can_be_named() -> None:
    stores = {Asset("one"): AssetStore(), Asset("two"): AssetStore()}

    class Several:
        def __getitem__(self, asset: Asset) -> AssetStore:
            return next(store for key, store in stores.items() if key.name == asset.name)

    await Book(StateStore(Several(), "key", "two"), Wanted()).news(look())
    assert [bool(store.data) for store in stores.values()] == [False, True]


# -- trouble


async def test_failing_looks_end_nothing_and_lose_nothing(operations_simulator: SimulatorServer) -> None:
    async with watching() as watcher:
        operations_simulator.faults(fail_first(3, route="/operations"))
        ids = create(3)
        await until(lambda: len(watcher.told) >= 3)
    assert set(watcher.told) == ids


@pytest.mark.parametrize(
    ("conn_id", "says"), [("lakesail_default", "no call that lists"), ("nowhere", "there is no connection")]
)
async def test_what_cannot_be_watched_is_said_and_nothing_raised(
    operations_simulator: SimulatorServer, airflow_db: Any, caplog: pytest.LogCaptureFixture, conn_id: str, says: str
) -> None:
    with caplog.at_level(logging.WARNING, "airflow_provider_ops.triggers.looks"):
        watcher = Watching(OperationEventTrigger(conn_id, **FAST), AssetStore())
        await until(lambda: caplog.messages)
        await asyncio.sleep(0.3)
        await watcher.kill()
    assert says in caplog.text
    assert len(caplog.messages) == 1, "said once"


async def test_the_key_is_nowhere(
    operations_simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    key = "sk-watch-canary"
    monkeypatch.setenv("AIRFLOW_CONN_ONVERA_DEFAULT", operations_simulator.connection_json("onvera", key))
    store = AssetStore()
    with caplog.at_level(logging.DEBUG):
        async with watching(store) as watcher:
            create(2)
            operations_simulator.faults(fail_first(2, status=401))
            await until(lambda: len(watcher.told) >= 2)
    told = json.dumps([watcher.events, store.data, watcher.trigger.serialize()])
    assert key not in told + caplog.text + repr(watcher.trigger)


# -- Airflow's shared streams


async def test_airflow_shares_the_looks_and_says_what_is_stored(operations_simulator: SimulatorServer) -> None:
    shared = pytest.importorskip("airflow.triggers.shared_stream", reason="before Airflow 3.3")
    manager = shared.SharedStreamManager()
    stores = [AssetStore(), AssetStore()]
    triggers = [OperationEventTrigger("onvera_default", states=state, **FAST) for state in ("succeeded", "failed")]
    events: list[list[Any]] = [[], []]
    seqs: list[int] = []

    async def run(number: int) -> None:
        trigger, key = triggers[number], triggers[number].shared_stream_key()
        trigger.asset_state_store = stores[number]  # type: ignore[assignment]
        stream = manager.subscribe(trigger_id=number, trigger=trigger, key=key)
        async for event in trigger.filter_shared_stream(stream):
            seqs.append(manager.bind_pending_event(trigger_id=number, key=key))
            events[number].append(event.payload)

    tasks = [asyncio.ensure_future(run(number)) for number in range(2)]
    await until(lambda: all(store.data for store in stores))
    ids = create(3)
    await until(lambda: events[0])
    await asyncio.sleep(0.2)
    assert len(stores[0].mark["doubt"]) == len(events[0][0]["operations"]), "announced, and not stored yet"
    while {one["id"] for event in events[0] for one in event["operations"]} != ids or stores[0].mark["doubt"]:
        manager.confirm_persisted(seqs)
        await asyncio.sleep(0.02)
    assert len(stores[0].mark["seen"]) == 3
    assert not events[1]
    assert operations_simulator.stats()["connections_open_peak"] <= 2
    for number, task in enumerate(tasks):
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await manager.unsubscribe(number, triggers[number].shared_stream_key())


async def test_airflow_may_share_the_looks_without_saying_what_is_stored(operations_simulator: SimulatorServer) -> None:
    _, kwargs = OperationEventTrigger("onvera_default", **FAST).serialize()
    stream = OperationEventTrigger.open_shared_stream(kwargs)
    first = await stream.__anext__()
    await stream.__anext__()
    assert first.over
    await stream.aclose()  # type: ignore[attr-defined]


async def test_streams_of_one_connection_keep_accounts_of_their_own(operations_simulator: SimulatorServer) -> None:
    one, other = looks("onvera_default", 30.0), taken_as_stored("onvera_default", 60.0)
    first, second = await one.__anext__(), await other.__anext__()
    assert first is not second
    assert first.on_stored is not second.on_stored
    assert operations_simulator.stats()["requests"] == 5
    await one.aclose()
    await other.aclose()


# -- the task


class History:
    """Airflow's earlier events of an asset, as a task sees them."""

    def __init__(self, *events: Any) -> None:
        self.events = list(events)

    def before(self, until: datetime) -> History:
        return History(*(event for event in self.events if event.timestamp <= until))

    def ascending(self, ascending: bool = True) -> History:
        return History(*sorted(self.events, key=lambda event: event.timestamp, reverse=not ascending))

    def limit(self, count: int) -> History:
        return History(*self.events[:count])

    def __iter__(self) -> Any:
        return iter(self.events)


def event(seconds: float, *names: str, redelivered: tuple[str, ...] = ()) -> Any:
    payload = to_payload("c", look(*names).ended, redelivered)
    return SimpleNamespace(timestamp=NOW + timedelta(seconds=seconds), extra={"from_trigger": True, "payload": payload})


ASSET = Asset("deployments")


def ids(*args: Any) -> list[str]:
    return [operation.id for operation in settled_operations(*args)]


def test_a_task_gets_the_operations_of_all_its_events_each_once() -> None:
    other = SimpleNamespace(timestamp=NOW, extra={"payload": "somebody else's"})
    bare = SimpleNamespace(timestamp=NOW, extra=None)
    events = {ASSET: [event(0, "a", "b"), event(5, "b", "c"), other, bare], Asset("other"): [event(1, "a")]}
    assert ids(events) == ["a", "b", "c"]
    assert ids({}) == []


def test_what_an_earlier_event_has_told_is_left_out() -> None:
    first, again = event(0, "a", "b"), event(60, "a", "b", "c", redelivered=("a", "b"))
    assert ids({ASSET: [first]}, {ASSET: History(first, again)}) == ["a", "b"]
    assert ids({ASSET: [again]}, {ASSET: History(first, again)}) == ["c"]
    assert ids({ASSET: [first, again]}, {ASSET: History(first, again)}) == ["a", "b", "c"]


def test_what_was_announced_and_never_stored_is_not_left_out() -> None:
    again = event(60, "a", "c", redelivered=("a",))
    assert ids({ASSET: [again]}, {ASSET: History(again)}) == ["a", "c"]


def test_without_inlets_it_says_what_is_missing() -> None:
    again = event(60, "a", redelivered=("a",))
    assert ids({ASSET: [again]}) == ["a"]
    with pytest.raises(InvalidArgument, match=r"inlets=.*deployments"):
        settled_operations({ASSET: [again]}, {})


def test_the_page_shows_the_example() -> None:
    root = Path(__file__).parents[2]
    example = (root / "dags_examples" / "operation_events.py").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", (root / "docs" / "events.md").read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    assert all(block in example for block in blocks)
