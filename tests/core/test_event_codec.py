from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ops.core.event_codec import VERSION, check_wait_for, from_event, is_decided, succeeded, to_event
from airflow_provider_ops.core.poll_interval import PollPolicy
from airflow_provider_ops.core.timeline import Timeline
from airflow_provider_ops.core.wait_state import Outcome, Settled, TimedOut, Unobservable, WaitState
from airflow_provider_ops.exceptions import (
    ApiError,
    AuthenticationError,
    InvalidArgument,
    NotFound,
    OpsError,
    ServerError,
    TransportError,
)
from airflow_provider_ops.operation import Operation, OperationError, OperationState, Progress


def op(state: str) -> Operation:
    return Operation("op_1", "onvera", "deployment.create", OperationState(state), state)


OUTCOMES: dict[str, Outcome | None] = {
    "open": None,
    "succeeded": Settled(op("succeeded")),
    "failed": Settled(op("failed")),
    "cancelled": Settled(op("cancelled")),
    "late": TimedOut(None, None),
    "gave_up": Unobservable(None, NotFound(404, None, "gone")),
}
BAD = {"failed", "cancelled", "gave_up"}
combinations = st.lists(st.sampled_from(list(OUTCOMES)), min_size=1, max_size=6)


@given(combinations)
def test_all_is_decided_by_the_first_failure_or_when_nothing_is_open(names: list[str]) -> None:
    expected = "open" not in names or bool(BAD & set(names))
    assert is_decided("all", [OUTCOMES[name] for name in names]) == expected


@given(combinations)
def test_any_is_decided_by_the_first_success_or_when_nothing_is_open(names: list[str]) -> None:
    expected = "open" not in names or "succeeded" in names
    assert is_decided("any", [OUTCOMES[name] for name in names]) == expected


@given(st.sampled_from(["all", "any"]), combinations)
def test_what_is_decided_stays_decided_whatever_the_open_ones_become(wait_for: Any, names: list[str]) -> None:
    if not is_decided(wait_for, [OUTCOMES[name] for name in names]):
        return
    before = to_event(watches(names), wait_for)["status"]
    for end in ("succeeded", "failed", "late"):
        later = [end if name == "open" else name for name in names]
        assert is_decided(wait_for, [OUTCOMES[name] for name in later])
        assert to_event(watches(later), wait_for)["status"] == before


@given(combinations)
def test_the_status_of_an_event_is_the_verdict(names: list[str]) -> None:
    names = [name for name in names if name != "open"] or ["succeeded"]
    seen = set(names)
    all_of = "failed" if seen & BAD else "timeout" if "late" in seen else "succeeded"
    any_of = "succeeded" if "succeeded" in seen else "timeout" if "late" in seen else "failed"
    assert to_event(watches(names), "all")["status"] == all_of
    assert to_event(watches(names), "any")["status"] == any_of


@pytest.mark.parametrize("name", OUTCOMES)
def test_only_a_settled_success_is_a_success(name: str) -> None:
    assert succeeded(OUTCOMES[name]) == (name == "succeeded")


@pytest.mark.parametrize("value", ["both", "", None, "ALL"])
def test_a_wrong_wait_for_is_refused_with_the_allowed_values(value: Any) -> None:
    with pytest.raises(InvalidArgument, match="'all' or 'any'"):
        check_wait_for(value)


# -- events


def watches(names: list[str]) -> list[WaitState]:
    made = []
    for number, name in enumerate(names):
        watch = WaitState(f"op_{number}", now=100.0, policy=PollPolicy())
        watch.outcome = OUTCOMES[name]
        made.append(watch)
    return made


FULL = Operation(
    "op_1",
    "onvera",
    "deployment.create",
    OperationState.FAILED,
    "failed",
    resource_type="deployment",
    resource_id="d1",
    progress=Progress(phase="database", done=1, total=3),
    error=OperationError("no space", code="QUOTA", retryable=False, retry_after=3.0, details={"a": [1]}),
    url="https://ui/op_1",
    raw={"secret-ish": "never travels"},
)
ERRORS = [
    AuthenticationError(401, "EXPIRED", "key expired", "req-1"),
    ServerError(503, None, "down"),
    TransportError("reset", reason="reset"),
    OpsError("something else"),
]


def travelled(outcome: Outcome | None, last: Operation | None = None) -> tuple[Outcome | None, Timeline]:
    watch = WaitState("op_1", now=100.0, policy=PollPolicy())
    watch.outcome, watch.operation = outcome, last
    watch.timeline.add(112.0, "running")
    return from_event(json.loads(json.dumps(to_event([watch]))))["op_1"]


def test_an_outcome_and_its_story_survive_the_journey_to_the_worker() -> None:
    outcome, timeline = travelled(Settled(FULL))
    assert outcome == Settled(FULL)
    assert timeline.lines() == ["+12 s running"]
    assert "never travels" not in json.dumps(to_event(watches(["succeeded"])))


@pytest.mark.parametrize("error", ERRORS, ids=repr)
@pytest.mark.parametrize("kind", [TimedOut, Unobservable])
def test_an_error_arrives_as_what_it_was(kind: Any, error: OpsError) -> None:
    outcome, _ = travelled(kind(FULL, error), FULL)
    assert isinstance(outcome, kind)
    assert outcome.operation == FULL
    assert type(outcome.error) is type(error)
    if isinstance(error, ApiError):
        assert vars(outcome.error) == vars(error)


def test_an_open_wait_arrives_as_open() -> None:
    assert travelled(None, FULL)[0] is None


NEWER = {"outcome": "settled", "operation": {"id": "op_1", "state": "succeeded", "new_field": {"x": 1}}, "more": 1}


def test_fields_that_are_not_known_are_ignored() -> None:
    outcome, _ = from_event({"version": VERSION, "waits": {"op_1": NEWER}})["op_1"]
    assert succeeded(outcome)


def test_the_event_of_a_newer_release_decides_nothing() -> None:
    assert from_event({"version": VERSION + 1, "waits": {"op_1": NEWER}}) == {}


UNREADABLE = [
    {},
    {"outcome": "paused"},
    {"outcome": "settled"},
    {"outcome": "settled", "operation": {"state": "succeeded"}},
    {"outcome": "settled", "operation": {"id": "op_1", "state": "a state of tomorrow"}},
    {"outcome": "settled", "operation": {"id": "op_1", "state": "running"}},
    {"outcome": "settled", "operation": {"id": "op_1", "state": "failed", "error": {"text": "no message"}}},
    {"outcome": "settled", "operation": {"id": "op_1", "state": "failed", "ended_at": "yesterday"}},
    {"outcome": "settled", "operation": "op_1"},
    {"outcome": "gave_up", "error": {"status": "teapot"}},
    {"outcome": "timeout", "timeline": 7, "operation": 7},
    "text",
    None,
    [],
]


@pytest.mark.parametrize("data", UNREADABLE, ids=repr)
def test_an_outcome_that_cannot_be_read_is_no_outcome_so_the_task_looks_again(data: Any) -> None:
    ((outcome, _),) = from_event({"waits": {"op_1": data}}).values()
    assert outcome is None


@pytest.mark.parametrize("event", [{}, {"waits": None}, {"waits": []}, {"waits": "x"}, None, "text", 3], ids=repr)
def test_an_event_that_cannot_be_read_has_no_outcomes(event: Any) -> None:
    assert from_event(event) == {}
