"""A way through everything that hook and operators of Nirvana can do."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.operators import nirvana as operators
from airflow_provider_ops.simulator.nirvana.catalogue import METRICS, REGION
from dev.conform.driver import Driver

_KEY: Any = {"public_key": "ssh-ed25519 AAAA"}
_BOOT: Any = {"size": 64, "type": "nvme"}
_POOL: Any = {"boot_volume": _BOOT, "instance_type": "n1-standard-2", "labels": ["a=b"], "taints": ["a=b:NoSchedule"]}
_LINE: Any = {"bandwidth_mbps": 50, "cidrs": ["10.0.0.0/24"], "provider_cidrs": ["10.1.0.0/16"]}
_RULE: Any = {
    "protocol": "tcp",
    "source_address": "0.0.0.0/0",
    "destination_address": "10.0.0.0/24",
    "destination_ports": ["22"],
}


def walk(nirvana: Driver) -> None:
    """Use every method and every operator, in an order in which each can succeed."""
    for part in (_failures, _networking, _compute, _kubernetes, _platform):
        part(nirvana)


def _made(nirvana: Driver, operator: Any, **fields: Any) -> str:
    operation = nirvana.carry_out(operator, **fields)
    if operation.state is not OperationState.SUCCEEDED or operation.resource_id is None:
        raise RuntimeError(f"{operator.__name__} ended as {operation}")
    # reads show a resource a little later
    nirvana.clock.sleep(1)
    return operation.resource_id


def _vpc(nirvana: Driver) -> Any:
    made = _made(nirvana, operators.NirvanaCreateVPCOperator, name="n", region=REGION, subnet_name="s", tags=["t"])
    return nirvana.get_vpc(made)


def _failures(nirvana: Driver) -> None:
    nirvana.server.faults({"fault": "operation_fails"})
    nirvana.carry_out(operators.NirvanaCreateVPCOperator, name="fails", region=REGION, subnet_name="s")
    nirvana.server.faults()


def _networking(nirvana: Driver) -> None:
    fields = {"name": "n", "region": REGION, "subnet_name": "s"}
    nirvana.check_vpc(**fields)
    nirvana.get_vpc_cost(**fields)
    vpc = _vpc(nirvana)
    nirvana.check_vpc_update(vpc.id, name="m")
    nirvana.get_vpc_update_cost(vpc.id, name="m")
    _made(nirvana, operators.NirvanaUpdateVPCOperator, vpc_id=vpc.id, name="m", tags=["u"])
    nirvana.list_vpcs(tags=["u"])
    rule = _made(nirvana, operators.NirvanaCreateFirewallRuleOperator, vpc_id=vpc.id, name="r", **_RULE)
    ids = {"vpc_id": vpc.id, "firewall_rule_id": rule}
    _made(nirvana, operators.NirvanaUpdateFirewallRuleOperator, **ids, destination_ports=["80", "443"])
    nirvana.list_firewall_rules(vpc.id, protocol="tcp")
    nirvana.get_firewall_rule(**ids)
    _made(nirvana, operators.NirvanaDeleteFirewallRuleOperator, **ids)
    _made(nirvana, operators.NirvanaDeleteVPCOperator, vpc_id=vpc.id)
    aws: Any = {"account_id": "1", "region": "us-west-2"}
    nirvana.get_connect_connection_cost(name="c", region=REGION, **_LINE)
    line = _made(nirvana, operators.NirvanaCreateConnectConnectionOperator, name="c", region=REGION, aws=aws, **_LINE)
    nirvana.get_connect_connection_update_cost(line, name="d")
    _made(nirvana, operators.NirvanaUpdateConnectConnectionOperator, connection_id=line, name="d")
    nirvana.list_connect_connections(provider="aws")
    nirvana.get_connect_connection(line)
    nirvana.list_connect_routes()
    _made(nirvana, operators.NirvanaDeleteConnectConnectionOperator, connection_id=line)


def _compute(nirvana: Driver) -> None:
    vpc = _vpc(nirvana)
    machine: dict[str, Any] = {
        "name": "m",
        "region": REGION,
        "instance_type": "n1-standard-2",
        "os_image_name": nirvana.list_os_images()[0].name,
        "boot_volume": _BOOT,
        "subnet_id": vpc.subnet.id,
        "ssh_key": _KEY,
        "public_ip_enabled": True,
    }
    nirvana.check_vm(**machine)
    nirvana.get_vm_cost(**machine)
    extra: Any = [{"name": "d", "size": 10, "type": "abs"}]
    vm = _made(nirvana, operators.NirvanaCreateVMOperator, **machine, data_volumes=extra)
    nirvana.check_vm_update(vm, name="x")
    nirvana.get_vm_update_cost(vm, instance_type="n1-standard-8")
    _made(nirvana, operators.NirvanaUpdateVMOperator, vm_id=vm, instance_type="n1-standard-8")
    _made(nirvana, operators.NirvanaRestartVMOperator, vm_id=vm)
    nirvana.list_vms(public_ip_enabled=True, sort="vcpu:desc")
    nirvana.get_vm(vm)
    nirvana.list_vm_volumes(vm, kind="boot")
    _metrics(nirvana, vm)
    disk: dict[str, Any] = {"name": "v", "region": REGION, "size": 10, "type": "abs"}
    nirvana.check_volume(**disk)
    nirvana.get_volume_cost(**disk)
    volume = _made(nirvana, operators.NirvanaCreateVolumeOperator, **disk)
    nirvana.check_volume_update(volume, size=20)
    nirvana.get_volume_update_cost(volume, size=20)
    _made(nirvana, operators.NirvanaUpdateVolumeOperator, volume_id=volume, size=20)
    _made(nirvana, operators.NirvanaAttachVolumeOperator, volume_id=volume, vm_id=vm)
    nirvana.list_volumes(attached=True)
    nirvana.get_volume(volume)
    _made(nirvana, operators.NirvanaDetachVolumeOperator, volume_id=volume)
    _made(nirvana, operators.NirvanaDeleteVolumeOperator, volume_id=volume)
    _made(nirvana, operators.NirvanaDeleteVMOperator, vm_id=vm)


def _metrics(nirvana: Driver, vm: str) -> None:
    nirvana.list_metric_descriptors()
    nirvana.get_vm_metrics(vm)
    end = datetime.fromtimestamp(nirvana.clock.time(), timezone.utc)
    times = {"start_time": end - timedelta(hours=3), "end_time": end}
    nirvana.get_vm_metrics(vm, **times, aggregation="max", metric=list(METRICS), period="1h")


def _kubernetes(nirvana: Driver) -> None:
    vpc, version = _vpc(nirvana), nirvana.list_kubernetes_versions()[0].name
    fields = {"name": "k", "region": REGION, "vpc_id": vpc.id, "kubernetes_version": version, "autoscaling": False}
    nirvana.check_nks_cluster(**fields)
    nirvana.get_nks_cluster_cost(**fields)
    cluster = _made(nirvana, operators.NirvanaCreateNKSClusterOperator, **fields)
    nirvana.check_nks_cluster_update(cluster, name="l")
    nirvana.get_nks_cluster_update_cost(cluster, name="l")
    _made(nirvana, operators.NirvanaUpdateNKSClusterOperator, cluster_id=cluster, name="l")
    nirvana.list_nks_clusters()
    nirvana.get_nks_cluster(cluster)
    nirvana.get_nks_kubeconfig(cluster)
    (controller,) = nirvana.list_nks_controllers(cluster)
    nirvana.get_nks_controller(cluster, controller.id)
    (volume,) = nirvana.list_nks_controller_volumes(cluster, controller.id)
    nirvana.get_nks_controller_volume(cluster, controller.id, volume.id)
    (balancer,) = nirvana.list_nks_load_balancers(cluster)
    ids = {"cluster_id": cluster, "load_balancer_id": balancer.id}
    _made(nirvana, operators.NirvanaUpdateNKSLoadBalancerOperator, **ids, public_ip_enabled=True)
    nirvana.get_nks_load_balancer(**ids)
    (claim,) = nirvana.list_nks_volume_claims(cluster)
    nirvana.get_nks_volume_claim(cluster, claim.id)
    _pools(nirvana, cluster)
    _made(nirvana, operators.NirvanaDeleteNKSClusterOperator, cluster_id=cluster)


def _pools(nirvana: Driver, cluster: str) -> None:
    fields: dict[str, Any] = {"name": "p", "node_config": _POOL, "node_count": 2}
    nirvana.check_nks_node_pool(cluster, **fields)
    nirvana.get_nks_node_pool_cost(cluster, **fields)
    pool = _made(nirvana, operators.NirvanaCreateNKSNodePoolOperator, cluster_id=cluster, **fields)
    nirvana.check_nks_node_pool_update(cluster, pool, node_count=3)
    nirvana.get_nks_node_pool_update_cost(cluster, pool, node_count=3)
    _made(nirvana, operators.NirvanaUpdateNKSNodePoolOperator, cluster_id=cluster, pool_id=pool, node_count=3)
    nirvana.list_nks_node_pools(cluster)
    nirvana.get_nks_node_pool(cluster, pool)
    nirvana.list_nks_node_pool_volumes(cluster, pool)
    node = nirvana.list_nks_nodes(cluster, pool)[0]
    nirvana.get_nks_node(cluster, pool, node.id)
    volume = nirvana.list_nks_node_volumes(cluster, pool, node.id)[0]
    nirvana.get_nks_node_volume(cluster, pool, node.id, volume.id)
    _made(nirvana, operators.NirvanaDeleteNKSNodeOperator, cluster_id=cluster, pool_id=pool, node_id=node.id)
    _made(nirvana, operators.NirvanaDeleteNKSNodePoolOperator, cluster_id=cluster, pool_id=pool)


def _platform(nirvana: Driver) -> None:
    nirvana.get_user()
    nirvana.get_project(nirvana.list_projects()[0].id)
    nirvana.list_organizations()
    nirvana.get_usage(nirvana.list_usage()[0].resource_id)
    nirvana.get_quota(nirvana.list_quotas()[0].region)
    nirvana.get_region(nirvana.list_regions()[0].name)
    machine = nirvana.list_instance_types()[0]
    nirvana.get_instance_type(machine.region, machine.name)
    nirvana.get_audit_log(nirvana.list_audit_logs()[0].id)
    nirvana.list_operations(kind="vm", sort="updated_at:desc")
