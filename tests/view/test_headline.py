"""The headline of the page says what has decided the wait."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_ops.core.aftermath import Aftermath
from airflow_provider_ops.core.history import WaitHistory
from airflow_provider_ops.core.poll_interval import PollPolicy, Tolerance
from airflow_provider_ops.core.wait_state import Outcome, Settled, TimedOut, WaitState
from airflow_provider_ops.exceptions import NotFound
from airflow_provider_ops.view import page_data
from tests.view.pages import BEGAN, START, instance, operation

LATE = TimedOut(operation(), None)


def ended(state: str) -> Settled:
    return Settled(operation(state, ended_at=BEGAN + timedelta(seconds=5)))


def waited(*outcomes: Outcome | None, **facts: Any) -> WaitHistory:
    """Return the record of a wait that is over."""
    wait = WaitHistory("onvera", "c", 1, "worker", is_over=True, **facts)
    for number, outcome in enumerate(outcomes):
        history = wait.operation(f"op_{number}")
        history.on_result(operation(), START)
        history.ended(outcome, None, START + 9)
    found = page_data.history_of(instance("failed"), wait.to_record(START + 9))
    assert found is not None
    return found


def headline(wait: WaitHistory, state: str = "failed", **facts: Any) -> tuple[str, str]:
    shown = page_data.shown(instance(state, **facts), wait, START + 99, live=None)
    found = shown["wait"]["headline"] if len(wait.operations) > 1 else shown["operations"][0]["headline"]
    return found["tone"], found["text"]


@pytest.mark.parametrize(
    ("wait_for", "outcomes", "tone", "text"),
    [
        ("any", (ended("failed"), None, ended("succeeded")), "done", "The first success ended the wait"),
        ("any", (ended("failed"), ended("cancelled")), "failed", "None of 2 succeeded"),
        ("any", (ended("failed"), LATE), "unknown", "Deadline passed: 1 of 2 still running"),
        ("all", (ended("failed"), None, ended("succeeded")), "failed", "1 of 3 failed"),
        ("all", (ended("cancelled"), None), "skipped", "1 of 2 cancelled"),
        ("all", (LATE, ended("succeeded")), "unknown", "Deadline passed: 1 of 2 still running"),
        ("all", (TimedOut(None, None), TimedOut(None, None)), "unknown", "Deadline passed: 2 of 2 still running"),
        ("all", (ended("succeeded"), ended("succeeded")), "done", "All succeeded"),
    ],
)
def test_of_several_operations_it_says_what_decided(
    wait_for: str, outcomes: tuple[Outcome | None, ...], tone: str, text: str
) -> None:
    assert headline(waited(*outcomes, wait_for=wait_for)) == (tone, text)


def test_while_several_are_waited_for_it_says_how_far_they_are() -> None:
    wait = WaitHistory("onvera", "c", 1, "triggerer", "any")
    wait.operation("op_0").on_result(operation("failed"), START)
    wait.operation("op_1").on_result(operation(), START)
    assert headline(wait, "deferred") == ("running", "0 of 2 succeeded")
    assert headline(wait, "failed") == ("unknown", "No longer waited for; 0 of 2 succeeded")


def test_what_is_read_after_the_wait_does_not_change_what_decided_it() -> None:
    wait = waited(LATE, ended("succeeded"))
    wait.operation("op_0").on_later_read(ended("failed").operation, START + 60)
    assert headline(wait) == ("unknown", "Deadline passed: all have settled since")


@pytest.mark.parametrize(
    ("policy", "later", "text"),
    [
        ("delete", None, "Deadline passed; then on_timeout=delete"),
        ("delete", "cancelled", "Deadline passed; cancelled by on_timeout=delete"),
        ("cancel", "succeeded", "Deadline passed; the operation succeeded since"),
        ("leave", None, "Deadline passed"),
        ("leave", "cancelled", "Deadline passed; the operation was cancelled since"),
    ],
)
def test_a_deadline_comes_before_what_the_policy_did(policy: str, later: str | None, text: str) -> None:
    wait = waited(LATE, on_timeout=policy, aftermath=Aftermath("as of then", START + 9))
    if later is not None:
        wait.operation("op_0").on_later_read(ended(later).operation, START + 60)
    assert headline(wait) == ("unknown", text)


@pytest.mark.parametrize(
    ("policy", "state", "tone", "text"),
    [
        ("delete", "cancelled", "skipped", "Cancelled by on_kill=delete"),
        ("leave", "cancelled", "unknown", "Continued after the task ended, and was cancelled"),
        ("delete", "succeeded", "unknown", "Continued after the task ended, and succeeded"),
    ],
)
def test_what_a_kill_was_to_do_is_no_trouble(policy: str, state: str, tone: str, text: str) -> None:
    wait = WaitHistory("onvera", "c", 1, "triggerer", on_kill=policy)
    wait.operation("op_0").on_result(operation(), START)
    stopped = {"end_date": (BEGAN + timedelta(seconds=1)).isoformat()}
    error = replace(ended(state).operation, ended_at=BEGAN + timedelta(seconds=2))
    wait.operation("op_0").on_later_read(error, START + 60)
    assert headline(wait, **stopped) == (tone, text)
    (one,) = page_data.shown(instance("failed", **stopped), wait, START + 99, live=None)["operations"]
    assert one["ended_by"] == ("on_kill=delete" if tone == "skipped" else None)


@pytest.mark.parametrize("state", ["failed", "skipped"])
def test_a_task_that_fails_after_its_deadline_without_a_record_has_run_out_of_time(state: str) -> None:
    wait = WaitHistory("onvera", "c", 1, "worker", deadline=START + 20)
    wait.operation("op_0").on_result(operation(), START + 10)
    stopped = {"end_date": (BEGAN + timedelta(seconds=21)).isoformat()}
    assert headline(wait, state, **stopped) == ("unknown", "Deadline passed")
    shown = page_data.shown(instance(state, **stopped), wait, START + 99, live=None)["wait"]
    assert (shown["ended_unrecorded"], shown["cause"]) == (False, None)


@pytest.mark.parametrize(
    ("said", "read", "tone", "text"),
    [
        (None, None, "pending", "Started; the task does not wait for it"),
        (operation(), None, "pending", "Started; the task does not wait for it"),
        (operation(), operation(), "running", "Running; the task does not wait for it"),
        (None, operation("succeeded"), "done", "Succeeded"),
    ],
)
def test_a_task_that_was_not_to_wait_is_no_trouble(said: Any, read: Any, tone: str, text: str) -> None:
    wait = WaitHistory("onvera", "c", 1, "worker", is_over=True)
    wait.operation("op_0").on_started(said, START)
    wait = page_data.history_of(instance("success"), wait.to_record(START)) or wait
    live = {"at": START + 50, "error": None, "read": ["op_0"]} if read else None
    if read:
        wait.operation("op_0").on_later_read(read, START + 50)
    shown = page_data.shown(instance("success"), wait, START + 99, live=live)
    assert (shown["operations"][0]["headline"]["tone"], shown["operations"][0]["headline"]["text"]) == (tone, text)


@pytest.mark.parametrize(("may_pass", "asks"), [(True, True), (False, False)])
def test_a_read_that_failed_for_now_is_tried_again(may_pass: bool, asks: bool) -> None:
    wait = WaitHistory("onvera", "c", 1, "worker", is_over=True)
    wait.operation("op_0").on_started(None, START)
    live = {"at": START, "error": "503", "may_pass": may_pass, "read": [], "resource_url": None}
    assert (page_data.shown(instance("success"), wait, START + 9, live=live)["refresh"] is not None) is asks


def test_what_was_never_seen_has_no_start() -> None:
    state = WaitState("op_0", now=START, policy=PollPolicy(), tolerance=Tolerance(missing=5))
    for at in (0, 3, 6):
        state.on_error(NotFound(404, "NO", "no such operation"), START + at)
    wait = WaitHistory("onvera", "c", 1, "worker", is_over=True)
    wait.record([state], START + 6)
    (one,) = page_data.shown(instance("failed"), wait, START + 9, live=None)["operations"]
    assert (one["state"], one["started_at"], one["failed_looks"]) == ("gave_up", None, 3)
    assert "tolerated" not in one["failed_note"]
    assert [entry["text"] for entry in one["log"]][-1] == "giving up after 3 failed polls"
