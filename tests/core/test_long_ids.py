"""Addresses as long as APIs make them stay whole wherever they are stored and used again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_ops.core.event_codec import from_event, to_event
from airflow_provider_ops.core.gate import LONGEST_ADDRESS, SHORT, fit, is_clean_id, why_no_id
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.core.history import TRIES, WaitHistory, read_record
from airflow_provider_ops.core.poll_interval import PollPolicy
from airflow_provider_ops.core.settling import SettledOperation, from_payload, to_payload
from airflow_provider_ops.core.wait_state import Settled, WaitState
from airflow_provider_ops.exceptions import TransportError
from airflow_provider_ops.lifecycle.earlier_tries import keep_entry
from airflow_provider_ops.operation import Operation, OperationState
from tests.lifecycle.submission.parts import StateStore

ADDRESS = "/subscriptions/s/operations/1?c=".ljust(LONGEST_ADDRESS, "A")
RESOURCE = "/subscriptions/s/things/1?".ljust(LONGEST_ADDRESS, "B")
DONE = Operation(ADDRESS, "azure", "thing.put", OperationState.SUCCEEDED, "Succeeded", resource_id=RESOURCE)
#: As many waits share the room of one event, which leaves little for each.
MANY = 100


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(value, allow_nan=False))


def ended(operation: Operation = DONE) -> WaitState:
    watch = WaitState(operation.id, now=0.0, policy=PollPolicy(), deadline=2_000.0)
    watch.outcome = Settled(operation)
    return watch


def test_in_a_handle() -> None:
    handle = Handle.placeholder("thing.put").answered(ADDRESS, resource_id=RESOURCE, result_path=RESOURCE)
    assert Handle.from_dict(through_json(handle.to_dict())) == handle
    given = Handle.of_existing(DONE, before=None)
    assert Handle.from_dict(through_json(given.to_dict())) == given


@pytest.mark.parametrize("others", [0, MANY])
def test_in_an_event(others: int) -> None:
    ids = [f"{ADDRESS[: -len(str(number))]}{number}" for number in range(others)]
    more = [ended(Operation(one, "azure", "", OperationState.SUCCEEDED, "Succeeded")) for one in ids]
    found = from_event(through_json(to_event([ended(), *more])))
    assert list(found) == [ADDRESS, *ids]
    outcome = found[ADDRESS][0]
    assert isinstance(outcome, Settled)
    assert (outcome.operation.id, outcome.operation.resource_id, outcome.is_cut) == (ADDRESS, RESOURCE, False)


def test_in_the_record_and_its_summary() -> None:
    history = WaitHistory("azure", "it", 1, "triggerer")
    history.record([ended()], 5.0)
    back = read_record(through_json(history.to_record(5.0)))
    assert back is not None
    assert list(back.operations) == [ADDRESS]
    operation = back.operations[ADDRESS].operation
    assert operation is not None
    assert (operation.id, operation.resource_id) == (ADDRESS, RESOURCE)
    assert list(history.to_event()) == [ADDRESS]


def test_in_what_is_kept_of_a_try() -> None:
    store = StateStore()
    first = {"operation_id": ADDRESS, "kind": "", "resource_type": None, "resource_id": RESOURCE}
    keep_entry(store, {"try_number": 1, "operation_id": ADDRESS, "said": "x" * 9000, "first": first})
    (entry,) = store.get(TRIES)
    assert (entry["operation_id"], entry["first"]) == (ADDRESS, first)
    assert len(entry["said"]) <= SHORT.text


def test_in_the_event_of_what_has_settled() -> None:
    (back,), _ = from_payload(through_json(to_payload("it", [SettledOperation(DONE, 5.0)], [])))
    assert (back.id, back.resource_id) == (ADDRESS, RESOURCE)


def test_each_stays_whole_as_often_as_it_is_named() -> None:
    fitted = fit([ADDRESS] * 3, SHORT, [ADDRESS])
    assert fitted.is_cut
    assert fitted.value[0] == ADDRESS
    assert all(len(one) <= SHORT.text for one in fitted.value[1:])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is empty"),
        ("x" * 257, "has 257 characters, more than 256"),
        (f"{ADDRESS}A", f"has {LONGEST_ADDRESS + 1} characters, more than {LONGEST_ADDRESS}"),
        ("op\n1", "has characters that no id has"),
        ("op_***", "has characters that no id has"),
        ("x" * 256, None),
        (ADDRESS, None),
    ],
)
def test_what_is_no_id_says_why(text: str, why: str | None) -> None:
    assert why_no_id(text) == why
    assert is_clean_id(text) is (why is None)
    if why is not None:
        with pytest.raises(TransportError, match=why):
            Operation(text, "azure", "", OperationState.RUNNING, "run")
