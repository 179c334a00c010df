"""Queries that the simulated Nirvana takes: every parameter of the fact sheet, and no other."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from airflow_provider_ops.simulator.nirvana.bodies import Name, VolumeType
from airflow_provider_ops.simulator.validation import QueryBool, QueryInt, Strict

ResourceStatus = Literal["pending", "creating", "updating", "ready", "deleting", "error"]
Kind = Literal[
    "vm", "volume", "vpc", "firewall_rule", "connect_connection",
    "nks_cluster", "nks_node_pool", "nks_load_balancer", "nks_node",
]  # fmt: skip
Time = Annotated[AwareDatetime, Field(strict=False)]


class ListQuery(Strict):
    """Query of every list."""

    cursor: str | None = None
    limit: Annotated[QueryInt, Field(ge=10, le=100)] = 10


class Metrics(Strict):
    """Query of GET /v1/compute/vms/{vm_id}/metrics."""

    start_time: Time | None = None
    end_time: Time | None = None
    aggregation: Literal["mean", "max", "min"] = "mean"
    metric: str | None = None
    period: Literal["5m", "15m", "1h", "6h", "24h"] = "5m"


class ProjectQuery(ListQuery):
    """Query of the lists of a project."""

    project_id: Name


class FilterQuery(ListQuery):
    """Query of the lists that can be filtered; tags are joined by commas."""

    sort: str | None = None
    name: str | None = None
    status: ResourceStatus | None = None
    tags: str | None = None


class ListVMs(FilterQuery, ProjectQuery):
    """Query of GET /v1/compute/vms."""

    region: str | None = None
    vpc_id: str | None = None
    subnet_id: str | None = None
    public_ip_enabled: QueryBool | None = None


class ListVMVolumes(FilterQuery):
    """Query of GET /v1/compute/vms/{vm_id}/volumes."""

    kind: Literal["boot", "data"] | None = None
    type: VolumeType | None = None


class ListVolumes(ListVMVolumes, ProjectQuery):
    """Query of GET /v1/compute/volumes."""

    region: str | None = None
    vm_id: str | None = None
    attached: QueryBool | None = None


class ListVPCs(FilterQuery, ProjectQuery):
    """Query of GET /v1/networking/vpcs."""

    region: str | None = None


class ListFirewallRules(FilterQuery):
    """Query of GET .../firewall_rules."""

    protocol: Literal["tcp", "udp"] | None = None


class ListConnections(FilterQuery, ProjectQuery):
    """Query of GET /v1/networking/connect/connections."""

    region: str | None = None
    provider: str | None = None
    provider_region: str | None = None
    bandwidth_mbps: QueryInt | None = None


class ListOperations(ProjectQuery):
    """Query of GET /v1/operations."""

    resource_id: str | None = None
    kind: Kind | None = None
    status: Literal["pending", "running", "done", "failed", "unknown"] | None = None
    type: Literal["create", "update", "delete", "restart"] | None = None
    created_at_min: Time | None = None
    created_at_max: Time | None = None
    sort: str | None = None


def epoch(moment: datetime | None, otherwise: float) -> float:
    """Return a bound of a query as the world's time; it is compared in whole seconds, as times are shown."""
    return otherwise if moment is None else moment.timestamp()
