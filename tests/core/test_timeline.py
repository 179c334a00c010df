from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ops.core.timeline import Timeline


def filled(count: int) -> Timeline:
    timeline = Timeline(start=100.0)
    for number in range(count):
        timeline.add(100.0 + number, f"change {number}")
    return timeline


def test_a_timeline_keeps_the_first_and_the_latest_and_counts_the_rest() -> None:
    timeline = filled(500)
    lines = timeline.lines()
    assert lines[0] == "+0 s change 0"
    assert lines[-1] == "+499 s change 499"
    assert lines[10] == "(470 more changes)"
    assert len(timeline.entries) == 30


def test_a_timeline_stays_small_whatever_the_api_says() -> None:
    timeline = Timeline(0.0)
    for number in range(1000):
        timeline.add(number, "x" * 100_000)
    assert len(json.dumps(timeline.to_dict())) < 15_000


@given(st.integers(0, 60))
def test_a_timeline_survives_the_journey_through_json(count: int) -> None:
    timeline = filled(count)
    back = Timeline.from_dict(json.loads(json.dumps(timeline.to_dict())))
    assert back.lines() == timeline.lines()
    assert back.start == timeline.start


def test_a_timeline_of_another_release_is_read_as_far_as_it_goes() -> None:
    assert Timeline.from_dict({}).lines() == []
    assert Timeline.from_dict({"start": 1.0, "entries": [[2, "x"]], "colour": "red"}).lines() == ["+2 s x"]
