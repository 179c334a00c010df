"""What lists and searches of a spec show: one address has one answer, which satisfies all parts that read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ops.simulator.described.bodies import texts_in
from airflow_provider_ops.simulator.described.lists import page_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from airflow_provider_ops.simulator.api import Call, Reply
    from airflow_provider_ops.simulator.described.operations import Shown
    from airflow_provider_ops.simulator.described.requests import Known
    from airflow_provider_ops.simulator.records import Operation
    from airflow_provider_ops.spec import ApiSpec

_LISTS = ("open", "recent", "by_ids")
_FINDS = ("find", "all")


class Listed:
    """Make the pages of the lists and searches of one API.

    :param operations: of the simulated world, the oldest first.
    """

    def __init__(self, spec: ApiSpec, shown: Shown, operations: Iterable[Operation], mount: str) -> None:
        self._spec = spec
        self._shown = shown
        self._operations = operations
        self._mount = mount

    def lists(self, known: Known) -> bool:
        """Return whether a request shows several operations."""
        if known.part in _FINDS:
            return bool(self._part(known, "find").entries)
        return known.part in (*_LISTS, "lookup")

    def page(self, call: Call, parts: Sequence[Known], values: Mapping[str, str]) -> Reply:
        """Return the page that a request asks for.

        :param parts: of the spec, that read it.
        """
        rows: list[tuple[Operation, dict[str, Any]]] = []
        for operation in self._rows(parts):
            shown_by = [one for one in parts if self._shows(one, operation, call, values)]
            if shown_by:
                rows.append((operation, self._entry(parts, shown_by, operation)))
        if any(one.part == "recent" and self._shown.is_by_end(one) for one in parts):
            rows.sort(key=lambda row: row[0].ended_at or 0.0, reverse=self._newest_first)
        places = list(dict.fromkeys(self._entries_of(one) for one in parts))
        paging = next((found for one in parts if (found := self._paging_of(one)) is not None), None)
        return page_of(paging, call, self._mount, places, [entry for _, entry in rows])

    def matching(self, values: Mapping[str, str]) -> list[Operation]:
        """Return the operations that a search by a key is about, the oldest first."""
        return [one for one in self._operations if self._is_found(one, values)]

    def _rows(self, parts: Sequence[Known]) -> list[Operation]:
        orders = [self._part(one, "lookup").order for one in parts if one.part == "lookup"]
        if all(one.part in _FINDS for one in parts):
            orders = ["newest"]
        order = next(filter(None, orders), None)
        is_newest_first = self._newest_first if order is None else order == "newest"
        rows = [one.listed or one for one in self._operations]
        return rows[::-1] if is_newest_first else rows

    @property
    def _newest_first(self) -> bool:
        return self._spec.lists is None or self._spec.lists.order != "oldest"

    def _part(self, known: Known, name: str) -> Any:
        """Return the search that a request is: that of its call, else that of the spec."""
        return self._spec.inherited(known.call, name)

    def _shows(self, known: Known, operation: Operation, call: Call, values: Mapping[str, str]) -> bool:
        match known.part:
            case "open" | "recent":
                return self._shown.is_in(known, operation, settled=known.part == "recent")
            case "by_ids":
                given = [(call.query.model_extra or {}).get(name) for name, _ in known.query]
                given += [call.body.root] if call.body is not None else []
                return operation.id in {one for text in texts_in(given) for one in text.split(",")}
            case "lookup":
                return values.get("resource_id") in (None, operation.resource.id)
            case _:
                return self._is_found(operation, values)

    def _is_found(self, operation: Operation, values: Mapping[str, str]) -> bool:
        return not operation.resource.deleted and values.get("mark") in (None, operation.details.get("mark"))

    def _entry(self, parts: Sequence[Known], shown_by: Sequence[Known], operation: Operation) -> dict[str, Any]:
        """Return an entry; one that only other parts show has no key for a search, but a field for it."""
        entry: dict[str, Any] = {}
        for known in parts:
            if known.part in _FINDS:
                found = self._shown.found(self._part(known, "find"), operation, has_key=known in shown_by)
                entry = _merged(entry, found)
            elif known.part == "lookup":
                entry = _merged(entry, self._shown.looked_up(self._part(known, "lookup"), operation))
            else:
                entry = _merged(entry, self._shown.entry(operation))
        return entry

    def _entries_of(self, known: Known) -> tuple[str, ...]:
        if known.part in _LISTS:
            return self._spec.lists.entries if self._spec.lists else ()
        owner = self._part(known, "find" if known.part in _FINDS else "lookup")
        own = owner.all.entries if known.part == "all" else ()
        entries: tuple[str, ...] = own or owner.entries
        return entries

    def _paging_of(self, known: Known) -> Any:
        if known.part in _LISTS:
            return self._spec.paging
        owner = self._part(known, "find" if known.part in _FINDS else "lookup")
        return self._spec.paging_of(owner.all if known.part == "all" else owner)


def _merged(one: Any, other: Any) -> Any:
    """Return two JSON values as one; of two that are no objects the second, unless that is null."""
    if other is None:
        return one
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return other
    return {**one, **{name: _merged(one.get(name), value) for name, value in other.items()}}
