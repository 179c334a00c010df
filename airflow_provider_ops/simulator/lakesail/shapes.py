"""How LakeSail writes things, and its lists in order of a name."""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from typing import TYPE_CHECKING, Any

from airflow_provider_ops.simulator.clock import rfc3339
from airflow_provider_ops.simulator.paging import page_cursor
from airflow_provider_ops.simulator.validation import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from airflow_provider_ops.simulator.records import Operation, Phase, Resource
    from airflow_provider_ops.simulator.world import World

ORGANIZATION, MEMBER, TEAM = "R8N3C5V1XA", "D6F2H9J4LP", "T5R8W2Q6ZK"

STATUS_WORDS = {"queued": "pending"}
"""LakeSail's words where they differ from ours."""

_ID = re.compile(r"[A-Z0-9]{1,20}")


def not_found(what: str) -> Problem:
    """Return the refusal for an id that does not exist."""
    return Problem(f"{what} not found", status=404, code="NOT_FOUND")


def conflict(message: str) -> Problem:
    """Return the refusal for what cannot be done now."""
    return Problem(message, status=409, code="CONFLICT")


def find(world: World, kind: str, resource_id: str) -> Resource:
    """Return a resource that exists, or refuse."""
    row = world.resources.get(resource_id) if _ID.fullmatch(resource_id) else None
    if row is None or row.kind != kind or row.deleted:
        raise not_found(kind)
    return row


def stamps(row: Resource) -> dict[str, Any]:
    """Return who made and changed a resource, and when."""
    return {
        "createdAt": rfc3339(row.created_at),
        "createdBy": MEMBER,
        "updatedAt": rfc3339(row.updated_at),
        "updatedBy": MEMBER,
    }


def marked(
    world: World, query: Any, filters: Mapping[str, Hashable], show: Callable[[list[Resource]], dict[str, Any]]
) -> dict[str, Any]:
    """Return a page of a list that continues from a marker."""
    rows, info = page_cursor(world.resources, query.marker, query.limit, {**filters, "deleted": False})
    page = {"total": info.total, **show(rows)}
    return page if info.next_cursor is None else {**page, "marker": info.next_cursor}


class Alphabet:
    """Resources in order of a text, so that a page costs what the page costs."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, int, Resource]] = []

    def add(self, text: str, row: Resource) -> None:
        """Take a resource in."""
        insort(self._rows, (text, row.seq, row))

    def remove(self, text: str, row: Resource) -> None:
        """Forget a resource."""
        at = bisect_left(self._rows, (text, row.seq))  # the shorter tuple sorts first
        if at < len(self._rows) and self._rows[at][2] is row:
            del self._rows[at]

    def page(self, number: int, limit: int, direction: str) -> tuple[list[Resource], int]:
        """Return a page and the number of all."""
        total, start = len(self._rows), (number - 1) * limit
        if direction == "asc":
            chosen = self._rows[start : start + limit]
        else:
            chosen = self._rows[max(0, total - start - limit) : max(0, total - start)][::-1]
        return [row for _, _, row in chosen], total


def operation_json(row: Operation) -> dict[str, Any]:
    """Return an Operation; fields that do not apply yet are absent."""
    shown: dict[str, Any] = {
        "id": row.id,
        "organizationId": ORGANIZATION,
        "memberId": MEMBER,
        "operation": row.kind,
        "status": STATUS_WORDS.get(row.shown, row.shown),
        "resourceType": row.resource.kind,
        "resourceId": row.resource.id,
        "createdAt": rfc3339(row.created_at),
        "updatedAt": rfc3339(row.updated_at),
    }
    if row.started_at is not None:
        shown["startedAt"] = rfc3339(row.started_at)
        shown["progress"] = _progress(row)
    if row.ended_at is not None:
        shown["completedAt"] = rfc3339(row.ended_at)
    if row.stage in ("failed", "cancelled"):
        shown["error"] = _error(row)
    if row.stage == "succeeded" and row.kind == "connection.provision":
        shown["result"] = _RESULT
    return shown


def _progress(row: Operation) -> dict[str, Any]:
    phases: tuple[Phase, ...] = row.details["phases"]
    names = [phase.name for phase in phases]
    at = names.index(row.phase.name) if row.phase and row.phase.name in names else len(names)
    here = {"running": "running", "failed": "failed", "cancelled": "failed"}.get(row.stage, "succeeded")
    states = ["succeeded" if n < at else here if n == at else "pending" for n in range(len(names))]
    kind, verb = row.resource.kind, row.kind.partition(".")[2]
    resources = [
        {
            "urn": f"urn:simulator:{row.resource.id}:{name}",
            "type": f"simulator:{kind}:{name}",
            "name": name,
            "operation": "create" if verb == "provision" else "delete",
            "status": state,
            "duration": 0,
        }
        for name, state in zip(names, states, strict=True)
    ]
    counts = {word: states.count(word) for word in ("pending", "running", "succeeded", "failed")}
    return {
        "stage": row.phase.name if row.phase else "",
        "message": row.phase.message if row.phase else "",
        "resources": resources,
        "summary": {"total": len(states), **counts, "unchanged": 0},
    }


def _error(row: Operation) -> dict[str, Any]:
    retryable, retry_after = row.advice
    return {
        "code": row.code or ("PROVISIONING_FAILED" if row.stage == "failed" else "CANCELLED"),
        "message": row.reason or "",
        "errorType": "provisioning",
        "details": {
            "retryable": True if retryable is None else retryable,
            "retryAfter": 30 if retry_after is None else retry_after,
            "fieldErrors": {},
            "requestId": f"req-{row.id}",
            "causedBy": row.phase.name if row.phase else "",
        },
    }


_RESULT = {
    "items": [
        {
            "provider": "aws",
            "instanceType": "m7g.xlarge",
            "vCpus": 4,
            "memoryMiB": 16384,
            "architecture": "arm64",
            "gpuCount": 0,
            "instanceFamily": "m7g",
            "maxPods": 58,
            "group": "general",
            "allocatableMilliCpu": 3920,
        }
    ],
    "metadata": {"provider": "aws", "systemPodsPerNode": 5, "karpenterReplicas": 2},
}
