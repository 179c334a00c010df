"""Waiting for what Akua does."""

from __future__ import annotations

import asyncio

import pytest

from airflow_provider_ops.apis.akua import API
from airflow_provider_ops.core.wait_state import TimedOut, WaitState
from airflow_provider_ops.exceptions import (
    InvalidRequest,
    WaitTimeout,
)
from airflow_provider_ops.hooks.akua import AkuaHook
from airflow_provider_ops.http.blocking_client import BlockingClient
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.polling.waits import poll_until_done
from airflow_provider_ops.testing import (
    SimulatorServer,
    VirtualClock,
    fail_first,
    never_settles,
)
from tests.operators.akua.parts import done, waits
from tests.played import Played, Request, reply

# -- waiting


def test_a_worker_waits_with_one_request(hook: AkuaHook, server: SimulatorServer) -> None:
    server.duration = 50
    done(hook, hook.create_cluster(name="c", region_id="reg_eu"))
    assert waits(server) == ["timeout=60"]


def test_a_deadline_shortens_the_last_wait(hook: AkuaHook, server: SimulatorServer) -> None:
    server.faults(never_settles())
    operation = hook.create_cluster(name="c", region_id="reg_eu")
    with pytest.raises(WaitTimeout):
        hook.wait_for_operation(operation.id, timeout=90)
    queries = waits(server)
    assert queries[0] == "timeout=60"
    assert all(int(query.removeprefix("timeout=")) <= 30 for query in queries[1:])
    assert len(server.requests("akua")) <= 8


def test_a_failed_long_poll_is_followed_by_a_plain_read(hook: AkuaHook, server: SimulatorServer) -> None:
    operation = hook.create_cluster(name="c", region_id="reg_eu")
    server.faults(fail_first(2, route="/operations/{id}:wait"))
    done(hook, operation)
    looks = [(row["method"], row["status"]) for row in server.requests("akua")[1:]]
    assert looks[:4] == [("POST", 503), ("GET", 200), ("POST", 503), ("GET", 200)]
    assert looks[-1] == ("POST", 200)


def test_a_server_that_does_not_hold_answers_back_is_not_flooded(clock: VirtualClock) -> None:
    seen: list[str] = []

    def at_once(request: Request) -> bytes:
        seen.append(request.path)
        return reply(json={"id": "op_a1", "state": "RUNNING"})

    settings = Settings("a", API.base_url.replace("https:", "http:"), "k")
    with BlockingClient(API, settings, clock, backend=Played(at_once)) as client:
        now = clock.time()
        watch = WaitState("op_a1", now=now, policy=API.poll_policy(""), deadline=now + 600)
        poll_until_done(client, [watch], lambda _: None)
    assert isinstance(watch.outcome, TimedOut)
    # growing to one request every ten seconds
    assert 60 <= len(seen) <= 75
    assert set(seen[:-1]) == {"/v1/operations/op_a1:wait"}


async def test_a_triggerer_waits_with_one_request_as_long_as_few_wait(operations_simulator: SimulatorServer) -> None:
    hook = AkuaHook()
    operation = await hook.acreate_cluster(name="c", region_id="reg_eu")
    settled = await hook.await_operation(operation.id, timeout=30)
    assert settled.state is OperationState.SUCCEEDED
    assert waits(operations_simulator) == ["timeout=29"]
    assert (await hook.aget_cluster(settled.resource_id or "")).state == "active"
    assert [found.id async for found in hook.alist_operations()] == [operation.id]


async def test_a_triggerer_looks_otherwise_for_those_who_are_too_many(operations_simulator: SimulatorServer) -> None:
    operations_simulator.duration = 3.0
    hook = AkuaHook()
    operations = [await hook.acreate_cluster(name=str(n), region_id="reg_eu") for n in range(14)]
    async with hook.aclient():
        ended = await asyncio.gather(
            *(hook.await_operation(operation.id, timeout=30, poll_interval=0.2) for operation in operations)
        )
    assert {operation.state for operation in ended} == {OperationState.SUCCEEDED}
    assert any(row["method"] == "GET" for row in operations_simulator.requests("akua"))
    assert operations_simulator.stats()["connections_open_peak"] <= 20


def test_a_cancel_takes_a_moment(hook: AkuaHook) -> None:
    operation = hook.create_cluster(name="c", region_id="reg_eu")
    cancelling = hook.cancel_operation(operation.id)
    assert cancelling.state is OperationState.RUNNING
    assert hook.wait_for_operation(operation.id).state is OperationState.CANCELLED
    # the same key, so the same answer; another key is refused
    assert hook.cancel_operation(operation.id).state is OperationState.CANCELLED
    with pytest.raises(InvalidRequest):
        hook.call(hook.api.cancel_operation(operation.id, "another"))
