"""What a kill does to an operation, and what it must leave alone."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ops.apis.terminate import kill_operation
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.hooks.akua import AkuaHook
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.testing import SimulatorServer, VirtualClock

DURATION = 40.0


@pytest.fixture(autouse=True)
def _fresh(server: SimulatorServer) -> None:
    server.reset()


def _deployment(clock: VirtualClock) -> tuple[OnveraHook, Handle]:
    hook = OnveraHook(clock=clock)
    made = hook.create_deployment("airflow", "mine")
    made_by = {"operation_id": made.operation_id, "resource_type": "deployment", "resource_id": made.deployment_id}
    return hook, Handle.placeholder("deployment.create", api="onvera", **made_by)


def test_a_running_operation_is_ended(server: SimulatorServer, clock: VirtualClock) -> None:
    hook, handle = _deployment(clock)
    said = hook.run(kill_operation(hook.api, handle, "delete")).text
    assert "is being deleted by operation" in said
    assert [item["stage"] for item in server.operations()] == ["cancelled", "queued"]


@pytest.mark.parametrize("policy", ["cancel", "delete"])
def test_what_has_succeeded_is_not_deleted_by_one_who_missed_it(
    server: SimulatorServer, clock: VirtualClock, policy: str
) -> None:
    hook, handle = _deployment(clock)
    clock.advance(DURATION * 2)
    said = hook.run(kill_operation(hook.api, handle, policy)).text
    assert said.endswith("is over already (succeeded): nothing is cancelled or deleted here")
    assert len(server.operations()) == 1
    assert not server.resources("onvera")[0]["deleted"]


def test_a_kill_is_carried_out_although_the_operation_cannot_be_looked_at(
    server: SimulatorServer, clock: VirtualClock
) -> None:
    hook, handle = _deployment(clock)
    rule: dict[str, Any] = {"fault": "status", "status": 403, "method": "GET"}
    server.faults(rule)
    assert "is being deleted" in hook.run(kill_operation(hook.api, handle, "delete")).text


def test_what_cannot_be_deleted_while_it_is_made_is_cancelled_first(
    server: SimulatorServer, clock: VirtualClock
) -> None:
    hook = AkuaHook(clock=clock)
    operation = hook.create_cluster(name="mine", region_id="reg_eu")
    made_by = {"operation_id": operation.id, "resource_type": "cluster", "resource_id": operation.resource_id}
    handle = Handle.placeholder("cluster.create", api="akua", **made_by)
    said = hook.run(kill_operation(hook.api, handle, "delete")).text
    assert "is being deleted" in said
    assert {item["kind"]: item["stage"] for item in server.operations()}["cluster.create"] == "cancelled"


def test_a_kill_while_waiting_for_what_comes_after_the_operation_is_carried_out(
    server: SimulatorServer, clock: VirtualClock
) -> None:
    hook, handle = _deployment(clock)
    clock.advance(DURATION * 2)
    still_running = hook.create_deployment("airflow", "other").operation_id
    ended = hook.run(kill_operation(hook.api, handle, "delete", still_running))
    assert ended.removed
    assert server.resources("onvera")[0]["deleted"] or server.operations()[-1]["kind"] == "deployment.destroy"
