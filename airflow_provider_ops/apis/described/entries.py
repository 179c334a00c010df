"""What the requests of a search show: all of it, or why it may be less."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from airflow_provider_ops.apis.calls import Call, Flow, Request, Response
from airflow_provider_ops.apis.described.filling import Values, fill
from airflow_provider_ops.apis.described.listing import paged
from airflow_provider_ops.apis.whole_lists import MOST_PAGES, IncompleteList, ListRead, read_list
from airflow_provider_ops.apis.window import Window
from airflow_provider_ops.exceptions import NotFound
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.spec.expressions import Exchange
from airflow_provider_ops.spec.sections import AllSpec, FindSpec, LookupSpec
from airflow_provider_ops.spec.templates import as_text
from airflow_provider_ops.spec.values import find_all, may_be_there

Searched: TypeAlias = AllSpec | FindSpec | LookupSpec


class Entries:
    """Reads the entries that searches of one API show."""

    def __init__(self, spec: ApiSpec) -> None:
        self._spec = spec

    def read(
        self,
        key: str,
        request: Searched,
        values: Values,
        *,
        entries: Sequence[str] | None = None,
        window: Window | None = None,
        most_pages: int = MOST_PAGES,
    ) -> Flow[ListRead[Any]]:
        """Return the entries of a list; without one the answer as the only entry, or none where it is a 404.

        :param key: of the request in the spec, for what is to be mended.
        :param entries: where they are; default: as the request says.
        :param window: notes when the API has answered.
        :raises IncompleteList: the answer is neither.
        """
        filled, where = fill(request, values, idempotent=True), request.entries if entries is None else entries
        if not where and entries is None:
            return (yield from self._one(key, filled))
        listed = paged(filled, where, self._spec.paging_of(request), lambda entry: entry, self._spec.secrets)
        try:
            read = yield from read_list(listed if window is None else window.noting(listed), most_pages=most_pages)
        except NotFound as error:
            raise self.unclear(key, f"{error.what}, which does not say that the list is empty") from None
        return read if read.gap is None else ListRead(read.items, self.unclear(key, read.gap.what))

    def _one(self, key: str, request: Request) -> Flow[ListRead[Any]]:
        try:
            answer = yield Call(request, _whole)
        except NotFound:
            return ListRead([])
        if answer is None:
            raise self.unclear(key, f"{request}: the answer is empty, and no 404, which would say that there is none")
        return ListRead([answer])

    def holding(self, key: str, request: FindSpec | LookupSpec, entries: Sequence[Any], wanted: Any) -> list[Any]:
        """Return the entries that hold a value where ``match`` points to.

        :raises IncompleteList: the answer is the entry, and has nothing there: it may be an error.
        """
        if not request.match:
            return list(entries)
        if not request.entries and any(not find_all(request.match, Exchange(), one) for one in entries):
            raise self.unclear(
                key,
                f"{request.request}: the answer has nothing where 'match' ({', '.join(request.match)}) points to, and "
                "is no 404, which would say that there is none",
            )
        return [one for one in entries if _holds(request.match, one, wanted)]

    def require_field(
        self, key: str, request: Searched, part: str, texts: Sequence[str], entries: Sequence[Any]
    ) -> None:
        """Refuse a list that cannot show what is searched for; an empty one shows that there is nothing.

        :param key: of the request in the spec.
        :param part: which part of it says what is compared.
        :param texts: what that part says.
        :raises IncompleteList: no entry has a field there, be it null or empty.
        """
        if not texts or not entries or any(may_be_there(texts, one) for one in entries):
            return
        error = IncompleteList(
            f"{request.request}: none of {len(entries)} entries has a field at {', '.join(texts)}, so it is not known "
            "whether what is searched for is among them"
        )
        owner, shown = key.partition(".")[0], "the key" if key != "lookup" else "the resource"
        error.advice = (
            f"Mend {part!r} of {owner!r} in the spec of {self._spec.shown_title}, or have the API show "
            f"{shown if part == 'match' else 'the id'} in its entries."
        )
        raise error

    def unclear(self, key: str, what: str) -> IncompleteList:
        """Return the error for a search whose answers do not say that there is nothing."""
        error = IncompleteList(what)
        error.advice = (
            f"If the API has answered as it should, mend {key!r} in the spec of {self._spec.shown_title}: its "
            "'entries', its 'paging' ('paging: null' where one answer has all), or its request, by a query parameter "
            "that leaves fewer entries."
        )
        return error


def _whole(response: Response) -> Any:
    # what is no JSON, like the page of a proxy, is asked for again
    return response.json() if response.content.strip() else None


def _holds(match: Sequence[str], entry: Any, wanted: Any) -> bool:
    """Return whether an entry has a value, itself or in a list."""
    found = find_all(match, Exchange(), entry)
    flat = [one for value in found for one in (value if isinstance(value, list) else [value])]
    return wanted is not None and any(
        as_text(one) == as_text(wanted) for one in flat if not isinstance(one, (dict, list))
    )
