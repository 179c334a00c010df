"""What Nirvana shows: its operation and its resources [Nirvana: sections 2 and 5].

Only ``id`` is relied on; every other field may be missing, null or of a kind not yet known.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from typing_extensions import deprecated

from airflow_provider_ops.apis.former import FormerMapping
from airflow_provider_ops.apis.times import Time
from airflow_provider_ops.apis.wire_models import WireModel

Strings = Annotated[tuple[str, ...], BeforeValidator(lambda value: () if value is None else value)]


class OperationDetails(WireModel):
    """What an operation changes: ``{field: {"from": ..., "to": ...}}``."""

    changes: dict[str, Any] | None = None


class OperationWire(WireModel):
    """The operation as it comes [Nirvana: Operation object]."""

    id: str
    kind: str | None = None
    type: str | None = None
    status: str | None = None
    project_id: str | None = None
    resource_id: str | None = None
    details: OperationDetails | None = None
    created_at: Time | None = None
    updated_at: Time | None = None


class _Resource(WireModel):
    """What all resources have. ``status``: pending, creating, updating, ready, deleting, deleted, error."""

    id: str
    name: str | None = None
    status: str | None = None
    created_at: Time | None = None
    updated_at: Time | None = None


class _TaggedResource(_Resource):
    tags: Strings = ()


class CPUConfig(WireModel):
    """Processors of a VM."""

    vcpu: int | None = None


class MemoryConfig(WireModel):
    """Memory of a VM in GB."""

    size: int | None = None


class VM(_TaggedResource):
    """A virtual machine. The image and the SSH key are never shown again."""

    boot_volume_id: str | None = None
    cpu_config: CPUConfig | None = None
    data_volume_ids: Strings = ()
    instance_type: str | None = None
    memory_config: MemoryConfig | None = None
    private_ip: str | None = None
    project_id: str | None = None
    public_ip: str | None = None
    public_ip_enabled: bool | None = None
    region: str | None = None
    subnet_id: str | None = None
    vpc_id: str | None = None
    vpc_name: str | None = None


class Volume(_TaggedResource):
    """A volume; ``kind`` is ``boot`` or ``data``."""

    kind: str | None = None
    project_id: str | None = None
    region: str | None = None
    size: int | None = None
    type: str | None = None
    vm_id: str | None = None
    vm_name: str | None = None


class Subnet(WireModel):
    """The subnet of a VPC: VMs are placed in it by its id."""

    id: str
    cidr: str | None = None
    name: str | None = None
    created_at: Time | None = None
    updated_at: Time | None = None


class VPC(_TaggedResource):
    """A private network with one subnet."""

    firewall_rule_ids: Strings = ()
    project_id: str | None = None
    region: str | None = None
    subnet: Subnet | None = None


class FirewallRule(_TaggedResource):
    """A rule that lets traffic into a VPC."""

    destination_address: str | None = None
    destination_ports: Strings = ()
    protocol: str | None = None
    source_address: str | None = None
    vpc_id: str | None = None


class ConnectionAWS(WireModel):
    """The AWS side of a connection, as it is shown."""

    region: str | None = None


class ConnectConnection(_TaggedResource):
    """A private line to another provider."""

    asn: int | None = None
    aws: ConnectionAWS | None = None
    bandwidth_mbps: int | None = None
    cidrs: Strings = ()
    project_id: str | None = None
    provider_asn: int | None = None
    provider_cidrs: Strings = ()
    provider_router_ip: str | None = None
    region: str | None = None
    router_ip: str | None = None


class NKSCluster(_TaggedResource):
    """A Kubernetes cluster."""

    autoscaling: bool | None = None
    kubernetes_version: str | None = None
    pool_ids: Strings = ()
    private_ip: str | None = None
    project_id: str | None = None
    public_ip: str | None = None
    region: str | None = None
    vpc_id: str | None = None


class NodeBootVolumeInfo(WireModel):
    """Boot volume of the nodes of a pool, as it is shown."""

    size: int | None = None
    type: str | None = None


class NodeConfigInfo(WireModel):
    """What the nodes of a pool are like, as it is shown."""

    boot_volume: NodeBootVolumeInfo | None = None
    instance_type: str | None = None
    labels: Strings = ()
    taints: Strings = ()


class NKSNodePool(_TaggedResource):
    """A group of equal nodes of a cluster."""

    cluster_id: str | None = None
    node_config: NodeConfigInfo | None = None
    node_count: int | None = None


class NKSNode(_Resource):
    """One node of a pool."""

    private_ip: str | None = None


class NKSController(_Resource):
    """One machine of a cluster's control plane."""

    instance_type: str | None = None
    private_ip: str | None = None


class NKSLoadBalancer(WireModel):
    """A load balancer that a service in the cluster asked for; it has no name but that of its service."""

    id: str
    status: str | None = None
    created_at: Time | None = None
    updated_at: Time | None = None
    cluster_id: str | None = None
    namespace: str | None = None
    private_ip: str | None = None
    public_ip: str | None = None
    public_ip_enabled: bool | None = None
    service_name: str | None = None

    @property
    @deprecated("a load balancer of NKS has no name: use NKSLoadBalancer.service_name")
    def name(self) -> None:
        """Return ``None``, always."""


class PersistentVolumeClaim(_Resource):
    """Storage that a workload in the cluster asked for."""

    cluster_id: str | None = None
    size: int | None = None
    type: str | None = None


class NKSVolume(_Resource):
    """A volume of a node or controller."""

    kind: str | None = None
    node_id: str | None = None
    size: int | None = None
    type: str | None = None


class Kubeconfig(WireModel):
    """Access to a cluster. ``repr`` never shows it."""

    kubeconfig: str = Field(repr=False)


class MetricPoint(WireModel):
    """The value of one period, which ends at ``timestamp``; ``None`` where the VM reported nothing."""

    timestamp: Time | None = None
    value: float | None = None


class MetricSeries(WireModel):
    """One metric of a VM, oldest point first."""

    metric: str | None = None
    unit: str | None = None
    points: tuple[MetricPoint, ...] | None = None


class VMMetrics(FormerMapping):
    """Metrics of a VM over a time, ``end_time`` excluded, all in the same periods."""

    vm_id: str | None = None
    start_time: Time | None = None
    end_time: Time | None = None
    period: str | None = None
    aggregation: str | None = None
    metrics: tuple[MetricSeries, ...] | None = None


class MetricDescriptor(FormerMapping):
    """A metric that VMs report, and the range of its values."""

    metric: str | None = None
    description: str | None = None
    unit: str | None = None
    min_value: float | None = None
    max_value: float | None = None
    nullable: bool | None = None
