"""Onvera: managed Airflow and Superset deployments. Seven endpoints, operations for create and destroy, no cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from .api import Call, Principal, Reply, SimulatedApi, read_key
from .clock import rfc3339
from .lifecycle import Script
from .paging import PageInfo, page_number
from .records import Operation, Phase, Resource
from .routing import Route
from .validation import Kind, Problem, QueryInt, Strict

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

APP_TYPES = ("airflow", "superset")

CREATE = Script(
    phases=(
        Phase("provisioning_db", "Provisioning database"),
        Phase("provisioning_infrastructure", "Provisioning infrastructure"),
    ),
    final=Phase("ready", "Deployment is ready"),
)

DESTROY = Script(
    phases=(
        Phase("revoking_access", "Revoking access"),
        Phase("removing_db_tenant", "Removing database tenant"),
        Phase("tearing_down_infra", "Tearing down infrastructure"),
    )
)

STATUS_WORDS = {"cancelled": "canceled"}
"""Onvera's words where they differ from ours."""

CHOICES = {
    "DELETE answer": "202 with the same body as create: deployment_id, operation_id, links.",
    "DELETE while provisioning": "Accepted; the create operation ends as canceled at once and a destroy starts.",
    "DELETE of a failed deployment": "Accepted like that of a ready one.",
    "DELETE scope": "deployments:write, as the table of scopes says; deployments:delete is asked for nowhere.",
    "deleting twice": "409 RESOURCE_CONFLICT while destroying, 404 DEPLOYMENT_NOT_FOUND afterwards.",
    "destroyed deployment": "GET answers 404 and lists leave it out; its operations stay readable.",
    "failed destroy": "The deployment becomes failed. After a canceled destroy it is what it was before.",
    "failed or canceled create": "The deployment becomes failed, without a url.",
    "error of an operation": "progress keeps the last phase, its message is the reason; error has code and message.",
    "absent fields": "progress, started_at and ended_at are left out until they apply, never null.",
    "deployment url": "null until ready and after a failed create.",
    "links": "Relative to the host, so they contain the simulator's mount: /onvera/api/v1/...",
    "deployment id": "Accepted in paths and in resource_id as the bare UUID and as dep_<uuid>.",
    "names": "1 to 255 characters, not unique; left out, one is made up.",
    "lists": "Newest first. A page past the end is empty.",
    "per_page or page out of range": "400 VALIDATION_ERROR, never clamped.",
    "unknown query parameter or body field": "400 VALIDATION_ERROR, as for wrong types and repeated parameters.",
    "bad app_type, malformed JSON, wrong content type": "400 INVALID_REQUEST.",
    "unknown status or type in a filter": "status: 400 VALIDATION_ERROR; type is an open set: an empty list.",
    "unknown path": "404 NOT_FOUND; a known path with another method 405 METHOD_NOT_ALLOWED.",
    "rate limit": "429 RATE_LIMIT_EXCEEDED with Retry-After, only where --rate-limit or a fault asks for it.",
    "503": "An injected 503 is sent as HTTP 503 with code SERVICE_UNAVAILABLE.",
    "times": "UTC in whole seconds, as in the samples.",
}
"""What the documentation of Onvera leaves open, and what this simulator answers. Served at `/_control/choices`."""

_KEY_CODES = {"invalid": "INVALID_API_KEY", "expired": "API_KEY_EXPIRED", "revoked": "API_KEY_REVOKED"}
_FIRST_DAY = "2025-01-01T00:00:00Z"

Page = Annotated[QueryInt, Field(ge=1)]
PerPage = Annotated[QueryInt, Field(ge=1, le=100)]


class CreateDeployment(Strict):
    """Body of POST /deployments."""

    app_type: str
    name: Annotated[str, Field(min_length=1, max_length=255)] | None = None


class ListDeployments(Strict):
    """Query of GET /deployments."""

    page: Page = 1
    per_page: PerPage = 50


class ListOperations(ListDeployments):
    """Query of GET /operations."""

    status: Literal["queued", "running", "succeeded", "failed", "canceled"] | None = None
    type: str | None = None
    resource_id: str | None = None


class Onvera(SimulatedApi):
    """The simulated Onvera API."""

    name = "onvera"
    mount = "/onvera/api/v1"
    choices = CHOICES
    problems: ClassVar[Mapping[Kind, tuple[int, str | int]]] = {
        "malformed": (400, "INVALID_REQUEST"),
        "invalid": (400, "VALIDATION_ERROR"),
        "unauthenticated": (401, "INVALID_API_KEY"),
        "forbidden": (403, "INSUFFICIENT_SCOPE"),
        "no_route": (404, "NOT_FOUND"),
        "no_method": (405, "METHOD_NOT_ALLOWED"),
        "rate_limited": (429, "RATE_LIMIT_EXCEEDED"),
        "broken": (500, "INTERNAL_ERROR"),
    }
    codes: ClassVar[Mapping[int, str | int]] = {
        400: "INVALID_REQUEST",
        401: "INVALID_API_KEY",
        403: "ACCESS_DENIED",
        404: "NOT_FOUND",
        409: "RESOURCE_CONFLICT",
        429: "RATE_LIMIT_EXCEEDED",
        500: "INTERNAL_ERROR",
        503: "SERVICE_UNAVAILABLE",
    }

    def routes(self) -> list[Route]:
        """Return the seven endpoints."""
        read, write = "deployments:read", "deployments:write"
        return [
            Route("POST", "/deployments", self._create, write, body=CreateDeployment),
            Route("GET", "/deployments", self._list_deployments, read, query=ListDeployments),
            Route("GET", "/deployments/{id}", self._get_deployment, read),
            Route("DELETE", "/deployments/{id}", self._destroy, write),
            Route("GET", "/operations", self._list_operations, "operations:read", query=ListOperations),
            Route("GET", "/operations/{id}", self._get_operation, "operations:read"),
            Route("GET", "/environments", self._environments, "org:read"),
        ]

    def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """Return who calls by the header X-API-Key."""
        key = headers.get("x-api-key", "").strip()
        if not key:
            raise Problem("Missing X-API-Key header", status=401, code="MISSING_API_KEY")
        verdict = read_key(key)
        if isinstance(verdict, str):
            message = {"invalid": "Invalid API key"}.get(verdict, f"API key has been {verdict}")
            raise Problem(message, status=401, code=_KEY_CODES[verdict])
        return verdict

    def envelope(self, status: int, code: str | int, problem: Problem) -> Any:  # noqa: ARG002
        """Return `{"error": {"code", "message"}}`."""
        return {"error": {"code": code, "message": problem.message, **problem.extra}}

    def spellings(self, resource_id: str) -> tuple[str, ...]:
        """Return the bare and the prefixed form."""
        return (resource_id, f"dep_{resource_id}")

    def find_subject(self, subject_id: str) -> Resource | None:
        """Return the deployment of an id in either form, or of an operation."""
        return super().find_subject(subject_id.removeprefix("dep_"))

    def _create(self, call: Call) -> Reply:
        body: CreateDeployment = call.body
        if body.app_type not in APP_TYPES:
            message = f"app_type must be one of: {', '.join(APP_TYPES)}"
            raise Problem(message, kind="malformed")
        ids = self.world.ids
        # Both drawn in any case, so that giving a name does not change the ids that follow.
        made_up, host = f"{body.app_type}-{ids.lower(6)}", ids.lower(6)
        details = {"app_type": body.app_type, "url": None, "host": f"https://{body.app_type}.{host}.onvera.io"}
        name = made_up if body.name is None else body.name
        deployment = self.world.add("deployment", ids.uuid(), name, "provisioning", details)
        operation = self.start(call, "deployment.create", f"op_{ids.uuid()}", deployment, CREATE, self._created)
        return Reply(202, {"data": self._accepted(operation)})

    def _destroy(self, call: Call) -> Reply:
        deployment = self._deployment(call.params["id"])
        if deployment.status == "destroying":
            raise Problem("Deployment is already being destroyed", status=409, code="RESOURCE_CONFLICT")
        creating = deployment.operation
        before = deployment.status
        self.world.update(deployment, status="destroying")
        operation_id = f"op_{self.world.ids.uuid()}"
        details = {"status_before": "failed" if creating else before}
        operation = self.start(
            call, "deployment.destroy", operation_id, deployment, DESTROY, self._destroyed, details=details
        )
        if creating is not None:
            self.world.cancel(creating, "Deployment is being destroyed")
        return Reply(202, {"data": self._accepted(operation)})

    def _list_deployments(self, call: Call) -> Reply:
        query: ListDeployments = call.query
        rows, info = page_number(self.world.resources, query.page, query.per_page, {"deleted": False})
        return _listed([self._deployment_json(row) for row in rows], info)

    def _get_deployment(self, call: Call) -> Reply:
        return Reply(200, {"data": self._deployment_json(self._deployment(call.params["id"]))})

    def _list_operations(self, call: Call) -> Reply:
        query: ListOperations = call.query
        filters: dict[str, Hashable] = {}
        if query.status is not None:
            filters["status"] = "cancelled" if query.status == "canceled" else query.status
        if query.type is not None:
            filters["kind"] = query.type
        if query.resource_id is not None:
            filters["resource"] = query.resource_id.removeprefix("dep_")
        rows, info = page_number(self.world.operations, query.page, query.per_page, filters)
        return _listed([_operation_json(row) for row in rows], info)

    def _get_operation(self, call: Call) -> Reply:
        operation = self.read_operation(call.params["id"])
        if operation is None:
            raise Problem("Operation not found", status=404, code="OPERATION_NOT_FOUND")
        return Reply(200, {"data": _operation_json(operation)})

    def _environments(self, _call: Call) -> Reply:
        default = {"id": "env_default", "name": "Default", "slug": "default", "created_at": _FIRST_DAY}
        return Reply(200, {"data": {"items": [default]}})

    def _deployment(self, deployment_id: str) -> Resource:
        found = self.world.resources.get(deployment_id.removeprefix("dep_"))
        if found is None or found.deleted:
            raise Problem("Deployment not found", status=404, code="DEPLOYMENT_NOT_FOUND")
        return found

    def _created(self, operation: Operation) -> None:
        deployment = operation.resource
        if deployment.operation is not operation:
            return  # a destroy has taken over
        succeeded = operation.stage == "succeeded"
        deployment.details["url"] = deployment.details["host"] if succeeded else None
        self.world.update(deployment, status="ready" if succeeded else "failed", at=operation.ended_at)

    def _destroyed(self, operation: Operation) -> None:
        status = {"succeeded": "destroyed", "failed": "failed"}.get(operation.stage, operation.details["status_before"])
        self.world.update(
            operation.resource, status=status, deleted=operation.stage == "succeeded", at=operation.ended_at
        )

    def _accepted(self, operation: Operation) -> dict[str, Any]:
        deployment_id = operation.resource.id
        return {
            "deployment_id": deployment_id,
            "operation_id": operation.id,
            "links": {
                "deployment": f"{self.mount}/deployments/{deployment_id}",
                "operation": f"{self.mount}/operations/{operation.id}",
            },
        }

    def _deployment_json(self, row: Resource) -> dict[str, Any]:
        operation = row.operation
        return {
            "id": row.id,
            "name": row.name,
            "app_type": row.details["app_type"],
            "status": row.status,
            "url": row.details["url"],
            "environment_id": "env_default",
            "created_at": rfc3339(row.created_at),
            "links": {
                "self": f"{self.mount}/deployments/{row.id}",
                "operation": f"{self.mount}/operations/{operation.id}" if operation else None,
            },
        }


def _listed(items: list[dict[str, Any]], info: PageInfo) -> Reply:
    return Reply(200, {"data": {"items": items, "pagination": info._asdict()}})


def _operation_json(row: Operation) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": row.id,
        "type": row.kind,
        "status": STATUS_WORDS.get(row.shown, row.shown),
        "resource": {"type": row.resource.kind, "id": f"dep_{row.resource.id}"},
        "requested_at": rfc3339(row.created_at),
    }
    broken = row.stage in ("failed", "cancelled")
    if row.phase is not None:
        message = row.reason if broken and row.reason else row.phase.message
        shown["progress"] = {"phase": row.phase.name, "message": message}
    if broken:
        fallback = "OPERATION_FAILED" if row.stage == "failed" else "OPERATION_CANCELED"
        shown["error"] = {"code": row.code or fallback, "message": row.reason}
    if row.started_at is not None:
        shown["started_at"] = rfc3339(row.started_at)
    if row.shown_ended_at is not None:
        shown["ended_at"] = rfc3339(row.shown_ended_at)
    return shown
