"""Deletions, and the key of every attempt."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ops.apis.onvera import destroy_deployment
from airflow_provider_ops.exceptions import (
    Conflict,
    NotFound,
)
from airflow_provider_ops.testing import (
    drop_answer,
    fail_first,
)

if TYPE_CHECKING:
    from airflow_provider_ops.apis.submits import SubmitCall
    from airflow_provider_ops.testing import SimulatorServer
from airflow_provider_ops.lifecycle.handle_store import KEY
from tests.lifecycle.submission.parts import Task

# -- deletions


@pytest.fixture
def destroy(task: Task) -> Task:
    made = task.hook.create_deployment("airflow")
    task.clock.advance(600)
    return replace_submit(task, destroy_deployment(str(made.deployment_id)))


def replace_submit(task: Task, submit: SubmitCall) -> Task:
    task.submit = submit
    return task


def destroys(world: SimulatorServer) -> int:
    return len([one for one in world.operations() if one["kind"] == "deployment.destroy"])


def test_a_lost_answer_to_a_deletion_is_found_by_its_resource(destroy: Task, world: SimulatorServer) -> None:
    world.faults(drop_answer(method="DELETE"))
    assert destroy.attempt().adopted
    assert destroys(world) == 1


def test_a_deletion_that_is_under_way_is_joined(destroy: Task, world: SimulatorServer) -> None:
    running = destroy.hook.destroy_deployment(destroy.submit.request.path.rsplit("/", 1)[-1])
    started = destroy.attempt()
    assert started.adopted
    assert started.handle.operation_id == running.operation_id
    assert destroys(world) == 1


def test_a_conflict_that_is_no_deletion_under_way_is_an_error(destroy: Task, world: SimulatorServer) -> None:
    world.faults(fail_first(1, status=409, method="DELETE"))
    with pytest.raises(Conflict):
        destroy.attempt()
    assert destroys(world) == 0


def test_deleting_what_does_not_exist_is_an_error_of_the_api(task: Task) -> None:
    task.submit = destroy_deployment("5875109c-4656-443d-86de-370b25ba0e54")
    with pytest.raises(NotFound):
        task.attempt()


# -- keys


def test_the_key_of_every_attempt_and_try_is_the_same(task: Task, world: SimulatorServer) -> None:
    world.faults(fail_first(3, method="POST"))
    task.attempt()
    assert [one["name"] for one in world.resources()] == [task.stored["key"]]
    assert task.stored["key"] == f"{task.stored['prefix']}-{task.stored['nonce']}"


def test_the_stored_handle_is_json_without_secrets(task: Task) -> None:
    handle = task.attempt().handle
    assert task.stored == json.loads(json.dumps(handle.to_dict()))
    assert "test-key" not in json.dumps(task.stored)


def test_what_a_kill_has_ended_is_not_joined_although_it_still_runs(task: Task, world: SimulatorServer) -> None:
    task.kill_policy = "delete"
    first = task.attempt().handle
    assert task.store is not None
    task.store.set(KEY, replace(first, killed=True).to_dict())
    second = task.attempt().handle
    assert second.generation == 2
    assert second.operation_id != first.operation_id
    assert destroys(world) == 1
