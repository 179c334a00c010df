"""Records and pages for tests."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from airflow_provider_ops.core.history import WaitHistory
from airflow_provider_ops.operation import Operation, OperationState, Progress, Step
from airflow_provider_ops.view import page_data

BEGAN = datetime(2026, 3, 1, 8, tzinfo=timezone.utc)
START = BEGAN.timestamp()


def instance(state: str | None = "deferred", **facts: Any) -> dict[str, Any]:
    plain = {"state": state, "try_number": 1, "max_tries": 1, "task_id": "t", "map_index": -1, "start_date": None}
    return {**plain, "end_date": None, "rendered_fields": {"conn_id": "c"}, **facts}


def operation(state: str = "running", phase: str | None = None, *steps: Step, **facts: Any) -> Operation:
    progress = Progress(phase=phase, steps=steps) if phase or steps else None
    return Operation("op_1", "onvera", "k", OperationState(state), state, progress=progress, started_at=BEGAN, **facts)


def record(*operations: Operation, try_number: int = 1) -> dict[str, Any]:
    story = WaitHistory("onvera", "c", try_number, "triggerer", "all", START + 3600)
    for number, one in enumerate(operations):
        story.operation(f"op_{number}").on_result(one, START + 10)
    return story.to_record(START + 10)


def page(ti: dict[str, Any], kept: Any, **more: Any) -> dict[str, Any]:
    story = page_data.history_of(ti, kept)
    assert story is not None
    return page_data.shown(ti, story, START + 20, live=more.get("live"))
