"""What a watcher tells, and to whom."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import AssetWatcher

from airflow_provider_ops.core.settling import MOST_DELIVERED
from airflow_provider_ops.exceptions import ApiError, AuthenticationError, InvalidArgument, ServerError, located
from airflow_provider_ops.testing import operation_fails
from airflow_provider_ops.triggers.events import OperationEventTrigger
from airflow_provider_ops.triggers.snapshots import ErrorBackoff
from tests.old_airflow import HAS_QUEUES_OF_WATCHERS, deserialize, needs_queues_of_watchers, serialize

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer
from tests.triggers.events.parts import AssetStore, Watching, create, until, watching

# -- the journey

FULL = OperationEventTrigger(
    "c", ["vm.*", "vpc.create"], "failed", ("r1", "r2"), 2.5, since="2026-01-01T00:00:00Z", asset="a"
)


@pytest.mark.parametrize("trigger", [FULL, OperationEventTrigger("c")], ids=["full", "bare"])
def test_a_watcher_survives_the_journey_through_airflow(trigger: OperationEventTrigger) -> None:
    classpath, kwargs = trigger.serialize()
    assert classpath == "airflow_provider_ops.triggers.events.OperationEventTrigger"
    arguments: Any = deserialize(json.loads(json.dumps(serialize(kwargs))))
    back = OperationEventTrigger(**arguments)
    assert back.serialize() == trigger.serialize()
    AssetWatcher(name="w", trigger=back)


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


@needs_queues_of_watchers
def test_a_watcher_runs_on_the_triggerers_of_its_queue() -> None:
    from airflow.serialization.encoders import encode_trigger  # noqa: PLC0415 - elsewhere before 3.2

    watcher = AssetWatcher(name="w", trigger=OperationEventTrigger("c", queue="cloud"))
    assert encode_trigger(watcher.trigger)["queue"] == "cloud"


@pytest.mark.skipif(HAS_QUEUES_OF_WATCHERS, reason="this Airflow has queues of watchers")
def test_a_queue_of_watchers_is_refused_where_airflow_has_none() -> None:
    with pytest.raises(InvalidArgument, match=r"Airflow 3\.4"):
        OperationEventTrigger("c", queue="cloud")


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


async def test_a_watcher_says_at_its_start_what_it_watches(
    operations_simulator: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "airflow_provider_ops.triggers.watermark_tracker"):
        async with watching(AssetStore(), "deployment.*"):
            await until(lambda: caplog.messages)
    (said,) = caplog.messages
    assert "connection 'onvera_default' (kinds deployment.*) from now on" in said


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ServerError(503, None, "away", request="GET /operations"), "503 away. Checking again"),
        (AuthenticationError(401, None, "no"), "401 no. Put a valid API key into the password of the connection."),
    ],
)
def test_what_a_watcher_cannot_read_ends_with_one_stop(
    caplog: pytest.LogCaptureFixture, error: ApiError, says: str
) -> None:
    ErrorBackoff("c", 1.0).on_error(located(error, "Onvera"))
    (said,) = caplog.messages
    assert says in said
    assert ".." not in said
    assert "retry later" not in said, "it does so by itself"


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


@pytest.mark.parametrize(
    "begins", [{"since": datetime.now(timezone.utc) - timedelta(hours=1)}, {"catchup": True}], ids=["since", "catchup"]
)
async def test_what_has_settled_before_is_told_on_request(
    operations_simulator: SimulatorServer, begins: dict[str, Any]
) -> None:
    ids = create(3)
    await asyncio.sleep(0.4)
    async with watching(**begins) as watcher:
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
    ids = create(MOST_DELIVERED + 20)
    await asyncio.sleep(0.2)
    async with watching(store) as watcher:
        await until(lambda: len(watcher.told) >= len(ids))
    assert [len(event["operations"]) for event in watcher.events] == [MOST_DELIVERED, 20]
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
