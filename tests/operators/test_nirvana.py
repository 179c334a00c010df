"""Nirvana's hook and operators against the simulator over real sockets, in virtual time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis import nirvana
from airflow_provider_ops.apis.ending import end
from airflow_provider_ops.apis.nirvana import compute, networking, nks
from airflow_provider_ops.exceptions import (
    CancelNotSupported,
    Conflict,
    InvalidArgument,
    InvalidConnection,
    InvalidRequest,
    NotFound,
)
from airflow_provider_ops.hooks.nirvana import NirvanaHook
from airflow_provider_ops.operation import Operation, OperationState
from airflow_provider_ops.operators import nirvana as operators
from airflow_provider_ops.operators.ending import Ending
from airflow_provider_ops.operators.store import HandleStore
from airflow_provider_ops.operators.submission import Identity, Started, Submission
from airflow_provider_ops.simulator.nirvana.catalogue import PROJECT, SOLD_OUT
from airflow_provider_ops.testing import SimulatorServer, VirtualClock, drop_answer, endless, operation_fails
from airflow_provider_ops.waiting.submitting import Handle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ops.apis.base import Submit
    from airflow_provider_ops.apis.nirvana.resources import VPC
    from airflow_provider_ops.client.pace import Clock

REGION = "us-sva-2"
POOL: Any = {"instance_type": "n1-standard-2", "boot_volume": {"size": 64, "type": "nvme"}}
KEY = "airflow-0123456789abcdef01234567"


@pytest.fixture(scope="module")
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(scope="module")
def served(clock: VirtualClock) -> Iterator[SimulatorServer]:
    with SimulatorServer(duration=100, clock=clock) as server:
        yield server


@pytest.fixture
def server(served: SimulatorServer, monkeypatch: pytest.MonkeyPatch) -> SimulatorServer:
    served.reset()
    for name, value in served.environ().items():
        monkeypatch.setenv(name, value)
    return served


@pytest.fixture
def hook(server: SimulatorServer, clock: Clock) -> Iterator[NirvanaHook]:
    hook = NirvanaHook(clock=clock)
    yield hook
    hook.close()


class Memory(dict[str, Any]):
    """A task state store."""

    def set(self, key: str, value: Any, **_options: Any) -> None:
        self[key] = value


@pytest.fixture
def ensure(hook: NirvanaHook, clock: VirtualClock) -> Callable[..., Started]:
    def run(submit: Submit, store: Memory | None = None, *, lines: list[str] | None = None, **facts: Any) -> Started:
        identity = Identity(
            key=lambda generation: f"{KEY}-{generation}",
            fingerprint=facts.get("fingerprint", "f"),
            max_tries=2,
            try_number=facts.get("try_number", 1),
            kill_ends_it=False,
        )
        told = [] if lines is None else lines
        handles = HandleStore(Memory() if store is None else store, told.append)
        deadline = clock.time() + facts.get("patience", 900)
        return Submission(hook, submit, identity, handles, deadline=deadline, log=told.append).ensure()

    return run


def done(hook: NirvanaHook, operation: Operation) -> str:
    """Wait for an operation and return the id of its resource."""
    settled = hook.wait_for_operation(operation.id, timeout=1000)
    assert settled.state is OperationState.SUCCEEDED, settled
    assert settled.resource_id
    return settled.resource_id


def make_vpc(hook: NirvanaHook) -> VPC:
    return hook.get_vpc(done(hook, hook.create_vpc(name="net", region=REGION, subnet_name="s")))


def vm_fields(hook: NirvanaHook, **changes: Any) -> dict[str, Any]:
    subnet = make_vpc(hook).subnet
    assert subnet is not None
    fields: dict[str, Any] = {
        "name": "web",
        "region": REGION,
        "instance_type": "n1-standard-2",
        "os_image_name": "ubuntu-noble-2025-10-01",
        "boot_volume": {"size": 64, "type": "nvme"},
        "subnet_id": subnet.id,
        "ssh_key": {"public_key": "ssh-ed25519 AAAA"},
        "public_ip_enabled": True,
    }
    return {**fields, **changes}


def make_cluster(hook: NirvanaHook) -> str:
    fields: dict[str, Any] = {"name": "k", "region": REGION, "kubernetes_version": "v1.34.4", "autoscaling": False}
    return done(hook, hook.create_nks_cluster(**fields, vpc_id=make_vpc(hook).id))


def make_pool(hook: NirvanaHook, cluster_id: str, count: int = 1) -> str:
    return done(hook, hook.create_nks_node_pool(cluster_id, name="p", node_config=POOL, node_count=count))


def made(server: SimulatorServer, kind: str) -> list[dict[str, Any]]:
    return [row for row in server.resources("nirvana") if row["kind"] == kind]


def test_all_of_compute(hook: NirvanaHook) -> None:
    data: Any = [{"name": "d", "size": 10, "type": "abs"}]
    vm_id = done(hook, hook.create_vm(**vm_fields(hook, data_volumes=data), tags=["a"]))
    vm = hook.get_vm(vm_id)
    assert (vm.status, vm.tags, len(vm.data_volume_ids)) == ("ready", ("a",), 1)
    assert vm.public_ip
    assert [found.id for found in hook.list_vms(tags=["a"], sort="name:asc")] == [vm_id]
    assert done(hook, hook.update_vm(vm_id, public_ip_enabled=False)) == vm_id
    assert hook.get_vm(vm_id).public_ip is None
    assert done(hook, hook.restart_vm(vm_id)) == vm_id
    volume_id = done(hook, hook.create_volume(name="v", region=REGION, size=20, type="nvme"))
    done(hook, hook.update_volume(volume_id, size=30))
    done(hook, hook.attach_volume(volume_id, vm_id=vm_id))
    assert hook.get_volume(volume_id).vm_id == vm_id
    assert volume_id in [volume.id for volume in hook.list_vm_volumes(vm_id, kind="data")]
    assert [volume.id for volume in hook.list_volumes(attached=False)] == []
    done(hook, hook.detach_volume(volume_id))
    done(hook, hook.delete_vm(vm_id))
    with pytest.raises(NotFound):
        hook.get_vm(vm_id)
    assert [volume.id for volume in hook.list_volumes()] == [volume_id]
    done(hook, hook.delete_volume(volume_id))
    assert hook.get_vm_metrics(done(hook, hook.create_vm(**vm_fields(hook)))) == {"items": []}
    assert list(hook.list_metric_descriptors()) == []
    assert {image.name for image in hook.list_os_images()} == {"ubuntu-noble-2025-10-01", "ubuntu-jammy-2025-10-01"}


def test_all_of_networking(hook: NirvanaHook) -> None:
    vpc = make_vpc(hook)
    rule: dict[str, Any] = {
        "name": "ssh",
        "protocol": "tcp",
        "source_address": "0.0.0.0/0",
        "destination_ports": ["22"],
    }
    rule_id = done(hook, hook.create_firewall_rule(vpc.id, **rule, destination_address="10.0.0.0/24"))
    done(hook, hook.update_firewall_rule(vpc.id, rule_id, destination_ports=["443"]))
    assert hook.get_firewall_rule(vpc.id, rule_id).destination_ports == ("443",)
    assert [found.id for found in hook.list_firewall_rules(vpc.id, protocol="tcp")] == [rule_id]
    assert hook.get_vpc(vpc.id).firewall_rule_ids == (rule_id,)
    done(hook, hook.delete_firewall_rule(vpc.id, rule_id))
    done(hook, hook.update_vpc(vpc.id, name="renamed", subnet_name="t"))
    assert [(found.name, found.subnet and found.subnet.name) for found in hook.list_vpcs(name="RENAM")] == [
        ("renamed", "t")
    ]
    done(hook, hook.delete_vpc(vpc.id))
    sides: dict[str, Any] = {"cidrs": ["10.0.0.0/24"], "provider_cidrs": ["10.1.0.0/16"]}
    aws: Any = {"account_id": "123456789012", "region": "us-west-1"}
    connection_id = done(
        hook, hook.create_connect_connection(name="c", region=REGION, bandwidth_mbps=200, **sides, aws=aws)
    )
    done(hook, hook.update_connect_connection(connection_id, name="d"))
    connection = hook.get_connect_connection(connection_id)
    assert (connection.name, connection.aws and connection.aws.region, connection.asn) == ("d", "us-west-1", 64512)
    assert [found.id for found in hook.list_connect_connections(provider="aws")] == [connection_id]
    assert list(hook.list_connect_routes()) == []
    done(hook, hook.delete_connect_connection(connection_id))


def test_all_of_kubernetes(hook: NirvanaHook) -> None:
    cluster_id = make_cluster(hook)
    done(hook, hook.update_nks_cluster(cluster_id, autoscaling=True))
    assert [found.autoscaling for found in hook.list_nks_clusters()] == [True]
    assert hook.get_nks_kubeconfig(cluster_id).kubeconfig.startswith("apiVersion")
    pool_id = make_pool(hook, cluster_id, 2)
    done(hook, hook.update_nks_node_pool(cluster_id, pool_id, node_count=3))
    assert hook.get_nks_cluster(cluster_id).pool_ids == (pool_id,)
    nodes = list(hook.list_nks_nodes(cluster_id, pool_id))
    assert len(nodes) == hook.get_nks_node_pool(cluster_id, pool_id).node_count == 3
    (volume,) = hook.list_nks_node_volumes(cluster_id, pool_id, nodes[0].id)
    assert hook.get_nks_node_volume(cluster_id, pool_id, nodes[0].id, volume.id).node_id == nodes[0].id
    assert len(list(hook.list_nks_node_pool_volumes(cluster_id, pool_id))) == 3
    done(hook, hook.delete_nks_node(cluster_id, pool_id, nodes[0].id))
    with pytest.raises(NotFound):
        hook.get_nks_node(cluster_id, pool_id, nodes[0].id)
    assert [pool.node_count for pool in hook.list_nks_node_pools(cluster_id)] == [2]
    (balancer,) = hook.list_nks_load_balancers(cluster_id)
    done(hook, hook.update_nks_load_balancer(cluster_id, balancer.id, public_ip_enabled=True))
    assert hook.get_nks_load_balancer(cluster_id, balancer.id).public_ip
    (controller,) = hook.list_nks_controllers(cluster_id)
    assert hook.get_nks_controller(cluster_id, controller.id).instance_type == "n1-standard-2"
    (volume,) = hook.list_nks_controller_volumes(cluster_id, controller.id)
    assert hook.get_nks_controller_volume(cluster_id, controller.id, volume.id).kind == "boot"
    (claim,) = hook.list_nks_volume_claims(cluster_id)
    assert hook.get_nks_volume_claim(cluster_id, claim.id).size == 10
    done(hook, hook.delete_nks_node_pool(cluster_id, pool_id))
    done(hook, hook.delete_nks_cluster(cluster_id))
    assert list(hook.list_nks_clusters()) == []


def test_what_the_platform_says(hook: NirvanaHook) -> None:
    make_vpc(hook)
    assert [region.name for region in hook.list_regions()] == [hook.get_region(REGION).name] == [REGION]
    assert hook.get_instance_type(REGION, "n1-standard-8").vcpu == 8
    assert len(list(hook.list_instance_types())) == 4
    quota = hook.get_quota(REGION)
    assert quota.networking
    assert quota.networking.vpcs
    assert quota.networking.vpcs.used == 1
    assert len(list(hook.list_quotas())) == 1
    assert [project["id"] for project in hook.list_projects()] == [hook.get_project(PROJECT)["id"]]
    assert hook.get_user()["email"] == "simulator@example.com"
    assert [len(list(each)) for each in (hook.list_usage(), hook.list_audit_logs(), hook.list_organizations())] == [
        0
    ] * 3
    assert hook.get_usage("x") == {"resource_id": "x"}
    assert len(list(hook.list_kubernetes_versions())) == 2
    assert hook.test_connection() == (
        True,
        f"Nirvana at {hook.settings().origin} answers for user simulator@example.com",
    )
    with pytest.raises(NotFound):
        hook.get_audit_log("x")
    with pytest.raises(CancelNotSupported):
        hook.cancel_operation("x")


def test_availability_and_cost_start_nothing(hook: NirvanaHook, server: SimulatorServer) -> None:
    vpc = make_vpc(hook)
    before = len(server.operations("nirvana"))
    fields: dict[str, Any] = {"name": "p", "node_config": POOL, "node_count": 2}
    hook.check_vpc(name="x", region=REGION, subnet_name="s")
    hook.check_vpc_update(vpc.id, name="y")
    cost = hook.get_volume_cost(name="v", region=REGION, size=100, type="abs")
    assert (cost.currency, str(cost.monthly_total)) == ("USD", "13.00")
    assert hook.get_vpc_update_cost(vpc.id, name="y").diff is not None
    assert len(server.operations("nirvana")) == before
    cluster_id = make_cluster(hook)
    hook.check_nks_node_pool(cluster_id, **fields)
    assert hook.get_nks_node_pool_cost(cluster_id, **fields).usage_dimensions
    with pytest.raises(InvalidRequest, match="no capacity"):
        hook.check_vm(**vm_fields(hook, instance_type=SOLD_OUT))


async def test_the_same_on_an_event_loop(hook: NirvanaHook) -> None:
    operation = await hook.acreate_vpc(name="net", region=REGION, subnet_name="s")
    settled = await hook.await_operation(operation.id, timeout=1000)
    assert settled.kind == "vpc.create"
    assert [vpc.id async for vpc in hook.alist_vpcs()] == [settled.resource_id]


def test_a_created_thing_carries_our_tag_beside_the_users(hook: NirvanaHook, ensure: Callable[..., Started]) -> None:
    submit = nirvana.submits(compute.create_vm)(**vm_fields(hook), tags=["mine"])
    started = ensure(submit)
    assert not started.joined
    vm_id = done(hook, hook.get_operation(started.handle.operation_id or ""))
    assert hook.get_vm(vm_id).tags == ("mine", f"{KEY}-1")
    assert {volume.tags for volume in hook.list_vm_volumes(vm_id)} == {(f"{KEY}-1",)}


def _creates(hook: NirvanaHook) -> dict[str, Submit]:
    vpc_id, cluster_id = make_vpc(hook).id, make_cluster(hook)
    cidrs: dict[str, Any] = {"cidrs": ["10.0.0.0/24"], "provider_cidrs": ["10.1.0.0/16"]}
    rule: dict[str, Any] = {"name": "r", "protocol": "tcp", "source_address": "0.0.0.0/0", "destination_ports": ["22"]}
    calls = [
        compute.create_vm(**vm_fields(hook)),
        compute.create_volume(name="v", region=REGION, size=1, type="abs"),
        networking.create_vpc(name="n", region=REGION, subnet_name="s"),
        networking.create_firewall_rule(vpc_id, destination_address="10.0.0.0/24", **rule),
        networking.create_connect_connection(name="c", region=REGION, bandwidth_mbps=50, **cidrs),
        nks.create_nks_cluster(name="k", region=REGION, vpc_id=vpc_id, kubernetes_version="v1", autoscaling=True),
        nks.create_nks_node_pool(cluster_id, name="p", node_config=POOL),
    ]
    submits = [hook.api.request(call.request.method, call.request.path, json=call.request.json) for call in calls]
    return {submit.kind.partition(".")[0]: submit for submit in submits}


KINDS = ["vm", "volume", "vpc", "firewall_rule", "connect_connection", "nks_cluster", "nks_node_pool"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_create_whose_answer_is_lost_is_found_by_its_tag(
    hook: NirvanaHook, server: SimulatorServer, ensure: Callable[..., Started], kind: str
) -> None:
    submit = _creates(hook)[kind]
    # somebody else makes the same at the same time
    hook.call(submit)
    before = len(made(server, kind))
    server.faults(drop_answer())
    started = ensure(submit)
    assert started.joined
    assert len(made(server, kind)) == before + 1
    assert started.handle.resource_id == made(server, kind)[-1]["id"]
    assert started.handle.resource_type == kind


def test_a_try_that_died_after_sending_is_joined_by_the_next(
    hook: NirvanaHook, server: SimulatorServer, ensure: Callable[..., Started], clock: VirtualClock
) -> None:
    submit = nirvana.submits(networking.create_vpc)(name="n", region=REGION, subnet_name="s")
    key = f"{KEY}-1"
    store = Memory()
    intent = Handle("nirvana", submit.kind, key, 1, "f", 2, 1, clock.time())
    HandleStore(store, print).save_intent(intent)
    operation_id = hook.call(hook.api.mark(submit, key)).operation_id
    clock.advance(500)
    started = ensure(submit, store, try_number=2)
    assert (started.joined, started.handle.operation_id) == (True, operation_id)
    assert len(made(server, "vpc")) == 1
    assert store["airflow_provider_ops.handle"]["operation_id"] == operation_id


def test_without_a_store_a_create_is_found_by_its_tag_and_an_update_is_repeated(
    hook: NirvanaHook, server: SimulatorServer, clock: VirtualClock
) -> None:
    def run(submit: Submit, try_number: int) -> Started:
        identity = Identity(lambda generation: f"{KEY}-{generation}", "f", 2, try_number, kill_ends_it=False)
        log: list[str] = []
        until = clock.time() + 900
        store = HandleStore(None, log.append)
        return Submission(hook, submit, identity, store, deadline=until, log=log.append).ensure()

    create = nirvana.submits(networking.create_vpc)(name="n", region=REGION, subnet_name="s")
    first = run(create, 1)
    assert run(create, 2).handle.operation_id == first.handle.operation_id
    done(hook, hook.get_operation(first.handle.operation_id or ""))
    vpc_id = made(server, "vpc")[0]["id"]
    done(hook, hook.update_vpc(vpc_id, name="before"))
    update = nirvana.submits(networking.update_vpc)(vpc_id=vpc_id, name="after")
    assert not run(update, 2).joined


@pytest.mark.parametrize("name", ["update_vm", "restart_vm", "delete_vm", "attach_volume", "update_nks_load_balancer"])
def test_a_call_without_a_tag_whose_answer_is_lost_is_found_by_its_resource(
    hook: NirvanaHook, server: SimulatorServer, ensure: Callable[..., Started], clock: VirtualClock, name: str
) -> None:
    vm_id = done(hook, hook.create_vm(**vm_fields(hook)))
    done(hook, hook.update_vm(vm_id, name="earlier"))
    submit: Submit
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
    assert started.joined
    assert len(server.operations("nirvana")) == before + 1
    assert started.handle.operation_id == server.operations("nirvana")[-1]["id"]


def test_an_update_to_something_else_is_not_taken_for_ours(
    hook: NirvanaHook, server: SimulatorServer, ensure: Callable[..., Started]
) -> None:
    vpc_id = make_vpc(hook).id
    server.faults({"fault": "reset", "method": "PATCH", "count": 1, "skip": 1})
    hook.update_vpc(vpc_id, name="theirs")
    submit = nirvana.submits(networking.update_vpc)(vpc_id=vpc_id, name="ours")
    started = ensure(submit)
    done(hook, hook.get_operation(started.handle.operation_id or ""))
    assert hook.get_vpc(vpc_id).name == "ours"


def test_a_busy_pool_is_waited_for(hook: NirvanaHook, server: SimulatorServer, ensure: Callable[..., Started]) -> None:
    cluster_id = make_cluster(hook)
    pool_id = make_pool(hook, cluster_id)
    first = hook.update_nks_node_pool(cluster_id, pool_id, node_count=2)
    lines: list[str] = []
    submit = nirvana.submits(nks.update_nks_node_pool)(cluster_id=cluster_id, pool_id=pool_id, node_count=3)
    started = ensure(submit, lines=lines)
    assert hook.get_operation(first.id).state is OperationState.SUCCEEDED
    assert any("already has an active operation" in line and "trying again" in line for line in lines)
    done(hook, hook.get_operation(started.handle.operation_id or ""))
    assert hook.get_nks_node_pool(cluster_id, pool_id).node_count == 3
    assert len([row for row in server.operations("nirvana") if row["kind"] == "nks_node_pool.update"]) == 2


def test_a_pool_that_stays_busy_ends_in_the_conflict_at_the_deadline(
    hook: NirvanaHook, server: SimulatorServer, ensure: Callable[..., Started], clock: VirtualClock
) -> None:
    cluster_id = make_cluster(hook)
    pool_id = make_pool(hook, cluster_id)
    server.faults(endless())
    hook.update_nks_node_pool(cluster_id, pool_id, node_count=2)
    submit = nirvana.submits(nks.update_nks_node_pool)(cluster_id=cluster_id, pool_id=pool_id, node_count=3)
    store, until = Memory(), clock.time() + 120
    with pytest.raises(Conflict, match="active operation"):
        ensure(submit, store, patience=120)
    assert clock.time() == pytest.approx(until, abs=31)
    assert store["airflow_provider_ops.handle"]["refused"] is True


def test_a_delete_that_is_under_way_is_joined(hook: NirvanaHook, ensure: Callable[..., Started]) -> None:
    vpc_id = make_vpc(hook).id
    theirs = hook.delete_vpc(vpc_id)
    started = ensure(nirvana.submits(networking.delete_vpc)(vpc_id=vpc_id))
    assert started.handle.operation_id == theirs.id


def test_a_preflight_that_is_refused_makes_nothing(
    hook: NirvanaHook, server: SimulatorServer, ensure: Callable[..., Started]
) -> None:
    fields = vm_fields(hook, instance_type=SOLD_OUT)
    store = Memory()
    with pytest.raises(InvalidRequest) as caught:
        ensure(nirvana.submits(compute.create_vm)(**fields, preflight=True), store)
    assert "preflight check was refused, so nothing was submitted: no capacity" in str(caught.value)
    assert made(server, "vm") == []
    assert store == {}
    fields["instance_type"] = "n1-standard-2"
    assert not ensure(nirvana.submits(compute.create_vm)(**fields, preflight=True), store).joined


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
        return str(Ending(hook, handle, durable=True, log=print).failed(operation, "leave", may_retry=False))

    assert "the nks_node_pool is in status 'ready'; it was to change node_count from 1 to 5" in told(update)
    assert "the vpc is in status 'error'" in told(create)


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_created_can_be_deleted_by_policy(hook: NirvanaHook, server: SimulatorServer, kind: str) -> None:
    submitted = hook.call(_creates(hook)[kind])
    facts: dict[str, Any] = {
        "operation_id": submitted.operation_id,
        "resource_type": kind,
        "resource_id": submitted.resource_id,
    }
    sentence = hook.run(end(hook.api, Handle.placeholder(submitted.kind, api="nirvana", **facts), "delete")).text
    if kind == "nks_node_pool":
        # refused as long as it is being made, and for longer than a kill may take
        assert "still exists: delete was refused" in sentence
        return
    deleting = server.operations("nirvana")[-1]
    assert deleting["kind"] == f"{kind}.delete"
    assert sentence == f"{kind} {submitted.resource_id} is being deleted by operation {deleting['id']}"


@pytest.mark.parametrize("kind", KINDS)
def test_the_resource_is_read_once_its_create_is_done(hook: NirvanaHook, kind: str) -> None:
    operation = hook.wait_for_operation(hook.call(_creates(hook)[kind]).operation_id)
    for seen in (operation, Operation.from_dict(operation.to_dict())):
        resource = hook.run(hook.api.read_resource(seen))
        assert resource
        assert (resource["id"], resource["status"]) == (operation.resource_id, "ready")


def test_a_resource_that_shows_up_late_is_waited_for(hook: NirvanaHook, server: SimulatorServer) -> None:
    server.duration = 0.1
    operation = hook.wait_for_operation(
        hook.create_vpc(name="n", region=REGION, subnet_name="s").id, poll_interval=0.05
    )
    with pytest.raises(NotFound):
        hook.get_vpc(operation.resource_id or "")
    resource = hook.run(hook.api.read_resource(operation))
    assert resource
    assert resource["id"] == operation.resource_id


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
    hook: NirvanaHook, server: SimulatorServer, ensure: Callable[..., Started]
) -> None:
    vpc_id = done(hook, hook.create_vpc(name="n", region=REGION, subnet_name="s", project_id="another"))
    server.faults({"fault": "accept_then_drop", "method": "DELETE", "count": 1})
    started = ensure(nirvana.submits(networking.delete_vpc)(vpc_id=vpc_id))
    assert started.joined
    assert started.handle.operation_id == server.operations("nirvana")[-1]["id"]


def test_a_field_that_airflow_uses_itself_is_templated_all_the_same() -> None:
    ids: dict[str, Any] = {"cluster_id": "k", "pool_id": "p", "node_id": "{{ params.node }}"}
    operator = operators.NirvanaDeleteNKSNodeOperator(task_id="delete", **ids)
    assert operator.node_id == "delete"
    assert operator.template_fields == ("conn_id", "cluster_id", "pool_id", "node_id_")
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
        ("NirvanaCreateVolumeOperator", {"tags": "nightly"}, "tags 'nightly' must be a list"),
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
    assert hook.api.mark(ours, "key").request.json["tags"] == ["key"]
    assert hook.api.request("DELETE", "/v1/nks/clusters/k/pools/p").kind == "nks_node_pool.delete"
    other = hook.api.request("POST", "/v1/rpc_nodes/flex", json={})
    assert (other.kind, other.creates) == ("", False)
    assert hook.api.mark(other, "key") is other
