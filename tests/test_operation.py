from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ops.core.gate import clean_text
from airflow_provider_ops.exceptions import TransportError
from airflow_provider_ops.operation import Operation, OperationError, OperationState, Progress, Step, web_address

TERMINAL = {"succeeded", "failed", "cancelled"}


@pytest.mark.parametrize("state", OperationState)
def test_only_succeeded_failed_and_cancelled_are_terminal(state: OperationState) -> None:
    assert state.is_terminal == (state.value in TERMINAL)


def test_states_read_as_their_words() -> None:
    assert f"{OperationState.SUCCEEDED}" == "succeeded"


# what an API said is clean by the time it is an operation
text = st.text(max_size=10).map(clean_text)
maybe = st.none() | text
times = st.none() | st.datetimes(timezones=st.just(timezone.utc))
integers = st.integers(-(2**63), 2**63)
plain = st.recursive(st.none() | st.booleans() | integers | text, lambda inner: st.lists(inner, max_size=2))
steps = st.builds(Step, text, text, times, times, maybe, st.booleans())
progress = st.builds(Progress, maybe, maybe, st.tuples(steps) | st.just(()), st.none() | integers, st.none())
errors = st.builds(
    OperationError,
    text,
    maybe,
    st.none() | st.booleans(),
    st.none() | st.floats(0, 9),
    st.dictionaries(text, plain, max_size=2),
)
operations = st.builds(
    Operation,
    id=st.text("abcXYZ019._-", min_size=1, max_size=40),
    api=text,
    kind=text,
    state=st.sampled_from(OperationState),
    raw_state=st.text(min_size=1, max_size=5).map(clean_text),
    resource_type=maybe,
    resource_id=maybe,
    progress=st.none() | progress,
    error=st.none() | errors,
    result=st.none() | st.dictionaries(text, plain, min_size=1, max_size=2),
    url=maybe,
    created_at=times,
    started_at=times,
    updated_at=times,
    ended_at=times,
)


@given(operations)
def test_an_operation_survives_the_journey_through_json(operation: Operation) -> None:
    assert Operation.from_dict(json.loads(json.dumps(operation.to_dict()))) == operation


STORED = {"id": "op_1", "api": "onvera", "kind": "k", "state": "running", "raw_state": "running"}


def test_what_an_earlier_release_has_stored_is_cleaned() -> None:
    progress = {"phase": "a\0b", "message": "\ud800", "done": 10**30, "total": 3, "steps": ["[cut, 500 items in all]"]}
    operation = Operation.from_dict({**STORED, "progress": progress, "result": {"x\0": float("nan")}})
    steps = (Step("[cut, 500 items in all]", ""),)
    assert operation.progress == Progress("a\ufffdb", "\ufffd", steps, done=None, total=3)
    assert operation.result == {"x\ufffd": None}


@pytest.mark.parametrize("odd", ["op_\0", "op_\ud800", "op\n1", "***", "", "x" * 1000])
def test_an_id_is_refused_instead_of_cleaned(odd: str) -> None:
    with pytest.raises(TransportError, match="cannot be the id"):
        Operation.from_dict({**STORED, "id": odd})


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://ui.example/op_1", "https://ui.example/op_1"),
        ("javascript:alert(1)", None),
        ("https://ui.example/\n", None),
        ("https://ui.example/" + "x" * 5000, None),
        (None, None),
        (7, None),
    ],
)
def test_only_a_short_web_address_is_a_link(url: object, address: str | None) -> None:
    assert web_address(url) == address


def test_times_travel_as_utc() -> None:
    there = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    operation = Operation("1", "a", "k", OperationState.RUNNING, "x", started_at=there)
    assert operation.to_dict()["started_at"] == "2026-01-01T10:00:00+00:00"


def test_the_raw_answer_stays_out_of_dicts_reprs_and_comparison() -> None:
    operation = Operation("1", "a", "k", OperationState.RUNNING, "x", raw={"deep": "sk-canary"})
    assert "sk-canary" not in json.dumps(operation.to_dict()) + repr(operation)
    assert operation == Operation("1", "a", "k", OperationState.RUNNING, "x")


def test_a_state_of_a_newer_release_is_unknown_and_keeps_its_word() -> None:
    operation = Operation.from_dict({"id": "1", "state": "hibernating", "whatever": 1})
    assert operation.state is OperationState.UNKNOWN
    assert operation.raw_state == "hibernating"


def test_operations_do_not_change() -> None:
    operation = Operation("1", "a", "k", OperationState.RUNNING, "x")
    with pytest.raises(AttributeError):
        operation.state = OperationState.FAILED  # type: ignore[misc]
