"""Trouble, Airflow's shared streams, and the task that is told."""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import Asset

from airflow_provider_ops.core.settling import to_payload
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.testing import fail_first
from airflow_provider_ops.triggers.events import OperationEventTrigger, settled_operations
from airflow_provider_ops.triggers.snapshots import snapshots, taken_as_stored

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer
from tests.old_airflow import needs_shared_streams
from tests.triggers.events.parts import FAST, NOW, AssetStore, PerAsset, Watching, create, look, until, watching

# -- trouble


async def test_failing_looks_end_nothing_and_lose_nothing(operations_simulator: SimulatorServer) -> None:
    async with watching() as watcher:
        operations_simulator.faults(fail_first(3, route="/operations"))
        ids = create(3)
        await until(lambda: len(watcher.told) >= 3)
    assert set(watcher.told) == ids


@pytest.mark.parametrize(
    ("conn_id", "says"), [("lakesail_default", "no call that lists"), ("nowhere", "it does not exist")]
)
async def test_what_cannot_be_watched_is_said_and_nothing_raised(
    operations_simulator: SimulatorServer, airflow_db: Any, caplog: pytest.LogCaptureFixture, conn_id: str, says: str
) -> None:
    with caplog.at_level(logging.WARNING, "airflow_provider_ops.triggers.snapshots"):
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


@needs_shared_streams
async def test_airflow_shares_the_looks_and_says_what_is_stored(operations_simulator: SimulatorServer) -> None:
    shared = importlib.import_module("airflow.triggers.shared_stream")
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
    one, other = snapshots("onvera_default", 30.0), taken_as_stored("onvera_default", 60.0)
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
    events = PerAsset((ASSET, [event(0, "a", "b"), event(5, "b", "c"), other, bare]), (Asset("other"), [event(1, "a")]))
    assert ids(events) == ["a", "b", "c"]
    assert ids({}) == []


def test_what_an_earlier_event_has_told_is_left_out() -> None:
    first, again = event(0, "a", "b"), event(60, "a", "b", "c", redelivered=("a", "b"))
    assert ids(PerAsset((ASSET, [first])), PerAsset((ASSET, History(first, again)))) == ["a", "b"]
    assert ids(PerAsset((ASSET, [again])), PerAsset((ASSET, History(first, again)))) == ["c"]
    assert ids(PerAsset((ASSET, [first, again])), PerAsset((ASSET, History(first, again)))) == ["a", "b", "c"]


def test_what_was_announced_and_never_stored_is_not_left_out() -> None:
    again = event(60, "a", "c", redelivered=("a",))
    assert ids(PerAsset((ASSET, [again])), PerAsset((ASSET, History(again)))) == ["a", "c"]


def test_without_inlets_it_says_what_is_missing() -> None:
    again = event(60, "a", redelivered=("a",))
    assert ids(PerAsset((ASSET, [again]))) == ["a"]
    with pytest.raises(InvalidArgument, match=r"inlets=.*deployments"):
        settled_operations(PerAsset((ASSET, [again])), PerAsset())
