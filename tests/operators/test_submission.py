"""One create, whatever dies: the submit protocol against the simulator in virtual time."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis.base import generic_submit
from airflow_provider_ops.apis.onvera import API, create_deployment, destroy_deployment
from airflow_provider_ops.exceptions import (
    AmbiguousSubmission,
    Conflict,
    DifferentRequest,
    InvalidRequest,
    NotFound,
    OperationLost,
    OpsError,
    RateLimited,
    ServerError,
    TransportError,
)
from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.operators.store import KEY, HandleStore
from airflow_provider_ops.operators.submission import Identity, Started, Submission
from airflow_provider_ops.testing import (
    drop_answer,
    fail_first,
    fail_sometimes,
    html,
    operation_fails,
    rate_limited,
    reset_connection,
    truncated,
)
from airflow_provider_ops.waiting.submitting import fingerprint, submission_key

if TYPE_CHECKING:
    from airflow_provider_ops.apis.base import Submit
    from airflow_provider_ops.hooks.onvera import OnveraHook
    from airflow_provider_ops.testing import SimulatorServer, VirtualClock

CREATE = create_deployment("airflow")


class Died(BaseException):
    """The process is gone: nothing that follows is run."""


class StateStore:
    """Airflow's task state store, as far as it is used: JSON values by key. Can die or fail at a write."""

    def __init__(self) -> None:
        self.data: dict[str, str] = {}
        self.writes = 0
        self.die_before: int | None = None
        self.fail_at: int | None = None

    def get(self, key: str, default: Any = None) -> Any:
        return json.loads(self.data[key]) if key in self.data else default

    def set(self, key: str, value: Any) -> None:
        self.writes += 1
        if self.writes == self.die_before:
            raise Died
        if self.writes == self.fail_at:
            raise ConnectionError("the API server is away")
        self.data[key] = json.dumps(value, allow_nan=False)


class Task:
    """One task run; every call of ``attempt`` is a new try in a new process."""

    def __init__(self, hook: OnveraHook, clock: VirtualClock, submit: Submit = CREATE) -> None:
        self.hook, self.clock, self.submit = hook, clock, submit
        self.store: StateStore | None = StateStore()
        self.said: list[str] = []
        self.warned: list[str] = []
        self.max_tries = 3
        self.tries = 0
        self.kill_ends_it = False
        self.patience = 3600.0

    def attempt(self) -> Started:
        self.tries += 1
        request = self.submit.request
        identity = Identity(
            key=lambda generation: submission_key("dag", "run", "task", -1, generation),
            fingerprint=fingerprint(request.method, request.path, request.query, request.json),
            max_tries=self.max_tries,
            try_number=self.tries,
            kill_ends_it=self.kill_ends_it,
        )
        store = HandleStore(self.store, self.warned.append)
        deadline = self.clock.time() + self.patience
        return Submission(self.hook, self.submit, identity, store, deadline=deadline, log=self.said.append).ensure()

    def dies_between_submit_and_answer(self) -> None:
        assert self.store is not None
        self.store.die_before = self.store.writes + 2
        with pytest.raises(Died):
            self.attempt()
        self.store.die_before = None

    @property
    def stored(self) -> dict[str, Any]:
        assert self.store is not None
        return self.store.get(KEY)


@pytest.fixture
def task(hook: OnveraHook, operator_clock: VirtualClock) -> Task:
    return Task(hook, operator_clock)


def created(world: SimulatorServer) -> int:
    return world.stats()["by_api"]["onvera"]["created"]


def posts(world: SimulatorServer) -> int:
    return sum(count for route, count in world.stats()["by_route"].items() if route.startswith("POST "))


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
    assert not started.joined


def test_a_retry_joins_the_running_operation_and_says_so(task: Task, world: SimulatorServer) -> None:
    first, second = task.attempt(), task.attempt()
    assert second.joined
    assert second.handle.operation_id == first.handle.operation_id
    assert created(world) == 1
    assert len([line for line in task.said if "joining it" in line]) == 1


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
    assert task.attempt().joined
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
    assert task.attempt().joined
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
    assert started.joined
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
    assert task.attempt().joined
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
    assert API.mark(submit, "the-key").request.json == {"app_type": "jupyter", "size": "xl", "name": "the-key"}


# -- requests that are refused


def test_a_refused_request_is_an_error_at_once_and_can_be_sent_again(task: Task, world: SimulatorServer) -> None:
    world.faults(fail_first(1, status=400, method="POST"))
    with pytest.raises(InvalidRequest):
        task.attempt()
    assert posts(world) == 1
    assert task.stored["refused"]
    assert task.attempt().handle.generation == 1
    assert created(world) == 1


def test_429_is_waited_out_as_long_as_the_api_asks(task: Task, world: SimulatorServer) -> None:
    world.faults(rate_limited(3, retry_after=20, method="POST"))
    before = task.clock.time()
    task.attempt()
    assert task.clock.time() - before >= 60
    assert (posts(world), created(world)) == (4, 1)


def test_429_for_longer_than_our_patience_ends_the_try_at_once(task: Task, world: SimulatorServer) -> None:
    world.faults(rate_limited(3, retry_after=3000, method="POST"))
    before = task.clock.time()
    with pytest.raises(RateLimited):
        task.attempt()
    assert task.clock.time() - before < 60


def test_429_is_not_waited_out_beyond_the_deadline(task: Task, world: SimulatorServer) -> None:
    task.patience = 30
    world.faults(rate_limited(99, retry_after=8, method="POST"))
    before = task.clock.time()
    with pytest.raises(RateLimited):
        task.attempt()
    assert task.clock.time() - before <= 31


def test_a_refused_connection_is_tried_again_for_minutes_and_started_nothing(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = {"conn_type": "onvera", "host": "http://127.0.0.1:9/api/v1", "password": "k"}
    monkeypatch.setenv("AIRFLOW_CONN_ONVERA_DEFAULT", json.dumps(nobody))
    before = task.clock.time()
    with pytest.raises(TransportError) as caught:
        task.attempt()
    assert caught.value.reason == "connect"
    assert 200 < task.clock.time() - before <= 300
    assert task.stored["refused"]


# -- the state store


def test_without_an_intent_nothing_is_sent(task: Task, world: SimulatorServer) -> None:
    assert task.store is not None
    task.store.fail_at = 1
    with pytest.raises(OpsError, match=r"nothing was submitted.*a retry is safe"):
        task.attempt()
    assert world.stats()["requests"] == 0


def test_a_store_that_fails_after_the_submit_does_not_abandon_the_operation(task: Task, world: SimulatorServer) -> None:
    assert task.store is not None
    task.store.fail_at = 2
    started = task.attempt()
    assert started.handle.operation_id
    assert len(task.warned) == 1
    assert started.handle.operation_id in task.warned[0]
    assert task.attempt().handle.operation_id == started.handle.operation_id
    assert created(world) == 1


def test_without_any_store_a_retry_finds_what_the_first_try_made(task: Task, world: SimulatorServer) -> None:
    """Airflow before 3.3."""
    task.store = None
    first, second = task.attempt(), task.attempt()
    assert second.joined
    assert second.handle.operation_id == first.handle.operation_id
    assert created(world) == 1


def test_without_any_store_a_failed_operation_is_followed_by_one_new_one(task: Task, world: SimulatorServer) -> None:
    world.faults(operation_fails(n=1))
    task.store = None
    task.attempt()
    task.clock.advance(600)
    second, third = task.attempt(), task.attempt()
    assert second.handle.operation_id == third.handle.operation_id
    assert created(world) == 2


# -- what must not be joined


def test_another_request_while_the_operation_runs_is_refused(task: Task, world: SimulatorServer) -> None:
    running = task.attempt().handle.operation_id
    task.submit = create_deployment("superset")
    with pytest.raises(DifferentRequest, match=str(running)):
        task.attempt()
    assert created(world) == 1


def test_another_request_after_the_end_is_a_new_generation(task: Task, world: SimulatorServer) -> None:
    task.attempt()
    task.clock.advance(600)
    task.submit = create_deployment("superset")
    assert task.attempt().handle.generation == 2


def test_an_operation_the_api_forgot_is_not_submitted_again_until_a_clear(task: Task, world: SimulatorServer) -> None:
    handle = task.attempt().handle
    task.clock.advance(1000)
    world.reset()
    with pytest.raises(OperationLost, match=str(handle.operation_id)):
        task.attempt()
    assert posts(world) == 0
    task.max_tries = 7
    task.attempt()
    assert created(world) == 1


def test_an_operation_that_is_not_readable_yet_is_not_lost(task: Task, world: SimulatorServer) -> None:
    world.faults({"fault": "not_found_first", "reads": 2})
    first = task.attempt()
    assert task.attempt().handle.operation_id == first.handle.operation_id
    assert created(world) == 1


# -- deletions


@pytest.fixture
def destroy(task: Task) -> Task:
    made = task.hook.create_deployment("airflow")
    task.clock.advance(600)
    return replace_submit(task, destroy_deployment(str(made.deployment_id)))


def replace_submit(task: Task, submit: Submit) -> Task:
    task.submit = submit
    return task


def destroys(world: SimulatorServer) -> int:
    return len([one for one in world.operations() if one["kind"] == "deployment.destroy"])


def test_a_lost_answer_to_a_deletion_is_found_by_its_resource(destroy: Task, world: SimulatorServer) -> None:
    world.faults(drop_answer(method="DELETE"))
    assert destroy.attempt().joined
    assert destroys(world) == 1


def test_a_deletion_that_is_under_way_is_joined(destroy: Task, world: SimulatorServer) -> None:
    running = destroy.hook.destroy_deployment(destroy.submit.request.path.rsplit("/", 1)[-1])
    started = destroy.attempt()
    assert started.joined
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
    assert [one["name"] for one in world.resources()] == [submission_key("dag", "run", "task", -1, 1)]


def test_the_stored_handle_is_json_without_secrets(task: Task) -> None:
    handle = task.attempt().handle
    assert task.stored == json.loads(json.dumps(handle.to_dict()))
    assert "test-key" not in json.dumps(task.stored)
    assert replace(handle, killed=True) != handle
