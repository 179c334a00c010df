"""Operations that we have asked an API to end: what the next reads of them mean."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.core.end_requested import cancelled_and_gone, naming_the_request, was_asked_to_end
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.core.poll_interval import PollPolicy
from airflow_provider_ops.core.wait_state import Settled, WaitState
from airflow_provider_ops.exceptions import NotFound, ServerError
from airflow_provider_ops.operation import OperationState

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ops.operation import Operation

    Make = Callable[..., Operation]

HANDLE = replace(Handle.placeholder("job.create", api="jobs", operation_id="op_1"), end_requested=True)


def waiting(*, asked: bool) -> WaitState:
    state = WaitState("op_1", now=0.0, policy=PollPolicy.every(5), deadline=3600.0)
    state.if_missing = partial(cancelled_and_gone, "op_1", "jobs") if asked else None
    return state


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("was_seen", [True, False])
def test_what_is_gone_after_our_cancel_was_cancelled_and_its_work_may_continue(
    operation: Make, status: int, *, was_seen: bool
) -> None:
    state = waiting(asked=True)
    if was_seen:
        state.on_result(operation(), 0.0)
    state.on_error(NotFound(status, "GONE", "no such operation"), 5.0)
    assert isinstance(state.outcome, Settled)
    ended = state.outcome.operation
    assert (ended.id, ended.state) == ("op_1", OperationState.CANCELLED)
    assert "may continue" in str(ended.error)


@pytest.mark.parametrize(
    ("asked", "error"), [(False, NotFound(404, "GONE", "no such operation")), (True, ServerError(503, "DOWN", "later"))]
)
def test_nothing_else_ends_the_wait(*, asked: bool, error: Any) -> None:
    state = waiting(asked=asked)
    state.on_error(error, 5.0)
    assert state.outcome is None


@pytest.mark.parametrize("stored", [HANDLE, HANDLE.to_dict()])
def test_only_what_the_submit_has_started_was_asked_to_end(stored: Any) -> None:
    assert was_asked_to_end(stored, "op_1")
    assert not was_asked_to_end(stored, "op_2")


@pytest.mark.parametrize("stored", [None, "op_1", {}, {"end_requested": True}, replace(HANDLE, end_requested=False)])
def test_anything_else_says_nothing(stored: Any) -> None:
    assert not was_asked_to_end(stored, "op_1")


def test_a_failure_stays_one_and_names_the_request(operation: Make) -> None:
    named = naming_the_request(operation("failed"))
    assert named.state is OperationState.FAILED
    assert "asked to end it" in str(named.error)


@pytest.mark.parametrize("state", ["succeeded", "cancelled", "running"])
def test_other_ends_say_what_the_api_says(operation: Make, state: str) -> None:
    assert naming_the_request(operation(state)) == operation(state)
