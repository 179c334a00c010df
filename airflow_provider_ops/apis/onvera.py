"""Onvera: managed Airflow and Superset deployments.

Source: onvera.io/docs/api-reference (overview, operations, deployments, authentication, errors).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal, TypeVar, get_args

from airflow_provider_ops.apis.base import (
    AllMarked,
    Api,
    ErrorBody,
    Intent,
    Listed,
    Marked,
    Submit,
    Submitted,
    WireModel,
    generic_submit,
    read,
    read_error,
    table,
)
from airflow_provider_ops.apis.http import Call, Flow, Page, Paged, Request, Response, all_items, given, path
from airflow_provider_ops.apis.lenient import read_leniently
from airflow_provider_ops.exceptions import InvalidArgument, NotFound, TransportError
from airflow_provider_ops.operation import Operation, OperationError, OperationState, Progress
from airflow_provider_ops.waiting.policy import PollPolicy
from airflow_provider_ops.waiting.submitting import is_mark

M = TypeVar("M", bound=WireModel)
T = TypeVar("T")

AppType = Literal["airflow", "superset"]
OperationStatus = Literal["queued", "running", "succeeded", "failed", "canceled"]

#: The documented maximum of ``per_page``.
_PER_PAGE = 100
#: Clocks of worker and API may differ by this much when we look for what a lost answer started.
_CLOCK_SKEW = timedelta(minutes=2)

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


class Onvera(Api):
    """The seven calls of Onvera [api-reference/overview]."""

    name = "onvera"
    title = "Onvera"
    lists_operations = True
    unmarked = "deployments that their task gave a name of its own"
    base_url = "https://api.onvera.io/api/v1"
    # samples: create 6 min, destroy 3.5 min; ten times that is no longer a slow day
    timeouts: ClassVar[Mapping[str, float]] = table({"": 3600.0, "deployment.destroy": 2400.0})
    # advice of the reference: every 2 to 5 s [api-reference/operations]
    polls: ClassVar[Mapping[str, PollPolicy]] = table({"": PollPolicy(first=2.0, factor=1.3, cap=5.0)})

    def authenticate(self, key: str) -> Mapping[str, str]:
        """``X-API-Key`` [api-reference/authentication]."""
        return {"X-API-Key": key}

    def error(self, response: Response) -> ErrorBody:
        """``{"error": {"code", "message"}}`` [api-reference/errors]."""
        return read_error(response, lambda body: (body["error"].get("code"), body["error"].get("message")))

    def check(self) -> Call[str]:
        """``GET /environments``: names the environment that the key belongs to."""

        def parse(response: Response) -> str:
            return "environment " + ", ".join(f"{env.name} ({env.id})" for env in _items(Environment, response))

        return Call(Request("GET", "/environments", "/environments"), parse)

    def get_operation(self, operation_id: str) -> Call[Operation]:
        """``GET /operations/{operation_id}``."""
        where = path("/operations/{operation_id}", operation_id=operation_id)
        return Call(
            Request("GET", where, "/operations/{operation_id}"),
            lambda response: _to_operation(_body(response)),
        )

    def list_operations(  # type: ignore[override]  # typed filters instead of **filters
        self,
        *,
        status: OperationStatus | None = None,
        type: str | None = None,  # noqa: A002 - the API's own name
        resource_id: str | None = None,
    ) -> Paged[Operation]:
        """``GET /operations``, all pages."""
        query = given(status=status, type=type, resource_id=resource_id)
        return _paged("/operations", query, _to_operation)

    def open_operations(self) -> Sequence[Paged[Listed]]:
        """Queued before running: what starts in between is seen twice, not missed."""
        return tuple(_paged("/operations", {"status": status}, _listed) for status in ("queued", "running"))

    def recent_operations(self) -> Sequence[Paged[Listed]]:
        """The order of the list is not documented; newest first is what makes this useful."""
        return tuple(
            _paged("/operations", {"status": status}, _listed) for status in ("succeeded", "failed", "canceled")
        )

    def create_deployment(self, app_type: AppType, name: str | None = None) -> Call[DeploymentSubmitted]:
        """``POST /deployments``.

        :raises InvalidArgument: ``app_type`` is not one of the documented values.
        """
        check_app_type(app_type)
        request = Request("POST", "/deployments", "/deployments", json=given(app_type=app_type, name=name))
        return Call(request, lambda response: read(DeploymentSubmitted, _body(response)))

    def list_deployments(self) -> Paged[Deployment]:
        """``GET /deployments``, all pages."""
        return _paged("/deployments", {}, lambda item: read(Deployment, item))

    def get_deployment(self, deployment_id: str) -> Call[Deployment]:
        """``GET /deployments/{deployment_id}``."""
        return Call(_deployment("GET", deployment_id), lambda response: read(Deployment, _body(response)))

    def destroy_deployment(self, deployment_id: str) -> Call[DeploymentSubmitted]:
        """``DELETE /deployments/{deployment_id}``."""
        return Call(_deployment("DELETE", deployment_id), lambda response: read(DeploymentSubmitted, _body(response)))

    def list_environments(self) -> Paged[Environment]:
        """``GET /environments``; one page, the API shows no pagination there."""
        request = Request("GET", "/environments", "/environments")
        return Paged(Call(request, lambda response: Page(_items(Environment, response))))

    def request(self, method: str, path: str, *, json: Any = None, query: Mapping[str, Any] | None = None) -> Submit:
        """Recognises create and destroy."""
        parts = path.strip("/").split("/")
        if method.upper() == "POST" and parts == ["deployments"] and isinstance(json, dict) and not query:
            # the body goes as it is given: the API may know more than this release
            return create_deployment("airflow").marked(json=dict(json))
        bare = json is None and not query
        if method.upper() == "DELETE" and parts[0] == "deployments" and len(parts) == 2 and bare:  # noqa: PLR2004
            return destroy_deployment(parts[1])
        return generic_submit(method, path, json=json, query=query)

    def mark(self, submit: Submit, key: str) -> Submit:
        """A deployment without a name gets one derived from ``key``: the API has no idempotency header."""
        body = submit.request.json
        if submit.kind != "deployment.create" or body.get("name"):
            return submit
        return submit.marked(json={**body, "name": key})

    def find(self, intent: Intent) -> Flow[list[Submitted]] | None:
        """By name for a create, by resource for a destroy; only operations since the intent count."""
        if intent.submit.kind == "deployment.create":
            return self._find_created(intent)
        if intent.submit.kind == "deployment.destroy":
            return self._find_destroying(intent)
        return None

    def _find_created(self, intent: Intent) -> Flow[list[Submitted]]:
        name = intent.submit.request.json["name"]
        deployments = yield from all_items(self.list_deployments())
        mine = {bare_id(found.id) for found in deployments if found.name == name}
        operations = yield from all_items(self.list_operations(type="deployment.create"))
        return [
            Submitted.of(operation)
            for operation in operations
            if bare_id(operation.resource_id or "") in mine and _since(operation, intent.since)
        ]

    def _find_destroying(self, intent: Intent) -> Flow[list[Submitted]]:
        wanted = bare_id(intent.submit.request.path.rsplit("/", 1)[-1])
        operations = yield from all_items(self.list_operations(type=intent.submit.kind))
        return [
            Submitted.of(operation)
            for operation in operations
            if bare_id(operation.resource_id or "") == wanted and _since(operation, intent.since)
        ]

    def all_marked(self) -> Flow[AllMarked]:
        """Deployments whose name we have derived, and that are neither gone nor going."""
        deployments = yield from all_items(self.list_deployments())
        return AllMarked(
            [
                Marked(one.name, "deployment", bare_id(one.id), one.name, one.status, one.created_at)
                for one in deployments
                if one.name is not None and is_mark(one.name) and one.status not in ("destroying", "destroyed")
            ]
        )

    def read_resource(self, operation: Operation) -> Flow[Mapping[str, Any] | None]:
        """The deployment; ``None`` once it is gone."""
        if operation.resource_type not in (None, "deployment") or not operation.resource_id:
            return None
        try:
            deployment: Mapping[str, Any] = yield Call(_deployment("GET", bare_id(operation.resource_id)), _body)
        except NotFound:
            return None
        return deployment

    def delete_resource(self, resource_type: str, resource_id: str) -> Flow[Submitted | None] | None:
        """Destroy the deployment."""
        return self._destroy(resource_id) if resource_type == "deployment" else None

    def _destroy(self, deployment_id: str) -> Flow[Submitted | None]:
        answer: DeploymentSubmitted = yield self.destroy_deployment(bare_id(deployment_id))
        return _submitted(answer, "deployment.destroy", deployment_id)

    def resource_url(self, resource: Mapping[str, Any]) -> str | None:
        """The deployment's own address, known once it is ready."""
        url = resource.get("url")
        return url if isinstance(url, str) else None


API = Onvera()


def create_deployment(app_type: AppType, name: str | None = None) -> Submit:
    """What ``OnveraCreateDeploymentOperator`` submits."""
    call = API.create_deployment(app_type, name)
    return Submit(
        call.request,
        lambda response: _submitted(call.parse(response), "deployment.create", None),
        kind="deployment.create",
        creates=True,
    )


def destroy_deployment(deployment_id: str) -> Submit:
    """What ``OnveraDestroyDeploymentOperator`` submits."""
    call = API.destroy_deployment(bare_id(deployment_id))
    return Submit(
        call.request,
        lambda response: _submitted(call.parse(response), "deployment.destroy", deployment_id),
        kind="deployment.destroy",
    )


def check_app_type(app_type: str) -> None:
    """Refuse an ``app_type`` that the API does not document.

    :raises InvalidArgument: names the allowed values.
    """
    if app_type not in get_args(AppType):
        msg = f"app_type {app_type!r} is not known to Onvera: use {' or '.join(map(repr, get_args(AppType)))}"
        raise InvalidArgument(msg)


def bare_id(deployment_id: str) -> str:
    """The UUID of a deployment: operations write ``dep_<uuid>``, paths in the reference show the bare UUID."""
    return deployment_id.removeprefix("dep_")


def _submitted(answer: DeploymentSubmitted, kind: str, deployment_id: str | None) -> Submitted:
    resource_id = answer.deployment_id or deployment_id
    return Submitted(answer.operation_id, kind, "deployment", bare_id(resource_id) if resource_id else None)


def _deployment(method: str, deployment_id: str) -> Request:
    route = "/deployments/{deployment_id}"
    return Request(method, path(route, deployment_id=deployment_id), route)


def _to_operation(data: Mapping[str, Any]) -> Operation:
    wire = read_leniently(_Operation, data, "id", "status")
    raw_state = wire.status or "missing"
    return Operation(
        id=wire.id,
        api=Onvera.name,
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


def _listed(item: Mapping[str, Any]) -> Listed:
    return Listed.of(item, _to_operation)


def _to_error(error: _Error | str | None) -> OperationError | None:
    if error is None:
        return None
    if isinstance(error, str):
        return OperationError(message=error)
    return OperationError(message=error.message or "", code=error.code)


def _since(operation: Operation, since: datetime) -> bool:
    return operation.created_at is None or operation.created_at >= since - _CLOCK_SKEW


def _body(response: Response) -> Any:
    body = response.json()
    if not isinstance(body, dict) or not isinstance(body.get("data"), dict):
        msg = "the answer has no object 'data', which every Onvera answer has"
        raise TransportError(msg, reason="unreadable")
    return body["data"]


def _items(model: type[M], response: Response) -> list[M]:
    return [read(model, item) for item in _entries(_body(response))]


def _entries(body: Mapping[str, Any]) -> list[Any]:
    entries = body.get("items") or []
    if not isinstance(entries, list):
        raise TransportError("'items' of the answer is no list", reason="unreadable")
    return entries


def _pages(page: Callable[[int], T], after: int, last: int) -> list[T]:
    return [page(number) for number in range(after + 1, last + 1)]


def _paged(route: str, query: Mapping[str, Any], to_item: Callable[[Any], T]) -> Paged[T]:
    def page(number: int) -> Call[Page[T]]:
        def parse(response: Response) -> Page[T]:
            body = _body(response)
            items = [to_item(item) for item in _entries(body)]
            pagination = body.get("pagination")
            pages = pagination.get("pages") if isinstance(pagination, dict) else None
            if not items or not isinstance(pages, int) or number >= pages:
                return Page(items)
            return Page(items, page(number + 1), lambda count: _pages(page, number, min(number + count, pages)))

        return Call(Request("GET", route, route, query={**query, "page": number, "per_page": _PER_PAGE}), parse)

    return Paged(page(1))
