"""Bodies and queries that the simulated Nirvana takes: every field of the fact sheet, and no other."""

from __future__ import annotations

import ipaddress
import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field

from airflow_provider_ops.simulator.validation import QueryBool, QueryInt, Strict

Name = Annotated[str, Field(min_length=1, max_length=255)]
Tags = list[str]
VolumeType = Literal["nvme", "abs"]
Size = Annotated[int, Field(ge=1)]
ResourceStatus = Literal["pending", "creating", "updating", "ready", "deleting", "error"]
Kind = Literal[
    "vm", "volume", "vpc", "firewall_rule", "connect_connection",
    "nks_cluster", "nks_node_pool", "nks_load_balancer", "nks_node",
]  # fmt: skip

_LABEL = re.compile(r"[^=\s]+=[^=\s]*")
_TAINT = re.compile(r"[^=\s:]+=[^=\s:]*:(NoSchedule|PreferNoSchedule|NoExecute)")
_RESERVED = re.compile(r"^([^=/]*\.)?(kubernetes\.io|k8s\.io|nirvanalabs\.io)/")


def _aligned(value: str) -> str:
    ipaddress.ip_network(value)
    return value


def _source(value: str) -> str:
    if value.startswith(f"{ipaddress.IPv4Address(0)}/") and not value.endswith("/0"):
        message = "0.0.0.0 is allowed with mask /0 only"
        raise ValueError(message)
    return _aligned(value)


def _label(value: str) -> str:
    if not _LABEL.fullmatch(value) or _RESERVED.search(value):
        message = "must be key=value without a reserved prefix"
        raise ValueError(message)
    return value


def _taint(value: str) -> str:
    if not _TAINT.fullmatch(value):
        message = "must be key=value:Effect"
        raise ValueError(message)
    return value


Network = Annotated[str, AfterValidator(_aligned)]
Source = Annotated[str, AfterValidator(_source)]
Ports = Annotated[list[str], Field(min_length=1)]


class BootVolume(Strict):
    """Boot volume of a VM."""

    size: Size
    type: VolumeType
    tags: Tags | None = None


class DataVolume(BootVolume):
    """Data volume made with a VM."""

    name: Name


class SSHKey(Strict):
    """Key for the first login."""

    public_key: Name


class CreateVM(Strict):
    """Body of POST /v1/compute/vms."""

    boot_volume: BootVolume
    instance_type: Name
    name: Name
    os_image_name: Name
    project_id: Name
    public_ip_enabled: bool
    region: Name
    ssh_key: SSHKey
    subnet_id: Name
    data_volumes: list[DataVolume] | None = None
    tags: Tags | None = None


class UpdateVM(Strict):
    """Body of PATCH /v1/compute/vms/{vm_id}."""

    instance_type: Name | None = None
    name: Name | None = None
    public_ip_enabled: bool | None = None
    tags: Tags | None = None


class CreateVolume(Strict):
    """Body of POST /v1/compute/volumes."""

    name: Name
    project_id: Name
    region: Name
    size: Size
    type: VolumeType
    tags: Tags | None = None
    vm_id: Name | None = None


class UpdateVolume(Strict):
    """Body of PATCH /v1/compute/volumes/{volume_id}."""

    name: Name | None = None
    size: Size | None = None
    tags: Tags | None = None


class AttachVolume(Strict):
    """Body of POST /v1/compute/volumes/{volume_id}/attach."""

    vm_id: Name


class CreateVPC(Strict):
    """Body of POST /v1/networking/vpcs."""

    name: Name
    project_id: Name
    region: Name
    subnet_name: Name
    tags: Tags | None = None


class UpdateVPC(Strict):
    """Body of PATCH /v1/networking/vpcs/{vpc_id}."""

    name: Name | None = None
    subnet_name: Name | None = None
    tags: Tags | None = None


class CreateFirewallRule(Strict):
    """Body of POST .../firewall_rules."""

    destination_address: Network
    destination_ports: Ports
    name: Name
    protocol: Literal["tcp", "udp"]
    source_address: Source
    tags: Tags | None = None


class UpdateFirewallRule(Strict):
    """Body of PATCH .../firewall_rules/{firewall_rule_id}."""

    destination_address: Network | None = None
    destination_ports: Ports | None = None
    name: Name | None = None
    protocol: Literal["tcp", "udp"] | None = None
    source_address: Source | None = None
    tags: Tags | None = None


class AWS(Strict):
    """The AWS side of a connection."""

    account_id: Name
    region: Name


class CreateConnection(Strict):
    """Body of POST /v1/networking/connect/connections."""

    bandwidth_mbps: Literal[50, 200, 500, 1000, 2000]
    cidrs: list[Network]
    name: Name
    project_id: Name
    provider_cidrs: list[Network]
    region: Name
    aws: AWS | None = None
    tags: Tags | None = None


class UpdateConnection(Strict):
    """Body of PATCH /v1/networking/connect/connections/{connection_id}."""

    name: Name | None = None
    tags: Tags | None = None


class CreateCluster(Strict):
    """Body of POST /v1/nks/clusters."""

    autoscaling: bool
    kubernetes_version: Name
    name: Name
    project_id: Name
    region: Name
    vpc_id: Name
    tags: Tags | None = None


class UpdateCluster(Strict):
    """Body of PATCH /v1/nks/clusters/{cluster_id}."""

    autoscaling: bool | None = None
    name: Name | None = None
    tags: Tags | None = None


class NodeBootVolume(Strict):
    """Boot volume of the nodes of a pool."""

    size: Annotated[int, Field(ge=64, le=512)]
    type: VolumeType


class NodeConfig(Strict):
    """What the nodes of a pool are like."""

    boot_volume: NodeBootVolume
    instance_type: Name
    labels: list[Annotated[str, AfterValidator(_label)]] | None = None
    taints: list[Annotated[str, AfterValidator(_taint)]] | None = None


NodeCount = Annotated[int, Field(ge=0, le=100)]


class CreatePool(Strict):
    """Body of POST .../pools."""

    name: Name
    node_config: NodeConfig
    node_count: NodeCount | None = None
    tags: Tags | None = None


class UpdatePool(Strict):
    """Body of PATCH .../pools/{pool_id}."""

    name: Name | None = None
    node_count: NodeCount | None = None
    tags: Tags | None = None


class UpdateLoadBalancer(Strict):
    """Body of PATCH .../load_balancers/{load_balancer_id}."""

    public_ip_enabled: bool


class ListQuery(Strict):
    """Query of every list."""

    cursor: str | None = None
    limit: Annotated[QueryInt, Field(ge=10, le=100)] = 10


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
    created_at_min: Annotated[AwareDatetime | None, Field(strict=False)] = None
    created_at_max: Annotated[AwareDatetime | None, Field(strict=False)] = None
    sort: str | None = None


def epoch(moment: datetime | None, otherwise: float) -> float:
    """A bound of a query as the time of the world; it is compared in whole seconds, as times are shown."""
    return otherwise if moment is None else moment.timestamp()
