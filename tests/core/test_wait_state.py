from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ops.core.changes import WarningLine
from airflow_provider_ops.core.timeline import Timeline
from airflow_provider_ops.core.wait_state import HEARTBEAT, Settled, TimedOut, Unobservable, WaitState
from airflow_provider_ops.exceptions import (
    AuthenticationError,
    InvalidRequest,
    NotFound,
    OpsError,
    RateLimited,
    ServerError,
    TransportError,
)
from airflow_provider_ops.operation import Operation, OperationState, Progress, Step
from tests.core.waits import START, STEADY, api_error, watch

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Operation]


def test_the_first_look_comes_at_once() -> None:
    assert watch().next_poll_at == START


def test_a_running_operation_is_looked_at_again_after_the_interval(operation: Make) -> None:
    wait = watch()
    wait.on_result(operation(), START)
    assert wait.outcome is None
    assert wait.next_poll_at == START + 5


@pytest.mark.parametrize("state", ["succeeded", "failed", "cancelled"])
def test_a_terminal_state_ends_the_wait_with_what_was_seen(operation: Make, state: str) -> None:
    wait, seen = watch(), operation(state)
    wait.on_result(seen, START)
    assert wait.outcome == Settled(seen)


@pytest.mark.parametrize("state", ["pending", "running", "unknown", "hibernating"])
def test_no_other_state_ends_the_wait_before_the_deadline(operation: Make, state: str) -> None:
    wait = watch(deadline=START + 1000)
    for second in range(0, 1000, 5):
        wait.on_result(operation(state), START + second)
        assert wait.outcome is None


# -- what is told


def test_each_change_of_state_or_phase_is_told_once_and_nothing_in_between(operation: Make) -> None:
    wait = watch()
    seen = [
        operation("pending"),
        operation("pending"),
        operation("running", "database"),
        operation("running", "database"),
        operation("running", "network"),
        operation("succeeded"),
    ]
    told = [wait.on_result(one, START + 5 * n) for n, one in enumerate(seen)]
    assert told == [["pending"], [], ["running (database)"], [], ["running (network)"], ["succeeded"]]
    assert wait.timeline.lines() == [
        "+0 s pending",
        "+10 s running (database)",
        "+20 s running (network)",
        "+25 s succeeded",
    ]


def test_an_unknown_status_is_warned_about_once_and_waited_on(operation: Make) -> None:
    wait = watch()
    told = [wait.on_result(operation("hibernating"), START + second) for second in (0, 5, 10)]
    assert [len(lines) for lines in told] == [1, 0, 0]
    assert "'hibernating'" in told[0][0]
    assert wait.on_result(operation("dreaming"), START + 15)


class _NoState:
    def explain_unknown_state(self, operation: Operation, *, listed: bool) -> str:
        return WarningLine(f"nothing says the state of {operation.id} ({listed})")


def test_the_warning_about_a_state_that_is_not_there_comes_once(operation: Make) -> None:
    wait = watch()
    wait.words = _NoState()
    said = [
        wait.on_result(operation(word), START + 5 * n)
        for n, word in enumerate(["missing", "missing", "running", "missing"])
    ]
    assert [isinstance(line, WarningLine) for lines in said for line in lines] == [True, False]


def test_a_heartbeat_follows_a_long_silence_and_only_then(operation: Make) -> None:
    wait = watch(deadline=START + 10_000)
    told = {second: wait.on_result(operation(), START + second) for second in range(0, 1000, 5)}
    spoken = [second for second, lines in told.items() if lines]
    assert spoken == [0, HEARTBEAT, 2 * HEARTBEAT, 3 * HEARTBEAT]


def test_a_step_that_waits_for_a_person_is_told_with_the_link(operation: Make) -> None:
    step = Step("approve plan", "waiting", needs_human=True)
    human = operation(url="https://ui/x")
    human = Operation(
        **{
            **{name: getattr(human, name) for name in human.__slots__},
            "progress": Progress(phase="approval", steps=(step,)),
        }
    )
    wait = watch()
    lines = wait.on_result(human, START)
    assert any("approve plan" in line and "https://ui/x" in line for line in lines)
    assert not wait.on_result(human, START + 5)


# -- the deadline


def test_the_last_look_falls_on_the_deadline_exactly(operation: Make) -> None:
    wait = watch(deadline=START + 7)
    wait.on_result(operation(), START)
    wait.on_result(operation(), START + 5)
    assert wait.next_poll_at == START + 7
    wait.on_result(operation(), START + 7)
    assert wait.outcome == TimedOut(operation(), None)


@pytest.mark.parametrize("state", ["succeeded", "failed", "cancelled"])
def test_an_end_seen_at_the_deadline_or_after_it_counts(operation: Make, state: str) -> None:
    for late in (0, 30):
        wait = watch(deadline=START + 7)
        wait.on_result(operation(), START)
        wait.on_result(operation(state), START + 7 + late)
        assert wait.outcome == Settled(operation(state))


def test_a_deadline_that_has_passed_already_still_grants_one_look(operation: Make) -> None:
    wait = watch(deadline=START - 100)
    assert wait.outcome is None
    assert wait.next_poll_at == START
    wait.on_result(operation("succeeded"), START)
    assert isinstance(wait.outcome, Settled)


def test_the_timeout_tells_why_the_last_look_failed(operation: Make) -> None:
    wait, error = watch(deadline=START + 5), TransportError("reset")
    wait.on_result(operation(), START)
    wait.on_error(error, START + 5)
    assert wait.outcome == TimedOut(operation(), error)


def test_without_a_deadline_the_wait_goes_on(operation: Make) -> None:
    wait = watch(deadline=None)
    wait.on_result(operation(), START + 10**8)
    assert wait.outcome is None


# -- long polls


def test_time_the_api_held_the_answer_back_counts_as_part_of_the_interval(operation: Make) -> None:
    wait = watch()
    wait.on_result(operation(), START + 30, waited=30)
    assert wait.next_poll_at == START + 30
    wait.on_result(operation(), START + 31, waited=1)
    assert wait.next_poll_at == START + 35


def test_a_long_poll_that_answers_at_once_does_not_become_a_busy_loop(operation: Make) -> None:
    wait = watch()
    wait.on_result(operation(), START, waited=0)
    assert wait.next_poll_at == START + 5


# -- everything at once

events = st.lists(
    st.tuples(
        st.sampled_from(["pending", "running", "hibernating", "reset", "429", "401", "404", "400", "500"]),
        st.floats(0, 20),
    ),
    max_size=60,
)
ERRORS: dict[str, OpsError] = {
    "reset": TransportError("reset"),
    "429": api_error(RateLimited, 429, retry_after=1e9),
    "401": api_error(AuthenticationError, 401),
    "404": api_error(NotFound, 404),
    "400": api_error(InvalidRequest, 400),
    "500": api_error(ServerError, 500),
}


@given(events, st.floats(0, 500))
def test_whatever_is_seen_the_next_look_is_in_time_and_the_end_is_never_before_the_deadline_by_a_passing_fault(
    seen: list[tuple[str, float]], limit: float
) -> None:
    deadline = START + limit
    wait, now = watch(deadline=deadline), START
    for what, late in seen:
        now = max(now, wait.next_poll_at) + late
        if what in ERRORS:
            wait.on_error(ERRORS[what], now)
        else:
            known = OperationState(what) if what != "hibernating" else OperationState.UNKNOWN
            wait.on_result(Operation("op_1", "onvera", "k", known, what), now)
        if isinstance(wait.outcome, Unobservable):
            assert what in {"401", "404", "400"}
        if isinstance(wait.outcome, TimedOut):
            assert now >= deadline
        if wait.outcome is not None:
            return
        assert now <= wait.next_poll_at <= deadline


def test_the_timeline_of_an_earlier_leg_can_be_continued(operation: Make) -> None:
    earlier = Timeline(START, [(0.0, "pending")])
    wait = WaitState("op_1", now=START + 100, policy=STEADY, timeline=earlier)
    wait.on_result(operation(), START + 100)
    assert wait.timeline.lines() == ["+0 s pending", "+100 s running"]
