"""Lists of operations, whose entries are read only when they are waited for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from airflow_provider_ops.apis.calls import Paged
from airflow_provider_ops.exceptions import TransportError
from airflow_provider_ops.operation import Operation


def entry_id(entry: Any) -> str:
    """Return the id in an entry of a list; of one that is no object, or has none, an id that no operation has."""
    name = entry.get("id") if isinstance(entry, dict) else ""
    return name if isinstance(name, str) else str(name)


class NotDecided(TransportError):
    """An entry of a list that leaves out what says how its operation has ended; a read of the operation shows it.

    :param operation: what the entry shows, in state unknown.
    """

    def __init__(self, operation: Operation, missing: str) -> None:
        super().__init__(f"the entry leaves out {missing}, which says how it has ended", reason="unreadable")
        self.operation = operation


class OperationList(NamedTuple):
    """A list of operations, each read only when it is waited for: lists show a hundred for one that matters.

    :param entries: as they come.
    :param read: maps an entry to the operation; raises :class:`NotDecided`.
    :param id_of: returns the id in an entry.
    """

    entries: Paged[Any]
    read: Callable[[Mapping[str, Any]], Operation]
    id_of: Callable[[Any], str] = entry_id

    def show(self, entry: Mapping[str, Any]) -> Operation:
        """Return the operation of an entry, in state unknown where the entry does not say how it has ended."""
        try:
            return self.read(entry)
        except NotDecided as undecided:
            return undecided.operation


def raw_entry(entry: Any) -> Any:
    """Return an entry of an :class:`OperationList` as it came; it is read only when it is waited for."""
    return entry
