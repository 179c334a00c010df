"""An attempt that is no longer the current one of its task changes nothing."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from airflow_provider_ops.exceptions import AttemptStopped, OpsError, Superseded
from airflow_provider_ops.lifecycle.attempt import TaskAttempt
from airflow_provider_ops.testing import never_settles
from tests.lifecycle.kills.parts import OPERATORS, Interrupter, Life


def stopped_at(life: Life, function: str, meanwhile: Callable[[], None], **arguments: object) -> None:
    """Let this process stand still for 400 s when a function of the provider begins."""

    def act() -> None:
        meanwhile()
        life.clock.advance(400)

    life.prepare(**arguments)
    with Interrupter(act, when=life.entering(function)).tracing():
        life.run(TaskAttempt.start)


def another_attempt(life: Life) -> Callable[[], None]:
    def begin() -> None:
        life.store.current = "another"

    return begin


def changes(life: Life) -> list[dict[str, object]]:
    return [one for one in life.world.requests(life.api) if one["method"] != "GET"]


@pytest.mark.parametrize("api", OPERATORS)
@pytest.mark.parametrize("function", ["sender.send_first", "starter._send", "portal.complete", "starter.record_handle"])
def test_a_process_that_stood_still_before_its_request_sends_nothing(life: Life, api: str, function: str) -> None:
    one = life.again(api)
    with pytest.raises(Superseded, match="another attempt of this task has begun"):
        stopped_at(one, function, another_attempt(one))
    # before `keep` the request has left, and what it started is named
    assert len(changes(one)) == (1 if function == "starter.record_handle" else 0)


def test_a_task_that_has_failed_meanwhile_without_a_new_attempt_sends_nothing(life: Life) -> None:
    def fail() -> None:
        assert life.ti is not None
        life.ti.state = "failed"

    with pytest.raises(Superseded, match="failed"):
        stopped_at(life, "sender.send_first", fail)
    assert changes(life) == []


@pytest.mark.parametrize("api", OPERATORS)
def test_a_process_that_stood_still_and_is_still_the_current_one_goes_on(life: Life, api: str) -> None:
    one = life.again(api)
    one.prepare()
    with Interrupter(lambda: one.clock.advance(400), when=one.entering("sender.send_first")).tracing():
        with pytest.raises(BaseException, match="method_name"):
            one.run(TaskAttempt.start)
    assert len(one.created()) == 1


def test_airflow_that_cannot_be_asked_means_nothing_is_sent_and_a_retry_submits_at_once(life: Life) -> None:
    def away() -> None:
        assert life.ti is not None
        life.ti.breaks = True

    with pytest.raises(OpsError, match="nothing was sent"):
        stopped_at(life, "sender.send_first", away)
    assert changes(life) == []
    assert life.store.handle["not_sent"]
    life.attempt_until_deferred()
    assert len(life.created()) == 1
    assert not [one for one in life.requests("GET") if one["path"].endswith("/deployments")], "nothing to look for"


def test_a_superseded_attempt_carries_out_no_timeout_policy(life: Life) -> None:
    life.world.faults(never_settles())
    with pytest.raises(Superseded):
        stopped_at(
            life, "failure_report.timed_out", another_attempt(life), on_timeout="delete", deferrable=False, timeout=5.0
        )
    assert life.ends() == []


def test_a_worker_without_its_supervisor_stops_waiting(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    life.world.faults(never_settles())
    monkeypatch.setattr("airflow_provider_ops.http.portal_call._CHECKED_EVERY", 0.01)
    life.prepare(deferrable=False)
    with Interrupter(lambda: monkeypatch.setattr(os, "getppid", lambda: -1), when=life.is_waiting).tracing():
        with pytest.raises(Superseded, match="supervisor of this process has died") as caught:
            life.run(TaskAttempt.start)
    assert life.created()[0]["operation_id"] in str(caught.value)
    assert isinstance(caught.value, AttemptStopped)
