"""Bodies that the simulated Nirvana takes: every field of the fact sheet, and no other."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from airflow_provider_ops.simulator.validation import Strict

Name = Annotated[str, Field(min_length=1, max_length=255)]
Tags = list[str]
VolumeType = Literal["nvme", "abs"]
Size = Annotated[int, Field(ge=1)]

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
