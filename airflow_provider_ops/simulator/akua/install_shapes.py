"""The JSON of installs of the simulated Akua."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ops.simulator.akua.shapes import WORKSPACE, busy, page, tracked

if TYPE_CHECKING:
    from airflow_provider_ops.simulator.records import Resource

_HEALTH = {"syncing": "Progressing", "healthy": "Healthy", "degraded": "Degraded", "failed": "Missing"}


def status_json(row: Resource) -> dict[str, Any]:
    """Return how an install is doing in its cluster."""
    known = row.status in _HEALTH
    last = [*row.details["renders"].values()][-1]
    syncing = row.status == "syncing"
    return {
        "install_id": row.id,
        "state": row.status,
        **busy(row),
        "health": _HEALTH.get(row.status),
        "sync": ("OutOfSync" if syncing else "Synced") if known else None,
        "revision": last["commit_sha"] if known else None,
        "resources": [],
        "operation_phase": ("Running" if syncing else "Succeeded") if known else None,
        "updated_at": int(row.updated_at),
    }


def pods_json(row: Resource) -> list[dict[str, Any]]:
    """Return the pods of an install that is up."""
    up = row.status in ("healthy", "degraded")
    return [{"name": f"{row.id}-0", "containers": ["app"]}] if up else []


def install_json(row: Resource) -> dict[str, Any]:
    """Return an install."""
    facts = row.details
    where = {name: facts[name] for name in ("product_id", "cluster_id") if facts[name] is not None}
    return tracked(
        row,
        **page(row),
        **busy(row),
        **where,
        customer_workspace={"id": WORKSPACE, "name": "Simulated"},
        package_version_id=facts["version"]["id"],
        state=row.status,
        urls=[_url_json(row)] if row.status == "healthy" else [],
    )


def _url_json(row: Resource) -> dict[str, Any]:
    hostname = f"{row.id.replace('_', '-')}.example.com"
    return {
        "route_key": "default",
        "hostname": hostname,
        "url": f"https://{hostname}",
        "protocol": "http",
        "routing_mode": "through_dispatcher",
        "status": "active",
        "updated_at": int(row.updated_at),
    }


def versions_json(row: Resource) -> dict[str, Any]:
    """Return which versions an install has and gets."""
    facts = row.details
    return {
        "id": row.id,
        "current_version": facts["deployed"],
        "desired_version": facts["version"],
        "automatic_updates_enabled": facts["automatic"],
        "updated_at": int(row.updated_at),
        "etag": str(row.version),
    }
