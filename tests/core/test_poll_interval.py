from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ops.core.poll_interval import PollPolicy, seconds_to_wait

policies = st.builds(
    PollPolicy,
    first=st.floats(0.01, 60),
    factor=st.floats(1, 3),
    cap=st.floats(0.01, 600),
    jitter=st.floats(0, 0.5),
)


def test_intervals_grow_from_the_first_to_the_cap() -> None:
    policy = PollPolicy(first=1, factor=2, cap=10, jitter=0)
    assert [policy.interval(looks, 0) for looks in range(6)] == [1, 2, 4, 8, 10, 10]


def test_a_given_interval_stays_steady() -> None:
    policy = PollPolicy.every(7)
    assert {policy.interval(looks, 0) for looks in (0, 1, 50, 10_000)} == {7}


def test_waits_with_a_given_interval_are_spread_so_that_they_do_not_look_together() -> None:
    assert PollPolicy.every(10).interval(0, 1) == pytest.approx(11)
    assert PollPolicy.every(10).interval(0, -1) == pytest.approx(9)


@given(policies, st.integers(0, 10**9), st.floats(-1, 1))
def test_an_interval_is_always_positive_finite_and_within_the_jitter_of_the_cap(
    policy: PollPolicy, looks: int, spread: float
) -> None:
    interval = policy.interval(looks, spread)
    assert 0 < interval <= policy.cap * (1 + policy.jitter) + 1e-9


@pytest.mark.parametrize(
    ("timeout", "execution_timeout", "expected"),
    [
        (600.0, None, 600.0),
        (600.0, timedelta(hours=1), 600.0),
        (7200.0, timedelta(hours=1), 3590.0),
        (7200.0, timedelta(seconds=20), 18.0),
        (3595.0, timedelta(hours=1), 3590.0),
    ],
)
def test_our_deadline_comes_before_the_end_that_airflow_sets(
    timeout: float, execution_timeout: timedelta | None, expected: float
) -> None:
    assert seconds_to_wait(timeout, execution_timeout) == expected
