"""What comes from Onvera over the wire, and how it becomes ours [api-reference]."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

from typing_extensions import Required, TypedDict

from airflow_provider_ops.apis.base import OperationList, WireModel, as_it_comes, read
from airflow_provider_ops.apis.http import Call, Page, Paged, Request, Response
from airflow_provider_ops.apis.lenient import Lenient
from airflow_provider_ops.apis.times import Time
from airflow_provider_ops.exceptions import TransportError
from airflow_provider_ops.operation import Operation, OperationError, OperationState, Progress

M = TypeVar("M", bound=WireModel)
T = TypeVar("T")

NAME = "onvera"
#: The documented maximum of ``per_page``.
_PER_PAGE = 100

_STATES = {
    "queued": OperationState.PENDING,
    "running": OperationState.RUNNING,
    "succeeded": OperationState.SUCCEEDED,
    "failed": OperationState.FAILED,
    "canceled": OperationState.CANCELLED,
}


class DeploymentLinks(WireModel):
    """Links of a deployment; ``operation`` is the path of the operation in flight, else ``None``."""

    operation: str | None = None


class Deployment(WireModel):
    """A deployment as ``GET /deployments`` and ``GET /deployments/{id}`` show it [api-reference/deployments].

    ``status`` is ``provisioning``, ``ready``, ``destroying``, ``failed`` or ``destroyed``; ``url`` is known when ready.
    """

    id: str
    name: str | None = None
    app_type: str | None = None
    status: str | None = None
    url: str | None = None
    environment_id: str | None = None
    created_at: Time | None = None
    links: DeploymentLinks | None = None


class DeploymentSubmitted(WireModel):
    """The 202 answer to a create or destroy: the ids to go on with."""

    deployment_id: str | None = None
    operation_id: str


class Environment(WireModel):
    """An environment [concepts/environments]."""

    id: str
    name: str | None = None
    slug: str | None = None
    created_at: Time | None = None


# Lists show operations by the hundred at every look: what reads them makes no object of a class for each.


class _Progress(TypedDict, total=False):
    phase: str | None
    message: str | None


class _Resource(TypedDict, total=False):
    type: str | None
    id: str | None


class _Error(TypedDict, total=False):
    code: str | None
    message: str | None


class _Operation(TypedDict, total=False):
    """[api-reference/operations]. Where a failed operation carries its error is not documented; this is a guess."""

    id: Required[str]
    type: str | None
    status: str | None
    progress: _Progress | None
    resource: _Resource | None
    requested_at: Time | None
    started_at: Time | None
    ended_at: Time | None
    error: _Error | str | None


_READ = Lenient(_Operation, "id", "status")


def bare_id(deployment_id: str) -> str:
    """The UUID of a deployment: operations write ``dep_<uuid>``, paths in the reference show the bare UUID."""
    return deployment_id.removeprefix("dep_")


def to_operation(data: Mapping[str, Any]) -> Operation:
    """An operation of Onvera as one of ours.

    :raises TransportError: reason ``unreadable`` when id or status cannot be read.
    """
    wire = _READ(data)
    raw_state, progress = wire.get("status") or "missing", wire.get("progress")
    resource = wire.get("resource") or {}
    resource_id = resource.get("id")
    return Operation(
        id=wire["id"],
        api=NAME,
        kind=wire.get("type") or "",
        state=_STATES.get(raw_state, OperationState.UNKNOWN),
        raw_state=raw_state,
        resource_type=resource.get("type"),
        resource_id=bare_id(resource_id) if resource_id else None,
        progress=None if progress is None else _to_progress(progress.get("phase"), progress.get("message")),
        error=_to_error(wire.get("error")),
        created_at=wire.get("requested_at"),
        started_at=wire.get("started_at"),
        ended_at=wire.get("ended_at"),
        raw=data,
    )


def listed(status: str) -> OperationList:
    """All operations of a status."""
    return OperationList(paged("/operations", {"status": status}, as_it_comes), to_operation)


# of thousands that go on together, many are in the same phase
@lru_cache(maxsize=1024)
def _to_progress(phase: str | None, message: str | None) -> Progress:
    return Progress(phase, message)


def _to_error(error: _Error | str | None) -> OperationError | None:
    if error is None:
        return None
    if isinstance(error, str):
        return OperationError(message=error)
    return OperationError(message=error.get("message") or "", code=error.get("code"))


def body_of(response: Response) -> dict[str, Any]:
    """What is in the envelope of an answer.

    :raises TransportError: reason ``unreadable`` when there is none.
    """
    body = response.json()
    if not isinstance(body, dict) or not isinstance(body.get("data"), dict):
        msg = "the answer has no object 'data', which every Onvera answer has"
        raise TransportError(msg, reason="unreadable")
    data: dict[str, Any] = body["data"]
    return data


def items_of(model: type[M], response: Response) -> list[M]:
    """The entries of an answer, each as a wire model."""
    return [read(model, item) for item in _entries(body_of(response))]


def _entries(body: Mapping[str, Any]) -> list[Any]:
    entries = body.get("items") or []
    if not isinstance(entries, list):
        raise TransportError("'items' of the answer is no list", reason="unreadable")
    return entries


def _pages(page: Callable[[int], T], after: int, last: int) -> list[T]:
    return [page(number) for number in range(after + 1, last + 1)]


def paged(route: str, query: Mapping[str, Any], to_item: Callable[[Any], T]) -> Paged[T]:
    """A list, a hundred entries per page; pages are numbered, so that several can be read at the same time."""

    def page(number: int) -> Call[Page[T]]:
        def parse(response: Response) -> Page[T]:
            body = body_of(response)
            items = [to_item(item) for item in _entries(body)]
            pagination = body.get("pagination")
            pages = pagination.get("pages") if isinstance(pagination, dict) else None
            if not items or not isinstance(pages, int) or number >= pages:
                return Page(items)
            return Page(items, page(number + 1), lambda count: _pages(page, number, min(number + count, pages)))

        return Call(Request("GET", route, route, query={**query, "page": number, "per_page": _PER_PAGE}), parse)

    return Paged(page(1))
