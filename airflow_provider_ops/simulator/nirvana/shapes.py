"""How the simulated Nirvana shows its resources [fact sheet, section 5]."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ops.simulator.clock import rfc3339
from airflow_provider_ops.simulator.nirvana.catalogue import INSTANCE_TYPES, REGION, USER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_ops.simulator.records import Operation, Resource

WORDS = {"queued": "pending", "succeeded": "done", "cancelled": "failed"}
"""Nirvana's status words where they differ from ours."""


def operation(row: Operation) -> dict[str, Any]:
    """Return an operation."""
    kind, _, how = row.kind.partition(".")
    changes = row.details.get("changes")
    return {
        "id": row.id,
        "created_at": rfc3339(row.created_at),
        "updated_at": rfc3339(row.shown_updated_at),
        "kind": kind,
        "type": how,
        "status": WORDS.get(row.shown, row.shown),
        "project_id": row.details["project_id"],
        "resource_id": row.resource.id,
        "details": {"changes": {name: _sides(change) for name, change in changes.items()}} if changes else None,
    }


def _sides(change: Mapping[str, Any]) -> dict[str, Any]:
    # a side of a change is never null
    return {side: "" if value is None else value for side, value in change.items()}


def _base(row: Resource) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "created_at": rfc3339(row.created_at),
        "updated_at": rfc3339(row.updated_at),
    }


def _owned(row: Resource, *names: str) -> dict[str, Any]:
    facts = row.details
    return {
        **_base(row),
        "tags": facts["tags"],
        **({} if facts["nested"] else {"project_id": facts["project_id"], "region": facts["region"]}),
        **{name: facts[name] for name in names},
    }


def vm(row: Resource, volumes: Sequence[Resource]) -> dict[str, Any]:
    """Return a VM. Image and SSH key are never shown."""
    size = INSTANCE_TYPES.get(row.details["instance_type"], {"vcpu": 2, "memory_gb": 8})
    boot = [volume.id for volume in volumes if volume.details["volume_kind"] == "boot"]
    return {
        **_owned(
            row, "instance_type", "private_ip", "public_ip", "public_ip_enabled", "subnet_id", "vpc_id", "vpc_name"
        ),
        "cpu_config": {"vcpu": size["vcpu"]},
        "memory_config": {"size": size["memory_gb"]},
        "boot_volume_id": boot[0] if boot else "",
        "data_volume_ids": [volume.id for volume in volumes if volume.id not in boot],
    }


def volume(row: Resource, vm_name: str | None) -> dict[str, Any]:
    """Return a volume of compute."""
    shown = _owned(row, "size", "type")
    return {**shown, "kind": row.details["volume_kind"], "vm_id": row.details["parent"], "vm_name": vm_name}


def vpc(row: Resource, rules: Sequence[Resource]) -> dict[str, Any]:
    """Return a VPC."""
    times = {"created_at": rfc3339(row.created_at), "updated_at": rfc3339(row.updated_at)}
    subnet = {"id": row.details["subnet_id"], "cidr": row.details["cidr"], "name": row.details["subnet_name"], **times}
    return {**_owned(row), "firewall_rule_ids": [rule.id for rule in rules], "subnet": subnet}


def firewall_rule(row: Resource) -> dict[str, Any]:
    """Return a firewall rule."""
    names = ("destination_address", "destination_ports", "protocol", "source_address")
    return {**_owned(row, *names), "vpc_id": row.details["parent"]}


def connection(row: Resource) -> dict[str, Any]:
    """Return a Connect connection; of the AWS side only the region is shown."""
    ready = row.status == "ready"
    aws = row.details["aws"]
    return {
        **_owned(row, "bandwidth_mbps", "cidrs", "provider_cidrs"),
        "asn": 64512 if ready else None,
        "aws": {"region": aws["region"]} if aws else None,
        "provider_asn": 64513 if ready else None,
        "provider_router_ip": "169.254.0.2" if ready else None,
        "router_ip": "169.254.0.1" if ready else None,
    }


def cluster(row: Resource, pools: Sequence[Resource]) -> dict[str, Any]:
    """Return a cluster."""
    names = ("autoscaling", "kubernetes_version", "private_ip", "public_ip")
    return {**_owned(row, *names), "vpc_id": row.details["vpc_id"], "pool_ids": [pool.id for pool in pools]}


def pool(row: Resource) -> dict[str, Any]:
    """Return a node pool."""
    return {**_owned(row, "node_config", "node_count"), "cluster_id": row.details["parent"]}


def part(row: Resource) -> dict[str, Any]:
    """Return what came with something else: a node, controller, load balancer, claim, or a volume of those."""
    shown = {**_base(row), **row.details["shown"]}
    if row.kind == "nks_load_balancer":
        del shown["name"]
    return shown


def usage(row: Resource) -> dict[str, Any]:
    """Return what a resource has used so far."""
    since = rfc3339(row.created_at)
    ended = rfc3339(row.updated_at) if row.deleted else None
    times = {"started_at": since, "ended_at": ended}
    return {
        "resource_id": row.id,
        "resource_type": row.kind,
        "project_id": row.details["project_id"],
        "region": row.details.get("region", REGION),
        "dimensions": [{"id": f"{row.id}-1", "dimension": "base", "quantity": 1, **times, "children": []}],
        **times,
    }


def audit_log(operation: Operation) -> dict[str, Any]:
    """Return the entry about the request that started an operation."""
    kind, _, how = operation.kind.partition(".")
    return {
        "id": operation.id,
        "action": operation.kind,
        "actor": {"id": USER["id"], "name": USER["first_name"], "type": "api_key"},
        "client_ip": "192.0.2.1",
        "created_at": rfc3339(operation.created_at),
        "method": {"create": "POST", "delete": "DELETE", "restart": "POST"}.get(how, "PATCH"),
        "path": f"/v1/{kind}s/{operation.resource.id}",
        "status_code": 202,
        "user_agent": "simulated",
        "target": {"id": operation.resource.id, "type": kind},
    }
