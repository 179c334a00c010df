"""Akua: Kubernetes clusters, machines, packages and installs. Operations with a long poll and a cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_ops.simulator.akua import queries
from airflow_provider_ops.simulator.akua.bootstraps import Bootstraps
from airflow_provider_ops.simulator.akua.catalogue import Catalogue, Regions, Tokens
from airflow_provider_ops.simulator.akua.choices import CHOICES
from airflow_provider_ops.simulator.akua.clusters import Clusters
from airflow_provider_ops.simulator.akua.domains import CustomDomains
from airflow_provider_ops.simulator.akua.estate import LONGEST_KEY, Estate, header, paged
from airflow_provider_ops.simulator.akua.hostnames import PreviewHostnames, binding_of
from airflow_provider_ops.simulator.akua.installs import Installs
from airflow_provider_ops.simulator.akua.machines import Machines
from airflow_provider_ops.simulator.akua.packages import Packages
from airflow_provider_ops.simulator.akua.repositories import ChangeRequests, Repositories
from airflow_provider_ops.simulator.akua.shapes import LAG, WORKSPACE, operation_json
from airflow_provider_ops.simulator.akua.workspaces import Workspaces
from airflow_provider_ops.simulator.api import Call, Principal, Reply, SimulatedApi, read_key
from airflow_provider_ops.simulator.paging import page_cursor
from airflow_provider_ops.simulator.routing import Route
from airflow_provider_ops.simulator.validation import Kind, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from airflow_provider_ops.simulator.akua.estate import Answer
    from airflow_provider_ops.simulator.clock import Clock
    from airflow_provider_ops.simulator.records import Operation, Resource
    from airflow_provider_ops.simulator.world import Settings

__all__ = ["LAG", "WORKSPACE", "Akua"]

DRAIN_SHARE = 0.3
"""Part of the duration of an operation that its cancel drains."""

_CODES = {404: 7002, 409: 7002, 422: 7004}
_OTHER_CODE = 7000


class Akua(SimulatedApi):
    """The simulated Akua API."""

    name = "akua"
    mount = "/akua/v1"
    choices = CHOICES
    connection_extra: ClassVar[Mapping[str, str]] = {"workspace_id": WORKSPACE}
    resource_facets: ClassVar[Mapping[str, Callable[[Resource], Hashable]]] = {
        **{
            name: (lambda row, key=f"{name}_id": row.details.get(key))  # type: ignore[misc]
            for name in ("cluster", "package", "product", "install")
        },
        **{
            name: (lambda row, key=name: row.details.get(key))  # type: ignore[misc]
            for name in ("parent", "fork", "agent", "track")
        },
        "binding": lambda row: binding_of(row.details)["kind"] if "render_id" in row.details else None,
        "target": lambda row: row.details["target"]["kind"] if "target" in row.details else None,
    }
    problems: ClassVar[Mapping[Kind, tuple[int, str | int]]] = {
        "malformed": (400, _OTHER_CODE),
        "invalid": (422, 7004),
        "unauthenticated": (401, _OTHER_CODE),
        "forbidden": (403, _OTHER_CODE),
        "no_route": (404, _OTHER_CODE),
        "no_method": (405, _OTHER_CODE),
        "rate_limited": (429, _OTHER_CODE),
        "broken": (500, _OTHER_CODE),
    }
    codes: ClassVar[Mapping[int, str | int]] = {400: _OTHER_CODE, 500: _OTHER_CODE, **_CODES}

    def __init__(self, settings: Settings, clock: Clock) -> None:
        super().__init__(settings, clock)
        self._estate = estate = Estate(self)
        installs, workspaces = Installs(estate), Workspaces(estate)
        self._parts = (
            Clusters(estate),
            Bootstraps(estate),
            Machines(estate),
            Packages(estate),
            Repositories(estate),
            ChangeRequests(estate),
            installs,
            PreviewHostnames(estate, installs),
            workspaces,
            CustomDomains(estate, workspaces),
            Regions(estate),
            Tokens(estate),
            Catalogue(estate),
        )

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        read, one = "operations:read", "/operations/{id}"
        return [
            Route("GET", "/operations", self._list, read, query=queries.ListOperations),
            Route("GET", one, self._get, read),
            Route("POST", f"{one}:wait", self._wait, read, query=queries.Wait),
            Route("POST", f"{one}:cancel", self._cancel, "operations:write"),
            *(route for part in self._parts for route in part.routes()),
        ]

    def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """Return who calls by the bearer token, and whether the workspace is one of theirs."""
        scheme, _, key = headers.get("authorization", "").strip().partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            raise Problem("a bearer token is needed", status=401)
        verdict = read_key(key)
        if isinstance(verdict, str):
            raise Problem(f"the token is {verdict}", status=401)
        context = headers.get("akua-context")
        if context is None and "broad" in key:
            raise Problem("akua-context is needed: the token is good for several workspaces", status=400)
        if context not in (None, WORKSPACE):
            raise Problem("no permission in this workspace", status=403)
        return verdict

    def envelope(self, status: int, code: str | int, problem: Problem) -> Any:  # noqa: ARG002
        """Return `{"success": false, "errors": [...], "result": {}}`."""
        entry: dict[str, Any] = {"code": code, "message": problem.message, **problem.extra}
        if problem.where:
            entry["path"] = list(problem.where)
        return {"success": False, "errors": [entry], "result": {}}

    def _list(self, call: Call) -> Reply:
        query: queries.ListOperations = call.query
        if (query.owner_type is None) != (query.owner_id is None):
            raise Problem("owner_type and owner_id must be given together", status=400)
        filters: dict[str, Hashable] = {}
        if query.owner_id is not None:
            owner = self.world.resources.get(query.owner_id)
            kind = "workspace" if query.owner_id == WORKSPACE else owner.kind if owner else None
            if kind != query.owner_type:
                return paged([])
            filters["resource"] = query.owner_id
        rows, page = page_cursor(self.world.operations, query.cursor, query.limit, filters)
        now = self.world.now()
        return paged([operation_json(row, now, steps=False) for row in rows], page.next_cursor)

    def _operation(self, call: Call) -> Operation:
        operation = self.read_operation(call.params["id"])
        if operation is None:
            raise Problem("operation not found", status=404)
        return operation

    def _get(self, call: Call) -> Reply:
        return Reply(200, operation_json(self._operation(call), self.world.now(), steps=True))

    async def _wait(self, call: Call) -> Reply:
        operation = self._operation(call)
        await self.world.until_settled(operation, call.query.timeout)
        # who has seen the end must not see it undone by a read that lags
        operation.details["announced"] = operation.settled
        return Reply(200, operation_json(operation, self.world.now(), steps=True))

    def _cancel(self, call: Call) -> Reply:
        header(call, "if-match", LONGEST_KEY, required=False)

        def act() -> Answer:
            operation = self._operation(call)
            if operation.settled:
                raise Problem("the operation is in a terminal state", status=422)
            self.world.cancel(operation, "cancelled by request", self.world.settings.duration * DRAIN_SHARE)
            return lambda: Reply(202, operation_json(operation, self.world.now(), steps=True))

        return self._estate.once(call, act)
