"""Lists of the simulated Nirvana: filters and sorting over what is shown, and the list of operations."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_ops.simulator.api import Call, Reply
from airflow_provider_ops.simulator.nirvana import shapes
from airflow_provider_ops.simulator.nirvana.queries import ListOperations, epoch
from airflow_provider_ops.simulator.paging import page_cursor, page_rows
from airflow_provider_ops.simulator.validation import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from airflow_provider_ops.simulator.paging import CursorPage
    from airflow_provider_ops.simulator.world import World

R = TypeVar("R")

NEWEST_FIRST = "created_at:desc"
_NOT_FILTERS = frozenset({"cursor", "limit", "sort", "project_id"})
_SPECIAL: Mapping[str, Callable[[dict[str, Any], Any], bool]] = {
    "name": lambda item, part: part.lower() in item["name"].lower(),
    "tags": lambda item, tags: set(tags.split(",")) <= set(item["tags"]),
    "attached": lambda item, attached: (item["vm_id"] is not None) is attached,
    "provider": lambda item, provider: provider == "aws" and item["aws"] is not None,
    "provider_region": lambda item, region: (item["aws"] or {}).get("region") == region,
}
_SORTED_BY: Mapping[str, Callable[[dict[str, Any]], Any]] = {
    "vcpu": lambda item: item["cpu_config"]["vcpu"],
    "memory": lambda item: item["memory_config"]["size"],
    **{
        name: (lambda item, name=name: item[name])  # type: ignore[misc]
        for name in ("created_at", "updated_at", "name", "status", "size", "protocol", "bandwidth_mbps")
    },
}


def listed(rows: Sequence[R], call: Call, show: Callable[[R], dict[str, Any]]) -> Reply:
    """Return a page of rows (newest first), filtered and sorted as the query says; only what must be is shown."""
    query = call.query
    # a cursor is valid for the same place, filters and sort only
    same = {**call.params, **query.model_dump(exclude={"cursor", "limit"}), "list": call.route.template}
    filters = {name: value for name, value in query if name not in _NOT_FILTERS and value is not None}
    sort = getattr(query, "sort", None)
    if not filters and sort is None:
        page, info = page_rows(rows, query.cursor, query.limit, same)
        return _page([show(row) for row in page], info)
    items = [show(row) for row in rows]
    for name, value in filters.items():
        matches = _SPECIAL.get(name)
        items = [item for item in items if (matches(item, value) if matches else item[name] == value)]
    found, info = page_rows(_sorted(items, sort), query.cursor, query.limit, same)
    return _page(found, info)


def operations(world: World, query: ListOperations) -> Reply:
    """Return a page of operations; without bounds and sort it costs what the page costs."""
    filters: dict[str, Hashable] = {"project": query.project_id}
    asked = {"resource": query.resource_id, "object": query.kind, "word": query.status, "type": query.type}
    filters |= {name: value for name, value in asked.items() if value is not None}
    if query.created_at_max is not None or query.sort not in (None, NEWEST_FIRST):
        return _all_operations(world, query, filters)
    rows, info = page_cursor(world.operations, query.cursor, query.limit, filters)
    earliest = int(epoch(query.created_at_min, 0.0))
    kept = [row for row in rows if int(row.created_at) >= earliest]
    # newest first: once a row is too old, all that follow are
    info = info if len(kept) == len(rows) else info._replace(next_cursor=None)
    return _page([shapes.operation(row) for row in kept], info)


def _all_operations(world: World, query: ListOperations, filters: Mapping[str, Hashable]) -> Reply:
    table = world.operations
    earliest = epoch(query.created_at_min, 0.0)
    latest = epoch(query.created_at_max, float("inf"))
    rows = [row for row in table.select(0, len(table), filters).items if earliest <= int(row.created_at) <= latest]
    for name, descending in reversed(_terms(query.sort)):
        if name not in ("created_at", "updated_at"):
            raise _bad_sort(name)
        rows.sort(key=attrgetter(name), reverse=descending)
    bounds = {"created_at_min": query.created_at_min, "created_at_max": query.created_at_max, "sort": query.sort}
    page, info = page_rows(rows, query.cursor, query.limit, {**filters, **bounds})
    return _page([shapes.operation(row) for row in page], info)


def _sorted(items: list[dict[str, Any]], sort: str | None) -> list[dict[str, Any]]:
    # the last field counts least, and sorting is stable
    for name, descending in reversed(_terms(sort)):
        if name not in _SORTED_BY or (items and not _has(items[0], name)):
            raise _bad_sort(name)
        items = sorted(items, key=_SORTED_BY[name], reverse=descending)
    return items


def _terms(sort: str | None) -> list[tuple[str, bool]]:
    terms = [term.partition(":") for term in sort.split(",")] if sort is not None else []
    for name, _, order in terms:
        if order not in ("asc", "desc"):
            raise _bad_sort(f"{name}:{order}")
    return [(name, order == "desc") for name, _, order in terms]


def _bad_sort(term: str) -> Problem:
    return Problem(f"sort: {term!r} is not known here", kind="invalid")


def _has(item: dict[str, Any], name: str) -> bool:
    return {"vcpu": "cpu_config", "memory": "memory_config"}.get(name, name) in item


def _page(items: list[dict[str, Any]], info: CursorPage) -> Reply:
    pagination = {"next_cursor": info.next_cursor, "previous_cursor": None, "total_count": info.total}
    return Reply(200, {"items": items, "pagination": pagination})
