"""One of everything, whatever is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis.akua import submits, workspaces
from airflow_provider_ops.exceptions import (
    AmbiguousSubmission,
    Conflict,
    NotFound,
)
from airflow_provider_ops.hooks.akua import AkuaHook
from airflow_provider_ops.lifecycle.handle_store import HandleStore
from airflow_provider_ops.lifecycle.submitter import SubmitResult
from airflow_provider_ops.operators import akua as operators
from airflow_provider_ops.simulator.akua import WORKSPACE
from airflow_provider_ops.testing import (
    SimulatorServer,
    VirtualClock,
    drop_answer,
    fail_first,
)

if TYPE_CHECKING:
    from collections.abc import Callable

from tests.operators.akua.parts import DURATION, Memory, created, done, etag, make_cluster, make_machine, started

# -- exactly one


@pytest.mark.parametrize("fault", [drop_answer(), drop_answer(3)])
def test_a_create_whose_answer_is_lost_makes_one(
    hook: AkuaHook, server: SimulatorServer, ensure: Callable[..., SubmitResult], fault: Any
) -> None:
    server.faults(fault)
    first = ensure(operators.AkuaCreateClusterOperator(task_id="t", name="c", region_id="reg_eu").submit())
    assert len(created(server, "cluster")) == 1
    assert hook.get_operation(first.handle.operation_id or "").kind == "cluster.create"


def test_a_worker_that_dies_between_request_and_answer_makes_one(
    server: SimulatorServer, ensure: Callable[..., SubmitResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Memory()
    package = operators.AkuaCreatePackageOperator(
        task_id="t", name="p", sources=[{"kind": "helm", "repo_url": "oci://c", "target_revision": "1"}]
    ).submit()
    monkeypatch.setattr(HandleStore, "save", lambda *_: None)
    first = ensure(package, store)
    assert store["airflow_provider_ops.handle"]["operation_id"] is None
    monkeypatch.undo()
    for name, value in server.environ().items():
        monkeypatch.setenv(name, value)
    second = ensure(package, store)
    assert second.handle.operation_id == first.handle.operation_id
    assert len(created(server, "package")) == 1


def test_a_delete_that_was_carried_out_unseen_is_found_again(
    hook: AkuaHook, server: SimulatorServer, ensure: Callable[..., SubmitResult], clock: VirtualClock
) -> None:
    cluster_id = make_cluster(hook)
    store = Memory()
    submit = operators.AkuaDeleteClusterOperator(task_id="t", cluster_id=cluster_id).submit()
    first = ensure(submit, store)
    # all that a crash leaves is the intent
    intent = store["airflow_provider_ops.handle"]
    intent["operation_id"] = None
    clock.advance(2 * DURATION)
    with pytest.raises(NotFound):
        hook.get_cluster(cluster_id)
    again = ensure(submit, store)
    assert again.handle.operation_id == first.handle.operation_id
    assert started(server, "cluster.delete") == 1


def test_the_same_key_is_good_with_another_etag(
    hook: AkuaHook, server: SimulatorServer, ensure: Callable[..., SubmitResult]
) -> None:
    cluster_id = make_cluster(hook)
    server.faults(drop_answer(1, route="/clusters/{id}:suspend"))
    before = etag(hook.get_cluster(cluster_id))
    store = Memory()
    submit = operators.AkuaSuspendClusterOperator(task_id="t", cluster_id=cluster_id).submit()
    first = ensure(submit, store)
    assert etag(hook.get_cluster(cluster_id)) != before
    store["airflow_provider_ops.handle"]["operation_id"] = None
    assert ensure(submit, store).handle.operation_id == first.handle.operation_id
    assert started(server, "cluster.suspend") == 1


def test_a_delete_joins_one_that_is_under_way(
    hook: AkuaHook, server: SimulatorServer, ensure: Callable[..., SubmitResult]
) -> None:
    cluster_id = make_cluster(hook)
    theirs = hook.delete_cluster(cluster_id, etag=etag(hook.get_cluster(cluster_id)))
    ours = ensure(operators.AkuaDeleteClusterOperator(task_id="t", cluster_id=cluster_id).submit())
    assert ours.handle.operation_id == theirs.id
    assert started(server, "cluster.delete") == 1


def test_a_conflict_that_is_no_stale_etag_ends_the_try_after_one_request(
    hook: AkuaHook, server: SimulatorServer, ensure: Callable[..., SubmitResult]
) -> None:
    cluster_id = make_cluster(hook)
    make_machine(hook, cluster_id)
    with pytest.raises(Conflict, match="still has a machine"):
        ensure(operators.AkuaDeleteClusterOperator(task_id="t", cluster_id=cluster_id).submit())
    assert sum(row["method"] == "DELETE" for row in server.requests("akua")) == 1


def test_a_stale_etag_of_the_user_is_not_tried_again(
    hook: AkuaHook, server: SimulatorServer, ensure: Callable[..., SubmitResult]
) -> None:
    cluster_id = make_cluster(hook)
    with pytest.raises(Conflict, match="ABORTED"):
        ensure(operators.AkuaDeleteClusterOperator(task_id="t", cluster_id=cluster_id, etag="1").submit())
    assert sum(row["method"] == "DELETE" for row in server.requests("akua")) == 1


def test_a_call_without_a_key_is_not_sent_twice(server: SimulatorServer, ensure: Callable[..., SubmitResult]) -> None:
    server.faults(drop_answer(1, route="/workspaces/{id}/subscription:changeTier"))
    with pytest.raises(AmbiguousSubmission, match="one type of operation for all changes"):
        ensure(operators.AkuaChangeTierOperator(task_id="t", workspace_id=WORKSPACE, tier="pro").submit())
    assert started(server, "workspace.subscription.cancel") == 1


def test_a_call_without_a_key_that_started_nothing_is_sent_again(
    server: SimulatorServer, ensure: Callable[..., SubmitResult]
) -> None:
    server.faults(fail_first(1, status=502, route="/workspaces/{id}/subscription:changeTier"))
    ensure(operators.AkuaChangeTierOperator(task_id="t", workspace_id=WORKSPACE, tier="pro").submit())
    assert started(server, "workspace.subscription.cancel") == 1


def test_several_that_may_be_ours_are_left_alone(
    hook: AkuaHook, server: SimulatorServer, ensure: Callable[..., SubmitResult], clock: VirtualClock
) -> None:
    server.duration = 1
    submit = submits(workspaces.change_tier)(WORKSPACE, "pro")
    done(hook, hook.change_tier(WORKSPACE, "pro", etag=etag(hook.get_workspace(WORKSPACE))))
    clock.advance(1)
    server.faults(drop_answer(1, route="/workspaces/{id}/subscription:changeTier"))
    with pytest.raises(AmbiguousSubmission) as caught:
        ensure(submit)
    assert len(caught.value.candidates) == 2
    assert started(server, "workspace.subscription.cancel") == 2


def test_more_machines_than_may_launch_at_once_come_one_after_the_other(
    hook: AkuaHook, server: SimulatorServer, ensure: Callable[..., SubmitResult]
) -> None:
    cluster_id = make_cluster(hook)
    for _ in range(3):
        hook.create_machine(cluster_id=cluster_id, instance_type="m", compute_config_id="cc_small")
    operator = operators.AkuaCreateMachineOperator(
        task_id="t", cluster_id=cluster_id, instance_type="m", compute_config_id="cc_small"
    )
    ensure(operator.submit())
    assert len(created(server, "machine")) == 4
    assert 429 in [row["status"] for row in server.requests("akua")]
