"""Sessions and notebooks. Neither shows an operation: each moves on its own status, as runs do.

Inside, an operation of the world moves them, so that faults and durations work as everywhere; `/operations` does not
show it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ops.simulator.api import Reply
from airflow_provider_ops.simulator.lifecycle import Script
from airflow_provider_ops.simulator.records import Phase
from airflow_provider_ops.simulator.routing import Route

from . import bodies, shapes

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ops.simulator.api import Call, SimulatedApi
    from airflow_provider_ops.simulator.records import Operation, Resource

_COMPUTE = Script((Phase("compute", "Waiting for compute"),))
_START = Script((Phase("starting", "Starting"),), queued_share=0)


class Workload:
    """Find and start what has a status of its own."""

    def __init__(self, api: SimulatedApi) -> None:
        self._api, self._world = api, api.world

    def find(self, kind: str, resource_id: str) -> Resource:
        """Return what exists and no fault hides for now, or refuse."""
        row = shapes.find(self._world, kind, resource_id)
        if (moving := row.operation) is not None:
            moving.reads += 1
            if moving.reads <= moving.hidden_reads:
                raise shapes.not_found(kind)
        return row

    def start(self, call: Call, kind: str, row: Resource, script: Script, then: Callable[[Operation], None]) -> None:
        """Let it move, as the fault plan wants it."""
        # an id that shows on the control pages what moves; it cannot be read as an operation
        about = f"{row.details['jobId']}.{row.id}" if row.kind == "job_run" else row.id
        self._api.start(call, kind, f"{row.kind}:{about}", row, script, then)


class Workloads(Workload):
    """Sessions and notebooks: their routes, on the world of the API."""

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        read, write = "workloads:read", "workloads:write"
        sessions, notebooks = "/workloads/sessions", "/workloads/notebooks"
        return [
            Route("GET", sessions, self._list_sessions, read, query=bodies.ListSessions),
            Route("POST", sessions, self._create_session, write, body=bodies.CreateSession),
            Route("GET", f"{sessions}/{{id}}", self._get_session, read),
            Route("DELETE", f"{sessions}/{{id}}", self._close_session, write),
            Route("POST", f"{sessions}/{{id}}/token", self._token, write, body=bodies.Empty, body_optional=True),
            Route("GET", notebooks, self._list_notebooks, read, query=bodies.Limited),
            Route("POST", notebooks, self._create_notebook, write, body=bodies.CreateNotebook),
            Route("GET", f"{notebooks}/{{id}}", self._get_notebook, read),
            Route("PATCH", f"{notebooks}/{{id}}", self._update_notebook, write, body=bodies.UpdateNotebook),
            Route("DELETE", f"{notebooks}/{{id}}", self._delete_notebook, write),
            Route("POST", f"{notebooks}/{{id}}/start", self._start_notebook, write),
        ]

    # Sessions

    def _list_sessions(self, call: Call) -> Reply:
        query: bodies.ListSessions = call.query
        filters = {"status": query.status, "team": query.team_id, "endpoint": query.endpoint_type}
        given = {"kind": "session", **{name: value for name, value in filters.items() if value is not None}}

        def show(rows: list[Resource]) -> dict[str, Any]:
            items = [
                {"id": row.id, "computeInstanceId": row.details["computeInstanceId"], "memberId": shapes.MEMBER}
                for row in rows
            ]
            return {"items": items, "included": {"sessions": [_session_json(row) for row in rows]}}

        return Reply(200, shapes.marked(self._world, query, given, show))

    def _create_session(self, call: Call) -> Reply:
        body: bodies.CreateSession = call.body
        ids = self._world.ids
        made_up = f"session-{ids.lower(6)}"
        details = {
            "endpointType": body.endpoint_type,
            "teamId": body.team_id or shapes.TEAM,
            "computeInstanceId": ids.upper(10),
            "asked": False,
            "ready": False,
        }
        row = self._world.add("session", ids.upper(10), body.name or made_up, "pending", details)
        self.start(call, "session.create", row, _COMPUTE, self._compute_settled)
        return Reply(201, _session_json(row))

    def _get_session(self, call: Call) -> Reply:
        row = self.find("session", call.params["id"])
        where = {"proxyAuthUrl": "https://proxy.lakesail.example/auth", "grpcEndpoint": "proxy.lakesail.example:443"}
        return Reply(200, {**_session_json(row), "connectionInfo": where})

    def _close_session(self, call: Call) -> Reply:
        row = self.find("session", call.params["id"])
        if row.status != "closed":
            row.details["terminationReason"] = "closed by its owner"
            self._world.update(row, status="closed")
            if row.operation is not None:
                self._world.cancel(row.operation, "the session was closed")
        return Reply(200, _session_json(row))

    def _token(self, call: Call) -> Reply:
        row = self.find("session", call.params["id"])
        if row.status in ("closed", "failed"):
            raise shapes.conflict(f"the session is {row.status}")
        row.details["asked"] = True
        self._activate(row, None)
        return Reply(200, {"token": f"simulated-{row.id}"})

    def _compute_settled(self, operation: Operation) -> None:
        row = operation.resource
        if row.status != "pending":
            return  # closed meanwhile
        if operation.stage == "succeeded":
            row.details["ready"] = True
            self._activate(row, operation.ended_at)
            return
        row.details["statusMessage"] = operation.reason
        status = "failed" if operation.stage == "failed" else "closed"
        self._world.update(row, status=status, at=operation.ended_at)

    def _activate(self, row: Resource, at: float | None) -> None:
        if row.details["asked"] and row.details["ready"] and row.status == "pending":
            self._world.update(row, status="active", at=at)

    # Notebooks

    def _list_notebooks(self, call: Call) -> Reply:
        rows = self._world.resources.select(0, call.query.limit, {"kind": "notebook", "deleted": False})
        items = [{"id": row.id} for row in rows.items]
        included = {"notebooks": [_notebook_json(row) for row in rows.items]}
        return Reply(200, {"total": rows.total, "items": items, "included": included})

    def _create_notebook(self, call: Call) -> Reply:
        body: bodies.CreateNotebook = call.body
        details = {"description": body.description}
        row = self._world.add("notebook", self._world.ids.upper(10), body.name, "stopped", details)
        return Reply(201, _notebook_json(row))

    def _get_notebook(self, call: Call) -> Reply:
        return Reply(200, _notebook_json(self.find("notebook", call.params["id"])))

    def _update_notebook(self, call: Call) -> Reply:
        row, body = self.find("notebook", call.params["id"]), call.body
        if body.workload_config_id is not None and row.status != "stopped":
            raise shapes.conflict(f"the notebook is {row.status}; its workload config changes only when it is stopped")
        row.name = body.name or row.name
        names = {"description": body.description, "workloadConfigId": body.workload_config_id}
        row.details.update({name: value for name, value in names.items() if value is not None})
        self._world.update(row)
        return Reply(200, _notebook_json(row))

    def _delete_notebook(self, call: Call) -> Reply:
        row = self.find("notebook", call.params["id"])
        if row.operation is not None:
            self._world.cancel(row.operation, "the notebook was deleted")
        self._world.update(row, status="stopped", deleted=True)
        return Reply(204)

    def _start_notebook(self, call: Call) -> Reply:
        row = self.find("notebook", call.params["id"])
        if row.status != "stopped":
            raise shapes.conflict(f"the notebook is {row.status}; only a stopped one can be started")
        self._world.update(row, status="starting")
        row.details["statusMessage"] = None
        self.start(call, "notebook.start", row, _START, self._notebook_settled)
        return Reply(200, _notebook_json(row))

    def _notebook_settled(self, operation: Operation) -> None:
        row = operation.resource
        succeeded = operation.stage == "succeeded"
        row.details["statusMessage"] = None if succeeded else operation.reason
        row.details["sessionId"] = self._world.ids.upper(10) if succeeded else None
        status = {"succeeded": "running", "failed": "failed"}.get(operation.stage, "stopped")
        self._world.update(row, status=status, at=operation.ended_at)


def _word(row: Resource) -> str:
    """Return the status, or the unknown word that a fault put in its place."""
    return (row.operation.word if row.operation else None) or row.status


def _session_json(row: Resource) -> dict[str, Any]:
    return {
        "id": row.id,
        "endpointType": row.details["endpointType"],
        "name": row.name,
        "status": _word(row),
        "teamId": row.details["teamId"],
        "memberId": shapes.MEMBER,
        "terminationReason": row.details.get("terminationReason"),
        "statusMessage": row.details.get("statusMessage"),
        "lastActivityAt": None,
        "idleSince": None,
    }


def _notebook_json(row: Resource) -> dict[str, Any]:
    return {
        "id": row.id,
        "memberId": shapes.MEMBER,
        "workloadConfigId": row.details.get("workloadConfigId"),
        "name": row.name,
        "description": row.details["description"],
        "status": _word(row),
        "statusMessage": row.details.get("statusMessage"),
        "idleTimeoutSeconds": 3600,
        "detachedTimeoutSeconds": 14400,
        "sessionId": row.details.get("sessionId"),
        **shapes.stamps(row),
    }
