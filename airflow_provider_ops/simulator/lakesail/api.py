"""LakeSail: the smallest documented API. Operations can be read one by one, and that is all that is known of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_ops.simulator.api import Call, Principal, Reply, SimulatedApi, read_key
from airflow_provider_ops.simulator.records import Resource
from airflow_provider_ops.simulator.routing import Route
from airflow_provider_ops.simulator.validation import Kind, Problem

from .choices import CHOICES
from .infrastructure import Infrastructure
from .jobs import Jobs
from .workloads import Workloads

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from airflow_provider_ops.simulator.clock import Clock
    from airflow_provider_ops.simulator.world import Settings

_PERMISSIONS = [
    {"relation": "owner", "description": "Owns it", "validObjectTypes": [["organization"]], "systemOnly": True},
    {"relation": "member", "description": "Is in it", "validObjectTypes": [["team"], ["user"]], "systemOnly": False},
]
_PROVIDER_TYPES = [
    {
        "id": "P4K7M1X9BC",
        "name": "oidc",
        "description": "Any OpenID Connect provider",
        "providerType": "oidc",
        "capabilities": {"dcr": {"supported": False, "requiresToken": False}},
    }
]


class LakeSail(SimulatedApi):
    """The simulated LakeSail API."""

    name = "lakesail"
    mount = "/lakesail/api/v1"
    choices = CHOICES
    problems: ClassVar[Mapping[Kind, tuple[int, str | int]]] = {
        "malformed": (400, "MALFORMED_REQUEST"),
        "invalid": (400, "INVALID_REQUEST"),
        "unauthenticated": (401, "UNAUTHENTICATED"),
        "forbidden": (403, "PERMISSION_DENIED"),
        "no_route": (404, "NOT_FOUND"),
        "no_method": (405, "METHOD_NOT_ALLOWED"),
        "rate_limited": (429, "RATE_LIMITED"),
        "broken": (500, "INTERNAL"),
    }
    codes: ClassVar[Mapping[int, str | int]] = {
        400: "INVALID_REQUEST",
        401: "UNAUTHENTICATED",
        403: "PERMISSION_DENIED",
        404: "NOT_FOUND",
        409: "CONFLICT",
        429: "RATE_LIMITED",
        500: "INTERNAL",
        503: "UNAVAILABLE",
    }
    resource_facets: ClassVar[Mapping[str, Callable[[Resource], Hashable]]] = {
        "team": lambda row: row.details.get("teamId"),
        "endpoint": lambda row: row.details.get("endpointType"),
        "job": lambda row: row.details.get("jobId"),
    }

    def __init__(self, settings: Settings, clock: Clock) -> None:
        super().__init__(settings, clock)
        self._areas = (Infrastructure(self), Workloads(self), Jobs(self))

    def routes(self) -> list[Route]:
        """Return all endpoints."""
        return [
            *(route for area in self._areas for route in area.routes()),
            Route("GET", "/auth/permissions", _permissions),
            Route("GET", "/auth/identity-provider-types", _provider_types),
        ]

    def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """Return who calls by `Authorization: Bearer`."""
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise Problem("Authorization: Bearer is missing", kind="unauthenticated")
        verdict = read_key(key.strip())
        if isinstance(verdict, str):
            raise Problem(f"the token is {verdict}", kind="unauthenticated")
        return verdict

    def envelope(self, status: int, code: str | int, problem: Problem) -> Any:
        """Return the error in the shape of an operation's."""
        details: dict[str, Any] = {"retryable": status in (429, 503), "requestId": "req-simulated", **problem.extra}
        if len(problem.where) > 1:
            details["fieldErrors"] = {".".join(problem.where[1:]): problem.message}
        return {"code": code, "message": problem.message, "errorType": "request", "details": details}


def _permissions(_call: Call) -> Reply:
    return Reply(200, {"items": _PERMISSIONS})


def _provider_types(_call: Call) -> Reply:
    return Reply(200, {"items": _PROVIDER_TYPES})
