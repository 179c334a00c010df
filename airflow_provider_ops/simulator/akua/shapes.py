"""The JSON of operations, and the phases that they go through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ops.simulator.lifecycle import Script
from airflow_provider_ops.simulator.records import Phase

if TYPE_CHECKING:
    from airflow_provider_ops.simulator.records import Operation, Resource

WORKSPACE = "ws_simulated"

LAG = 0.3
"""Seconds for which reads and lists do not know yet that an operation has settled."""

_STATES = {"running": "RUNNING", "succeeded": "SUCCEEDED", "failed": "FAILED", "cancelled": "CANCELLED"}

_STEPS = {
    "cluster.create": ("Reserve network", "Provision control plane", "Join region"),
    "machine.create": ("Order machine", "Boot", "Join cluster"),
    "install.create": ("Prepare repository", "Render", "Create application"),
    "install.render": ("Render", "Push"),
    "package.create": ("Fetch chart", "Build package"),
    "workspace.delete": ("Stop everything", "Confirm deletion", "Purge"),
}
_OTHER_STEPS = ("Prepare", "Carry out")
_BY_PEOPLE = {"Confirm deletion": "approval"}


def script_of(kind: str) -> Script:
    """Return what an operation of that kind goes through; there is no queued state."""
    return Script(tuple(Phase(name, name) for name in _STEPS.get(kind, _OTHER_STEPS)), queued_share=0.0)


def operation_json(row: Operation, now: float, *, steps: bool, lagging: bool = True) -> dict[str, Any]:
    """Return an operation; reads that lag show one that has just ended as running."""
    hidden = lagging and row.ended_at is not None and not row.details.get("announced") and now < row.ended_at + LAG
    stage = "running" if hidden else row.stage
    settled = stage != "running"
    broken = stage in ("failed", "cancelled")
    shown: dict[str, Any] = {
        "id": row.id,
        "workspace_id": WORKSPACE,
        "organization_id": None,
        "owner_type": row.resource.kind,
        "owner_id": row.resource.id,
        "parent_operation_id": None,
        "state": row.word or _STATES[stage],
        "done": settled,
        "html_url": f"https://akua.dev/{row.resource.kind}s/{row.resource.id}?tab=operations",
        "metadata": {"type": row.kind, **row.details["metadata"]},
        "response": {"type": row.kind, **row.details["response"]} if stage == "succeeded" else None,
        "error": {"message": row.reason} if broken else None,
        "last_error": {"message": row.reason, "step_name": row.phase.name} if broken and row.phase else None,
        "started_at": int(row.created_at),
        "completed_at": int(ended_at) if settled and (ended_at := row.shown_ended_at) is not None else None,
    }
    if steps:
        shown["steps"] = _steps(row, stage)
    return shown


def _steps(row: Operation, stage: str) -> list[dict[str, Any]]:
    names = [phase.name for phase in script_of(row.kind).phases]
    at = names.index(row.phase.name) if row.phase else 0
    current = {"running": "running", "succeeded": "completed", "failed": "failed", "cancelled": "skipped"}[stage]
    statuses = ["completed"] * at + [current] + ["pending"] * (len(names) - at - 1)
    begun = [row.entered.get(name, row.started_at or row.created_at) for name in names]
    # a step ends where the next begins, the last one with the operation
    over = [*begun[1:], row.updated_at]
    return [
        {
            "name": name,
            "status": status,
            "execution_type": _BY_PEOPLE.get(name, "system"),
            "started_at": int(row.created_at if status == "pending" else began),
            "completed_at": int(ended) if status == "completed" else None,
            "error_message": row.reason if status == "failed" else None,
            "retryable": False,
            "skippable": False,
        }
        for name, status, began, ended in zip(names, statuses, begun, over, strict=True)
    ]


def tracked(row: Resource, **more: Any) -> dict[str, Any]:
    """Return what most resources have in common, and `more`."""
    return {
        "id": row.id,
        "workspace_id": WORKSPACE,
        "etag": str(row.version),
        "created_at": int(row.created_at),
        "updated_at": int(row.updated_at),
        **more,
    }


def busy(row: Resource) -> dict[str, Any]:
    """Return whether an operation on a resource is in progress."""
    return {"reconciling": row.operation is not None}


def page(row: Resource) -> dict[str, Any]:
    """Return the page of the dashboard about a resource."""
    return {"html_url": f"https://akua.dev/{row.kind}s/{row.id}"}
