"""Nirvana against the simulator: what its tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ops.apis.nirvana import compute, networking, nks
from airflow_provider_ops.hooks.nirvana import NirvanaHook
from airflow_provider_ops.operation import Operation, OperationState
from airflow_provider_ops.testing import SimulatorServer

if TYPE_CHECKING:
    from airflow_provider_ops.apis.nirvana.resources import VPC
    from airflow_provider_ops.apis.submits import SubmitCall


REGION = "us-sva-2"


POOL: Any = {"instance_type": "n1-standard-2", "boot_volume": {"size": 64, "type": "nvme"}}


KEY = "airflow-0123456789abcdef01234567"


class Memory(dict[str, Any]):
    """A task state store."""

    def set(self, key: str, value: Any, **_options: Any) -> None:
        self[key] = value


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


def creates(hook: NirvanaHook) -> dict[str, SubmitCall]:
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
