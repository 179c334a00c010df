"""Pauses while something fails."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ops.core.backoff import Backoff


@pytest.mark.parametrize(
    ("lasted", "pause"), [(0.0, 5.0), (19.0, 5.0), (40.0, 10.0), (400.0, 60.0)], ids=["first", "soon", "grown", "bound"]
)
def test_the_pause_grows_with_what_was_lost_between_two_bounds(lasted: float, pause: float) -> None:
    assert Backoff(shortest=5.0, longest=60.0).pause(lasted) == pause


def test_a_share_of_one_doubles_the_elapsed_time() -> None:
    backoff, elapsed, pauses = Backoff(shortest=1.0, longest=30.0, share=1.0), 0.0, []
    for _ in range(7):
        pauses.append(backoff.pause(elapsed))
        elapsed += pauses[-1]
    assert pauses == [1, 1, 2, 4, 8, 16, 30]


@given(st.floats(0.01, 600), st.floats(0.01, 600), st.floats(0, 1e6))
def test_no_bound_below_the_shortest_pause_shortens_it(shortest: float, longest: float, lasted: float) -> None:
    assert shortest <= Backoff(shortest, longest).pause(lasted) <= max(shortest, longest)
