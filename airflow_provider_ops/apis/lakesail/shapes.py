"""The shapes of LakeSail's answers: normalised lists, three styles of paging, single objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from airflow_provider_ops.apis.calls import Call, Page, Paged, Request, Response
from airflow_provider_ops.apis.lakesail.models import Camel
from airflow_provider_ops.apis.wire_models import read
from airflow_provider_ops.exceptions import TransportError

M = TypeVar("M", bound=Camel)
T = TypeVar("T")

#: The documented maximum and default of ``limit`` [guides/limits].
LIMIT = 100
#: A list longer than this many pages is a server that goes round in circles.
_MOST_PAGES = 10_000
#: Why what was read of a list may not be all.
_NO_LIST = "the answer has no list 'items'"
_CIRCLE = "the marker of the next page leads round in a circle"
#: The name of the token in the answer is in no page that could be read; the older API called it ``marker``.
_MARKERS = ("marker", "nextMarker", "nextPageMarker")


def body_of(response: Response) -> dict[str, Any]:
    """Return the answer as an object.

    :raises TransportError: reason ``unreadable`` when it is none.
    """
    body = response.json()
    if not isinstance(body, dict):
        msg = f"the answer (HTTP {response.status}) is not a JSON object, which every LakeSail answer is"
        raise TransportError(msg, reason="unreadable")
    return body


def objects(response: Response, included: str, ref: str = "id") -> list[dict[str, Any]]:
    """Return the objects of a list: each item joined with the object of ``included`` it refers to by its field ``ref``.

    Lists come normalised (references in ``items``, objects in ``included``) or whole; a reference whose object is
    missing stands for itself.
    """
    body = body_of(response)
    known = by_id(included_objects(body, included))
    found = []
    for item in _array(body.get("items")):
        entry = {ref: item} if isinstance(item, str) else item
        if not isinstance(entry, dict):
            raise TransportError("an item of the list is neither an object nor an id", reason="unreadable")
        found.append({"id": entry.get(ref), **entry, **known.get(str(entry.get(ref)), {})})
    return found


def by_id(many: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return objects by their id."""
    return {str(one.get("id")): one for one in many}


def included_objects(body: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return ``included.<kind>`` of a normalised answer; empty where it is not there."""
    included = body.get("included")
    many = included.get(kind) if isinstance(included, dict) else None
    return [one for one in _array(many) if isinstance(one, dict)]


def one_object(response: Response, singular: str, object_id: str | None = None) -> dict[str, Any]:
    """Find the object in an answer about one: itself, below its name, or normalised. Which one is not documented."""
    body = body_of(response)
    wrapped = body.get(singular)
    if isinstance(wrapped, dict):
        return wrapped
    many = included_objects(body, f"{singular}s")
    wanted = next((one for one in many if one.get("id") == object_id), many[0] if len(many) == 1 else None)
    return body if wanted is None else wanted


def single(request: Request, model: type[M], singular: str, object_id: str | None = None) -> Call[M]:
    """Return a call that answers one object."""
    return Call(request, lambda response: read(model, one_object(response, singular, object_id)))


def models(model: type[M], included: str, ref: str = "id") -> Callable[[Response], list[M]]:
    """Return a function that reads a list into models."""
    return lambda response: [read(model, data) for data in objects(response, included, ref)]


def by_marker(route: str, path: str, query: Mapping[str, Any], to_items: Callable[[Response], Iterable[T]]) -> Paged[T]:
    """Return a list that continues with the marker of its last answer; one page where there never is a marker."""

    def page(marker: str | None, number: int) -> Call[Page[T]]:
        def parse(response: Response) -> Page[T]:
            items = list(to_items(response))
            body = body_of(response)
            following = next((body[name] for name in _MARKERS if isinstance(body.get(name), str)), None)
            if not following:
                return Page(items, cut=None if "items" in body else _NO_LIST)
            goes_on = following != marker and number < _MOST_PAGES
            return Page(items, page(following, number + 1) if goes_on else None, cut=None if goes_on else _CIRCLE)

        given = {**query, "limit": LIMIT, **({"marker": marker} if marker else {})}
        return Call(Request("GET", path, route, query=given), parse)

    return Paged(page(None, 1))


def by_number(route: str, query: Mapping[str, Any], to_items: Callable[[Response], Iterable[T]]) -> Paged[T]:
    """Return a list in numbered pages."""

    def page(number: int) -> Call[Page[T]]:
        def parse(response: Response) -> Page[T]:
            items = list(to_items(response))
            body = body_of(response)
            total = body.get("total")
            more = number * LIMIT < total if isinstance(total, int) else len(items) == LIMIT
            if not more:
                return Page(items, cut=None if "items" in body else _NO_LIST)
            goes_on = bool(items) and number < _MOST_PAGES
            cut = None if goes_on else f"page {number} is empty, or the last of too many, and {total} are counted"
            return Page(items, page(number + 1) if goes_on else None, cut=cut)

        return Call(Request("GET", route, route, query={**query, "limit": LIMIT, "page": number}), parse)

    return Paged(page(1))


def _array(value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise TransportError("the answer has no array where LakeSail has one", reason="unreadable")
    return value
