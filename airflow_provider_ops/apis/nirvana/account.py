"""What Nirvana says about itself and the account: catalogue, quotas, prices, audit log [Nirvana: section 5]."""

from __future__ import annotations

from decimal import Decimal

from airflow_provider_ops.apis.former import FormerMapping
from airflow_provider_ops.apis.times import Time
from airflow_provider_ops.apis.wire_models import WireModel


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
    """What one region still lets us use."""

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


class BillingSummary(WireModel):
    """What the organization has and spends, money as decimal."""

    daily_cost: Decimal | None = None
    effective_balance: Decimal | None = None
    monthly_cost: Decimal | None = None
    recharge_threshold_days: str | None = None
    estimated_next_charge_at: Time | None = None
    runway_months: str | None = None


class Cost(WireModel):
    """What something would cost a month, and what that does to the balance of the organization."""

    currency: str | None = None
    monthly_total: Decimal | None = None
    priced_at: Time | None = None
    usage_dimensions: tuple[UsageDimension, ...] | None = None
    current_summary: BillingSummary | None = None
    updated_summary: BillingSummary | None = None


class MonthlyCost(FormerMapping):
    """What something costs a month, before or after an update."""

    monthly_total: Decimal | None = None
    usage_dimensions: tuple[UsageDimension, ...] | None = None


class DimensionAmount(WireModel):
    """One item of a price, before or after an update."""

    monthly_amount: Decimal | None = None
    quantity: Decimal | None = None
    unit_price: Decimal | None = None


class DimensionChange(WireModel):
    """How an update changes one item of a price."""

    dimension: str | None = None
    dimension_display_name: str | None = None
    before: DimensionAmount | None = None
    after: DimensionAmount | None = None
    monthly_amount_delta: Decimal | None = None


class CostDifference(WireModel):
    """How an update changes the price."""

    monthly_total_delta: Decimal | None = None
    usage_dimensions: tuple[DimensionChange, ...] | None = None


class CostChange(WireModel):
    """What something costs before and after an update, and what that does to the balance of the organization."""

    before: MonthlyCost | None = None
    after: MonthlyCost | None = None
    diff: CostDifference | None = None
    currency: str | None = None
    priced_at: Time | None = None
    current_summary: BillingSummary | None = None
    updated_summary: BillingSummary | None = None


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


class KubernetesVersion(FormerMapping):
    """A version for ``kubernetes_version``."""

    name: str
    display_name: str | None = None
    created_at: Time | None = None


class ConnectRoute(FormerMapping):
    """From where to where Connect leads."""

    nirvana_region: str | None = None
    provider: str | None = None
    provider_region: str | None = None
