from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ops.core import poll_batching


@pytest.mark.parametrize(
    ("waits", "pages", "lists"),
    [(0, 0, False), (3, 1, False), (4, 1, True), (100, 1, True), (100, 50, False), (10_000, 100, True)],
)
def test_lists_are_read_when_they_cost_less_than_reads(waits: int, pages: int, lists: bool) -> None:
    assert poll_batching.are_lists_cheaper(waits, pages) is lists


@given(st.floats(0.1, 600), st.integers(0, 2000))
def test_looks_come_more_often_than_a_single_wait_would_look_until_pages_are_many(interval: float, pages: int) -> None:
    assert 0 < poll_batching.pause_between_quick_scans(interval, pages) <= (0.5 if pages <= 12 else 1.72) * interval
    assert poll_batching.pause_between_quick_scans(interval, pages, in_doubt=True) <= 0.5 * interval


def test_more_pages_cost_less_than_in_proportion() -> None:
    def per_second(pages: int) -> float:
        return pages / poll_batching.pause_between_quick_scans(5.0, pages)

    assert per_second(100) < 4 * per_second(10)


def test_pages_are_read_together_where_many_are_expected() -> None:
    assert [poll_batching.pages_together(expected) for expected in (-1, 0, 2, 10, 100)] == [1, 1, 2, 8, 8]


@given(st.integers(1, 20_000))
def test_the_first_look_is_not_later_than_any_other(waits: int) -> None:
    assert 0.0 <= poll_batching.first_poll(5.0, waits) <= poll_batching.pause_between_quick_scans(5.0, waits // 100)


@pytest.mark.parametrize(
    ("waits", "pause"), [(4, 0.0), (500, 0.0), (1000, 2.25), (20_000, 8.6)], ids=["few", "some", "many", "thousands"]
)
def test_many_are_looked_at_for_the_first_time_when_all_are_there(waits: int, pause: float) -> None:
    assert poll_batching.first_poll(5.0, waits) == pytest.approx(pause)


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 1000), st.integers(0, 1000))
def test_a_sweep_comes_before_two_intervals_are_over(pages: int, depth: int, ends: int, waits: int) -> None:
    pause, since = poll_batching.pause_between_quick_scans(5.0, pages), 0.0
    while not poll_batching.is_full_scan_due(5.0, since, pause, pages=pages, depth=depth, ends=ends, waits=waits):
        since += pause
    assert since < 9.25


def test_a_peek_comes_first_where_it_is_the_cheaper_look() -> None:
    def is_full(**known: int) -> bool:
        return poll_batching.is_full_scan_due(5.0, 2.0, 2.0, **known)

    assert not is_full(pages=10, depth=1, ends=50, waits=900)
    assert is_full(pages=1, depth=10, ends=3, waits=900)
    assert is_full(pages=10, depth=0, ends=0, waits=900)
    assert is_full(pages=1, depth=10, ends=50, waits=9)
    assert not is_full(pages=1, depth=10, ends=50, waits=10)


def test_the_budget_says_how_long_a_look_takes() -> None:
    assert poll_batching.seconds_for_all(100, 5.0) == 20.0
    assert poll_batching.seconds_for_all(100, None) == 0.0


@pytest.mark.parametrize(("took", "latest"), [(0.0, 8.6), (1.0, 9.6), (3.0, 10.0), (7.0, 10.0)])
def test_however_long_a_sweep_takes_what_it_just_missed_is_known_within_two_intervals(
    took: float, latest: float
) -> None:
    pause = poll_batching.pause_between_quick_scans(5.0, 1000, took=took)
    assert pause + took == pytest.approx(latest)
