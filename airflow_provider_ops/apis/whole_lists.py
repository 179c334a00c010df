"""Lists that are read whole: a search that has seen a part of a list only proves nothing about the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from airflow_provider_ops.apis.calls import Call, Flow, Page, Paged
from airflow_provider_ops.exceptions import TransportError

T = TypeVar("T")

#: Requests for one list before a submit.
MOST_PAGES = 200


class IncompleteList(TransportError):
    """A list was not read to its end, so that what was not found in it may be there all the same."""

    def __init__(self, what: str) -> None:
        super().__init__(what, reason="unreadable")
        self.advice = (
            "Retry. If it happens again, the list is too long to be searched, or the API's answers have changed: "
            "upgrade this provider."
        )


@dataclass(frozen=True, slots=True)
class ListRead(Generic[T]):
    """What was read of a list.

    :param gap: why that may not be all; ``None`` where it is.
    """

    items: list[T]
    gap: IncompleteList | None = None


def read_list(
    paged: Paged[T], *, most_pages: int = MOST_PAGES, is_last: Callable[[Page[T]], bool] | None = None
) -> Flow[ListRead[T]]:
    """Return a flow that reads all pages.

    :param is_last: whether nothing behind a page is wanted.
    """
    items: list[T] = []
    pages: list[Page[T]] = []
    asked: list[Call[Page[T]]] = []
    call: Call[Page[T]] | None = paged.first
    why: str | None = None
    while call is not None:
        if any(call.request == one.request for one in asked):
            why = f"the next page, {call.request}, is one that was read before"
            break
        if len(asked) == most_pages:
            why = f"it has more than {most_pages} pages"
            break
        page: Page[T] = yield call
        asked.append(call)
        if page.items and any(page.items == one.items for one in pages):
            why = f"page {len(asked)} has the same entries as one before it"
            break
        pages.append(page)
        items += page.items
        why = why or page.cut
        call = None if is_last is not None and is_last(page) else page.next
    if why is None:
        return ListRead(items)
    said = f"{paged.first.request}: {why}; {len(items)} entries were read, and there may be more"
    return ListRead(items, IncompleteList(said))


def all_items(paged: Paged[T]) -> Flow[list[T]]:
    """Return a flow that reads all pages.

    :raises IncompleteList: there may be more than can be read.
    """
    read = yield from read_list(paged)
    if read.gap is not None:
        raise read.gap
    return read.items
