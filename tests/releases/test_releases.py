"""What earlier releases have stored is still understood. One file per release; none is ever changed or removed.

A task may be deferred, or between two tries, while the provider is upgraded: its trigger, its event and its handle
were then written by the release before.
"""

from __future__ import annotations

import asyncio
import json
import pkgutil
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ops import __version__
from airflow_provider_ops.core.event_codec import awaited_ids, from_event, why_no_outcome
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.core.settling import Watermark
from airflow_provider_ops.core.wait_state import Settled, TimedOut
from airflow_provider_ops.exceptions import TransportError
from airflow_provider_ops.lifecycle.handle_store import KEY, HandleStore
from airflow_provider_ops.operation import OperationState

FILES = {file.stem: json.loads(file.read_text()) for file in Path(__file__).parent.glob("*.json")}
ALL = pytest.mark.parametrize("stored", FILES.values(), ids=FILES)


#: What a database may name: triggers, and of serialized DAGs operators, links and what their loading imports.
CLASSES = (
    "airflow_provider_ops.triggers.operation.OperationTrigger",
    "airflow_provider_ops.triggers.events.OperationEventTrigger",
    "airflow_provider_ops.operators.onvera.OnveraCreateDeploymentOperator",
    "airflow_provider_ops.operators.onvera.OnveraDestroyDeploymentOperator",
    "airflow_provider_ops.operators.nirvana.NirvanaCreateVMOperator",
    "airflow_provider_ops.operators.nirvana.NirvanaCreateVPCOperator",
    "airflow_provider_ops.operators.lakesail.LakeSailCreateSessionOperator",
    "airflow_provider_ops.operators.lakesail.LakeSailCreateJobRunOperator",
    "airflow_provider_ops.operators.akua.AkuaCreateClusterOperator",
    "airflow_provider_ops.operators.akua.AkuaCreateInstallOperator",
    "airflow_provider_ops.operators.operation.OperationRequestOperator",
    "airflow_provider_ops.sensors.operation.OperationSensor",
    "airflow_provider_ops.decorators.operation.DecoratedOperationOperator",
    "airflow_provider_ops.links.OperationLink",
    "airflow_provider_ops.retry_policy.OperationRetryPolicy",
    "airflow_provider_ops.view.plugin.OperationsPlugin",
    "airflow_provider_ops.provider_info.get_provider_info",
)
#: As release 0.1.0 keeps it for a watcher, in the asset state store.
WATERMARK = {"version": 1, "floor": 1_800_000_000.0, "seen": {"a1b2": 1_800_000_001}, "doubt": {}}
#: What release 0.1.0 takes from a stored handle; it ignores the rest.
FIELDS_010 = set(FILES["0.1.0"]["handle"])
THIS = FILES[__version__.partition(".dev")[0]]


def test_this_release_has_a_file_with_all_that_it_stores() -> None:
    path, arguments = THIS["trigger"]
    assert pkgutil.resolve_name(path)(**arguments).serialize() == (path, arguments)
    # the release that writes is not the one that has written
    assert {**Handle.from_dict(THIS["handle"]).to_dict(), "release": None} == {**THIS["handle"], "release": None}


@pytest.mark.parametrize("path", CLASSES)
def test_what_a_database_may_name_is_still_there(path: str) -> None:
    assert pkgutil.resolve_name(path)


def test_the_watermark_of_a_watcher_is_kept() -> None:
    mark = Watermark.from_dict(WATERMARK)
    assert mark is not None
    assert (mark.floor, dict(mark.delivered)) == (WATERMARK["floor"], WATERMARK["seen"])


@pytest.mark.parametrize("what", ["intent", "handle"])
def test_the_first_release_reads_what_this_one_stores(what: str) -> None:
    """Workers go back to it: the operation is joined, and an intent is found by its key."""
    stored, first = THIS[what], FILES["0.1.0"][what]
    assert stored.keys() >= FIELDS_010
    assert {name: type(stored[name]) for name in FIELDS_010} == {name: type(first[name]) for name in FIELDS_010}
    assert stored["operation_id"] == first["operation_id"]
    assert stored["fingerprint"] == first["fingerprint"]


@pytest.mark.parametrize("what", ["intent", "handle"])
def test_what_the_first_release_has_written_back_is_understood(what: str) -> None:
    back = {name: value for name, value in THIS[what].items() if name in FIELDS_010}
    handle = Handle.from_dict(back)
    assert (handle.key, handle.operation_id) == (THIS[what]["key"], THIS[what]["operation_id"])


def test_the_arguments_of_a_trigger_that_must_be_ignored_are_refused_without_a_wait() -> None:
    """A triggerer that is older than the workers says so, and the task waits on its worker."""
    path, arguments = THIS["trigger"]
    newer = pkgutil.resolve_name(path)(**{**arguments, "version": arguments["version"] + 1, "colour": "red"})
    event = asyncio.run(_event_of(newer))
    assert event["status"] == "error"
    assert "upgrade the triggerers" in event["error"]
    assert from_event(event) == {}
    with pytest.raises(TypeError, match="colour"):
        pkgutil.resolve_name(path)(**arguments, colour="red")


async def _event_of(trigger: Any) -> Any:
    trigger.not_before = None
    async for event in trigger.run():
        return event.payload
    return None


@pytest.mark.parametrize("change", [{"version": 99}, {"waits": 7}, {"waits": {"op_1": 7}}, {"waits": None}])
def test_an_event_that_cannot_be_read_has_no_outcome(change: dict[str, Any]) -> None:
    outcomes = [outcome for outcome, _ in from_event({**THIS["event"], **change}).values()]
    assert outcomes in ([], [None])


@pytest.mark.parametrize("event", [None, 7, "text", [], {}, {"operation_ids": 7}, {"operation_ids": [7], "error": 7}])
def test_an_event_of_any_shape_only_makes_the_task_look_itself(event: object) -> None:
    assert from_event(event) == {}
    assert awaited_ids(event) == []
    assert why_no_outcome(event)


@ALL
def test_a_stored_trigger_goes_on(stored: dict[str, Any]) -> None:
    path, arguments = stored["trigger"]
    trigger = pkgutil.resolve_name(path)(**arguments)
    assert (trigger.conn_id, trigger.operation_ids, trigger.deadline) == ("onvera_default", ["op_1"], 1_800_003_600.0)
    assert (trigger.kill_policy, Handle.from_dict(trigger.handle).operation_id) == ("cancel", "op_1")


@ALL
def test_a_stored_event_is_understood(stored: dict[str, Any]) -> None:
    waits = from_event(stored["event"])
    settled, late, failed = (waits[name][0] for name in ("op_1", "op_2", "op_3"))
    assert isinstance(settled, Settled)
    assert (settled.operation.state, settled.operation.resource_id) == (OperationState.SUCCEEDED, "7d0f")
    assert isinstance(late, TimedOut)
    assert isinstance(late.error, TransportError)
    assert isinstance(failed, Settled)
    assert failed.operation.error is not None
    assert failed.operation.error.code == "quota"
    assert len(waits["op_1"][1].entries) == 2


@ALL
def test_an_event_of_trouble_has_no_outcome_so_that_the_task_looks_itself(stored: dict[str, Any]) -> None:
    assert from_event(stored["error_event"]) == {}


@ALL
def test_a_stored_intent_and_handle_are_found_again(stored: dict[str, Any]) -> None:
    def load(what: str) -> Handle | None:
        return HandleStore({KEY: stored[what]}, warn=pytest.fail).load()

    intent, handle = load("intent"), load("handle")
    assert intent is not None
    assert handle is not None
    assert (intent.operation_id, handle.operation_id) == (None, "op_1")
    assert intent.key == handle.key == stored["handle"]["key"]
    assert (handle.generation, handle.max_tries, handle.submitted_at) == (1, 2, 1_800_000_000.0)
