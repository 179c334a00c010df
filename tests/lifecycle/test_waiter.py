"""What a leg logs of the wait in the triggerer, and what its seconds count from."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_ops.core.event_codec import to_event
from airflow_provider_ops.core.gate import LineLog
from airflow_provider_ops.core.history import read_record
from airflow_provider_ops.core.poll_interval import PollPolicy
from airflow_provider_ops.core.wait_state import WaitState
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.lifecycle.options import WaitOptions
from airflow_provider_ops.lifecycle.waiter import Waiter
from airflow_provider_ops.operation import Operation, OperationState
from airflow_provider_ops.view import page_data

BEGAN = datetime(2026, 1, 1, tzinfo=timezone.utc)
START = BEGAN.timestamp()
#: The API says nothing about times.
TIMELESS = Operation("op_1", "onvera", "k", OperationState.RUNNING, "running")


def event(first: Operation) -> dict[str, Any]:
    """Return the event of a trigger that began a minute after the operation and saw its end 30 s later."""
    state = WaitState("op_1", now=START + 60, policy=PollPolicy())
    state.on_result(first, START + 60)
    state.on_result(replace(first, state=OperationState.SUCCEEDED, raw_state="succeeded"), START + 90)
    return to_event([state])


def refuse(*_arguments: Any, **_more: Any) -> Any:
    raise ConnectionError


@pytest.mark.parametrize("has_record", [True, False])
@pytest.mark.parametrize(
    ("first", "submitted_at", "line"),
    [
        (replace(TIMELESS, created_at=BEGAN), None, "op_1 while deferred: +60 s running; +90 s succeeded"),
        (TIMELESS, START + 50, "op_1 while deferred, counted from its submit: +10 s running; +40 s succeeded"),
        (TIMELESS, None, "op_1 while deferred, counted from its first poll: +0 s running; +30 s succeeded"),
    ],
)
def test_the_seconds_of_the_log_are_those_of_the_tab(
    first: Operation,
    submitted_at: float | None,
    line: str,
    has_record: bool,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    records: list[Any] = []
    module = "airflow_provider_ops.lifecycle.worker_reporter"
    monkeypatch.setattr(f"{module}.pull_plain", lambda *_: None if has_record else refuse())
    monkeypatch.setattr(f"{module}.push_plain", lambda _ti, _key, record: records.append(record))
    options = WaitOptions(defer=refuse, make_trigger=refuse)
    log = LineLog(logging.getLogger(__name__))
    ti = SimpleNamespace(try_number=1)
    waiter = Waiter(OnveraHook(), options, ti, log, deadline=START + 600, is_resumed=True, store=None)
    if submitted_at is not None:
        waiter.reporter.began("op_1", submitted_at)
    with caplog.at_level(logging.INFO):
        waiter.resume(event(first))
    assert caplog.messages == [line]
    if has_record:
        history = read_record(records[-1])
        assert history is not None
        instance = {"try_number": 1, "state": "success"}
        (shown,) = page_data.shown(instance, history, START + 100, live=None)["operations"]
        assert [f"{entry['after']:+.0f} s {entry['text']}" for entry in shown["log"]] == line.split(": ")[1].split("; ")
        assert shown["log"][0]["at"] - shown["log"][0]["after"] == shown["started_at"]
