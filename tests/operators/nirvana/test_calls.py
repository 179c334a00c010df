"""Every call of Nirvana, over real sockets."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_ops.exceptions import (
    CancelNotSupported,
    InvalidRequest,
    NotFound,
)
from airflow_provider_ops.hooks.nirvana import NirvanaHook
from airflow_provider_ops.simulator.nirvana.catalogue import PROJECT, SOLD_OUT
from airflow_provider_ops.testing import SimulatorServer
from tests.operators.nirvana.parts import POOL, REGION, done, make_cluster, make_pool, make_vpc, vm_fields


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
    measured = done(hook, hook.create_vm(**vm_fields(hook)))
    names = [str(described.metric) for described in hook.list_metric_descriptors()]
    metrics = hook.get_vm_metrics(measured, metric=names[:1], period="15m", aggregation="max")
    assert (metrics.vm_id, metrics.period, metrics.aggregation) == (measured, "15m", "max")
    assert metrics.metrics is not None
    assert [(series.metric, len(series.points or ())) for series in metrics.metrics] == [(names[0], 4)]
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
    (project,) = hook.list_projects()
    assert project == hook.get_project(PROJECT)
    assert project.resources is not None
    assert project.resources.cloud is not None
    assert project.resources.cloud.vpcs == 1
    user = hook.get_user()
    assert (user.email, user.first_name) == ("simulator@example.com", "Sim")
    with pytest.warns(DeprecationWarning, match="User is no mapping"):
        assert user["email"] == user.email
    (entry,) = hook.list_audit_logs()
    assert (entry.action, hook.get_audit_log(entry.id)) == ("vpc.create", entry)
    (usage,) = hook.list_usage()
    assert (usage.resource_type, hook.get_usage(str(usage.resource_id)).ended_at) == ("vpc", None)
    assert list(hook.list_organizations()) == []
    assert [version.display_name for version in hook.list_kubernetes_versions()] == [
        "Kubernetes v1.34.4",
        "Kubernetes v1.33.8",
    ]
    assert hook.test_connection() == (
        True,
        f"Nirvana at {hook.settings().base_url} answers: user simulator@example.com",
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
    grown = hook.get_volume_update_cost(
        done(hook, hook.create_volume(name="v", region=REGION, size=10, type="abs")), size=110
    )
    assert grown.diff is not None
    assert grown.diff.usage_dimensions is not None
    storage = grown.diff.usage_dimensions[-1]
    assert storage.before is not None
    assert storage.after is not None
    assert (storage.dimension, storage.before.quantity, storage.after.quantity) == (
        "storage_gb",
        Decimal(10),
        Decimal(110),
    )
    assert storage.monthly_amount_delta == grown.diff.monthly_total_delta == 8
    before = len(server.operations("nirvana"))
    line: Any = {"bandwidth_mbps": 50, "cidrs": ["10.0.0.0/24"], "provider_cidrs": ["10.1.0.0/16"]}
    assert hook.get_connect_connection_cost(name="c", region=REGION, **line).currency == "USD"
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
