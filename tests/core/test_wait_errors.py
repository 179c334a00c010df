"""Polls that fail: what is tolerated, for how long, and what is said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_ops.core.poll_interval import PollPolicy, Tolerance
from airflow_provider_ops.core.wait_state import TimedOut, Unobservable
from airflow_provider_ops.exceptions import (
    ApiError,
    AuthenticationError,
    ConfigurationError,
    Conflict,
    InvalidRequest,
    NotFound,
    OpsError,
    PermissionDenied,
    RateLimited,
    ServerError,
    TransportError,
)
from airflow_provider_ops.operation import Operation
from tests.core.waits import START, api_error, watch

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Operation]


TOLERATED = [
    TransportError("reset"),
    TransportError("dns", reason="dns", maybe_executed=False),
    TransportError("not JSON", reason="unreadable"),
    TransportError("slow", reason="timeout"),
    api_error(ServerError, 500),
    api_error(ServerError, 503),
    api_error(RateLimited, 429),
    ConfigurationError("the connection is gone for a moment"),
]


@pytest.mark.parametrize("error", TOLERATED, ids=repr)
def test_an_error_that_says_nothing_about_the_operation_is_tolerated_until_the_deadline(error: OpsError) -> None:
    wait = watch(deadline=START + 3600)
    while wait.outcome is None:
        assert wait.next_poll_at <= START + 3600
        wait.on_error(error, wait.next_poll_at)
    assert wait.outcome == TimedOut(None, error)
    assert wait.next_poll_at == START + 3600


@pytest.mark.parametrize("interval", [0.5, 5.0, 60.0])
def test_the_pause_after_errors_is_bounded_by_three_intervals_and_a_quarter_of_what_was_lost(interval: float) -> None:
    wait = watch(policy=PollPolicy.every(interval), deadline=None)
    for now in range(7200):
        if now >= wait.next_poll - START:
            wait.on_error(TransportError("reset"), START + now)
            pause = wait.next_poll - START - now
            assert 0.9 * interval <= pause <= max(3 * interval, now / 4)


def test_a_short_outage_at_a_short_interval_is_not_made_longer_by_much() -> None:
    wait = watch(policy=PollPolicy.every(0.5))
    now = START
    while now < START + 15:
        wait.on_error(TransportError("reset"), now)
        now = wait.next_poll
    assert now <= START + 15 * 1.25


def test_errors_never_make_us_look_more_often_than_asked() -> None:
    wait = watch(policy=PollPolicy(first=300, factor=1, cap=300, jitter=0))
    wait.on_error(TransportError("reset"), START)
    assert wait.next_poll_at == START + 300


def test_after_an_error_the_usual_interval_returns(operation: Make) -> None:
    wait = watch()
    now = START
    for _ in range(6):
        wait.on_error(TransportError("reset"), now)
        now = wait.next_poll_at
    wait.on_result(operation(), now)
    assert wait.next_poll_at == now + 5
    wait.on_error(TransportError("reset"), wait.next_poll_at)
    assert wait.next_poll_at == now + 5 + 5


def test_retry_after_is_obeyed(operation: Make) -> None:
    wait = watch()
    wait.on_error(api_error(RateLimited, 429, retry_after=77), START)
    assert wait.next_poll_at == START + 77


def test_retry_after_does_not_reach_beyond_the_deadline() -> None:
    wait = watch(deadline=START + 60)
    wait.on_error(api_error(RateLimited, 429, retry_after=3600), START)
    assert wait.next_poll_at == START + 60


REFUSED = [
    (AuthenticationError, 401, Tolerance().refused),
    (PermissionDenied, 403, Tolerance().refused),
    (NotFound, 404, Tolerance().missing),
    (InvalidRequest, 400, Tolerance().invalid),
    (Conflict, 409, Tolerance().invalid),
    (ApiError, 418, Tolerance().invalid),
]


@pytest.mark.parametrize(("kind", "status", "limit"), REFUSED)
def test_a_refusal_is_tolerated_for_a_while_then_ends_the_wait_as_what_it_is(
    kind: type[ApiError], status: int, limit: float
) -> None:
    wait, error = watch(), api_error(kind, status)
    now = START
    while wait.outcome is None:
        now = wait.next_poll_at
        wait.on_error(error, now)
    assert wait.outcome == Unobservable(None, error)
    assert limit <= now - START <= limit + 35


@pytest.mark.parametrize(("kind", "status", "limit"), REFUSED)
def test_a_successful_look_begins_the_tolerance_anew(
    operation: Make, kind: type[ApiError], status: int, limit: float
) -> None:
    wait, error = watch(), api_error(kind, status)
    wait.on_error(error, START)
    wait.on_result(operation(), START + limit - 1)
    wait.on_error(error, START + limit + 1)
    assert wait.outcome is None
    assert wait.is_refused


def test_a_fault_in_between_begins_the_tolerance_anew() -> None:
    wait = watch()
    wait.on_error(api_error(AuthenticationError, 401), START)
    wait.on_error(TransportError("reset"), START + 100)
    wait.on_error(api_error(AuthenticationError, 401), START + 130)
    assert wait.outcome is None


def test_what_was_last_seen_goes_into_giving_up(operation: Make) -> None:
    wait, seen = watch(), operation("running", "database")
    wait.on_result(seen, START)
    wait.on_error(api_error(NotFound, 404), START + 5)
    wait.on_error(api_error(NotFound, 404), START + 70)
    assert isinstance(wait.outcome, Unobservable)
    assert wait.outcome.operation == seen


def test_errors_in_a_row_are_told_once_and_their_end_once(operation: Make) -> None:
    wait = watch()
    told = [wait.on_error(TransportError("reset"), START + second) for second in (0, 5, 10, 20)]
    assert [len(lines) for lines in told] == [1, 0, 0, 0]
    assert any("4 failed polls" in line for line in wait.on_result(operation(), START + 40))
    assert not wait.on_result(operation(), START + 45)


def test_an_api_that_errs_every_third_time_does_not_fill_the_log(operation: Make) -> None:
    wait = watch(deadline=START + 3600)
    lines, now = [], START
    for number in range(700):
        now = wait.next_poll_at
        if number % 3 == 2:
            lines += wait.on_error(api_error(ServerError, 503), now)
        else:
            lines += wait.on_result(operation("running", "database"), now)
        assert wait.outcome is None
    assert len(lines) < 30  # in about an hour


def test_an_outage_is_told_even_shortly_after_a_stumble(operation: Make) -> None:
    wait = watch()
    assert wait.on_error(TransportError("reset"), START)
    assert wait.on_result(operation(), START + 5)
    told = [wait.on_error(TransportError("down"), START + 10 + second) for second in range(0, 200, 10)]
    assert sum(map(len, told)) == 1
    assert wait.on_result(operation(), START + 300) == ["can poll again after 20 failed polls"]


def test_each_failed_poll_is_counted_by_one_line(operation: Make) -> None:
    wait = watch()
    error = api_error(ServerError, 503)
    for at, fails in ((0, False), (5, True), (10, False), (15, True), (20, True), (25, False)):
        wait.on_error(error, START + at) if fails else wait.on_result(operation(), START + at)
    lines = wait.on_result(operation("succeeded"), START + 30)
    counted = ["can poll again after 1 failed poll", "failed polls not listed above: 2"]
    assert [text for _, text in wait.timeline.entries if "failed poll" in text] == counted
    assert counted[1] in lines
    assert wait.failed_polls == 3


def test_what_fails_until_the_deadline_is_counted(operation: Make) -> None:
    wait = watch(deadline=START + 10)
    wait.on_result(operation(), START)
    for at in (5, 10):
        wait.on_error(api_error(ServerError, 503), START + at)
    assert [text for _, text in wait.timeline.entries][-2:] == ["failed polls up to here: 2", "deadline reached"]


def test_giving_up_is_in_the_timeline() -> None:
    wait = watch(tolerance=Tolerance(missing=10))
    for at in (0, 5, 10):
        wait.on_error(api_error(NotFound, 404), START + at)
    assert isinstance(wait.outcome, Unobservable)
    assert [text for _, text in wait.timeline.entries][-1] == "giving up after 3 failed polls"
