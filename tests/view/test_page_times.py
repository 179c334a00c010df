"""Phases, steps and times of the page: what is known of them, and what is not made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from airflow_provider_ops.core.history import WaitHistory
from airflow_provider_ops.core.operation_history import OperationHistory
from airflow_provider_ops.core.wait_state import Settled
from airflow_provider_ops.operation import Step
from airflow_provider_ops.view import page_data
from airflow_provider_ops.view.rows import rows_of, step_state
from tests.view.pages import BEGAN, START, instance, operation, page, record


def test_the_first_phase_begins_when_it_was_first_seen() -> None:
    chapter = OperationHistory("op_1")
    chapter.on_result(operation("running", "third"), START + 1800)
    chapter.on_result(operation("running", "fourth"), START + 1830)
    rows, _ = rows_of(chapter, None)
    assert [(row["name"], row["start"] - START, row["is_longer"]) for row in rows] == [
        ("third", 1800, True),
        ("fourth", 1830, False),
    ]


def test_a_step_that_was_running_when_it_was_first_seen_may_have_run_before() -> None:
    chapter = OperationHistory("op_1")
    chapter.on_result(operation("running", None, Step("a", "running"), Step("b", "pending")), START + 60)
    chapter.on_result(operation("running", None, Step("a", "completed"), Step("b", "running")), START + 90)
    rows, _ = rows_of(chapter, None)
    assert [row["is_longer"] for row in rows] == [True, False]


@pytest.mark.parametrize(
    ("created", "submitted", "known"),
    [
        (BEGAN, START - 1, (START, "started")),
        (None, START - 1, (START - 1, "submitted")),
        (None, None, (START + 10, "first seen")),
    ],
)
def test_how_the_start_is_known_is_said(
    created: datetime | None, submitted: float | None, known: tuple[float, str]
) -> None:
    story = WaitHistory("onvera", "c", 1, "worker")
    chapter = story.operation("op_0")
    chapter.submitted_at = submitted
    chapter.on_result(replace(operation(), started_at=None, created_at=created), START + 10)
    (one,) = page(instance(), story.to_record(START + 10))["operations"]
    assert (one["started_at"], one["start_is"]) == known


def test_phases_follow_each_other_up_to_the_end() -> None:
    chapter = OperationHistory("op_1")
    for at, phase in ((2, "one"), (10, "two")):
        chapter.on_result(operation("running", phase), START + at)
    ended = operation("failed", "two", ended_at=BEGAN + timedelta(seconds=30))
    chapter.ended(Settled(ended), None, START + 31)
    rows, title = rows_of(chapter, START + 30)
    spans = [(row["name"], row["start"] - START, row["end"] - START, row["state"]) for row in rows]
    assert (title, spans) == ("Phases", [("one", 2, 10, "done"), ("two", 10, 30, "failed")])


def test_steps_have_their_own_times_or_those_at_which_they_were_seen() -> None:
    times: dict[str, Any] = {"started_at": BEGAN, "ended_at": BEGAN + timedelta(seconds=5)}
    chapter = OperationHistory("op_1")
    chapter.on_result(
        operation("running", None, Step("a", "completed", **times), Step("b", "pending"), Step("c", "running")),
        START + 3,
    )
    chapter.on_result(
        operation("running", None, Step("a", "completed", **times), Step("b", "running"), Step("c", "succeeded")),
        START + 9,
    )
    rows, _ = rows_of(chapter, None)
    assert [(row["name"], row["observed"], row["start"], row["end"]) for row in rows] == [
        ("a", False, START, START + 5),
        ("b", True, START + 9, None),
        ("c", True, START + 3, START + 9),
    ]


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("COMPLETED", "done"),
        ("In-Progress", "running"),
        ("failed", "failed"),
        ("skipped", "skipped"),
        ("hibernating", "unknown"),
    ],
)
def test_the_words_of_the_apis_are_understood(word: str, state: str) -> None:
    assert step_state(word) == state


def test_what_nobody_watched_has_no_duration() -> None:
    ti = instance("failed")
    story = page_data.history_of(ti, record(operation("running", "one")))
    assert story is not None
    story.operation("op_0").on_result(operation("running", "two"), START + 400)
    live = {"at": START + 400, "error": None, "read": ["op_0"]}
    (one,) = page_data.shown(ti, story, START + 400, live=live)["operations"]
    assert [(row["name"], row["end"], row["until"]) for row in one["rows"]] == [
        ("one", None, START + 10),
        ("two", None, None),
    ]


@pytest.mark.parametrize(("state", "sign"), [("succeeded", "done"), ("failed", "unknown")])
def test_what_settled_after_a_kill_was_watched_up_to_the_kill(state: str, sign: str) -> None:
    # the kill has written into the record after the task ended
    ti = instance("failed", end_date=(BEGAN + timedelta(seconds=8)).isoformat())
    story = WaitHistory("onvera", "c", 1, "triggerer")
    for at, phase in ((1, "queued"), (6, "installing")):
        story.operation("op_0").on_result(operation("running", phase), START + at)
    story = page_data.history_of(ti, story.to_record(START + 12)) or story
    ended = operation(state, "done", ended_at=BEGAN + timedelta(seconds=30))
    story.operation("op_0").ended(Settled(ended), None, START + 40)
    live = {"at": START + 40, "error": None, "read": ["op_0"]}
    (one,) = page_data.shown(ti, story, START + 40, live=live)["operations"]
    assert one["continued"]
    assert [(row["name"], row["state"], row["end"], row["until"]) for row in one["rows"]] == [
        ("queued", "done", START + 6, START + 6),
        ("installing", sign, None, START + 8),
    ]
    assert one["rows"][1]["at_least"] == 2


def test_no_phase_goes_on_after_the_end_that_the_api_gives() -> None:
    chapter = OperationHistory("op_1")
    for at, phase in ((0, "queued"), (4, "cancelling")):
        chapter.on_result(operation("running", phase), START + at)
    chapter.ended(Settled(operation("cancelled", ended_at=BEGAN + timedelta(seconds=2))), None, START + 5)
    rows, _ = rows_of(chapter, START + 2)
    assert [(row["start"] - START, row["end"] - START) for row in rows] == [(0, 2), (4, 4)]


def test_an_end_that_nobody_gave_is_not_made_up() -> None:
    step = Step("a", "completed", started_at=BEGAN)
    chapter = OperationHistory("op_1")
    chapter.on_result(operation("succeeded", None, step), START + 9)
    ((row,), _) = rows_of(chapter, START + 9)
    assert (row["start"], row["end"], row["until"]) == (START, None, START + 9)
    done = operation("succeeded")
    without = instance("success", end_date="2026-03-01T09:00:00Z")
    story = page_data.history_without_record(without, "op_1", {"operation": done.to_dict()})
    assert story is not None
    (one,) = page_data.shown(without, story, START + 20, live=None)["operations"]
    assert (one["state"], one["is_settled"], one["ended_at"]) == ("succeeded", True, None)
