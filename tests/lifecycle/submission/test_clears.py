"""A clear asks for something new, a retry for the same, also where Airflow has forgotten what was stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis.onvera import create_deployment
from airflow_provider_ops.core.identity import submission_key
from airflow_provider_ops.exceptions import AmbiguousSubmission, OpsError, UnreadableHandle
from airflow_provider_ops.lifecycle.handle_store import KEY
from airflow_provider_ops.testing import fail_first, operation_fails

if TYPE_CHECKING:
    from airflow_provider_ops.hooks.onvera import OnveraHook
    from airflow_provider_ops.testing import SimulatorServer, VirtualClock
from tests.attempts import RUN
from tests.lifecycle.submission.parts import StateStore, Task, created, posts

REGION = "0b3f6a9e-7b1f-4c40-9f4e-2f7b8f2f9b11"


def live(world: SimulatorServer) -> list[str]:
    return [one["name"] for one in world.resources() if not one["deleted"]]


# -- clears


def test_an_automatic_retry_keeps_the_key_and_a_clear_replaces_it(task: Task, world: SimulatorServer) -> None:
    world.faults(fail_first(99, method="POST"))
    for _ in range(2):
        with pytest.raises(OpsError):
            task.attempt()
    key = task.stored["key"]
    world.faults()
    assert task.attempt().handle.key == key
    task.clock.advance(600)
    task.clear()
    assert task.attempt().handle.key != key


@pytest.mark.parametrize("retries", [0, 1, 3, 5])
def test_a_clear_after_success_makes_a_new_one_whatever_became_of_retries(
    task: Task, world: SimulatorServer, retries: int
) -> None:
    task.attempt()
    task.clock.advance(600)
    assert task.store is not None
    # what the operator stores when it returns its result
    task.store.set(KEY, {**task.stored, "has_finished": True})
    task.clear(retries=retries)
    task.attempt()
    assert created(world) == 2


def test_lowered_retries_cleared_after_success_make_a_new_one(task: Task, world: SimulatorServer) -> None:
    """``max_tries`` stays as it was: only ``clear_number`` tells."""
    task.max_tries = task.retries = 1
    task.attempt()
    task.clock.advance(600)
    assert task.store is not None
    task.store.set(KEY, {**task.stored, "has_finished": True})
    task.clear(retries=0)
    assert task.max_tries == 1
    task.attempt()
    assert created(world) == 2


def test_a_retry_while_another_task_of_the_run_was_cleared_joins(task: Task, world: SimulatorServer) -> None:
    task.attempt()
    task.clear_number = 1
    assert task.attempt().adopted
    assert created(world) == 1


def test_what_may_be_either_is_joined_and_said(task: Task, world: SimulatorServer) -> None:
    """Cleared with ``reset_dag_runs=false`` after ``retries`` was lowered, or just retried after it was."""
    task.max_tries = task.retries = 1
    task.attempt()
    task.retries = 0
    assert task.attempt().adopted
    assert created(world) == 1
    assert len(task.warned) == 1
    assert "clear it again" in task.warned[0]


def test_a_clear_of_what_was_joined_after_a_clear_is_seen(task: Task, world: SimulatorServer) -> None:
    task.attempt()
    task.clear()
    assert task.attempt().adopted
    assert task.attempt().adopted
    task.clock.advance(600)
    task.clear()
    assert not task.attempt().adopted
    assert created(world) == 2


# -- nothing stored, as after a clear on Airflow 3.4


def test_a_first_try_is_not_searched_for(task: Task, world: SimulatorServer) -> None:
    task.attempt()
    assert world.stats()["requests"] == 1


@pytest.mark.parametrize("kill_policy_terminates", [True, False])
def test_what_succeeded_before_a_clear_stays_and_a_new_one_is_made(
    task: Task, world: SimulatorServer, kill_policy_terminates: bool
) -> None:
    first = task.attempt().handle
    task.clock.advance(600)
    task.kill_policy_terminates, task.kill_policy = (
        kill_policy_terminates,
        "delete" if kill_policy_terminates else "leave",
    )
    task.clear(forgets=True)
    second = task.attempt().handle
    assert sorted(live(world)) == sorted([first.key, second.key])
    assert any(str(first.operation_id) in line for line in task.said)


def test_what_runs_is_ended_first_where_the_kill_policy_says_so(task: Task, world: SimulatorServer) -> None:
    first = task.attempt().handle
    task.clock.advance(5)
    task.kill_policy_terminates, task.kill_policy = True, "delete"
    task.clear(forgets=True)
    second = task.attempt().handle
    task.clock.advance(600)
    assert first.operation_id != second.operation_id
    assert live(world) == [second.key]


def test_what_runs_is_joined_where_nothing_ends_it(task: Task, world: SimulatorServer) -> None:
    first = task.attempt().handle
    task.clear(forgets=True)
    again = task.attempt()
    assert again.adopted
    assert (again.handle.operation_id, again.handle.key) == (first.operation_id, first.key)
    assert len(task.warned) == 1
    assert created(world) == 1


@pytest.mark.parametrize("gap", [5, 600])
def test_a_retry_without_a_handle_goes_on_with_what_is_there(task: Task, world: SimulatorServer, gap: int) -> None:
    first = task.attempt().handle
    task.clock.advance(gap)
    task.store = StateStore()
    again = task.attempt()
    assert again.adopted
    assert again.handle.operation_id == first.operation_id
    assert len(task.warned) == 1
    assert created(world) == 1


def test_a_retry_without_a_handle_makes_a_new_one_after_a_failure(task: Task, world: SimulatorServer) -> None:
    world.faults(operation_fails(n=1))
    task.attempt()
    task.clock.advance(600)
    task.store = StateStore()
    assert not task.attempt().adopted
    assert created(world) == 2


def test_several_without_a_handle_are_named_and_nothing_is_made(task: Task, world: SimulatorServer) -> None:
    names = [task.hook.create_deployment("airflow", RUN.key(nonce * 10)).operation_id for nonce in "ab"]
    task.tries = 1
    with pytest.raises(AmbiguousSubmission) as caught:
        task.attempt()
    assert all(str(name) in str(caught.value) for name in names)
    assert created(world) == 2


def test_without_an_answer_to_the_search_nothing_is_made(task: Task, world: SimulatorServer) -> None:
    task.attempt()
    task.clear(forgets=True)
    world.faults(fail_first(999, method="GET"))
    with pytest.raises(OpsError):
        task.attempt()
    assert created(world) == 1


def test_what_another_airflow_made_is_named_and_left_alone(task: Task, world: SimulatorServer) -> None:
    """The same DAG, run and task on the same account: all that differs is what each Airflow has made up."""
    theirs = Task(task.hook, task.clock)
    theirs.run = replace(RUN, dag_version="01890000-0000-7000-8000-000000000002")
    theirs.began += timedelta(milliseconds=3)
    other = theirs.attempt().handle
    task.kill_policy_terminates, task.kill_policy = True, "delete"
    task.attempt()
    task.clear(forgets=True)
    task.attempt()
    task.clock.advance(600)
    assert other.key in live(world)
    assert any(str(other.operation_id) in line for line in task.warned)


@pytest.mark.parametrize("policy", ["leave", "delete"])
def test_what_was_made_before_the_dag_was_changed_is_ours(task: Task, world: SimulatorServer, policy: str) -> None:
    """A change of the DAG gives the task instances of its runs another version, those of a deferred task included."""
    task.kill_policy_terminates, task.kill_policy = policy == "delete", policy
    first = task.attempt().handle
    task.run = replace(RUN, dag_version="01890000-0000-7000-8000-000000000002")
    task.clear(forgets=True)
    assert task.attempt().adopted == (policy == "leave")
    task.clock.advance(600)
    assert (first.key in live(world)) == (policy == "leave")
    assert len(live(world)) == 1


def test_what_the_first_release_made_is_named(task: Task, world: SimulatorServer, hook: OnveraHook) -> None:
    made = hook.create_deployment("airflow", submission_key("dag", "run", "task", -1, 1))
    task.tries = 1
    assert not task.attempt().adopted
    assert any(str(made.operation_id) in line for line in task.warned)


def test_what_the_user_has_named_cannot_be_searched(task: Task, world: SimulatorServer) -> None:
    task.submit = create_deployment("airflow", "my own")
    task.attempt()
    task.clock.advance(600)
    task.clear(forgets=True)
    task.attempt()
    assert created(world) == 2


# -- whose it is


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"region_id": REGION, "region_index": 1},
        {"map_index": 1},
        {"dag_id": "copy"},
        {"dag_version": "01890000-0000-7000-8000-000000000009"},
    ],
    ids=["run made again", "iteration", "map index", "copied dag", "another airflow"],
)
def test_each_has_a_resource_of_its_own(
    hook: OnveraHook, operator_clock: VirtualClock, world: SimulatorServer, change: dict[str, Any]
) -> None:
    first, second = Task(hook, operator_clock), Task(hook, operator_clock)
    if "region_id" in change:
        first.run = replace(RUN, region_id=REGION, region_index=0)
    second.run = replace(RUN, **change)
    assert not first.attempt().adopted
    operator_clock.advance(600)
    assert not second.attempt().adopted
    assert created(world) == 2


# -- what is stored is input


@pytest.mark.parametrize(
    "stored",
    ["text", 7, [], {}, {"version": 2}, {"api": 1}, {"version": 99, "release": "9.9.9"}, {"version": "x"}, False],
    ids=repr,
)
def test_what_cannot_be_read_is_refused_and_nothing_is_sent(task: Task, world: SimulatorServer, stored: object) -> None:
    assert task.store is not None
    task.store.set(KEY, stored)
    with pytest.raises(UnreadableHandle, match="Nothing was submitted"):
        task.attempt()
    assert world.stats()["requests"] == 0
    assert task.stored == stored, "what is not understood is not overwritten"


def test_an_operation_id_that_cannot_be_one_is_refused(task: Task, world: SimulatorServer) -> None:
    task.attempt()
    assert task.store is not None
    odd = [{**one, "operation_id": "../../admin"} for one in task.stored["operations"]]
    task.store.set(KEY, {**task.stored, "operation_id": "../../admin", "operations": odd})
    with pytest.raises(UnreadableHandle, match="Nothing was submitted"):
        task.attempt()
    assert created(world) == posts(world) == 1


def test_a_store_that_cannot_be_read_stops_the_try(task: Task, world: SimulatorServer) -> None:
    class Away(StateStore):
        def get(self, *_: object) -> object:
            raise ConnectionError("the API server is away")

    task.store = Away()
    with pytest.raises(OpsError, match="could not be read"):
        task.attempt()
    assert world.stats()["requests"] == 0
