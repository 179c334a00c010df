"""The table of design section 5, one test per row, and the properties of keys and fingerprints."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ops.operation import Operation, OperationState
from airflow_provider_ops.waiting.submitting import (
    FIND_OUT_PAUSES,
    Decision,
    Handle,
    Next,
    Today,
    decide,
    find_out_pauses,
    fingerprint,
    submission_key,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

TODAY = Today(fingerprint="f1", max_tries=2, kill_ends_it=True)
INTENT = Handle("onvera", "deployment.create", "key", 3, "f1", 2, 1, 1000.0)
HANDLE = INTENT.answered("op_1", resource_type="deployment", resource_id="d1")
CLEARED = replace(TODAY, max_tries=5)
OTHER = replace(TODAY, fingerprint="f2")


def op(state: str) -> Operation:
    known = OperationState(state) if state != "hibernating" else OperationState.UNKNOWN
    return Operation("op_1", "onvera", "deployment.create", known, state)


def what(decision: Decision) -> tuple[Next, int]:
    return decision.next, decision.generation


OPEN = ["pending", "running", "hibernating"]
ENDED_BADLY = ["failed", "cancelled"]


def test_nothing_found_submits_the_first_generation() -> None:
    assert what(decide(None, None, TODAY)) == (Next.SUBMIT, 1)


@pytest.mark.parametrize("state", OPEN)
def test_an_operation_that_has_not_settled_is_joined(state: str) -> None:
    assert what(decide(HANDLE, op(state), TODAY)) == (Next.JOIN, 3)


def test_an_operation_that_has_succeeded_is_the_result() -> None:
    assert what(decide(HANDLE, op("succeeded"), TODAY)) == (Next.FINISH, 3)


@pytest.mark.parametrize("state", ENDED_BADLY)
def test_after_a_failed_or_cancelled_operation_a_new_generation_is_submitted(state: str) -> None:
    assert what(decide(HANDLE, op(state), TODAY)) == (Next.SUBMIT, 4)


def test_what_a_policy_has_removed_is_submitted_anew_although_its_operation_succeeded() -> None:
    assert what(decide(replace(HANDLE, removed=True), op("succeeded"), TODAY)) == (Next.SUBMIT, 4)


@pytest.mark.parametrize("state", ["succeeded", *ENDED_BADLY])
def test_a_clear_after_the_end_submits_a_new_generation(state: str) -> None:
    assert what(decide(HANDLE, op(state), CLEARED)) == (Next.SUBMIT, 4)


@pytest.mark.parametrize("state", OPEN)
def test_a_clear_while_running_submits_anew_when_the_kill_policy_ends_the_old_one(state: str) -> None:
    assert what(decide(HANDLE, op(state), CLEARED)) == (Next.SUBMIT, 4)


@pytest.mark.parametrize("state", OPEN)
def test_a_clear_while_running_joins_when_nothing_ends_the_old_one(state: str) -> None:
    assert what(decide(HANDLE, op(state), replace(CLEARED, kill_ends_it=False))) == (Next.JOIN, 3)


@pytest.mark.parametrize("state", OPEN)
def test_an_operation_whose_kill_is_under_way_is_not_joined(state: str) -> None:
    assert what(decide(replace(HANDLE, killed=True), op(state), TODAY)) == (Next.SUBMIT, 4)


@pytest.mark.parametrize("state", OPEN)
def test_another_request_while_the_operation_runs_is_refused(state: str) -> None:
    assert what(decide(HANDLE, op(state), OTHER)) == (Next.REFUSE_DIFFERENT, 3)


def test_another_request_while_running_is_refused_after_a_clear_that_ends_nothing() -> None:
    today = Today("f2", max_tries=5, kill_ends_it=False)
    assert what(decide(HANDLE, op("running"), today)) == (Next.REFUSE_DIFFERENT, 3)


@pytest.mark.parametrize("state", ["succeeded", *ENDED_BADLY])
def test_another_request_after_the_end_submits_a_new_generation(state: str) -> None:
    assert what(decide(HANDLE, op(state), OTHER)) == (Next.SUBMIT, 4)


def test_an_intent_without_an_answer_is_found_out_before_anything_else() -> None:
    assert what(decide(INTENT, None, TODAY)) == (Next.FIND_OUT, 3)


def test_an_intent_is_found_out_after_a_clear_as_well() -> None:
    assert what(decide(INTENT, None, CLEARED)) == (Next.FIND_OUT, 3)


def test_an_intent_of_another_request_cannot_be_found_out_with_todays_and_is_refused() -> None:
    assert what(decide(INTENT, None, OTHER)) == (Next.REFUSE_DIFFERENT, 3)


def test_an_intent_of_another_request_ends_with_a_clear() -> None:
    assert what(decide(INTENT, None, replace(OTHER, max_tries=5))) == (Next.SUBMIT, 4)


@pytest.mark.parametrize("today", [TODAY, OTHER, CLEARED])
def test_a_request_that_was_refused_started_nothing_and_is_sent_again(today: Today) -> None:
    assert what(decide(replace(INTENT, refused=True), None, today)) == (Next.SUBMIT, 3)


def test_an_operation_the_api_no_longer_knows_is_not_submitted_again() -> None:
    assert what(decide(HANDLE, None, TODAY)) == (Next.REFUSE_LOST, 3)


def test_a_clear_lets_a_lost_operation_be_submitted_again() -> None:
    assert what(decide(HANDLE, None, CLEARED)) == (Next.SUBMIT, 4)


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
    state: str | None, answered: bool, other: bool, cleared: bool, kill_ends_it: bool, killed: bool
) -> None:
    """A submit needs a settled operation, one that is being ended, or a user's clear."""
    found = replace(HANDLE if answered else INTENT, killed=killed)
    today = Today("f2" if other else "f1", 5 if cleared else 2, kill_ends_it)
    decision = decide(found, op(state) if state and answered else None, today)
    if decision.next is Next.SUBMIT and not killed and not cleared:
        assert state in ("succeeded", "failed", "cancelled")
    if decision.next is Next.SUBMIT:
        assert decision.generation == found.generation + 1
    else:
        assert decision.generation == found.generation


# -- keys

texts = st.text(st.characters(exclude_categories=["Cs"]))
identities = st.tuples(texts, texts, texts, st.integers(-1, 999), st.integers(1, 99))


@given(identities)
def test_a_key_is_the_same_in_every_try_and_fits_every_api(identity: Any) -> None:
    key = submission_key(*identity)
    assert key == submission_key(*identity)
    assert key.isascii()
    assert len(key) == 32
    assert all(char.isalnum() or char == "-" for char in key)


# what an id can be: no NUL, and nothing that UTF-8 has no bytes for
no_nul = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(*[st.tuples(no_nul, no_nul, no_nul, st.integers(-1, 99), st.integers(1, 9))] * 2)
def test_different_task_runs_and_generations_have_different_keys(one: Any, other: Any) -> None:
    assert (submission_key(*one) == submission_key(*other)) == (one == other)


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


# -- handles


def test_a_handle_survives_the_state_store() -> None:
    assert Handle.from_dict(json.loads(json.dumps(HANDLE.to_dict()))) == HANDLE


def test_a_handle_of_a_newer_release_is_still_read() -> None:
    assert Handle.from_dict({**HANDLE.to_dict(), "colour": "red", "version": 2}).operation_id == "op_1"


#: As release 0.1.0 stores it. Never change this: operations of running tasks hang on it.
STORED = {
    "api": "onvera",
    "kind": "deployment.create",
    "key": "airflow-0123456789abcdef01234567",
    "generation": 1,
    "fingerprint": "f1",
    "max_tries": 2,
    "try_number": 1,
    "at": 1000.0,
    "operation_id": "op_1",
    "resource_type": "deployment",
    "resource_id": "d1",
    "operation_url": None,
    "refused": False,
    "killed": False,
    "version": 1,
}


def test_a_handle_stored_by_the_first_release_is_understood() -> None:
    handle = Handle.from_dict(STORED)
    assert what(decide(handle, op("running"), TODAY)) == (Next.JOIN, 1)


@given(st.floats(0, 1e6))
def test_looking_for_a_lost_answer_lasts_long_enough_after_the_loss(age: float) -> None:
    pauses = find_out_pauses(age)
    assert pauses
    assert all(pause >= 0 for pause in pauses)
    assert age + sum(pauses) >= sum(FIND_OUT_PAUSES) - 1e-6
