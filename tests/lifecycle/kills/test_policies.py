"""What a kill does while the API is in trouble, and what becomes of a policy whose process died."""

from __future__ import annotations

import json
import threading
from types import FrameType
from typing import Any

import pytest

from airflow_provider_ops.apis.calls import Request
from airflow_provider_ops.core.history import TRIES
from airflow_provider_ops.exceptions import AttemptStopped, NotFound, OperationCancelled
from airflow_provider_ops.http.guard import HeldBack
from airflow_provider_ops.http.rate_limiter import Priority
from airflow_provider_ops.lifecycle.attempt import TaskAttempt
from airflow_provider_ops.lifecycle.handle_store import HandleStore
from airflow_provider_ops.testing import fail_first, hang, html, never_settles, operation_fails, rate_limited
from tests.lifecycle.kills.parts import Interrupter, Life, sigterm_as_airflow

READS_FAIL: list[Any] = [
    fail_first(999, method="GET"),
    hang(40, 999, method="GET"),
    rate_limited(999, retry_after=40, method="GET"),
    html(999, status=404, method="GET"),
]


def killed_while_waiting(life: Life, *rules: Any, state: str = "failed", before: Any = None, **arguments: Any) -> str:
    """Tell a worker to stop while it waits, from when on the API answers as the rules say.

    :param before: what the API does wrong until then.
    """
    life.prepare(deferrable=False, **arguments)
    # virtual time may leap while the main path acts, and must find the operation running
    life.world.faults(never_settles(), *([before] if before else ()))
    with sigterm_as_airflow(life) as send:

        def act() -> None:
            life.world.faults(never_settles(), *rules)
            send(state)

        with Interrupter(act, when=life.is_waiting).tracing(), pytest.raises(AttemptStopped) as caught:
            life.run(TaskAttempt.start)
    return str(caught.value)


@pytest.mark.parametrize("rule", READS_FAIL, ids=lambda rule: rule["fault"] + str(rule.get("status", "")))
@pytest.mark.parametrize(("api", "policy"), [("onvera", "delete"), ("nirvana", "delete"), ("akua", "cancel")])
def test_reads_that_fail_do_not_hold_up_what_a_kill_does(life: Life, api: str, policy: str, rule: Any) -> None:
    one = life.again(api)
    text = killed_while_waiting(one, {**rule, "api": api}, on_kill=policy)
    assert text.startswith("the task was killed: "), text
    ended = one.ends() if policy == "delete" else [r for r in one.requests("POST") if r["path"].endswith("cancel")]
    assert len(ended) == 1, text


@pytest.mark.parametrize(
    "rule",
    [fail_first(2), html(2, status=404), html(1, status=502), {"fault": "reset", "count": 2}, rate_limited(1, 0)],
    ids=lambda rule: rule["fault"] + str(rule.get("status", "")),
)
def test_trouble_on_the_way_does_not_end_what_a_kill_does(life: Life, rule: Any) -> None:
    text = killed_while_waiting(life, {**rule, "method": "DELETE"})
    assert "is being deleted" in text
    assert len(life.ends()) == 1
    assert life.store.handle["killed"]
    assert life.store.handle["end_requested"]
    assert life.store.handle["owes"] is None


def test_a_given_operation_that_is_gone_after_its_cancel_was_cancelled(life: Life) -> None:
    one = life.again("akua")
    killed_while_waiting(one, on_kill="cancel")
    operation_id = one.store.handle["operation_id"]
    one.prepare(deferrable=False)
    one.world.faults({"api": "akua", "method": "GET", "fault": "status", "status": 410})
    with pytest.raises(OperationCancelled, match="its work may continue"):
        one.run(lambda attempt: attempt.adopt(operation_id))
    # of what was not asked to end, that says nothing
    one.store.put({**one.store.handle, "end_requested": False})
    one.prepare(deferrable=False)
    with pytest.raises(NotFound):
        one.run(lambda attempt: attempt.adopt(operation_id))


def test_a_given_operation_that_is_gone_while_its_kill_is_owed_was_cancelled(life: Life) -> None:
    """The process was gone after it had stored what it was about to do; what is not there needs no kill."""
    one = life.again("akua")
    one.world.faults(never_settles())
    one.attempt_until_deferred()
    operation_id = one.store.handle["operation_id"]
    one.store.put({**one.store.handle, "owes": "cancel", "owes_because": "kill"})
    one.world.faults({"api": "akua", "fault": "status", "status": 404, "count": 99})
    one.prepare(deferrable=False)
    with pytest.raises(OperationCancelled, match=r"on_kill=cancel .* its work may continue"):
        one.run(lambda attempt: attempt.adopt(operation_id))
    assert len([line for line in one.said if "is gone already" in line]) == 1
    assert one.store.handle["owes"] is None
    # of another operation, that says nothing
    one.store.put({**one.store.handle, "owes": "cancel", "owes_because": "kill"})
    one.prepare(deferrable=False)
    with pytest.raises(NotFound):
        one.run(lambda attempt: attempt.adopt("op_of_another"))


def test_a_deletion_that_stays_refused_is_owed_and_the_task_says_so(life: Life) -> None:
    text = killed_while_waiting(life, fail_first(99, status=409, method="DELETE"), on_kill="delete")
    assert "still exists: the deletion was refused" in text
    assert text.endswith("a clear of the task finishes it")
    assert life.store.handle["owes"] == "delete"
    assert len(life.requests("DELETE")) > 3, "it is asked for again as long as Airflow leaves time"


def test_a_pause_that_the_api_asked_for_before_does_not_hold_up_a_kill(life: Life) -> None:
    before = rate_limited(1, retry_after=600, method="GET")
    assert "is being deleted" in killed_while_waiting(life, before=before)


@pytest.mark.parametrize("policy", ["leave", "delete"])
def test_what_has_failed_does_not_continue_after_a_kill(life: Life, policy: str) -> None:
    life.prepare(deferrable=False, on_kill=policy, timeout=4000.0)
    life.world.faults(operation_fails(n=1))

    def has_failed(_frame: FrameType) -> bool:
        run = life.operator._attempt
        return run is not None and bool(run._record.ended_as)

    with sigterm_as_airflow(life) as send:
        interrupter = Interrupter(lambda: send("running"), when=has_failed)
        with interrupter.tracing(), pytest.raises(AttemptStopped) as caught:
            life.run(TaskAttempt.start)
    assert "has ended (failed)" in str(caught.value)
    assert "continues" not in str(caught.value)
    assert "adopts" not in str(caught.value)


@pytest.mark.parametrize("state", ["running", "up_for_retry", "queued"])
def test_a_worker_that_goes_away_ends_nothing_and_says_what_continues(life: Life, state: str) -> None:
    text = killed_while_waiting(life, state=state)
    assert life.ends() == []
    assert life.created()[0]["operation_id"] in text
    assert "a retry adopts it" in text
    life.attempt_until_deferred()
    assert len(life.created()) == 1


def test_after_a_kill_only_the_requests_of_its_policy_leave(life: Life) -> None:
    """The last check before the first byte: a request may be on its way to the socket when the signal comes."""
    life.prepare()
    life.run(lambda attempt: attempt)
    guard, request = life.operator.hook.guard, Request("POST", "/deployments", "/deployments")
    guard.before_send(request, Priority.WRITE)
    life.operator.kill_switch.throw()
    with pytest.raises(HeldBack):
        guard.before_send(request, Priority.WRITE)
    guard.before_send(request, Priority.KILL)


def test_a_second_signal_does_nothing(life: Life) -> None:
    life.world.faults(never_settles())
    life.prepare(deferrable=False)
    with sigterm_as_airflow(life) as send:

        def act() -> None:
            send("failed")
            send("failed")

        with Interrupter(act, when=life.is_waiting).tracing(), pytest.raises(AttemptStopped):
            life.run(TaskAttempt.start)
    assert len(life.ends()) == 1


def test_a_kill_before_the_first_step_is_not_lost(life: Life) -> None:
    life.prepare()
    assert life.ti is not None
    life.ti.state = "failed"
    life.operator.on_kill()
    with pytest.raises(AttemptStopped, match="nothing was sent"):
        life.run(TaskAttempt.start)
    assert life.created() == []


def test_a_kill_that_nobody_can_ask_airflow_about_ends_nothing_and_says_so(life: Life) -> None:
    life.prepare(deferrable=False)
    with sigterm_as_airflow(life) as send:

        def act() -> None:
            assert life.ti is not None
            send("failed")
            life.ti.breaks = True

        with Interrupter(act, when=life.is_waiting).tracing(), pytest.raises(AttemptStopped) as caught:
            life.run(TaskAttempt.start)
    assert life.ends() == []
    assert life.created()[0]["operation_id"] in str(caught.value)


@pytest.mark.parametrize("stuck", ["state", "store"])
def test_an_airflow_that_does_not_answer_ends_nothing_and_is_named(
    life: Life, monkeypatch: pytest.MonkeyPatch, stuck: str
) -> None:
    """A worker is told to stop before it has read what is stored."""
    monkeypatch.setattr("airflow_provider_ops.lifecycle.worker_kill._QUESTION", 0.2)
    life.attempt_until_deferred()
    life.prepare(deferrable=False)
    released = threading.Event()
    with sigterm_as_airflow(life) as send:

        def act() -> None:
            if stuck == "state":
                monkeypatch.setattr(life.ti, "get_task_states", lambda **_place: released.wait(30))
            else:
                monkeypatch.setattr(HandleStore, "load", lambda _store: released.wait(30))
            send("failed")

        try:
            before_it_reads = life.entering("submitter.run")
            with Interrupter(act, when=before_it_reads).tracing(), pytest.raises(AttemptStopped) as caught:
                life.run(TaskAttempt.start)
        finally:
            released.set()
    assert life.ends() == []
    assert "Airflow does not answer" in str(caught.value)
    assert "Error" not in str(caught.value)
    assert "an earlier attempt of this task run has started" in str(caught.value)


def test_a_policy_under_way_is_named_before_the_process_can_be_killed(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Airflow sends SIGKILL five seconds after SIGTERM; what is logged by then is all that is ever known."""
    monkeypatch.setattr("airflow_provider_ops.lifecycle.worker_kill._QUESTION", 10.0)
    monkeypatch.setattr("airflow_provider_ops.lifecycle.worker_kill._WARN_AFTER", 0.5)
    life.world.faults(never_settles())
    life.prepare(deferrable=False)
    named, logged = threading.Event(), []

    def warning(text: str, *_args: Any) -> None:
        logged.append(text)
        named.set()

    monkeypatch.setattr(life.operator.log, "warning", warning)
    # Airflow answers after the line, so that the line cannot come from what follows the answer
    monkeypatch.setattr(life.ti, "get_task_states", lambda **_place: named.wait(4) and {})
    with sigterm_as_airflow(life) as send:

        def act() -> None:
            send("failed")

        with Interrupter(act, when=life.is_waiting).tracing(), pytest.raises(AttemptStopped):
            life.run(TaskAttempt.start)
    [line] = logged
    assert "on_kill=delete is under way for" in line
    assert life.created()[0]["operation_id"] in line


def test_a_late_kill_gives_way_to_an_attempt_that_begins(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill between two attempts of one process: the first is over, the second has just been made."""
    life.world.faults(never_settles())
    life.attempt_until_deferred()
    assert life.ti is not None
    life.ti.state = "failed"
    states, has_begun = life.ti.get_task_states, threading.Event()
    monkeypatch.setattr(life.ti, "get_task_states", lambda **place: has_begun.wait(2) and states(**place))
    life.operator.on_kill()
    [late] = [thread for thread in threading.enumerate() if thread.name == "operations-late-kill"]
    attempt = life.run(lambda attempt: attempt)
    has_begun.set()
    late.join(5)
    with pytest.raises(AttemptStopped, match="is being deleted"):
        attempt.start()
    assert len(life.ends()) == 1


@pytest.mark.parametrize(
    ("state", "policy", "cause"),
    [
        ("failed", "delete", "The task was marked failed"),
        ("restarting", "delete", "The task was cleared while it ran"),
        ("success", "leave", "The task was marked success"),
    ],
)
def test_a_killed_try_records_why_it_ended_and_what_is_left(life: Life, state: str, policy: str, cause: str) -> None:
    killed_while_waiting(life, state=state, on_kill=policy)
    (entry,) = json.loads(life.store.data[TRIES])
    assert cause in entry["said"]
    assert f"on_kill={policy}: " in entry["said"]
    asked_by = (entry["deletion"] or {}).get("asked_by")
    assert asked_by == ("on_kill=delete" if policy == "delete" else None)
    assert entry["operation_id"] == life.store.handle["operation_id"]


def test_a_worker_that_is_stopped_alone_records_no_end_of_its_task(life: Life) -> None:
    killed_while_waiting(life, state="running")
    # before the first poll there is no entry at all
    entries = json.loads(life.store.data.get(TRIES, "[]"))
    assert [one for one in entries if (one["ended_at"], one["left"]) != (None, None)] == []


def test_a_deferred_try_is_known_to_later_tries_before_it_ends(life: Life) -> None:
    life.world.faults(never_settles())
    life.attempt_until_deferred()
    (entry,) = json.loads(life.store.data[TRIES])
    assert (entry["operation_id"], entry["ended_at"]) == (life.store.handle["operation_id"], None)
    assert "ended before the wait was over" in entry["said"]
