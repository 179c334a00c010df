"""The calls of Onvera, and how a submit whose answer was lost is found again [api-reference]."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal, get_args

from airflow_provider_ops.apis.base import Api
from airflow_provider_ops.apis.calls import (
    Call,
    Flow,
    Page,
    Paged,
    Request,
    Response,
    check_id,
    drop_none,
    path,
)
from airflow_provider_ops.apis.described import ApiOfSpec
from airflow_provider_ops.apis.described.reading import OperationReader
from airflow_provider_ops.apis.existing import existing, has_status, is_gone
from airflow_provider_ops.apis.onvera.schemas import (
    NAME,
    Deployment,
    DeploymentSubmitted,
    Environment,
    bare_id,
    body_of,
    items_of,
)
from airflow_provider_ops.apis.submits import (
    Intent,
    OwnedResource,
    OwnedResources,
    SubmitCall,
    Submitted,
    generic_submit,
)
from airflow_provider_ops.apis.whole_lists import all_items
from airflow_provider_ops.apis.window import Window, began
from airflow_provider_ops.apis.wire_models import read
from airflow_provider_ops.core.identity import is_our_key
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.operation import Operation, OperationState
from airflow_provider_ops.spec.expressions import Exchange
from airflow_provider_ops.specs import load

AppType = Literal["airflow", "superset"]
OperationStatus = Literal["queued", "running", "succeeded", "failed", "canceled"]


class _OnveraReader(OperationReader):
    """Read operations, whose resources have an id with a prefix that paths do not have."""

    def resource_id(self, entry: Any, exchange: Exchange) -> str | None:
        """Return the bare id of the deployment."""
        found = super().resource_id(entry, exchange)
        return bare_id(found) if found else None


class Onvera(ApiOfSpec):
    """The seven calls of Onvera [api-reference/overview]; what they have in common is in its spec."""

    reader_class = _OnveraReader

    def __init__(self) -> None:
        super().__init__(load(NAME))

    def check(self) -> Call[str]:
        """``GET /environments``: names the environment that the key belongs to."""

        def parse(response: Response) -> str:
            return "environment " + ", ".join(f"{env.name} ({env.id})" for env in items_of(Environment, response))

        return Call(Request("GET", "/environments", "/environments"), parse)

    def validate_operation_id(self, operation_id: object) -> str:
        """Return ``operation_id`` when it can be one of Onvera, which has nothing else to wait for.

        :raises InvalidArgument: it cannot.
        """
        return Api.validate_operation_id(self, operation_id)

    def get_operation(self, operation_id: str) -> Call[Operation]:
        """``GET /operations/{operation_id}``."""
        return super().get_operation(check_id("operation_id", operation_id))

    def list_operations(  # type: ignore[override]  # typed filters instead of **filters
        self,
        *,
        status: OperationStatus | None = None,
        type: str | None = None,  # noqa: A002 - the API's own name
        resource_id: str | None = None,
    ) -> Paged[Operation]:
        """``GET /operations``, all pages."""
        return super().list_operations(
            **{"status": None, **drop_none(status=status, type=type, resource_id=resource_id)}
        )

    def create_deployment(self, app_type: AppType, name: str | None = None) -> Call[DeploymentSubmitted]:
        """``POST /deployments``.

        :raises InvalidArgument: ``app_type`` is not one of the documented values.
        """
        check_app_type(app_type)
        request = Request("POST", "/deployments", "/deployments", json=drop_none(app_type=app_type, name=name))
        return Call(request, lambda response: read(DeploymentSubmitted, body_of(response)))

    def list_deployments(self) -> Paged[Deployment]:
        """``GET /deployments``, all pages."""
        return self.paged(Request("GET", "/deployments", "/deployments"), lambda item: read(Deployment, item))

    def get_deployment(self, deployment_id: str) -> Call[Deployment]:
        """``GET /deployments/{deployment_id}``."""
        return Call(_deployment("GET", deployment_id), lambda response: read(Deployment, body_of(response)))

    def destroy_deployment(self, deployment_id: str) -> Call[DeploymentSubmitted]:
        """``DELETE /deployments/{deployment_id}``."""
        return Call(_deployment("DELETE", deployment_id), lambda response: read(DeploymentSubmitted, body_of(response)))

    def list_environments(self) -> Paged[Environment]:
        """``GET /environments``; one page, the API shows no pagination there."""
        request = Request("GET", "/environments", "/environments")
        return Paged(Call(request, lambda response: Page(items_of(Environment, response))))

    def request(
        self, method: str, path: str, *, json: Any = None, query: Mapping[str, Any] | None = None
    ) -> SubmitCall:
        """Recognise create and destroy."""
        parts = path.strip("/").split("/")
        if method.upper() == "POST" and parts == ["deployments"] and isinstance(json, dict) and not query:
            # the body goes as it is given: the API may know more than this release
            return create_deployment("airflow").with_request(json=dict(json))
        bare = json is None and not query
        if method.upper() == "DELETE" and parts[0] == "deployments" and len(parts) == 2 and bare:  # noqa: PLR2004
            return destroy_deployment(parts[1])
        return generic_submit(method, path, json=json, query=query)

    def with_idempotency_key(self, submit: SubmitCall, key: str) -> SubmitCall:
        """Name a deployment without a name after ``key``: the API has no idempotency header."""
        body = submit.request.json
        if submit.kind != "deployment.create" or body.get("name"):
            return submit
        return submit.with_request(json={**body, "name": key})

    def find_submitted(self, intent: Intent) -> Flow[list[Submitted]] | None:
        """Search by name for a create, by resource for a destroy; if not unique, only since the request was sent."""
        if intent.submit.kind == "deployment.create":
            return self._find_created(intent)
        if intent.submit.kind == "deployment.destroy":
            return self._find_destroying(intent)
        return None

    def find_owned(self, submit: SubmitCall, is_ours: Callable[[str], bool]) -> Flow[list[Submitted]] | None:
        """Search by the names that we have derived."""
        if submit.kind != "deployment.create" or submit.request.json.get("name"):
            return None
        return self._find_named(is_ours)

    def _find_created(self, intent: Intent) -> Flow[list[Submitted]]:
        wanted, window = intent.submit.request.json["name"], Window(intent)
        created = yield from self._find_named(lambda name: name == wanted, window)
        # a name that we have derived is that of one submit; one that the user gave may be that of many
        return created if wanted == intent.key else window.choose(created, began)

    def _find_named(self, is_wanted: Callable[[str], bool], window: Window | None = None) -> Flow[list[Submitted]]:
        """Return the creates of all deployments whose name is wanted."""
        listing = self.list_deployments()
        deployments = yield from all_items(window.noting(listing) if window else listing)
        names = {bare_id(found.id): found.name for found in deployments if found.name and is_wanted(found.name)}
        if not names:
            return []
        operations = yield from all_items(self.list_operations(type="deployment.create"))
        return [
            replace(Submitted.of(operation), key=names[resource_id])
            for operation in operations
            if (resource_id := bare_id(operation.resource_id or "")) in names
        ]

    def _find_destroying(self, intent: Intent) -> Flow[list[Submitted]]:
        wanted = bare_id(intent.submit.request.path.rsplit("/", 1)[-1])
        window = Window(intent)
        operations = yield from all_items(window.noting(self.list_operations(type=intent.submit.kind)))
        found = [Submitted.of(one) for one in operations if bare_id(one.resource_id or "") == wanted]
        # two deletions of one thing are one, no matter who asked first
        return [one for one in found if _deletes(one)] or window.choose(found, began)

    def list_owned(self) -> Flow[OwnedResources]:
        """List deployments whose name we have derived, and that are not gone."""
        deployments = yield from all_items(self.list_deployments())
        return OwnedResources(
            [
                OwnedResource(one.name, "deployment", bare_id(one.id), one.name, one.status, one.created_at)
                for one in deployments
                if one.name is not None and is_our_key(one.name) and not is_gone(one.status)
            ]
        )

    def read_resource(self, operation: Operation) -> Flow[Mapping[str, Any] | None]:
        """Return the deployment."""
        if operation.resource_type not in (None, "deployment") or not operation.resource_id:
            return None
        return (yield from _read(operation.resource_id))

    def shows_created(self, kind: str, fields: Mapping[str, Any] | None) -> bool:
        """Return whether the name of a deployment is one that we have derived."""
        if kind != "deployment.create" or fields is None:
            return False
        body = fields.get("json")
        return (
            not fields.get("name")
            and not (isinstance(body, Mapping) and body.get("name"))
            and not isinstance(body, str)
        )

    def find_resource(self, resource_type: str, resource_id: str) -> Flow[Mapping[str, Any] | None] | None:
        """``GET /deployments/{deployment_id}``."""
        return existing(_read(resource_id)) if resource_type == "deployment" else None

    def delete_resource(self, resource_type: str, resource_id: str) -> Flow[Submitted | None] | None:
        """Destroy the deployment."""
        return self._destroy(resource_id) if resource_type == "deployment" else None

    def shows_deletion(self, resource_type: str, resource_id: str) -> Flow[bool] | None:
        """Read whether its status is ``destroying``."""
        return has_status(_read(resource_id), "destroying") if resource_type == "deployment" else None

    def _destroy(self, deployment_id: str) -> Flow[Submitted | None]:
        answer: DeploymentSubmitted = yield self.destroy_deployment(bare_id(deployment_id))
        return _submitted(answer, "deployment.destroy", deployment_id)

    def resource_url(self, resource: Mapping[str, Any]) -> str | None:
        """Return the deployment's own address, known once it is ready."""
        url = resource.get("url")
        return url if isinstance(url, str) else None


API = Onvera()


def create_deployment(app_type: AppType, name: str | None = None) -> SubmitCall:
    """Return what ``OnveraCreateDeploymentOperator`` submits."""
    call = API.create_deployment(app_type, name)
    return SubmitCall(
        call.request,
        lambda response: _submitted(call.parse(response), "deployment.create", None),
        kind="deployment.create",
        creates=True,
    )


def destroy_deployment(deployment_id: str) -> SubmitCall:
    """Return what ``OnveraDestroyDeploymentOperator`` submits."""
    call = API.destroy_deployment(bare_id(deployment_id))
    return SubmitCall(
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


def _read(deployment_id: str) -> Flow[Mapping[str, Any] | None]:
    deployment: Mapping[str, Any] = yield Call(_deployment("GET", bare_id(deployment_id)), body_of)
    return deployment


def _submitted(answer: DeploymentSubmitted, kind: str, deployment_id: str | None) -> Submitted:
    resource_id = answer.deployment_id or deployment_id
    return Submitted(answer.operation_id, kind, "deployment", bare_id(resource_id) if resource_id else None)


def _deployment(method: str, deployment_id: str) -> Request:
    route = "/deployments/{deployment_id}"
    return Request(method, path(route, deployment_id=deployment_id), route)


def _deletes(one: Submitted) -> bool:
    return one.operation is not None and one.operation.state not in (OperationState.FAILED, OperationState.CANCELLED)
