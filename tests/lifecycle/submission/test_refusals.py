"""Requests that are refused, a state store that fails, and what must not be joined."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ops.apis.onvera import create_deployment
from airflow_provider_ops.exceptions import (
    DifferentRequest,
    InvalidRequest,
    OperationLost,
    OpsError,
    RateLimited,
    ServerError,
    TransportError,
    WaitTimeout,
)
from airflow_provider_ops.testing import (
    drop_answer,
    fail_first,
    operation_fails,
    rate_limited,
    reset_connection,
)

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer
from tests.lifecycle.submission.parts import Task, created, posts

# -- requests that are refused


def test_a_refused_request_is_an_error_at_once_and_can_be_sent_again(task: Task, world: SimulatorServer) -> None:
    world.faults(fail_first(1, status=400, method="POST"))
    with pytest.raises(InvalidRequest):
        task.attempt()
    assert posts(world) == 1
    assert task.stored["refused"]
    assert task.attempt().handle.generation == 1
    assert created(world) == 1


def test_a_search_that_fails_does_not_hide_what_may_exist(task: Task, world: SimulatorServer) -> None:
    world.faults(drop_answer(), fail_first(999, method="GET"))
    with pytest.raises(ServerError) as caught:
        task.attempt()
    for part in ("outcome of POST /deployments sent at", "is unknown", task.stored["key"], "searches again", "503"):
        assert part in str(caught.value)
    world.faults()
    assert task.attempt().adopted
    assert (posts(world), created(world)) == (1, 1)


def test_what_is_lost_again_and_again_is_not_sent_after_the_deadline(task: Task, world: SimulatorServer) -> None:
    task.patience = 10
    world.faults(reset_connection(999, method="POST"))
    with pytest.raises(TransportError, match="started nothing, and the timeout of this try is over"):
        task.attempt()
    assert posts(world) < 5


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


def test_nothing_is_submitted_after_the_deadline(task: Task, world: SimulatorServer) -> None:
    task.patience = -2.0
    with pytest.raises(WaitTimeout, match="nothing was submitted"):
        task.attempt()
    assert (posts(world), created(world)) == (0, 0)
    task.patience = 60.0
    started = task.attempt().handle
    task.patience = -2.0
    # what exists is adopted all the same
    assert task.attempt().handle.operation_id == started.operation_id


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
    assert second.adopted
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


@pytest.mark.parametrize("seconds", [0.0, 60.0, 119.0])
def test_an_operation_that_is_not_readable_yet_is_not_lost(task: Task, world: SimulatorServer, seconds: float) -> None:
    world.faults({"fault": "not_found_first", "reads": 2})
    first = task.attempt()
    task.clock.advance(seconds)
    assert task.attempt().handle.operation_id == first.handle.operation_id
    assert created(world) == 1
