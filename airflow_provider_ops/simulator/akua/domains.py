"""Custom domains of the simulated Akua."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ops.simulator.akua import bodies, queries
from airflow_provider_ops.simulator.akua.estate import Estate
from airflow_provider_ops.simulator.akua.shapes import WORKSPACE, tracked
from airflow_provider_ops.simulator.api import Call, Reply
from airflow_provider_ops.simulator.routing import Route

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ops.simulator.akua.estate import Answer
    from airflow_provider_ops.simulator.akua.workspaces import Workspaces
    from airflow_provider_ops.simulator.records import Operation, Resource


class CustomDomains:
    """Custom domains of the workspace."""

    def __init__(self, estate: Estate, workspaces: Workspaces) -> None:
        self._estate = estate
        self._workspaces = workspaces

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        read, write = "workspaces:read", "workspaces:write"
        root = "/workspaces/{id}/custom_domains"
        return [
            Route("POST", root, self._create, write, body=bodies.CreateDomain),
            Route("GET", root, self._list, read, query=queries.ListDomains),
            Route("GET", f"{root}/{{domain_id}}", self._get, read),
            Route("PATCH", f"{root}/{{domain_id}}", self._update, write, body=bodies.UpdateDomain),
            Route("DELETE", f"{root}/{{domain_id}}", self._delete, write),
        ]

    def _domain(self, call: Call) -> Resource:
        self._workspaces.get(call)
        return self._estate.get("custom_domain", call.params["domain_id"])

    def _get(self, call: Call) -> Reply:
        return Reply(200, _json(self._domain(call)))

    def _list(self, call: Call) -> Reply:
        self._workspaces.get(call)
        filters = {"status": call.query.state, "target": call.query.target_kind}
        return self._estate.listed(call, "custom_domain", _json, filters)

    def _create(self, call: Call) -> Reply:
        estate = self._estate

        def act() -> Answer:
            workspace = self._workspaces.get(call)
            details = call.body.model_dump(exclude={"hostname"}, exclude_none=True)
            row = estate.world.add("custom_domain", estate.new_id("cdm"), call.body.hostname, "provisioning", details)

            def settle(operation: Operation) -> Mapping[str, Any]:
                done = operation.stage == "succeeded"
                estate.touch(row, "active" if done else "deleted", deleted=not done, at=operation.ended_at)
                return _ids(row) | {"hostname": row.name}

            metadata = {"workspace_id": workspace.id, "hostname": row.name, **details, **_key(call)}
            operation = estate.start(call, "custom_domain.create", workspace, metadata, settle)
            row.created_by = operation.id
            return estate.accepted(operation)

        return estate.once(call, act, required=True)

    def _update(self, call: Call) -> Reply:
        estate = self._estate

        def act() -> Answer:
            row = self._domain(call)
            estate.check_etag(call, row.version)
            changes = call.body.model_dump(exclude_none=True)

            def settle(operation: Operation) -> Mapping[str, Any]:
                if operation.stage == "succeeded":
                    row.details.update(changes)
                estate.touch(row, at=operation.ended_at)
                return _ids(row) | {"hostname": row.name}

            metadata = {**_ids(row), **changes, "if_match": call.headers["if-match"], **_key(call)}
            operation = estate.start(call, "custom_domain.update", estate.workspace, metadata, settle)
            estate.touch(row)
            return estate.accepted(operation)

        return estate.once(call, act, required=True)

    def _delete(self, call: Call) -> Reply:
        def act() -> Answer:
            row, estate = self._domain(call), self._estate
            response = {"hostname": row.name}
            return estate.accepted(
                estate.remove(call, "custom_domain.delete", estate.workspace, row, _ids(row), response)
            )

        return self._estate.once(call, act, required=True)


def _json(row: Resource) -> dict[str, Any]:
    names = ("target", "protocol", "routing_mode")
    certificate = {"status": "active" if row.status == "active" else "pending_validation"}
    return tracked(
        row, hostname=row.name, status=row.status, ssl=certificate, **{name: row.details[name] for name in names}
    )


def _ids(row: Resource) -> dict[str, str]:
    return {"workspace_id": WORKSPACE, "custom_domain_id": row.id}


def _key(call: Call) -> dict[str, str]:
    return {"idempotency_key": call.headers["idempotency-key"]}
