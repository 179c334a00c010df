"""Preflights, failures, resources, and what is refused at parse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis import nirvana
from airflow_provider_ops.apis.nirvana import compute, networking
from airflow_provider_ops.apis.terminate import terminate
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.exceptions import (
    InvalidArgument,
    InvalidConnection,
    InvalidRequest,
    NotFound,
)
from airflow_provider_ops.hooks.nirvana import NirvanaHook
from airflow_provider_ops.lifecycle.failure_report import FailureReport
from airflow_provider_ops.lifecycle.submitter import SubmitResult
from airflow_provider_ops.operation import Operation
from airflow_provider_ops.operators import nirvana as operators
from airflow_provider_ops.simulator.nirvana.catalogue import PROJECT, SOLD_OUT
from airflow_provider_ops.testing import SimulatorServer, operation_fails

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ops.http.clock import Clock
from tests.operators.nirvana.parts import KINDS, REGION, Memory, creates, done, made, make_cluster, make_pool, vm_fields


def test_a_preflight_that_is_refused_makes_nothing(
    hook: NirvanaHook, server: SimulatorServer, ensure: Callable[..., SubmitResult]
) -> None:
    fields = vm_fields(hook, instance_type=SOLD_OUT)
    store = Memory()
    with pytest.raises(InvalidRequest) as caught:
        ensure(nirvana.submits(compute.create_vm)(**fields, preflight=True), store)
    assert "nothing was submitted, because the check before it was refused" in str(caught.value)
    assert made(server, "vm") == []
    assert store == {}
    fields["instance_type"] = "n1-standard-2"
    assert not ensure(nirvana.submits(compute.create_vm)(**fields, preflight=True), store).adopted


def test_a_failed_operation_is_explained_by_its_resource(hook: NirvanaHook, server: SimulatorServer) -> None:
    cluster_id = make_cluster(hook)
    pool_id = make_pool(hook, cluster_id)
    server.faults(operation_fails())
    update = hook.wait_for_operation(hook.update_nks_node_pool(cluster_id, pool_id, node_count=5).id)
    create = hook.wait_for_operation(hook.create_vpc(name="n", region=REGION, subnet_name="s").id)

    def told(operation: Operation) -> str:
        # as it comes from the triggerer: without the raw answer
        operation = Operation.from_dict(json.loads(json.dumps(operation.to_dict())))
        handle = Handle.placeholder(operation.kind, resource_type=operation.resource_type, operation_id=operation.id)
        return str(FailureReport(hook, handle, durable=True, log=print).failed(operation, "leave", may_retry=False))

    assert "the nks_node_pool is in status 'ready'; it was to change node_count from 1 to 5" in told(update)
    assert "the vpc is in status 'error'" in told(create)


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_created_can_be_deleted_by_policy(hook: NirvanaHook, server: SimulatorServer, kind: str) -> None:
    submitted = hook.call(creates(hook)[kind])
    facts: dict[str, Any] = {
        "operation_id": submitted.operation_id,
        "resource_type": kind,
        "resource_id": submitted.resource_id,
    }
    sentence = hook.run(terminate(hook.api, Handle.placeholder(submitted.kind, api="nirvana", **facts), "delete")).text
    if kind == "nks_node_pool":
        # refused as long as it is being made, and for longer than a kill may take
        assert "still exists: the deletion was refused" in sentence
        return
    deleting = server.operations("nirvana")[-1]
    assert deleting["kind"] == f"{kind}.delete"
    assert sentence == f"{kind} {submitted.resource_id} is being deleted by operation {deleting['id']}"


@pytest.mark.parametrize("kind", KINDS)
def test_the_resource_is_read_once_its_create_is_done(hook: NirvanaHook, kind: str) -> None:
    operation = hook.wait_for_operation(hook.call(creates(hook)[kind]).operation_id)
    for seen in (operation, Operation.from_dict(operation.to_dict())):
        resource = hook.run(hook.api.read_resource(seen))
        assert resource
        assert (resource["id"], resource["status"]) == (operation.resource_id, "ready")


def test_a_resource_that_is_not_there_is_told_from_one_that_cannot_be_read(
    hook: NirvanaHook, server: SimulatorServer
) -> None:
    server.duration = 0.1
    operation = hook.wait_for_operation(
        hook.create_vpc(name="n", region=REGION, subnet_name="s").id, poll_interval=0.05
    )
    with pytest.raises(NotFound, match=operation.resource_id):
        hook.run(hook.api.read_resource(operation))


def test_the_project_comes_from_the_call_or_the_connection(
    hook: NirvanaHook, server: SimulatorServer, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    assert hook.create_vpc(name="a", region=REGION, subnet_name="s").raw["project_id"] == PROJECT
    bare = json.loads(server.connection_json("nirvana"))
    del bare["extra"]
    monkeypatch.setenv("AIRFLOW_CONN_NIRVANA_BARE", json.dumps(bare))
    poor = NirvanaHook("nirvana_bare", clock=clock)
    assert poor.create_vpc(name="b", region=REGION, subnet_name="s", project_id="p-9").raw["project_id"] == "p-9"
    assert [vpc.name for vpc in poor.list_vpcs("p-9")] == []  # not readable yet
    with pytest.raises(InvalidConnection, match="pass project_id, or set the extra project_id"):
        poor.create_vpc(name="c", region=REGION, subnet_name="s")
    with pytest.raises(InvalidConnection, match="project_id"):
        list(poor.list_operations())
    assert len(made(server, "vpc")) == 2
    poor.close()


def test_a_lost_delete_is_found_in_the_project_of_its_resource(
    hook: NirvanaHook, server: SimulatorServer, ensure: Callable[..., SubmitResult]
) -> None:
    vpc_id = done(hook, hook.create_vpc(name="n", region=REGION, subnet_name="s", project_id="another"))
    server.faults({"fault": "accept_then_drop", "method": "DELETE", "count": 1})
    started = ensure(nirvana.submits(networking.delete_vpc)(vpc_id=vpc_id))
    assert started.adopted
    assert started.handle.operation_id == server.operations("nirvana")[-1]["id"]


def test_a_field_that_airflow_uses_itself_is_templated_all_the_same() -> None:
    ids: dict[str, Any] = {"cluster_id": "k", "pool_id": "p", "node_id": "{{ params.node }}"}
    operator = operators.NirvanaDeleteNKSNodeOperator(task_id="delete", **ids)
    assert operator.node_id == "delete"
    assert operator.template_fields == ("conn_id", "operation_id", "cluster_id", "pool_id", "node_id_")
    operator.render_template_fields({"params": {"node": "n-1"}})
    assert operator.submit().request.path == "/v1/nks/clusters/k/pools/p/nodes/n-1"
    assert operator.node_id == "delete"


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("NirvanaCreateVolumeOperator", {"type": "ssd"}, "type 'ssd' is not known: use 'nvme', 'abs'"),
        ("NirvanaCreateVolumeOperator", {"size": 0}, "size must be a whole number, 1 or more"),
        ("NirvanaUpdateNKSNodePoolOperator", {"node_count": 101}, "node_count must be a whole number, from 0 to 100"),
        ("NirvanaDeleteVMOperator", {"vm_id": "../x"}, "vm_id"),
        ("NirvanaCreateFirewallRuleOperator", {"source_address": "10.0.0.1/24"}, "write '10.0.0.0/24'"),
        ("NirvanaCreateFirewallRuleOperator", {"source_address": "0.0.0.0/8"}, "written '0.0.0.0/0'"),
        ("NirvanaCreateFirewallRuleOperator", {"protocol": "icmp"}, "protocol 'icmp' is not known"),
        ("NirvanaCreateConnectConnectionOperator", {"bandwidth_mbps": 100}, "50, 200, 500, 1000, 2000"),
        ("NirvanaCreateConnectConnectionOperator", {"cidrs": ["10.0.0.1/8"]}, "cidrs '10.0.0.1/8'"),
        ("NirvanaCreateConnectConnectionOperator", {"cidrs": "10.0.0.0/8"}, "write ['10.0.0.0/8']"),
        ("NirvanaCreateVolumeOperator", {"tags": "nightly"}, "tags must be a list of texts, not the text 'nightly'"),
    ],
)
def test_what_cannot_work_is_refused_when_the_dag_is_parsed(name: str, changes: dict[str, Any], message: str) -> None:
    cidrs: dict[str, Any] = {"cidrs": ["10.0.0.0/24"], "provider_cidrs": ["10.1.0.0/16"]}
    good: dict[str, dict[str, Any]] = {
        "NirvanaCreateVolumeOperator": {"name": "v", "region": REGION, "size": 1, "type": "abs"},
        "NirvanaUpdateNKSNodePoolOperator": {"cluster_id": "k", "pool_id": "p"},
        "NirvanaDeleteVMOperator": {},
        "NirvanaCreateFirewallRuleOperator": {
            "vpc_id": "v",
            "name": "r",
            "protocol": "tcp",
            "source_address": "0.0.0.0/0",
            "destination_address": "10.0.0.0/24",
            "destination_ports": ["22"],
        },
        "NirvanaCreateConnectConnectionOperator": {"name": "c", "region": REGION, "bandwidth_mbps": 50, **cidrs},
    }
    with pytest.raises(InvalidArgument) as caught:
        getattr(operators, name)(task_id="t", **{**good[name], **changes})
    assert message in str(caught.value)


def test_the_calls_of_the_generic_operator_are_recognised(hook: NirvanaHook) -> None:
    ours = hook.api.request("post", "/v1/networking/vpcs", json={"name": "n"})
    assert (ours.kind, ours.creates) == ("vpc.create", True)
    assert hook.api.with_idempotency_key(ours, "key").request.json["tags"] == ["key"]
    assert hook.api.request("DELETE", "/v1/nks/clusters/k/pools/p").kind == "nks_node_pool.delete"
    other = hook.api.request("POST", "/v1/rpc_nodes/flex", json={})
    assert (other.kind, other.creates) == ("", False)
    assert hook.api.with_idempotency_key(other, "key") is other
