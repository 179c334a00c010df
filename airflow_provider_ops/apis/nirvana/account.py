"""What Nirvana says about itself and the account: catalogue, quotas, prices, audit log [Nirvana: section 5]."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from airflow_provider_ops.apis.base import WireModel
from airflow_provider_ops.apis.times import Time


class OSImage(WireModel):
    """An image for ``os_image_name``."""

    name: str
    display_name: str | None = None
    created_at: Time | None = None


class InstanceType(WireModel):
    """A size of machine."""

    name: str
    region: str | None = None
    vcpu: int | None = None
    memory_gb: int | float | None = None
    network_bandwidth_gbps: int | float | None = None
    family: str | None = None
    series: str | None = None
    chipset: str | None = None
    created_at: Time | None = None
    updated_at: Time | None = None


class RegionCompute(WireModel):
    """What compute offers in a region."""

    vms: bool | None = None


class RegionNetworking(WireModel):
    """What networking offers in a region."""

    vpcs: bool | None = None
    connect: bool | None = None


class RegionNKS(WireModel):
    """What Kubernetes offers in a region."""

    clusters: bool | None = None
    autoscaling: bool | None = None


class RegionStorage(WireModel):
    """What storage offers in a region."""

    abs: bool | None = None
    local_nvme: bool | None = None


class Region(WireModel):
    """A region; ``availability`` is live, preview, maintenance or sunset."""

    name: str
    availability: str | None = None
    compute: RegionCompute | None = None
    networking: RegionNetworking | None = None
    nks: RegionNKS | None = None
    storage: RegionStorage | None = None


class Amount(WireModel):
    """One quota."""

    limit: int | float | None = None
    used: int | float | None = None
    remaining: int | float | None = None


class ComputeQuota(WireModel):
    """Quotas of compute."""

    vcpu: Amount | None = None
    memory_gb: Amount | None = None


class NetworkingQuota(WireModel):
    """Quotas of networking."""

    connect_connections: Amount | None = None
    public_ips: Amount | None = None
    vpcs: Amount | None = None


class NKSQuota(WireModel):
    """Quotas of Kubernetes."""

    clusters: Amount | None = None
    node_pool_memory_gb: Amount | None = None
    node_pool_vcpu: Amount | None = None
    public_ips: Amount | None = None


class StorageQuota(WireModel):
    """Quotas of storage."""

    abs: Amount | None = None
    local_nvme: Amount | None = None


class Quota(WireModel):
    """What one region still lets us use. How the answer names its region is not documented."""

    region: str | None = None
    compute: ComputeQuota | None = None
    networking: NetworkingQuota | None = None
    nks: NKSQuota | None = None
    storage: StorageQuota | None = None


class UsageDimension(WireModel):
    """One item of a price, money as decimal."""

    dimension: str | None = None
    dimension_display_name: str | None = None
    monthly_amount: Decimal | None = None
    quantity: Decimal | None = None
    unit_price: Decimal | None = None


class Cost(WireModel):
    """What something would cost a month. What the summaries hold, where there are any, is not documented."""

    currency: str | None = None
    monthly_total: Decimal | None = None
    priced_at: Time | None = None
    usage_dimensions: tuple[UsageDimension, ...] | None = None
    current_summary: Any = None
    updated_summary: Any = None


class CostDifference(WireModel):
    """How an update changes the price."""

    monthly_total_delta: Decimal | None = None
    usage_dimensions: tuple[UsageDimension, ...] | None = None


class CostChange(WireModel):
    """What something costs before and after an update."""

    # what the two hold is not documented
    before: Any = None
    after: Any = None
    diff: CostDifference | None = None
    currency: str | None = None
    priced_at: Time | None = None


class Actor(WireModel):
    """Who did it; ``type`` is ``user`` or ``api_key``."""

    id: str | None = None
    name: str | None = None
    type: str | None = None


class AuditTarget(WireModel):
    """What it was done to."""

    id: str | None = None
    type: str | None = None


class AuditLogEntry(WireModel):
    """One request somebody made."""

    id: str
    action: str | None = None
    actor: Actor | None = None
    client_ip: str | None = None
    created_at: Time | None = None
    method: str | None = None
    path: str | None = None
    status_code: int | None = None
    user_agent: str | None = None
    target: AuditTarget | None = None
