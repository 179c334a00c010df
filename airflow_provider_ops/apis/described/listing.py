"""Lists of a described API, page by page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from airflow_provider_ops.apis.calls import Call, Page, Paged, Request, Response
from airflow_provider_ops.apis.described.reading import exchange_of
from airflow_provider_ops.apis.described.secrets import without_secrets
from airflow_provider_ops.core.gate import cut_text
from airflow_provider_ops.exceptions import TransportError
from airflow_provider_ops.spec.auth import Paging
from airflow_provider_ops.spec.expressions import Exchange, parse_pointer
from airflow_provider_ops.spec.templates import as_text
from airflow_provider_ops.spec.values import find_first

T = TypeVar("T")

#: ``rel`` of the link to the next page, where a spec has no paging.
_NEXT = "next"
_LONGEST_CURSOR = 2000


def paged(
    request: Request,
    entries: Sequence[str],
    paging: Paging | None,
    to_item: Callable[[Any], T],
    secrets: Sequence[str] = (),
) -> Paged[T]:
    """Return a list.

    :param entries: where an answer has the entries; none for an answer that is the list.
    :param secrets: what the spec calls secret.
    """
    return Paged(_Pages(request, entries, paging, to_item, secrets).first())


def joined(lists: Sequence[Paged[T]], id_of: Callable[[T], str]) -> Paged[T]:
    """Return several lists as one, in their order; what a list before has shown is left out.

    :param lists: one at least.
    """
    first, *others = (one.first for one in lists)
    return Paged(_joined(first, others, id_of, frozenset())) if others else lists[0]


def _joined(
    call: Call[Page[T]], others: Sequence[Call[Page[T]]], id_of: Callable[[T], str], seen: frozenset[str]
) -> Call[Page[T]]:
    def read(response: Response) -> Page[T]:
        page = call.parse(response)
        items = {id_of(one): one for one in page.items if id_of(one) not in seen}
        following, left = (page.next, others) if page.next is not None else (others[0] if others else None, others[1:])
        after = None if following is None else _joined(following, left, id_of, seen.union(items))
        return Page(list(items.values()), after, cut=page.cut)

    return replace(call, parse=read)


def entries_of(exchange: Exchange, entries: Sequence[str], secrets: Sequence[str] = ()) -> list[Any] | None:
    """Return the entries that an answer has; ``None`` for an object without the list.

    Many serializers write an empty list so, and an error with HTTP 200 has none either.

    :raises TransportError: it has something else in their place; reason ``unreadable``.
    """
    if secrets:
        exchange = replace(exchange, response_body=without_secrets(exchange.response_body, secrets))
    found = find_first(entries, exchange, exchange.response_body) if entries else exchange.response_body
    if found is None and entries and isinstance(exchange.response_body, Mapping):
        return None
    if not isinstance(found, list):
        raise TransportError("the answer has no list where 'entries' points to", reason="unreadable")
    return found


class _Pages:
    def __init__(
        self,
        request: Request,
        entries: Sequence[str],
        paging: Paging | None,
        to_item: Callable[[Any], Any],
        secrets: Sequence[str],
    ) -> None:
        size = _size(paging)
        self._request = replace(request, query={**size, **request.query}) if size else request
        self._entries = entries
        self._paging = paging
        self._to_item = to_item
        self._secrets = secrets

    def first(self) -> Call[Page[Any]]:
        """Return the call for the first page."""
        return self._page(0)

    def _page(self, at: int) -> Call[Page[Any]]:
        """Return the call for a page.

        :param at: how many pages (``page_number``) or entries (``offset``) come before it.
        """
        request, paging = self._request, self._paging
        if paging is None or paging.type not in ("page_number", "offset"):
            return self._call(request, 0)
        if paging.type == "page_number":
            name, path, value = paging.page_param, paging.page_body_path, paging.base_page + at
        else:
            name, path, value = paging.offset_param, paging.offset_body_path, at
            request = _with(request, paging.limit_param, paging.limit_body_path, paging.limit or paging.page_size)
        return self._call(_with(request, name, path, value), at)

    def _call(self, request: Request, at: int) -> Call[Page[Any]]:
        return Call(request, lambda response: self._read(request, response, at))

    def _read(self, request: Request, response: Response, at: int) -> Page[Any]:
        exchange = exchange_of(response)
        entries = entries_of(exchange, self._entries, self._secrets)
        if entries is None:
            return Page((), cut=f"the answer has no list where 'entries' ({', '.join(self._entries)}) points to")
        items, paging = [self._to_item(one) for one in entries], self._paging
        if paging is None:
            is_more = _link(response.headers.get("link", ""), _NEXT) is not None
            return Page(
                items, cut="the answer names a next page (header Link), and there is no paging" if is_more else None
            )
        match paging.type:
            case "page_number":
                return self._numbered(items, paging, exchange, at)
            case "offset":
                return self._at_offset(items, paging, exchange, at)
            case "cursor":
                return self._after_cursor(items, paging, request, exchange)
            case "json_link":
                link = find_first(
                    (paging.next_url_path,) if paging.next_url_path else (), exchange, exchange.response_body
                )
            case _:
                link = _link(response.headers.get("link", ""), paging.links_next_key)
        return self._linked(items, request, link)

    def _numbered(self, items: Sequence[Any], paging: Paging, exchange: Exchange, at: int) -> Page[Any]:
        """Return a page of a list whose pages are known before they are read, where the answer has their number."""
        pages = _count(paging.total_path, exchange)
        if pages is None:
            # a short page is no last one: servers filter after they count
            return Page(items, self._page(at + 1) if items else None)
        if at + 1 >= pages:
            return Page(items)
        if not items:
            return Page(items, cut=f"page {at + 1} of {pages} is empty")
        return Page(
            items,
            self._page(at + 1),
            lambda count: [self._page(one) for one in range(at + 1, min(at + 1 + count, pages))],
        )

    def _at_offset(self, items: Sequence[Any], paging: Paging, exchange: Exchange, at: int) -> Page[Any]:
        """Return a page that is followed by what comes after its last entry: a server may give fewer than asked for."""
        total, after, size = _count(paging.total_path, exchange), at + len(items), len(items)
        if total is None:
            return Page(items, self._page(after) if items else None)
        if after >= total:
            return Page(items)
        if not items:
            return Page(items, cut=f"there is nothing behind {at} of {total} entries")
        return Page(
            items,
            self._page(after),
            lambda count: [self._page(one) for one in range(after, min(after + count * size, total), size)],
        )

    def _after_cursor(self, items: Sequence[Any], paging: Paging, request: Request, exchange: Exchange) -> Page[Any]:
        found = find_first((paging.cursor_path,) if paging.cursor_path else (), exchange, exchange.response_body)
        if _is_end(found):
            return Page(items)
        if isinstance(found, (Mapping, list)):
            return Page(items, cut="there is no text where cursor_path points to")
        cursor = as_text(found)
        if len(cursor) > _LONGEST_CURSOR:
            return Page(items, cut=f"the cursor has {len(cursor)} characters, and {_LONGEST_CURSOR} are the most")
        following = _with(request, paging.cursor_param or "", paging.cursor_body_path, cursor)
        if following == request:
            # it would be read for ever
            return Page(items, cut="the cursor of the next page is the same as that of this page")
        return Page(items, self._call(following, 0))

    def _linked(self, items: Sequence[Any], request: Request, link: Any) -> Page[Any]:
        """Return a page with the call for an address that the server names.

        Its query counts, its origin is never followed.

        :raises TransportError: the address is not that of the same list.
        """
        if _is_end(link):
            return Page(items)
        if not isinstance(link, str):
            return Page(items, cut="there is no text where next_url_path points to")
        parts = urlsplit(link)
        if parts.path and not parts.path.endswith(request.path):
            raise TransportError(
                f"the next page is at {cut_text(parts.path, 200)!r}, another list", reason="unreadable"
            )
        query: dict[str, Any] = {}
        for name, value in parse_qsl(parts.query, keep_blank_values=True):
            query[name] = [*query[name], value] if name in query else [value]
        plain = {name: value[0] if len(value) == 1 else value for name, value in query.items()}
        following = replace(request, query={**request.query, **plain})
        if following == request:
            return Page(items, cut="the link to the next page leads to the page itself")
        return Page(items, self._call(following, 0))


def _is_end(found: Any) -> bool:
    """Return whether what stands for the next page says that there is none."""
    return found is None or found is False or found == ""


def _size(paging: Paging | None) -> dict[str, Any]:
    if paging is None or paging.page_size is None or not paging.page_size_param:
        return {}
    return {paging.page_size_param: paging.page_size}


def _with(request: Request, name: str, body_path: str | None, value: Any) -> Request:
    """Return a request with an option of its paging, in the query or in the body."""
    if body_path is None:
        return replace(request, query={**request.query, name: value})
    return replace(request, json=set_at(request.json, parse_pointer(body_path.partition("#")[2] or body_path), value))


def set_at(body: Any, pointer: Sequence[str], value: Any) -> Any:
    """Return a copy of a JSON value with another value at a place; ``-`` appends to a list.

    :raises ValueError: something on the way is neither an object nor a list.
    """
    if not pointer:
        return value
    part, rest = pointer[0], pointer[1:]
    if part == "-" and not rest:
        if body is not None and not isinstance(body, list):
            raise ValueError(f"the body has no list to append to, but {type(body).__name__}")
        return [*(body or ()), value]
    if isinstance(body, list) and part.isdecimal() and int(part) < len(body):
        return [set_at(one, rest, value) if index == int(part) else one for index, one in enumerate(body)]
    if body is not None and not isinstance(body, Mapping):
        raise ValueError(f"the body has no object where {part!r} belongs, but {type(body).__name__}")
    return {**(body or {}), part: set_at((body or {}).get(part), rest, value)}


def _count(path: str | None, exchange: Exchange) -> int | None:
    value = find_first((path,) if path else (), exchange, exchange.response_body)
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return max(int(value), 0)
    except (ValueError, OverflowError):
        return None


def _link(header: str, rel: str) -> str | None:
    """Return the address of a relation in a ``Link`` header (RFC 8288), without regular expressions."""
    for link in header.split(",<"):
        for one in link.split(", <"):
            address, _, parameters = one.strip().removeprefix("<").partition(">")
            pairs = (pair.strip().partition("=") for pair in parameters.split(";"))
            rels = [value.strip().strip('"') for name, _, value in pairs if name.strip().lower() == "rel"]
            if any(rel in value.split() for value in rels):
                return address
    return None
