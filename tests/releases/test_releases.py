"""What earlier releases have stored is still understood. One file per release; none is ever changed or removed.

A task may be deferred, or between two tries, while the provider is upgraded: its trigger, its event and its handle
were then written by the release before.
"""

from __future__ import annotations

import json
import pkgutil
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ops import __version__
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.exceptions import TransportError
from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.operators.store import KEY, HandleStore
from airflow_provider_ops.waiting.verdict import from_event
from airflow_provider_ops.waiting.watch import Settled, TimedOut

FILES = {file.stem: json.loads(file.read_text()) for file in Path(__file__).parent.glob("*.json")}
ALL = pytest.mark.parametrize("stored", FILES.values(), ids=FILES)


def test_this_release_has_a_file_with_all_that_it_stores() -> None:
    path, arguments = FILES[__version__]["trigger"]
    assert pkgutil.resolve_name(path)(**arguments).serialize() == (path, arguments)
    assert Handle.from_dict(FILES[__version__]["handle"]).to_dict() == FILES[__version__]["handle"]


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
    assert intent.key == handle.key == "airflow-0123456789abcdef01234567"
    assert (handle.generation, handle.max_tries, handle.at) == (1, 2, 1_800_000_000.0)
