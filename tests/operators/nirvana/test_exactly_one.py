"""One of everything, whatever is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_ops.apis import nirvana
from airflow_provider_ops.apis.nirvana import compute, networking, nks
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.core.identity import derived_nonce
from airflow_provider_ops.exceptions import (
    Conflict,
)
from airflow_provider_ops.hooks.nirvana import NirvanaHook
from airflow_provider_ops.lifecycle.handle_store import HandleStore
from airflow_provider_ops.lifecycle.submitter import SubmitResult, Submitter
from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.testing import SimulatorServer, VirtualClock, drop_answer, never_settles
from tests.attempts import attempt, identity_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ops.apis.submits import SubmitCall
from tests.operators.nirvana.parts import (
    KEY,
    KINDS,
    REGION,
    Memory,
    creates,
    done,
    made,
    make_cluster,
    make_pool,
    make_vpc,
    vm_fields,
)


def test_a_created_thing_carries_our_tag_beside_the_users(
    hook: NirvanaHook, ensure: Callable[..., SubmitResult]
) -> None:
    submit = nirvana.submits(compute.create_vm)(**vm_fields(hook), tags=["mine"])
    started = ensure(submit)
    assert not started.adopted
    vm_id = done(hook, hook.get_operation(started.handle.operation_id or ""))
    key = started.handle.key
    assert hook.get_vm(vm_id).tags == ("mine", key)
    assert {volume.tags for volume in hook.list_vm_volumes(vm_id)} == {(key,)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_create_whose_answer_is_lost_is_found_by_its_tag(
    hook: NirvanaHook, server: SimulatorServer, ensure: Callable[..., SubmitResult], kind: str
) -> None:
    submit = creates(hook)[kind]
    # somebody else makes the same at the same time
    hook.call(submit)
    before = len(made(server, kind))
    server.faults(drop_answer())
    started = ensure(submit)
    assert started.adopted
    assert len(made(server, kind)) == before + 1
    assert started.handle.resource_id == made(server, kind)[-1]["id"]
    assert started.handle.resource_type == kind


def test_a_try_that_died_after_sending_is_joined_by_the_next(
    hook: NirvanaHook, server: SimulatorServer, ensure: Callable[..., SubmitResult], clock: VirtualClock
) -> None:
    submit = nirvana.submits(networking.create_vpc)(name="n", region=REGION, subnet_name="s")
    key = f"{KEY}-1"
    store = Memory()
    intent = Handle("nirvana", submit.kind, key, 1, "f", 2, 1, clock.time())
    HandleStore(store, print).save_intent(intent)
    operation_id = hook.call(hook.api.with_idempotency_key(submit, key)).operation_id
    clock.advance(500)
    started = ensure(submit, store, try_number=2)
    assert (started.adopted, started.handle.operation_id) == (True, operation_id)
    assert len(made(server, "vpc")) == 1
    assert store["airflow_provider_ops.handle"]["operation_id"] == operation_id


def test_without_a_store_a_create_is_found_by_its_tag_and_an_update_is_repeated(
    hook: NirvanaHook, server: SimulatorServer, clock: VirtualClock
) -> None:
    def run(submit: SubmitCall, try_number: int) -> SubmitResult:
        identity = identity_of(submit, attempt(try_number), derived_nonce=derived_nonce, most_generations=try_number)
        log: list[str] = []
        until = clock.time() + 900
        store = HandleStore(None, log.append)
        return Submitter(hook, submit, identity, store, deadline=until, log=log.append).run()

    create = nirvana.submits(networking.create_vpc)(name="n", region=REGION, subnet_name="s")
    first = run(create, 1)
    assert run(create, 2).handle.operation_id == first.handle.operation_id
    done(hook, hook.get_operation(first.handle.operation_id or ""))
    vpc_id = made(server, "vpc")[0]["id"]
    done(hook, hook.update_vpc(vpc_id, name="before"))
    update = nirvana.submits(networking.update_vpc)(vpc_id=vpc_id, name="after")
    assert not run(update, 2).adopted


@pytest.mark.parametrize("name", ["update_vm", "restart_vm", "delete_vm", "attach_volume", "update_nks_load_balancer"])
def test_a_call_without_a_tag_whose_answer_is_lost_is_found_by_its_resource(
    hook: NirvanaHook, server: SimulatorServer, ensure: Callable[..., SubmitResult], clock: VirtualClock, name: str
) -> None:
    vm_id = done(hook, hook.create_vm(**vm_fields(hook)))
    done(hook, hook.update_vm(vm_id, name="earlier"))
    submit: SubmitCall
    if name == "attach_volume":
        volume_id = done(hook, hook.create_volume(name="v", region=REGION, size=1, type="abs"))
        submit = nirvana.submits(compute.attach_volume)(volume_id=volume_id, vm_id=vm_id)
    elif name == "update_nks_load_balancer":
        cluster_id = make_cluster(hook)
        (balancer,) = hook.list_nks_load_balancers(cluster_id)
        ids = {"cluster_id": cluster_id, "load_balancer_id": balancer.id}
        submit = nirvana.submits(nks.update_nks_load_balancer)(**ids, public_ip_enabled=True)
    else:
        changes = {"name": "later"} if name == "update_vm" else {}
        submit = nirvana.submits(getattr(compute, name))(vm_id=vm_id, **changes)
    clock.advance(60)
    before = len(server.operations("nirvana"))
    server.faults({"fault": "accept_then_drop", "method": submit.request.method, "count": 1})
    started = ensure(submit)
    assert started.adopted
    assert len(server.operations("nirvana")) == before + 1
    assert started.handle.operation_id == server.operations("nirvana")[-1]["id"]


def test_an_update_to_something_else_is_not_taken_for_ours(
    hook: NirvanaHook, server: SimulatorServer, ensure: Callable[..., SubmitResult]
) -> None:
    vpc_id = make_vpc(hook).id
    server.faults({"fault": "reset", "method": "PATCH", "count": 1, "skip": 1})
    hook.update_vpc(vpc_id, name="theirs")
    submit = nirvana.submits(networking.update_vpc)(vpc_id=vpc_id, name="ours")
    started = ensure(submit)
    done(hook, hook.get_operation(started.handle.operation_id or ""))
    assert hook.get_vpc(vpc_id).name == "ours"


def test_a_busy_pool_is_waited_for(
    hook: NirvanaHook, server: SimulatorServer, ensure: Callable[..., SubmitResult]
) -> None:
    cluster_id = make_cluster(hook)
    pool_id = make_pool(hook, cluster_id)
    first = hook.update_nks_node_pool(cluster_id, pool_id, node_count=2)
    lines: list[str] = []
    submit = nirvana.submits(nks.update_nks_node_pool)(cluster_id=cluster_id, pool_id=pool_id, node_count=3)
    started = ensure(submit, lines=lines)
    assert hook.get_operation(first.id).state is OperationState.SUCCEEDED
    assert sum("already has an active operation" in line for line in lines) == 1
    done(hook, hook.get_operation(started.handle.operation_id or ""))
    assert hook.get_nks_node_pool(cluster_id, pool_id).node_count == 3
    assert len([row for row in server.operations("nirvana") if row["kind"] == "nks_node_pool.update"]) == 2


def test_a_pool_that_stays_busy_ends_in_the_conflict_at_the_deadline(
    hook: NirvanaHook, server: SimulatorServer, ensure: Callable[..., SubmitResult], clock: VirtualClock
) -> None:
    cluster_id = make_cluster(hook)
    pool_id = make_pool(hook, cluster_id)
    server.faults(never_settles())
    hook.update_nks_node_pool(cluster_id, pool_id, node_count=2)
    submit = nirvana.submits(nks.update_nks_node_pool)(cluster_id=cluster_id, pool_id=pool_id, node_count=3)
    store, until = Memory(), clock.time() + 120
    with pytest.raises(Conflict, match="active operation"):
        ensure(submit, store, patience=120)
    assert clock.time() == pytest.approx(until, abs=31)
    assert store["airflow_provider_ops.handle"]["refused"] is True


def test_a_delete_that_is_under_way_is_joined(hook: NirvanaHook, ensure: Callable[..., SubmitResult]) -> None:
    vpc_id = make_vpc(hook).id
    theirs = hook.delete_vpc(vpc_id)
    started = ensure(nirvana.submits(networking.delete_vpc)(vpc_id=vpc_id))
    assert started.handle.operation_id == theirs.id
