"""What the fleet is judged by."""

from __future__ import annotations

import pytest

from dev import marked
from dev.fleet.measure import Ends, busiest, spread_of, submit_waits


def test_the_busiest_second_is_found_wherever_it_begins() -> None:
    assert busiest([]) == (0, 0.0)
    assert busiest([5.0, 0.0, 0.4, 0.9, 1.1, 1.3]) == (4, 0.4)
    assert busiest([0.0, 1.0]) == (1, 0.0), "a second later is another second"


def test_an_end_is_found_once() -> None:
    ends = Ends.of([{"end": "a"}, {"sent": 1.0}, {"end": "b"}, {"end": "a"}], ["a", "b", "c"])
    assert (ends.found, ends.missing, ends.twice) == (2, ["c"], ["a"])


def test_processes_that_lived_long_enough_are_compared() -> None:
    steady = [{"sent": float(second)} for second in range(21)]
    twice = [{"sent": second / 2} for second in range(41)]
    assert spread_of([steady, twice, steady[:3]]) == (21 / 20, 41 / 20)
    assert submit_waits([{"submitted": "a", "waited": 1.0}, {"failed": "x", "waited": 9.0}]) == [1.0]


def test_a_page_without_marks_is_not_written() -> None:
    assert marked.replaced("a\n<!-- t -->\nold\n<!-- end of t -->\nb\n", "t", "new\n") == (
        "a\n<!-- t -->\n\nnew\n\n<!-- end of t -->\nb\n"
    )
    with pytest.raises(ValueError, match="lacks"):
        marked.replaced("a\n", "t", "new")
