"""What comes from Onvera over the wire, and how it becomes ours [api-reference]."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from airflow_provider_ops.apis.base import Listed, WireModel, read
from airflow_provider_ops.apis.http import Call, Page, Paged, Request, Response
from airflow_provider_ops.apis.lenient import read_leniently
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
    created_at: datetime | None = None
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
    created_at: datetime | None = None


class _Progress(WireModel):
    phase: str | None = None
    message: str | None = None


class _Resource(WireModel):
    type: str | None = None
    id: str | None = None


class _Error(WireModel):
    code: str | None = None
    message: str | None = None


class _Operation(WireModel):
    """[api-reference/operations]. Where a failed operation carries its error is not documented; this is a guess."""

    id: str
    type: str | None = None
    status: str | None = None
    progress: _Progress | None = None
    resource: _Resource | None = None
    requested_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error: _Error | str | None = None


def bare_id(deployment_id: str) -> str:
    """The UUID of a deployment: operations write ``dep_<uuid>``, paths in the reference show the bare UUID."""
    return deployment_id.removeprefix("dep_")


def to_operation(data: Mapping[str, Any]) -> Operation:
    """An operation of Onvera as one of ours.

    :raises TransportError: reason ``unreadable`` when id or status cannot be read.
    """
    wire = read_leniently(_Operation, data, "id", "status")
    raw_state = wire.status or "missing"
    return Operation(
        id=wire.id,
        api=NAME,
        kind=wire.type or "",
        state=_STATES.get(raw_state, OperationState.UNKNOWN),
        raw_state=raw_state,
        resource_type=wire.resource.type if wire.resource else None,
        resource_id=bare_id(wire.resource.id) if wire.resource and wire.resource.id else None,
        progress=Progress(phase=wire.progress.phase, message=wire.progress.message) if wire.progress else None,
        error=_to_error(wire.error),
        created_at=wire.requested_at,
        started_at=wire.started_at,
        ended_at=wire.ended_at,
        raw=data,
    )


def listed(item: Mapping[str, Any]) -> Listed:
    """An entry of a list of operations."""
    return Listed.of(item, to_operation)


def _to_error(error: _Error | str | None) -> OperationError | None:
    if error is None:
        return None
    if isinstance(error, str):
        return OperationError(message=error)
    return OperationError(message=error.message or "", code=error.code)


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
