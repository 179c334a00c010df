"""The ways of paging that the APIs have: page numbers, and opaque cursors (or markers) that know their filters."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from .table import R, Rows, Table
from .validation import Problem

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

T = TypeVar("T")


class PageInfo(NamedTuple):
    """The numbers of a page of an offset list."""

    page: int
    per_page: int
    total: int
    pages: int


def page_number(
    table: Table[R], page: int, per_page: int, filters: Mapping[str, Hashable], *, newest_first: bool = True
) -> tuple[list[R], PageInfo]:
    """Return a page by its number; past the end it is empty."""
    rows = table.select((page - 1) * per_page, per_page, filters, newest_first=newest_first)
    return rows.items, PageInfo(page, per_page, rows.total, -(-rows.total // per_page))


class CursorPage(NamedTuple):
    """The tokens of a page of a cursor list."""

    next_cursor: str | None
    total: int


def page_cursor(
    table: Table[R], cursor: str | None, limit: int, filters: Mapping[str, Hashable]
) -> tuple[list[R], CursorPage]:
    """Return the page after a cursor, newest first; rows created meanwhile do not shift it."""
    before = None if cursor is None else _decode(cursor, filters)
    rows: Rows[R] = table.select_before(before, limit, filters)
    last = rows.items[-1].seq if rows.items else None
    more = last is not None and bool(table.select_before(last, 1, filters).items)
    following = _encode(last, filters) if more and last is not None else None
    return rows.items, CursorPage(following, rows.total)


def _fingerprint(filters: Mapping[str, Hashable]) -> list[str]:
    return [f"{name}={filters[name]!r}" for name in sorted(filters)]


def _encode(seq: int, filters: Mapping[str, Hashable]) -> str:
    text = json.dumps([seq, _fingerprint(filters)], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str, filters: Mapping[str, Hashable]) -> int:
    try:
        seq, fingerprint = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, TypeError):
        seq, fingerprint = None, None
    if not isinstance(seq, int) or fingerprint != _fingerprint(filters):
        message = "the cursor is not one of this list with these filters"
        raise Problem(message, kind="invalid", where=("query", "cursor"))
    return seq


def page_rows(
    rows: Sequence[T], cursor: str | None, limit: int, filters: Mapping[str, Hashable]
) -> tuple[list[T], CursorPage]:
    """Return the page after a cursor of rows that are filtered and sorted already; the cursor counts them."""
    start = 0 if cursor is None else _decode(cursor, filters)
    stop = start + limit
    following = _encode(stop, filters) if stop < len(rows) else None
    return list(rows[start:stop]), CursorPage(following, len(rows))
