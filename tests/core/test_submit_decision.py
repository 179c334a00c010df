"""The table of design section 5, one test per row, and the properties of keys and fingerprints."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ops.core.clear_or_retry import Attempt, Cause
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.core.submit_decision import (
    Action,
    AttemptContext,
    Decision,
    arguments_fingerprint,
    check_body,
    decide,
    fingerprint,
)
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.operation import Operation, OperationState

if TYPE_CHECKING:
    from collections.abc import Mapping

RETRY = Attempt("ti-2", 2, 0, 2, 2)
CLEAR = Attempt("ti-2", 5, 1, 4, 2)
TODAY = AttemptContext("onvera", "1:f1", RETRY, kill_policy_terminates=True)
INTENT = Handle(
    "onvera", "deployment.create", "key", 3, "f", 2, 1, 1000.0, arguments="1:f1", ti_id="ti-1", clear_number=0
)
HANDLE = INTENT.answered("op_1", resource_type="deployment", resource_id="d1")
CLEARED = replace(TODAY, attempt=CLEAR)
OTHER = replace(TODAY, arguments="1:f2")


def op(state: str) -> Operation:
    known = OperationState(state) if state != "hibernating" else OperationState.UNKNOWN
    return Operation("op_1", "onvera", "deployment.create", known, state)


def what(decision: Decision) -> tuple[Action, int]:
    return decision.action, decision.generation


OPEN = ["pending", "running", "hibernating"]
ENDED_BADLY = ["failed", "cancelled"]


def test_nothing_found_submits_the_first_generation() -> None:
    assert what(decide(None, None, TODAY)) == (Action.SUBMIT, 1)


@pytest.mark.parametrize("state", OPEN)
def test_an_operation_that_has_not_settled_is_joined(state: str) -> None:
    assert what(decide(HANDLE, op(state), TODAY)) == (Action.ADOPT, 3)


def test_an_operation_that_has_succeeded_is_the_result() -> None:
    assert what(decide(HANDLE, op("succeeded"), TODAY)) == (Action.FINISH, 3)


@pytest.mark.parametrize("state", ENDED_BADLY)
def test_after_a_failed_or_cancelled_operation_a_new_generation_is_submitted(state: str) -> None:
    assert what(decide(HANDLE, op(state), TODAY)) == (Action.SUBMIT, 4)


def test_what_a_policy_has_removed_is_submitted_anew_although_its_operation_succeeded() -> None:
    assert what(decide(replace(HANDLE, removed=True), op("succeeded"), TODAY)) == (Action.SUBMIT, 4)


@pytest.mark.parametrize("state", ["succeeded", *ENDED_BADLY])
def test_a_clear_after_the_end_submits_a_new_generation(state: str) -> None:
    assert what(decide(HANDLE, op(state), CLEARED)) == (Action.SUBMIT, 4)


@pytest.mark.parametrize("today", [CLEARED, OTHER], ids=["cleared", "another request"])
def test_a_new_submit_names_what_the_operation_before_has_made(today: AttemptContext) -> None:
    made = replace(HANDLE, creates=True)
    said = decide(made, op("succeeded"), today).sentence
    assert "op_1 succeeded" in said
    assert "deployment d1, which it made, remains" in said
    assert "`airflow operations sweep`" in said
    for without in (replace(made, removed=True), replace(made, creates=False), INTENT.answered("op_1")):
        assert "remains" not in decide(without, op("succeeded"), today).sentence


@pytest.mark.parametrize("state", OPEN)
def test_a_clear_while_running_submits_anew_when_the_kill_policy_ends_the_old_one(state: str) -> None:
    assert what(decide(HANDLE, op(state), CLEARED)) == (Action.SUBMIT, 4)


@pytest.mark.parametrize("state", OPEN)
def test_a_clear_while_running_joins_when_nothing_ends_the_old_one(state: str) -> None:
    assert what(decide(HANDLE, op(state), replace(CLEARED, kill_policy_terminates=False))) == (Action.ADOPT, 3)


@pytest.mark.parametrize("state", OPEN)
def test_an_operation_whose_kill_is_under_way_is_not_joined(state: str) -> None:
    assert what(decide(replace(HANDLE, killed=True), op(state), TODAY)) == (Action.SUBMIT, 4)


@pytest.mark.parametrize("state", OPEN)
def test_another_request_while_the_operation_runs_is_refused(state: str) -> None:
    assert what(decide(HANDLE, op(state), OTHER)) == (Action.REFUSE_DIFFERENT, 3)


def test_another_request_while_running_is_refused_after_a_clear_that_ends_nothing() -> None:
    today = replace(CLEARED, arguments="1:f2", kill_policy_terminates=False)
    assert what(decide(HANDLE, op("running"), today)) == (Action.REFUSE_DIFFERENT, 3)


@pytest.mark.parametrize("state", ["succeeded", *ENDED_BADLY])
def test_another_request_after_the_end_submits_a_new_generation(state: str) -> None:
    assert what(decide(HANDLE, op(state), OTHER)) == (Action.SUBMIT, 4)


def test_an_intent_without_an_answer_is_found_out_before_anything_else() -> None:
    assert what(decide(INTENT, None, TODAY)) == (Action.RECONCILE, 3)


def test_an_intent_is_found_out_after_a_clear_as_well() -> None:
    assert what(decide(INTENT, None, CLEARED)) == (Action.RECONCILE, 3)


def test_an_intent_of_another_request_cannot_be_found_out_with_todays_and_is_refused() -> None:
    assert what(decide(INTENT, None, OTHER)) == (Action.REFUSE_DIFFERENT, 3)


def test_an_intent_of_another_request_ends_with_a_clear() -> None:
    assert what(decide(INTENT, None, replace(OTHER, attempt=CLEAR))) == (Action.SUBMIT, 4)


@pytest.mark.parametrize("today", [TODAY, OTHER, CLEARED, replace(TODAY, api="akua")])
@pytest.mark.parametrize("why", ["refused", "not_sent"])
def test_a_request_that_started_nothing_is_sent_again(today: AttemptContext, why: str) -> None:
    change: dict[str, Any] = {why: True}
    assert what(decide(replace(INTENT, **change), None, today)) == (Action.SUBMIT, 3)


@pytest.mark.parametrize("found", [INTENT, HANDLE])
def test_what_was_sent_to_another_api_is_not_looked_for_at_this_one(found: Handle) -> None:
    """The user changed the connection between two tries."""
    today = replace(TODAY, api="akua")
    assert what(decide(found, None, today)) == (Action.REFUSE_DIFFERENT, 3)
    assert what(decide(found, None, replace(today, attempt=CLEAR))) == (Action.SUBMIT, 4)


@pytest.mark.parametrize("stored", [None, "2:f1", ""])
@pytest.mark.parametrize(("operation", "expected"), [("running", Action.ADOPT), ("succeeded", Action.FINISH)])
def test_arguments_are_compared_within_one_version_only(stored: str | None, operation: str, expected: Action) -> None:
    assert decide(replace(HANDLE, arguments=stored), op(operation), OTHER).action is expected
    assert decide(replace(INTENT, arguments=stored), None, OTHER).action is Action.RECONCILE


@pytest.mark.parametrize(("operation", "expected"), [("running", Action.ADOPT), ("succeeded", Action.FINISH)])
def test_what_may_be_a_clear_is_joined_with_a_warning(operation: str, expected: Action) -> None:
    today = replace(TODAY, attempt=replace(RETRY, retries=1))
    decision = decide(HANDLE, op(operation), today)
    assert (decision.action, decision.cause) == (expected, Cause.UNKNOWN)
    assert decision.warning is not None
    assert decide(HANDLE, op(operation), TODAY).warning is None


def test_an_operation_the_api_no_longer_knows_is_not_submitted_again() -> None:
    assert what(decide(HANDLE, None, TODAY)) == (Action.REFUSE_LOST, 3)


def test_what_was_killed_and_reads_as_failed_stays_failed_and_the_kill_is_named() -> None:
    killed = decide(replace(HANDLE, killed=True), op("failed"), TODAY)
    assert "kill of this task asked to cancel it" in killed.sentence
    assert "asked to cancel" not in decide(HANDLE, op("failed"), TODAY).sentence
    assert "asked to cancel" not in decide(replace(HANDLE, killed=True), op("cancelled"), TODAY).sentence


def test_what_a_policy_cancelled_and_reads_as_failed_stays_failed_and_the_request_is_named() -> None:
    decision = decide(replace(HANDLE, end_requested=True), op("failed"), TODAY)
    assert what(decision) == (Action.SUBMIT, 4)
    assert "this task asked to cancel it" in decision.sentence


@pytest.mark.parametrize("operation", [op("failed"), None])
def test_what_had_failed_before_it_was_removed_did_not_fail_because_of_that(operation: Operation | None) -> None:
    decision = decide(replace(HANDLE, removed=True), operation, TODAY)
    assert what(decision) == (Action.SUBMIT, 4)
    assert "asked to cancel" not in decision.sentence


@pytest.mark.parametrize("found", [replace(HANDLE, killed=True), replace(HANDLE, end_requested=True)])
def test_what_was_asked_to_end_and_is_gone_was_ended(found: Handle) -> None:
    decision = decide(found, None, TODAY)
    assert what(decision) == (Action.SUBMIT, 4)
    assert "may continue" in decision.why


def test_a_clear_lets_a_lost_operation_be_submitted_again() -> None:
    assert what(decide(HANDLE, None, CLEARED)) == (Action.SUBMIT, 4)


def test_every_decision_says_why_and_names_the_operation() -> None:
    for found, operation, today in [
        (HANDLE, op("running"), TODAY),
        (HANDLE, op("succeeded"), TODAY),
        (HANDLE, op("failed"), TODAY),
        (HANDLE, op("running"), CLEARED),
        (HANDLE, op("running"), OTHER),
    ]:
        assert "op_1" in decide(found, operation, today).why


states = st.sampled_from([None, *OPEN, "succeeded", *ENDED_BADLY])


@given(states, st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_no_combination_submits_beside_an_operation_that_runs_on(
    state: str | None, answered: bool, other: bool, cleared: bool, kill_policy_terminates: bool, killed: bool
) -> None:
    """A submit needs a settled operation, one that is being ended, or a user's clear."""
    found = replace(HANDLE if answered else INTENT, killed=killed)
    today = AttemptContext("onvera", "1:f2" if other else "1:f1", CLEAR if cleared else RETRY, kill_policy_terminates)
    decision = decide(found, op(state) if state and answered else None, today)
    if decision.action is Action.SUBMIT and not killed and not cleared:
        assert state in ("succeeded", "failed", "cancelled")
    if decision.action is Action.SUBMIT:
        assert decision.generation == found.generation + 1
    else:
        assert decision.generation == found.generation


# -- fingerprints

bodies = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), bodies, max_size=5))
def test_a_fingerprint_does_not_depend_on_the_order_of_fields(body: Mapping[str, Any]) -> None:
    backwards = dict(reversed(list(body.items())))
    assert fingerprint("POST", "/x", {}, body) == fingerprint("POST", "/x", {}, backwards)


@given(bodies, bodies)
def test_different_bodies_have_different_fingerprints(one: Any, other: Any) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (fingerprint("POST", "/x", {}, one) == fingerprint("POST", "/x", {}, other)) == same


def test_method_path_and_query_are_part_of_the_fingerprint() -> None:
    prints = {
        fingerprint("POST", "/x", {}, {}),
        fingerprint("PUT", "/x", {}, {}),
        fingerprint("POST", "/y", {}, {}),
        fingerprint("POST", "/x", {"a": 1}, {}),
    }
    assert len(prints) == 4


def test_arguments_that_are_left_out_count_like_none() -> None:
    """A later release may have fields that this one has not."""
    assert arguments_fingerprint({"a": 1, "b": None}) == arguments_fingerprint({"a": 1})
    assert arguments_fingerprint({"a": 1}) != arguments_fingerprint({"a": 2})
    assert arguments_fingerprint({"a": (1, 2)}) == arguments_fingerprint({"a": [1, 2]})


@pytest.mark.parametrize("body", [{"at": object()}, {"n": float("nan")}, {"s": {1}}, {"b": b""}])
def test_a_body_that_cannot_be_sent_is_refused_before_anything_is_stored(body: Any) -> None:
    with pytest.raises(InvalidArgument, match="POST /x: the body cannot be sent"):
        check_body("POST /x", body)
