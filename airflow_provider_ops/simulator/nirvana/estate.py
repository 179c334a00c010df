"""What exists at the simulated Nirvana: what calls have made, and the parts that came with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ops.simulator.clock import rfc3339
from airflow_provider_ops.simulator.lifecycle import Script
from airflow_provider_ops.simulator.records import Phase, Resource
from airflow_provider_ops.simulator.table import Table
from airflow_provider_ops.simulator.validation import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from airflow_provider_ops.simulator.api import Call, SimulatedApi
    from airflow_provider_ops.simulator.records import Operation

READABLE_AFTER = 0.3
"""Seconds until reads and lists show a new resource."""

_SCRIPT = Script(phases=(Phase("working", "Working"),))

FACETS: Mapping[str, Callable[[Resource], Hashable]] = {
    "project": lambda row: row.details["project_id"],
    "parent": lambda row: row.details["parent"],
    "vpc": lambda row: row.details.get("vpc_id"),
}


class Estate:
    """The resources of one simulated Nirvana.

    What a call makes is in the world's table, which the control pages show. What comes with it (boot volumes, nodes,
    controllers) is kept apart, so that one call shows as one resource there.
    """

    def __init__(self, api: SimulatedApi) -> None:
        self._api = api
        self.world = api.world
        self.parts: Table[Resource] = Table(
            {"kind": lambda row: row.kind, "deleted": lambda row: row.deleted, **FACETS}
        )
        self.subnets: dict[str, Resource] = {}
        """VPCs by the id of their subnet."""

    def now(self) -> str:
        """Return the time as it is shown."""
        return rfc3339(self.world.now())

    def add(self, kind: str, name: str, facts: Mapping[str, Any]) -> Resource:
        """Make a resource that is being created."""
        return self.world.add(kind, self.world.ids.uuid(), name, "creating", facts)

    def add_part(self, kind: str, name: str, owner: Resource, facts: Mapping[str, Any]) -> Resource:
        """Make something that comes with another resource."""
        now = self.world.now()
        details = {"project_id": owner.details["project_id"], "parent": owner.id, "nested": True, "tags": [], **facts}
        return self.parts.add(
            Resource(self.world.api, kind, self.world.ids.uuid(), name, "ready", now, now, details=details)
        )

    def find(self, resource_id: str) -> Resource | None:
        """Return a resource or part, deleted or not."""
        return self.world.resources.get(resource_id) or self.parts.get(resource_id)

    def get(self, kind: str, resource_id: str, parent: str | None = None) -> Resource:
        """Return what a path names, or raise a 404."""
        found = self.find(resource_id)
        if found is None or found.deleted or found.kind != kind or parent not in (None, found.details["parent"]):
            raise Problem(f"{kind} {resource_id} not found", status=404)
        return found

    def named(self, field: str, kind: str, resource_id: str) -> Resource:
        """Return what a field of a body names, or raise a 422."""
        try:
            return self.get(kind, resource_id)
        except Problem:
            raise Problem(f"{field}: there is no {kind} {resource_id}", kind="invalid") from None

    def rows(self, kind: str, **facets: Hashable) -> list[Resource]:
        """Return what there is of a kind, newest first."""
        filters = {"kind": kind, "deleted": False, **facets}
        found = [
            row for table in (self.world.resources, self.parts) for row in table.select(0, len(table), filters).items
        ]
        return sorted(found, key=lambda row: row.created_at, reverse=True)

    def count(self, kind: str, **facets: Hashable) -> int:
        """Return how many of a kind calls have made."""
        return self.world.resources.select(0, 0, {"kind": kind, "deleted": False, **facets}).total

    def is_readable(self, row: Resource) -> bool:
        """Return whether reads show it by now."""
        return row.created_by is None or self.world.now() - row.created_at >= READABLE_AFTER

    def change(
        self, row: Resource, *, status: str | None = None, deleted: bool = False, at: float | None = None
    ) -> None:
        """Change a resource or part."""
        if self.parts.get(row.id) is None:
            self.world.update(row, status=status, deleted=deleted, at=at)
            return
        row.status = status or row.status
        row.deleted = row.deleted or deleted
        row.updated_at = self.world.now() if at is None else at
        self.parts.changed(row)

    def remove(self, row: Resource, at: float | None) -> None:
        """Let it be gone."""
        self.change(row, status="deleted", deleted=True, at=at)

    def start(
        self,
        call: Call,
        kind: str,
        row: Resource,
        on_settled: Callable[[Operation], None],
        details: Mapping[str, Any] | None = None,
    ) -> Operation:
        """Start an operation."""
        facts = {"project_id": row.details["project_id"], "changes": None, **(details or {})}
        return self._api.start(call, kind, self.world.ids.uuid(), row, _SCRIPT, on_settled, facts)


def check_idle(row: Resource) -> None:
    """Raise a 409 while an operation is active on it."""
    busy: Operation | None = row.details.get("busy") or row.operation
    if busy is not None and not busy.settled:
        raise Problem(f"{row.kind} {row.id} already has an active operation", status=409)
