from __future__ import annotations

import pytest

from airflow_provider_ops.core.kill_decision import GONE, Awaited, Kill, is_meant_on_worker, meant_in_trigger

OVER = ["success", "failed", "skipped", "upstream_failed", GONE]
OURS = Awaited("op-1", "ti-1")
BETWEEN_TRIES = [None, "scheduled", "queued", "up_for_retry", "restarting"]


@pytest.mark.parametrize("state", [*OVER, "restarting"])
def test_a_worker_ends_the_operation_of_a_task_that_a_user_ended(state: str) -> None:
    assert is_meant_on_worker(state)


@pytest.mark.parametrize("state", ["running", None, "scheduled", "queued", "up_for_retry", "deferred"])
def test_a_worker_leaves_the_operation_of_a_task_that_goes_on(state: str | None) -> None:
    assert not is_meant_on_worker(state)


@pytest.mark.parametrize("state", OVER)
@pytest.mark.parametrize("awaited", [None, "op-1", "op-2"])
def test_a_trigger_ends_the_operation_of_a_task_that_is_over(state: str, awaited: str | None) -> None:
    assert meant_in_trigger(state, Awaited(awaited), OURS, last_time=False) is Kill.END


@pytest.mark.parametrize("last_time", [False, True])
def test_a_triggerer_that_was_paused_ends_nothing_that_the_task_still_waits_for(last_time: bool) -> None:
    assert meant_in_trigger("deferred", Awaited("op-1"), OURS, last_time=last_time) is Kill.LEAVE


def test_a_try_that_runs_may_have_yet_to_wipe_what_the_one_before_it_has_pushed() -> None:
    assert meant_in_trigger("running", Awaited("op-1"), OURS, last_time=False) is Kill.ASK_AGAIN
    assert meant_in_trigger("running", Awaited("op-1"), OURS, last_time=True) is Kill.LEAVE


@pytest.mark.parametrize("state", ["running", "deferred"])
def test_a_cleared_task_that_has_another_operation_by_now_needs_the_old_one_no_more(state: str) -> None:
    assert meant_in_trigger(state, Awaited("op-2"), OURS, last_time=False) is Kill.END


@pytest.mark.parametrize("state", BETWEEN_TRIES)
def test_between_two_tries_nothing_is_known_yet(state: str | None) -> None:
    assert meant_in_trigger(state, Awaited("op-1"), OURS, last_time=False) is Kill.ASK_AGAIN


def test_a_try_that_has_not_pushed_its_operation_yet_is_asked_again() -> None:
    assert meant_in_trigger("running", Awaited(), OURS, last_time=False) is Kill.ASK_AGAIN
    assert meant_in_trigger("running", Awaited(), OURS, last_time=True) is Kill.LEAVE


def test_what_a_user_cleared_in_a_paused_dag_is_ended_although_no_try_comes() -> None:
    assert meant_in_trigger(None, Awaited("op-1"), OURS, last_time=True) is Kill.END


@pytest.mark.parametrize("state", ["scheduled", "queued", "up_for_retry"])
def test_what_waits_for_a_slot_is_left_to_the_try_that_comes(state: str) -> None:
    assert meant_in_trigger(state, Awaited("op-1"), OURS, last_time=True) is Kill.LEAVE


@pytest.mark.parametrize("state", ["running", "deferred"])
@pytest.mark.parametrize("last_time", [False, True])
def test_what_another_attempt_goes_on_with_is_left_to_it_at_once(state: str, last_time: bool) -> None:
    assert meant_in_trigger(state, Awaited("op-1", "ti-2"), OURS, last_time=last_time) is Kill.LEAVE


def test_an_attempt_that_runs_again_itself_is_asked_for_again() -> None:
    assert meant_in_trigger("running", Awaited("op-1", "ti-1"), OURS, last_time=False) is Kill.ASK_AGAIN


def test_another_attempt_with_an_operation_of_its_own_needs_the_old_one_no_more() -> None:
    assert meant_in_trigger("running", Awaited("op-2", "ti-2"), OURS, last_time=False) is Kill.END
