"""A table of records with ordered indexes, so that a page of a filtered list costs what the page costs.

A benchmark polls lists over ten thousand operations. Filtering all of them for every page would make the simulator the
bottleneck that is measured, so each combination of filters that was ever asked for keeps its matches in order.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping


class Record(Protocol):
    """What a row must have."""

    seq: int
    id: str


R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Rows(Generic[R]):
    """One page of a list, and how many rows the whole list has."""

    items: list[R]
    total: int


class _Index:
    """The sequence numbers of all rows, grouped by the values of some facets and sorted in each group."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self._groups: dict[tuple[Hashable, ...], list[int]] = {}
        self._keys: dict[int, tuple[Hashable, ...]] = {}

    def put(self, seq: int, key: tuple[Hashable, ...]) -> None:
        old = self._keys.get(seq)
        if old == key:
            return
        if old is not None:
            group = self._groups[old]
            del group[bisect_left(group, seq)]
        self._keys[seq] = key
        insort(self._groups.setdefault(key, []), seq)

    def group(self, key: tuple[Hashable, ...]) -> list[int]:
        return self._groups.get(key, [])


class Table(Generic[R]):
    """Records by id, and lists of them by any combination of the declared facets."""

    def __init__(
        self, facets: Mapping[str, Callable[[R], Hashable]], as_listed: Callable[[R], R] | None = None
    ) -> None:
        self._facets = dict(facets)
        self._as_listed = as_listed or (lambda row: row)
        self._rows: list[R] = []
        self._by_id: dict[str, R] = {}
        self._indexes: dict[tuple[str, ...], _Index] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[R]:
        """Iterate in order of creation."""
        return iter(self._rows)

    def get(self, row_id: str) -> R | None:
        """Return the record with that id, or None."""
        return self._by_id.get(row_id)

    def add(self, row: R) -> R:
        """Take a record in and number it."""
        row.seq = len(self._rows)
        self._rows.append(row)
        self._by_id[row.id] = row
        self.changed(row)
        return row

    def changed(self, row: R) -> None:
        """Update the table after facets of this record may have changed."""
        for names, index in self._indexes.items():
            index.put(row.seq, self._key(names, row))

    def select(self, offset: int, limit: int, filters: Mapping[str, Hashable], *, newest_first: bool = True) -> Rows[R]:
        """Return the rows whose facets equal the filters, from `offset` on."""
        group = self._group(filters)
        total = len(group)
        start, stop = min(offset, total), min(offset + limit, total)
        # Groups are sorted oldest first; a page of the newest is a slice from the other end.
        chosen = group[total - stop : total - start][::-1] if newest_first else group[start:stop]
        return Rows([self._as_listed(self._rows[seq]) for seq in chosen], total)

    def select_before(self, seq: int | None, limit: int, filters: Mapping[str, Hashable]) -> Rows[R]:
        """Return the newest rows that are older than row `seq` (all rows for None): what a cursor stands for."""
        group = self._group(filters)
        end = len(group) if seq is None else bisect_left(group, seq)
        chosen = group[max(0, end - limit) : end][::-1]
        return Rows([self._as_listed(self._rows[seq]) for seq in chosen], len(group))

    def _group(self, filters: Mapping[str, Hashable]) -> list[int]:
        names = tuple(sorted(filters))
        index = self._indexes.get(names)
        if index is None:
            index = self._indexes[names] = _Index(names)
            for row in self._rows:
                index.put(row.seq, self._key(names, row))
        return index.group(tuple(filters[name] for name in names))

    def _key(self, names: tuple[str, ...], row: R) -> tuple[Hashable, ...]:
        listed = self._as_listed(row)
        return tuple(self._facets[name](listed) for name in names)
