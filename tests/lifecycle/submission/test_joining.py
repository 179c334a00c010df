"""What a retry joins, and answers that are lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis.onvera import API, create_deployment
from airflow_provider_ops.apis.submits import generic_submit
from airflow_provider_ops.exceptions import (
    AmbiguousSubmission,
    DifferentRequest,
    ServerError,
)
from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.testing import (
    drop_answer,
    fail_first,
    fail_sometimes,
    html,
    operation_fails,
    reset_connection,
    truncated,
)

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer
from tests.lifecycle.submission.parts import ANNOUNCEMENT, Died, Task, created, posts

# -- the quiet case


def test_the_intent_is_stored_before_anything_is_sent_and_the_handle_right_after(
    task: Task, world: SimulatorServer
) -> None:
    assert task.store is not None
    task.store.die_before = 1
    with pytest.raises(Died):
        task.attempt()
    assert posts(world) == 0
    task.store.die_before = None
    started = task.attempt()
    assert task.stored["operation_id"] == started.handle.operation_id
    assert task.stored["resource_id"] == world.resources()[0]["id"]
    assert not started.adopted


def test_a_request_is_announced_once_and_only_where_it_is_sent(task: Task, world: SimulatorServer) -> None:
    world.faults(drop_answer(), reset_connection(method="POST"))
    task.attempt()
    assert task.said[0] == ANNOUNCEMENT
    assert task.said.count(ANNOUNCEMENT) == 1
    task.said.clear()
    assert task.attempt().adopted
    assert ANNOUNCEMENT not in task.said
    task.clock.advance(600)
    assert task.attempt().adopted
    assert ANNOUNCEMENT not in task.said
    task.clear()
    assert not task.attempt().adopted
    assert ANNOUNCEMENT in task.said[1:], "after the reason for a new one"


def test_a_retry_joins_the_running_operation_and_says_so(task: Task, world: SimulatorServer) -> None:
    first, second = task.attempt(), task.attempt()
    assert second.adopted
    assert second.handle.operation_id == first.handle.operation_id
    assert created(world) == 1
    assert len([line for line in task.said if "adopting it" in line]) == 1


def test_a_retry_finds_the_operation_succeeded_and_submits_nothing(task: Task, world: SimulatorServer) -> None:
    task.attempt()
    task.clock.advance(600)
    again = task.attempt()
    assert again.operation is not None
    assert again.operation.state is OperationState.SUCCEEDED
    assert created(world) == 1


def test_a_retry_after_a_failed_operation_submits_generation_two_with_a_new_key(
    task: Task, world: SimulatorServer
) -> None:
    world.faults(operation_fails(n=1))
    first = task.attempt().handle
    task.clock.advance(600)
    second = task.attempt().handle
    assert (first.generation, second.generation) == (1, 2)
    assert first.key != second.key
    assert created(world) == 2
    assert {one["name"] for one in world.resources()} == {first.key, second.key}


def test_a_clear_after_success_submits_anew(task: Task, world: SimulatorServer) -> None:
    task.attempt()
    task.clock.advance(600)
    task.max_tries = 7
    assert task.attempt().handle.generation == 2
    assert created(world) == 2


def test_a_clear_that_ends_nothing_joins_and_the_operation_is_then_an_own_one(
    task: Task, world: SimulatorServer
) -> None:
    task.attempt()
    task.max_tries = 7
    assert task.attempt().adopted
    assert task.stored["max_tries"] == 7
    task.clock.advance(600)
    assert task.attempt().operation is not None
    assert created(world) == 1


# -- answers that are lost


@pytest.mark.parametrize(
    ("fault", "sent"),
    [
        (drop_answer(), 1),
        (truncated(method="POST"), 1),
        ({"fault": "status", "status": 503, "method": "POST", "count": 1, "execute": True}, 1),
        ({"fault": "html", "status": 504, "method": "POST", "count": 1, "execute": True}, 1),
        (fail_first(1, method="POST"), 2),
        (fail_first(4, method="POST"), 5),
        (reset_connection(1, method="POST"), 2),
        (html(1, status=502, method="POST"), 2),
        (html(1, status=403, method="POST"), 2),
        (html(1, status=409, method="POST"), 2),
        ({"fault": "html", "status": 404, "method": "POST", "count": 1, "execute": True}, 1),
        (html(1, method="POST"), 2),
    ],
    ids=repr,
)
def test_a_lost_answer_is_found_out_before_anything_is_sent_again(
    task: Task, world: SimulatorServer, fault: Any, sent: int
) -> None:
    world.faults(fault)
    started = task.attempt()
    assert created(world) == 1
    assert posts(world) == sent
    assert started.handle.resource_id == world.resources()[0]["id"]
    assert task.stored["operation_id"] == world.resources()[0]["operation_id"]


def test_a_lost_answer_of_a_deployment_with_a_name_is_found_by_that_name(task: Task, world: SimulatorServer) -> None:
    task.submit = create_deployment("superset", "bi of run 7")
    world.faults(drop_answer())
    assert task.attempt().adopted
    assert created(world) == 1
    assert world.resources()[0]["name"] == "bi of run 7"


def test_looking_for_a_lost_answer_copes_with_an_api_in_trouble(task: Task, world: SimulatorServer) -> None:
    world.faults(drop_answer(), fail_sometimes(0.3, method="GET"))
    task.attempt()
    assert created(world) == 1


def test_an_api_that_never_gives_a_clear_answer_ends_the_try_but_not_the_promise(
    task: Task, world: SimulatorServer
) -> None:
    world.faults(fail_first(99, method="POST"))
    with pytest.raises(ServerError):
        task.attempt()
    assert posts(world) < 10
    world.faults()
    task.attempt()
    assert created(world) == 1


def test_a_try_that_died_after_the_submit_is_found_out_by_the_next(task: Task, world: SimulatorServer) -> None:
    task.dies_between_submit_and_answer()
    assert created(world) == 1
    assert task.stored["operation_id"] is None
    started = task.attempt()
    assert started.adopted
    assert started.handle.operation_id == world.resources()[0]["operation_id"]
    assert (created(world), posts(world)) == (1, 1)


def test_a_try_that_died_before_the_submit_is_submitted_by_the_next(task: Task, world: SimulatorServer) -> None:
    world.faults(reset_connection(1, method="POST"))
    task.dies_between_submit_and_answer()
    world.faults()
    # nothing had arrived: the simulator forgets what it saw
    world.reset()
    task.attempt()
    assert created(world) == 1


def test_what_a_dead_try_started_and_finished_meanwhile_is_the_result(task: Task, world: SimulatorServer) -> None:
    task.dies_between_submit_and_answer()
    task.clock.advance(600)
    started = task.attempt()
    assert started.operation is not None
    assert started.operation.state is OperationState.SUCCEEDED
    assert created(world) == 1


def test_every_try_may_die_and_there_is_still_one_resource(task: Task, world: SimulatorServer) -> None:
    assert task.store is not None
    task.dies_between_submit_and_answer()
    for _ in range(3):
        # the next tries die as well, when they want to store what they found out
        task.store.die_before = task.store.writes + 1
        with pytest.raises(Died):
            task.attempt()
    task.store.die_before = None
    assert task.attempt().adopted
    assert created(world) == 1


def test_another_request_after_a_try_that_died_in_the_submit_is_refused(task: Task, world: SimulatorServer) -> None:
    """Today's name is not the one to look for, so nothing can be found out, and nothing may be sent."""
    task.submit = create_deployment("airflow", "made at 10:00")
    task.dies_between_submit_and_answer()
    task.submit = create_deployment("airflow", "made at 10:05")
    with pytest.raises(DifferentRequest, match="nothing was submitted"):
        task.attempt()
    assert created(world) == 1
    task.max_tries = 7
    assert task.attempt().handle.generation == 2


def test_several_candidates_are_named_and_nothing_is_guessed(task: Task, world: SimulatorServer) -> None:
    task.submit = create_deployment("airflow", "shared name")
    task.dies_between_submit_and_answer()
    other = task.hook.create_deployment("airflow", "shared name")
    with pytest.raises(AmbiguousSubmission) as caught:
        task.attempt()
    assert len(caught.value.candidates) == 2
    assert other.operation_id in str(caught.value)
    assert "clear this task" in str(caught.value)
    assert created(world) == 2
    with pytest.raises(AmbiguousSubmission):
        task.attempt()
    assert created(world) == 2


def test_a_clear_after_an_ambiguous_submit_submits_anew(task: Task, world: SimulatorServer) -> None:
    task.submit = create_deployment("airflow", "shared name")
    task.dies_between_submit_and_answer()
    task.hook.create_deployment("airflow", "shared name")
    task.max_tries = 7
    assert task.attempt().handle.generation == 2
    assert created(world) == 3


def test_a_call_nobody_knows_is_ambiguous_when_its_answer_is_lost(task: Task, world: SimulatorServer) -> None:
    task.submit = generic_submit("POST", "/deployments", json={"app_type": "airflow"})
    world.faults(drop_answer())
    with pytest.raises(AmbiguousSubmission, match="no way to find out"):
        task.attempt()
    assert posts(world) == 1
    with pytest.raises(AmbiguousSubmission):
        task.attempt()
    assert posts(world) == 1


def test_a_known_call_may_have_fields_this_release_does_not_know() -> None:
    submit = API.request("POST", "/deployments", json={"app_type": "jupyter", "size": "xl"})
    assert submit.kind == "deployment.create"
    assert API.with_idempotency_key(submit, "the-key").request.json == {
        "app_type": "jupyter",
        "size": "xl",
        "name": "the-key",
    }
