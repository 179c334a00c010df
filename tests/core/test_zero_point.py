"""What durations count from: one moment for logs, messages and the tab."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.core.operation_history import OperationHistory
from airflow_provider_ops.core.timeline import Timeline
from airflow_provider_ops.core.wording import elapsed, settled_badly
from airflow_provider_ops.core.zero_point import ZeroPoint, zero_point
from airflow_provider_ops.operation import Operation, OperationState

BEGAN = datetime(2026, 1, 1, tzinfo=timezone.utc)
START = BEGAN.timestamp()
BARE = Operation("op_1", "onvera", "k", OperationState.FAILED, "failed")


@pytest.mark.parametrize(
    ("facts", "zero"),
    [
        ({"created_at": BEGAN}, ZeroPoint(START, "started")),
        ({"created_at": BEGAN, "started_at": BEGAN + timedelta(seconds=9)}, ZeroPoint(START, "started")),
        ({}, ZeroPoint(START + 20, "submitted")),
    ],
)
def test_the_operations_own_start_comes_first(facts: dict[str, Any], zero: ZeroPoint) -> None:
    operation = replace(BARE, **facts)
    assert zero_point(operation, START + 20, START + 30) == zero


def test_without_it_the_submit_counts_and_then_the_first_poll() -> None:
    assert zero_point(None, START, START + 9) == ZeroPoint(START, "submitted")
    assert zero_point(BARE, None, START + 9) == ZeroPoint(START + 9, "first seen")
    assert zero_point(BARE, 0.0, 0.0) is None


def test_what_is_not_the_operations_own_start_is_named() -> None:
    assert ZeroPoint(0.0, "started").label == ""
    assert "submit" in ZeroPoint(0.0, "submitted").label
    assert "first poll" in ZeroPoint(0.0, "first seen").label


def test_a_history_counts_from_the_same_moment() -> None:
    history = OperationHistory("op_1")
    history.on_result(BARE, START + 5)
    assert history.zero_point == ZeroPoint(START + 5, "first seen")
    history.submitted_at = START + 1
    assert history.zero_point == ZeroPoint(START + 1, "submitted")


def test_a_timeline_counts_from_any_moment() -> None:
    timeline = Timeline(START + 100)
    for at, text in ((100, "queued"), (103, "running"), (112, "succeeded")):
        timeline.add(START + at, text)
    assert timeline.lines() == ["+0 s queued", "+3 s running", "+12 s succeeded"]
    assert timeline.lines(START + 103) == ["+0 s queued", "+0 s running", "+9 s succeeded"]


@pytest.mark.parametrize(
    ("facts", "submitted_at", "said"),
    [
        ({"created_at": BEGAN}, START + 40, " after 1 minute"),
        ({}, START, " 1 minute after its submit"),
        # the clock of the API is behind ours
        ({}, START + 61, ""),
        ({}, None, ""),
    ],
)
def test_how_long_an_operation_took(facts: dict[str, Any], submitted_at: float | None, said: str) -> None:
    operation = replace(BARE, ended_at=BEGAN + timedelta(minutes=1), **facts)
    assert elapsed(operation, submitted_at) == said
    assert elapsed(replace(operation, ended_at=None), submitted_at) == ""


def test_a_failure_counts_from_the_submit_that_its_handle_knows() -> None:
    failed = replace(BARE, ended_at=BEGAN + timedelta(minutes=1))
    handle = replace(Handle.placeholder("k", operation_id="op_1"), submitted_at=START)
    assert "failed: " in str(settled_badly(failed, handle=handle)), "no submit is known without a key"
    assert "failed 1 minute after its submit: " in str(settled_badly(failed, handle=replace(handle, key="key")))
