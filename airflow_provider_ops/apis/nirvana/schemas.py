"""How calls of Nirvana are built and read: one operation, one object, pages of objects."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, TypeVar

from airflow_provider_ops.apis.calls import Call, Page, Paged, Request, Response, drop_none, path
from airflow_provider_ops.apis.lenient import Lenient
from airflow_provider_ops.apis.nirvana import checks
from airflow_provider_ops.apis.nirvana.resources import OperationWire
from airflow_provider_ops.apis.times import aware
from airflow_provider_ops.apis.wire_models import WireModel, read
from airflow_provider_ops.exceptions import TransportError
from airflow_provider_ops.operation import Operation, OperationError, OperationState

M = TypeVar("M", bound=WireModel)
T = TypeVar("T")

NAME = "nirvana"
#: The documented maximum of ``limit``.
_LIMIT = 100
_NO_LIST = "the answer has no list 'items'"

#: ``unknown`` is documented, but neither when it occurs nor what follows; the official waiter polls again.
_STATES = {
    "pending": OperationState.PENDING,
    "running": OperationState.RUNNING,
    "done": OperationState.SUCCEEDED,
    "failed": OperationState.FAILED,
    "unknown": OperationState.UNKNOWN,
}


def starting(method: str, route: str, body: Mapping[str, Any] | None = None, **ids: str) -> Call[Operation]:
    """Return a call that answers with its operation.

    :raises InvalidArgument: a list in the body is a single text.
    """
    checks.strings(body or {})
    request = Request(method, path(route, **ids), route, json=None if body is None else dict(body))
    return Call(request, operation_of)


def operation_of(response: Response) -> Operation:
    """Return the operation in an answer."""
    return to_operation(body_of(response))


def reading(route: str, parse: Callable[[Any], T], **ids: str) -> Call[T]:
    """Return a call that answers with one object."""
    return Call(Request("GET", path(route, **ids), route), lambda response: parse(body_of(response)))


def reading_model(route: str, model: type[M], **ids: str) -> Call[M]:
    """Return a call that answers with one object of a known shape."""
    return reading(route, lambda body: read(model, body), **ids)


def listing(route: str, parse: Callable[[Any], T], query: Mapping[str, Any] | None = None, **ids: str) -> Paged[T]:
    """Return a list, page by page."""
    where, wanted = path(route, **ids), {"limit": _LIMIT, **(query or {})}

    def page(cursor: str | None) -> Call[Page[T]]:
        def understand(response: Response) -> Page[T]:
            body = body_of(response)
            items = [parse(item) for item in _items(body)]
            following = _next_cursor(body)
            if not following:
                return Page(items, cut=None if "items" in body else _NO_LIST)
            if following == cursor:
                # it would never end
                return Page(items, cut="the cursor of the next page is the same as that of this page")
            return Page(items, page(following))

        return Call(Request("GET", where, route, query={**wanted, **drop_none(cursor=cursor)}), understand)

    return Paged(page(None))


def listing_models(route: str, model: type[M], query: Mapping[str, Any] | None = None, **ids: str) -> Paged[M]:
    """Return a list of objects of a known shape."""
    return listing(route, lambda item: read(model, item), query, **ids)


def whole(route: str, model: type[M]) -> Paged[M]:
    """Return a list that takes no parameters, ``limit`` and ``cursor`` included."""

    def parse(response: Response) -> Page[M]:
        body = body_of(response)
        return Page([read(model, row) for row in _items(body)], cut=None if "items" in body else _NO_LIST)

    return Paged(Call(Request("GET", route, route), parse))


def filters(*, tags: Sequence[str] | None = None, **values: Any) -> dict[str, Any]:
    """Return a query: without what is ``None``, times as RFC 3339, tags as the official Go client sends them."""
    times = {name: rfc3339(value) for name, value in values.items() if isinstance(value, datetime)}
    return drop_none(**{**values, **times}, tags=None if tags is None else ",".join(tags))


def rfc3339(moment: datetime) -> str:
    """Format a time like ``2026-08-01T10:00:00.000000Z``; one without zone is taken as UTC."""
    return aware(moment).astimezone(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


def as_json(body: Any) -> Mapping[str, Any]:
    """Return an object as it came."""
    result: Mapping[str, Any] = body
    return result


def body_of(response: Response) -> Any:
    """Return the JSON object in an answer.

    :raises TransportError: reason ``unreadable`` when it is none.
    """
    body = response.json()
    if not isinstance(body, dict):
        msg = f"the answer (HTTP {response.status}) is not a JSON object, as every answer of Nirvana is"
        raise TransportError(msg, reason="unreadable")
    return body


def _items(body: Mapping[str, Any]) -> Sequence[Any]:
    items = body.get("items")
    if items is None:
        return ()
    if isinstance(items, list) and all(isinstance(item, dict) for item in items):
        return items
    msg = "the answer has 'items' that are no list of objects"
    raise TransportError(msg, reason="unreadable")


def _next_cursor(body: Mapping[str, Any]) -> str | None:
    pagination = body.get("pagination")
    cursor = pagination.get("next_cursor") if isinstance(pagination, dict) else None
    return cursor if isinstance(cursor, str) and cursor else None


_READ = Lenient(OperationWire, "id", "status")


def to_operation(data: Any) -> Operation:
    """Return the operation of a wire object.

    Its kind is ``<kind>.<type>``, like ``vm.create``; both may be words that no document lists yet.
    """
    wire = _READ(data)
    raw_state = wire.status or "missing"
    state = _STATES.get(raw_state, OperationState.UNKNOWN)
    return Operation(
        id=wire.id,
        api=NAME,
        kind=f"{wire.kind or ''}.{wire.type or ''}".strip("."),
        state=state,
        raw_state=raw_state,
        resource_type=wire.kind,
        resource_id=wire.resource_id,
        error=_error(wire) if state is OperationState.FAILED else None,
        created_at=wire.created_at,
        updated_at=wire.updated_at,
        # there is no time of completion; the last change of a settled operation is its end
        ended_at=wire.updated_at if state.is_terminal else None,
        raw=data,
    )


def _error(wire: OperationWire) -> OperationError:
    """Return the only thing that a failed operation says about itself: what it was to change."""
    changes = (wire.details.changes if wire.details else None) or {}
    return OperationError("Nirvana gives no reason", details={"changes": changes} if changes else {})


def words(changes: Mapping[str, Any]) -> str:
    """Describe the changes of an operation, like ``node_count from 2 to 3``; values are cut, names are checked."""
    return ", ".join(
        f"{name} from {change.get('from')!r:.60} to {change.get('to')!r:.60}"
        for name, change in changes.items()
        if isinstance(change, Mapping) and re.fullmatch(r"[\w.]{1,60}", str(name))
    )
