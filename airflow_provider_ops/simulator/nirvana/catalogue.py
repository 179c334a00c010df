"""What the simulated Nirvana has to offer, and for how much."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PROJECT = "5a5c0a0e-0000-4000-8000-000000000001"
REGION = "us-sva-2"
FIRST_DAY = "2025-01-01T00:00:00Z"
SOLD_OUT = "n1-sold-out"

CONNECTIONS_PER_PROJECT = 10

INSTANCE_TYPES: dict[str, dict[str, Any]] = {
    name: {"vcpu": vcpu, "memory_gb": memory}
    for name, vcpu, memory in (
        ("n1-standard-2", 2, 8),
        ("n1-standard-8", 8, 32),
        ("n1-standard-32", 32, 128),
        (SOLD_OUT, 192, 768),
    )
}

OS_IMAGES = [
    {"name": f"ubuntu-{version}", "display_name": f"Ubuntu {title}", "created_at": FIRST_DAY}
    for version, title in (("noble-2025-10-01", "24.04"), ("jammy-2025-10-01", "22.04"))
]

REGIONS = [
    {
        "name": REGION,
        "availability": "live",
        "compute": {"vms": True},
        "networking": {"vpcs": True, "connect": True},
        "nks": {"clusters": True, "autoscaling": True},
        "storage": {"abs": True, "local_nvme": True},
    }
]

KUBERNETES_VERSIONS = [
    {"name": version, "display_name": f"Kubernetes {version}", "created_at": FIRST_DAY}
    for version in ("v1.34.4", "v1.33.8")
]
USER = {
    "id": "5a5c0a0e-0000-4000-8000-00000000000a",
    "email": "simulator@example.com",
    "first_name": "Sim",
    "last_name": None,
}
PROJECTS = [{"id": PROJECT, "name": "Default", "tags": [], "created_at": FIRST_DAY, "updated_at": FIRST_DAY}]
METRICS = {"compute.nirvanalabs.io/vm/cpu/utilization": "ratio", "compute.nirvanalabs.io/vm/memory/used_bytes": "bytes"}
PERIODS = {"5m": 300, "15m": 900, "1h": 3600, "6h": 21600, "24h": 86400}
_COUNTED = ("connect_connection", "nks_cluster", "nks_node_pool", "vm", "volume", "vpc")

_PRICES = {"vcpu": Decimal("6.50"), "gb": Decimal("0.08"), "base": Decimal("5.00")}


def instance_types() -> list[dict[str, Any]]:
    """Return all sizes of machines."""
    common = {"region": REGION, "network_bandwidth_gbps": 10, "family": "n1", "series": "standard", "chipset": "amd"}
    times = {"created_at": FIRST_DAY, "updated_at": FIRST_DAY}
    return [{"name": name, **size, **common, **times} for name, size in INSTANCE_TYPES.items()]


def project_resources(count: Callable[[str], int]) -> dict[str, Any]:
    """Return how many resources a project has, `count` by kind."""
    cloud = {f"{kind}s": count(kind) for kind in _COUNTED}
    return {"blockchain": {"rpc_nodes_dedicated": 0, "rpc_nodes_flex": 0}, "cloud": cloud}


def metric_descriptors() -> list[dict[str, Any]]:
    """Return what VMs report."""
    return [
        {
            "metric": name,
            "description": name.rpartition("/")[2].replace("_", " "),
            "unit": unit,
            "min_value": 0,
            "max_value": 1 if unit == "ratio" else None,
            "nullable": True,
        }
        for name, unit in METRICS.items()
    ]


def quota(used: Mapping[str, int]) -> dict[str, Any]:
    """Return the quotas of the region, `used` by the name of what is counted."""

    def amount(what: str, limit: int = 1_000_000) -> dict[str, int]:
        taken = used.get(what, 0)
        return {"limit": limit, "used": taken, "remaining": limit - taken}

    return {
        "region": REGION,
        "compute": {"vcpu": amount("vcpu"), "memory_gb": amount("memory_gb")},
        "networking": {
            "connect_connections": amount("connect_connection", CONNECTIONS_PER_PROJECT),
            "public_ips": amount("public_ip"),
            "vpcs": amount("vpc"),
        },
        "nks": {
            "clusters": amount("nks_cluster"),
            "node_pool_memory_gb": amount("node_memory_gb"),
            "node_pool_vcpu": amount("node_vcpu"),
            "public_ips": amount("nks_public_ip"),
        },
        "storage": {"abs": amount("abs"), "local_nvme": amount("nvme")},
    }


def price(facts: Mapping[str, Any], now: str) -> dict[str, Any]:
    """Return what something with these fields costs a month."""
    config = facts.get("node_config") or {}
    machine = facts.get("instance_type") or config.get("instance_type")
    count = facts.get("node_count") if config else 1
    volume = facts.get("boot_volume") or config.get("boot_volume") or facts
    vcpu = (INSTANCE_TYPES.get(machine, {"vcpu": 2})["vcpu"] if machine else 0) * (count or 0)
    lines = [
        _line("base", "Base fee", 1, _PRICES["base"]),
        _line("vcpu", "vCPU", vcpu, _PRICES["vcpu"]),
        _line("storage_gb", "Storage (GB)", volume.get("size") or 0, _PRICES["gb"]),
    ]
    total = sum((Decimal(line["monthly_amount"]) for line in lines), Decimal(0))
    return {"currency": "USD", "monthly_total": f"{total:.2f}", "priced_at": now, "usage_dimensions": lines}


def price_change(before: Mapping[str, Any], after: Mapping[str, Any], now: str) -> dict[str, Any]:
    """Return how a change of fields changes the price."""
    old, new = price(before, now), price(after, now)
    delta = Decimal(new["monthly_total"]) - Decimal(old["monthly_total"])
    lines = [_changed(*pair) for pair in zip(old["usage_dimensions"], new["usage_dimensions"], strict=True)]
    sides = {
        side: {name: quote[name] for name in ("monthly_total", "usage_dimensions")}
        for side, quote in (("before", old), ("after", new))
    }
    diff = {"monthly_total_delta": f"{delta:.2f}", "usage_dimensions": lines}
    return {**sides, "diff": diff, "currency": "USD", "priced_at": now}


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    names = ("monthly_amount", "quantity", "unit_price")
    delta = Decimal(new["monthly_amount"]) - Decimal(old["monthly_amount"])
    return {
        **{name: new[name] for name in ("dimension", "dimension_display_name")},
        "before": {name: old[name] for name in names},
        "after": {name: new[name] for name in names},
        "monthly_amount_delta": f"{delta:.2f}",
    }


def _line(dimension: str, title: str, quantity: int, unit_price: Decimal) -> dict[str, Any]:
    return {
        "dimension": dimension,
        "dimension_display_name": title,
        "monthly_amount": f"{quantity * unit_price:.2f}",
        "quantity": quantity,
        "unit_price": str(unit_price),
    }
