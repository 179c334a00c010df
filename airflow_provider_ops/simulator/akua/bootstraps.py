"""Worker bootstraps of the simulated Akua: what lets a worker join a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ops.simulator.akua import bodies, queries
from airflow_provider_ops.simulator.akua.estate import Estate, part
from airflow_provider_ops.simulator.api import Call, Reply
from airflow_provider_ops.simulator.routing import Route
from airflow_provider_ops.simulator.validation import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ops.simulator.akua.estate import Answer
    from airflow_provider_ops.simulator.records import Operation

_TTL = 3600


class Bootstraps:
    """The worker bootstraps of clusters."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        read, write = "clusters:read", "clusters:write"
        root = "/clusters/{id}/worker_bootstraps"
        create = bodies.CreateBootstrap
        return [
            Route("GET", root, self._list, read, query=queries.Paging),
            Route("POST", root, self._create, write, body=create, body_optional=True),
            Route("GET", f"{root}/{{wbs_id}}", self._get, read),
            Route("POST", f"{root}/{{wbs_id}}:revoke", self._revoke, write),
        ]

    def _of(self, call: Call) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._estate.get("cluster", call.params["id"]).details["bootstraps"]
        return found

    def _one(self, call: Call) -> dict[str, Any]:
        found = next((one for one in self._of(call) if one["id"] == call.params["wbs_id"]), None)
        if found is None:
            raise Problem("worker bootstrap not found", status=404)
        return found

    def _list(self, call: Call) -> Reply:
        return part([self._json(call, one) for one in reversed(self._of(call))], call)

    def _get(self, call: Call) -> Reply:
        return Reply(200, self._json(call, self._one(call)))

    def _create(self, call: Call) -> Reply:
        def act() -> Answer:
            made = new_bootstrap(self._estate, call.body.ttl_seconds if call.body is not None else _TTL)
            self._of(call).append(made)
            token = f"wbs_token_{self._estate.world.ids.lower(24)}"
            command = f"simulated-join --token {token}"
            supported = {"supported": True, "command": command, "shell": "bash"}
            secrets = {
                "token": token,
                "command": command,
                "cloud_init": f"#cloud-config\nruncmd: [{command}]\n",
                "artifacts": {"linux": {"amd64": supported, "arm64": {"supported": False}}},
            }
            headers = {"Location": f"/v1/clusters/{call.params['id']}/worker_bootstraps/{made['id']}"}
            return lambda: Reply(201, {**self._json(call, made), **secrets}, headers)

        return self._estate.once(call, act)

    def _revoke(self, call: Call) -> Reply:
        estate = self._estate

        def act() -> Answer:
            row, bootstrap = estate.get("cluster", call.params["id"]), self._one(call)
            estate.check_etag(call, bootstrap["version"])
            if bootstrap["operation"] or bootstrap["revoked"]:
                raise Problem("worker bootstrap is revoked already", status=409)

            def settle(operation: Operation) -> Mapping[str, Any]:
                self._touch(bootstrap, operation=None, revoked=operation.stage == "succeeded")
                return {"note": "revoked"}

            metadata = {"cluster_id": row.id, "worker_bootstrap_id": bootstrap["id"]}
            operation = estate.start(call, "cluster.worker_bootstrap.revoke", row, metadata, settle)
            self._touch(bootstrap, operation=operation)
            return estate.accepted(operation)

        return estate.once(call, act)

    def _touch(self, bootstrap: dict[str, Any], **facts: Any) -> None:
        bootstrap.update(version=bootstrap["version"] + 1, updated_at=int(self._estate.world.now()), **facts)

    def _json(self, call: Call, bootstrap: dict[str, Any]) -> dict[str, Any]:
        operation: Operation | None = bootstrap["operation"]
        expired = self._estate.world.now() >= bootstrap["expires_at"]
        active = None
        if operation is not None:
            active = {"id": operation.id, "type": operation.kind, "started_at": int(operation.created_at)}
        return {
            "id": bootstrap["id"],
            "cluster_id": call.params["id"],
            "status": "revoked" if bootstrap["revoked"] else "expired" if expired else "active",
            "etag": str(bootstrap["version"]),
            "reconciling": operation is not None,
            "active_operation": active,
            **{name: bootstrap[name] for name in ("created_at", "updated_at", "expires_at")},
        }


def new_bootstrap(estate: Estate, ttl_seconds: int = _TTL) -> dict[str, Any]:
    """Return a worker bootstrap that is good for so many seconds."""
    now = int(estate.world.now())
    times = {"created_at": now, "updated_at": now, "expires_at": now + ttl_seconds}
    return {"id": estate.new_id("wbs"), "version": 1, "operation": None, "revoked": False, **times}
