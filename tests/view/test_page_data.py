"""From what Airflow knows to what the page shows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_ops.core.aftermath import Aftermath, Deletion
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.core.history import MOST_OPERATIONS, WaitHistory
from airflow_provider_ops.core.timeline import Timeline
from airflow_provider_ops.core.wait_state import TimedOut
from airflow_provider_ops.operation import Operation
from airflow_provider_ops.view import page_data
from tests.view.pages import BEGAN, START, instance, operation, page, record


@pytest.mark.parametrize(
    ("state", "ours", "status"),
    [
        ("success", False, "not_ours"),
        (None, True, "not_started"),
        ("queued", True, "not_started"),
        ("running", True, "submitting"),
        ("up_for_retry", True, "between"),
        ("failed", True, "no_operation"),
    ],
)
def test_a_task_without_an_operation_is_explained(state: str | None, ours: bool, status: str) -> None:
    ti = instance(state)
    assert page_data.without_operation(ti, ours=ours) == status
    shown = page_data.empty(status, ti, START)
    assert shown["title"]
    assert shown["hint"]


@pytest.mark.parametrize(
    ("state", "one", "status", "refreshes"),
    [
        ("deferred", operation(), "waiting", True),
        ("deferred", operation("succeeded"), "resuming", True),
        ("up_for_retry", operation("failed"), "between", True),
        ("success", operation("succeeded"), "over", False),
        ("failed", operation(), "over", False),
    ],
)
def test_the_page_stops_asking_when_all_is_over(state: str, one: Operation, status: str, refreshes: bool) -> None:
    shown = page(instance(state), record(one))
    assert (shown["status"], shown["refresh"] is not None) == (status, refreshes)


@pytest.mark.parametrize(("state", "try_number"), [(None, 1), ("restarting", 1), ("scheduled", 2), ("queued", 2)])
def test_what_was_kept_before_a_clear_is_not_taken_for_the_next_run(state: str | None, try_number: int) -> None:
    assert page_data.history_of(instance(state, try_number=try_number), record(operation("succeeded"))) is None


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("deferred", "resuming"),
        ("scheduled", "resuming"),
        ("queued", "resuming"),
        ("running", "settled"),
        ("up_for_reschedule", "settled"),
    ],
)
def test_only_a_task_that_has_deferred_is_said_to_resume(state: str, status: str) -> None:
    assert page(instance(state), record(operation("succeeded")))["status"] == status


def test_a_sensor_between_two_polls_waits_for_no_retry() -> None:
    assert page(instance("up_for_reschedule"), record(operation()))["status"] == "waiting"
    assert page_data.without_operation(instance("up_for_reschedule"), ours=True, submits=False) == "not_polled"


@pytest.mark.parametrize(("state", "status"), [("running", "not_polled"), ("failed", "never_polled")])
def test_a_sensor_submits_nothing(state: str, status: str) -> None:
    task = {"class_ref": {"module_path": "airflow_provider_ops.sensors.operation"}, "extra_links": []}
    assert not page_data.submits(task)
    assert page_data.without_operation(instance(state), ours=True, submits=page_data.submits(task)) == status
    shown = page_data.empty(status, instance(state), START)
    assert "submit" not in shown["title"] + shown["hint"]
    assert (shown["refresh"] is None) == (state == "failed")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("success", "marked success"),
        ("failed", "marked failed"),
        ("skipped", "DAG run takes too long"),
        ("removed", "is gone"),
    ],
)
def test_why_the_task_ended_is_said_as_far_as_its_state_shows_it(state: str, said: str) -> None:
    story = WaitHistory("onvera", "c", 1, "triggerer", on_kill="cancel")
    story.operation("op_0").on_result(operation(), START)
    shown = page(instance(state), story.to_record(START))["wait"]
    assert said in shown["cause"]
    assert (shown["on_kill"], shown["left"]) == ("cancel", None)


@pytest.mark.parametrize(
    ("policy", "seconds", "asks"),
    [("cancel", 10, True), ("cancel", 600, False), ("leave", 10, False), (None, 10, False)],
)
def test_the_page_asks_on_while_a_kill_may_be_recorded(policy: str | None, seconds: int, asks: bool) -> None:
    story = WaitHistory("onvera", "c", 1, "triggerer", on_kill=policy)
    story.operation("op_0").on_result(operation(), START)
    ended = instance("failed", end_date=(BEGAN + timedelta(seconds=20 - seconds)).isoformat())
    assert (page(ended, story.to_record(START))["refresh"] is not None) is asks
    story.aftermath = Aftermath("asked to cancel", START)
    assert page(ended, story.to_record(START))["refresh"] is None


def test_what_a_try_has_left_behind_is_said() -> None:
    story = WaitHistory("onvera", "c", 1, "worker", is_over=True)
    story.operation("op_0").on_result(operation("failed"), START)
    story.aftermath = Aftermath("nothing was removed", START + 9, "deployment dep_1", "javascript:alert(1)")
    left = page(instance("failed"), story.to_record(START + 9))["wait"]["left"]
    assert left == {
        "text": "nothing was removed.",
        "at": START + 9,
        "resource": "deployment dep_1",
        "url": None,
        "sweep": None,
    }
    story.aftermath = Aftermath("as of then", START + 9, deletion=Deletion("vm 1", "op_2", "on_kill=delete", "Cleared"))
    left = page(instance("failed"), story.to_record(START + 9))["wait"]["left"]
    assert left["text"] == "Cleared. on_kill=delete: the deletion of vm 1 was asked for (operation op_2)."
    forged = {**story.to_record(START), "aftermath": [1]}
    assert page(instance("failed"), forged)["wait"]["left"] is None


def stored(operation_id: str = "op_0", **facts: Any) -> dict[str, Any]:
    """Return the handle of a create, as it is stored."""
    made = Handle.placeholder(
        "deployment.create", operation_id=operation_id, resource_type="deployment", resource_id="dep_1"
    )
    return {**made.to_dict(), **facts}


SWEEP = "airflow operations sweep --dag-id etl --run-id 'manual run'"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("succeeded", "operation op_0 continued and succeeded; deployment dep_1 exists unless it was deleted since."),
        ("failed", "operation op_0 continued and ended (failed); deployment dep_1 may remain."),
        ("running", "operation op_0 continued, and deployment dep_1 exists or is being made."),
    ],
)
def test_what_a_kill_with_leave_has_left_is_said(state: str, said: str) -> None:
    story = WaitHistory("onvera", "c", 1, "triggerer", on_kill="leave")
    story.operation("op_0").on_result(operation(state), START + 60)
    ti = instance("failed", dag_id="etl", dag_run_id="manual run")
    left = page_data.shown(ti, story, START + 99, live=None, stored=stored())["wait"]["left"]
    assert left["text"].startswith("The task was marked failed")
    assert left["text"].endswith(f". on_kill=leave: {said}")
    assert (left["resource"], left["sweep"]) == ("deployment dep_1", SWEEP)


@pytest.mark.parametrize(
    ("kept", "policy", "state"),
    [
        (None, "leave", "failed"),
        ({"operation_id": "op_0"}, "leave", "failed"),
        (stored(creates=False), "leave", "failed"),
        (stored("op_9"), "leave", "failed"),
        (stored(), "delete", "failed"),
        (stored(), "leave", "deferred"),
    ],
)
def test_nothing_is_said_to_be_left_that_is_not_known(kept: Any, policy: str, state: str) -> None:
    story = WaitHistory("onvera", "c", 1, "triggerer", on_kill=policy)
    story.operation("op_0").on_result(operation("succeeded"), START + 60)
    assert page_data.shown(instance(state), story, START + 99, live=None, stored=kept)["wait"]["left"] is None


def test_what_a_try_has_recorded_as_left_can_be_swept() -> None:
    story = WaitHistory("onvera", "c", 1, "worker", is_over=True)
    story.operation("op_0").on_result(operation("failed"), START)
    ti = instance("failed", dag_id="etl", dag_run_id="manual run")
    story.aftermath = Aftermath("nothing was removed", START + 9)
    assert page_data.shown(ti, story, START, live=None, stored=stored())["wait"]["left"]["sweep"] == SWEEP
    story.aftermath = Aftermath("as of then", START + 9, deletion=Deletion("vm 1"))
    assert page_data.shown(ti, story, START, live=None, stored=stored())["wait"]["left"]["sweep"] is None


def test_a_policy_that_is_owed_does_not_contradict_what_is_left() -> None:
    stored = {"operation_id": "op_1", "owes": "delete", "owes_because": "kill"}
    assert "before it could store" in (page_data.owed(stored) or "")
    assert "before it could store" not in (page_data.owed(stored, is_result_known=True) or "")
    assert page_data.owed({}) is None


def test_when_an_operation_was_adopted_is_said_by_every_leg() -> None:
    worker = WaitHistory("onvera", "c", 1, "worker")
    worker.operation("op_0").adopted_at = START + 3
    triggerer = WaitHistory("onvera", "c", 1, "triggerer")
    triggerer.operation("op_0").on_result(operation(), START + 9)
    triggerer.continue_from(worker.to_record(START + 4))
    (one,) = page(instance(), triggerer.to_record(START + 9))["operations"]
    assert one["adopted_at"] == START + 3


def test_an_operation_that_could_not_be_adopted_is_named() -> None:
    ti = instance("failed", rendered_fields={"conn_id": "c", "operation_id": "op_missing"})
    assert "operation op_missing" in page_data.empty("no_operation", ti, START)["hint"]
    assert "given operation" not in page_data.empty("no_operation", instance("failed"), START)["hint"]


def test_another_try_is_another_story() -> None:
    assert page_data.history_of(instance(try_number=2), record(operation())) is None


def test_only_a_few_open_operations_that_were_not_told_of_lately_are_read() -> None:
    ti = instance()
    few = page_data.history_of(ti, record(operation(), operation("succeeded")))
    many = page_data.history_of(ti, record(*[operation()] * 4))
    assert few is not None
    assert many is not None
    assert page_data.live_reference(ti, few, START + 15, after=10) == []
    assert page_data.live_reference(ti, few, START + 20, after=10) == ["op_0"]
    assert page_data.live_reference(ti, many, START + 20, after=10) == []


def test_the_connection_is_the_tasks_own_whatever_a_record_says() -> None:
    forged = {**record(operation()), "conn_id": "somebody_elses"}
    assert page_data.connection_of(instance()) == "c"
    assert page(instance(), forged)["wait"]["conn_id"] == "c"
    without = instance(rendered_fields={})
    story = page_data.history_of(without, forged)
    assert story is not None
    assert page_data.connection_of(without) is None
    assert page_data.live_reference(without, story, START + 99, after=10) == []


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "//elsewhere", "file:///etc/passwd"])
def test_only_web_addresses_become_links(address: str) -> None:
    shown = page(instance(), record(operation(url=address)))
    assert shown["operations"][0]["url"] is None


def test_a_deadline_that_has_passed_is_said() -> None:
    story = WaitHistory("onvera", "c", 1, "worker", is_over=True)
    story.operation("op_0").ended(TimedOut(operation(), None), Timeline(START, [(9.0, "deadline reached")]), START + 9)
    shown = page(instance("failed"), story.to_record(START + 9))
    (one,) = shown["operations"]
    assert (one["state"], one["ended_at"], one["checked_at"]) == ("timeout", None, START + 9)
    assert not shown["wait"]["ended_unrecorded"]


def test_a_killed_task_does_not_show_its_operation_as_running() -> None:
    shown = page(instance("failed"), record(operation("running", "installing")))
    (one,) = shown["operations"]
    assert (one["state"], one["raw_state"], one["checked_at"]) == ("open", "running", START + 10)
    assert shown["wait"]["ended_unrecorded"]
    assert [row["end"] for row in one["rows"]] == [None]
    # what the page has read itself is newer
    live = {"at": START + 19, "error": None, "read": ["op_0"]}
    (one,) = page(instance("failed"), record(operation()), live=live)["operations"]
    assert (one["checked_at"], one["is_checked_now"]) == (START + 19, True)


def test_the_link_of_the_task_stands_in_for_one_of_the_operation() -> None:
    running = page_data.history_of(instance(), record(operation()))
    story = page_data.history_of(instance(), record(operation("succeeded")))
    assert running is not None
    assert story is not None
    assert (page_data.needs_link(running), page_data.needs_link(story)) == (False, True)
    shown = page_data.shown(instance(), story, START, live=None, link="https://bi.example.com")
    assert shown["operations"][0]["resource_url"] == "https://bi.example.com"
    shown = page_data.shown(instance(), story, START, live=None, link="javascript:alert(1)")
    assert shown["operations"][0]["resource_url"] is None
    own = page_data.history_of(instance(), record(operation("succeeded", url="https://console.example.com")))
    assert own is not None
    assert not page_data.needs_link(own)


def test_a_task_of_an_older_release_shows_its_result() -> None:
    done = operation("succeeded", ended_at=BEGAN + timedelta(seconds=30))
    story = page_data.history_without_record(
        instance("success"), "op_1", {"operation_id": "op_1", "operation": done.to_dict()}
    )
    assert story is not None
    assert story.operation("op_1").has_succeeded
    ids_only = page_data.history_without_record(instance("deferred"), "op_1", None)
    assert ids_only is not None
    assert list(ids_only.operations) == ["op_1"]
    assert page_data.history_without_record(instance("success"), None, "any text") is None


@pytest.mark.parametrize(
    ("ti", "task", "ours"),
    [
        (instance(), {"class_ref": {"module_path": "airflow_provider_ops.sensors.operation"}}, True),
        (instance(), {"class_ref": {"module_path": "my.own"}, "extra_links": ["Remote resource"]}, True),
        (instance(trigger={"classpath": "airflow_provider_ops.triggers.operation.OperationTrigger"}), None, True),
        (instance(), {"class_ref": {"module_path": "airflow.providers.standard.operators.python"}}, False),
        (instance(), None, False),
    ],
)
def test_whose_task_it_is(ti: dict[str, Any], task: dict[str, Any] | None, ours: bool) -> None:
    assert page_data.is_ours(ti, task) is ours


def test_what_a_record_has_left_out_is_told() -> None:
    story = WaitHistory("onvera", "c", 1, "triggerer")
    for number in range(MOST_OPERATIONS + 12):
        story.operation(f"op_{number}").on_result(operation(), START)
    shown = page(instance(), story.to_record(START))
    assert len(shown["operations"]) == MOST_OPERATIONS
    assert shown["wait"]["omitted"] == 12


def test_a_lost_answer_has_a_title_of_its_own() -> None:
    ti = instance("failed")
    record = {**WaitHistory("", "conn", ti["try_number"], "worker").to_record(START), "error": "the outcome is unknown"}
    titles = {}
    for error_type in ("AmbiguousSubmission", "InvalidRequest", None):
        error = page_data.error_of(ti, {**record, "error_type": error_type})
        titles[error_type] = page_data.empty("no_operation", ti, START, *error)["title"]
    assert titles == {
        "AmbiguousSubmission": "The answer was lost",
        "InvalidRequest": "Ended without an operation",
        None: "Ended without an operation",
    }
