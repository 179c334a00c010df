"""Preview hostnames of the simulated Akua."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ops.simulator.akua import bodies, queries
from airflow_provider_ops.simulator.akua.estate import Estate, invalid
from airflow_provider_ops.simulator.akua.shapes import tracked
from airflow_provider_ops.simulator.api import Call, Reply
from airflow_provider_ops.simulator.routing import Route
from airflow_provider_ops.simulator.validation import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ops.simulator.akua.estate import Answer
    from airflow_provider_ops.simulator.akua.installs import Installs
    from airflow_provider_ops.simulator.records import Operation, Resource


class PreviewHostnames:
    """Hostnames that show one render of an install."""

    def __init__(self, estate: Estate, installs: Installs) -> None:
        self._estate = estate
        self._installs = installs

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        read, write = "installs:read", "installs:write"
        root = "/installs/{id}/preview_hostnames"
        return [
            Route("POST", f"{root}:bindPinned", self._bind, write, body=bodies.BindPinned),
            Route("POST", f"{root}:bindFloating", self._bind, write, body=bodies.BindFloating),
            Route("GET", root, self._list, read, query=queries.ListPreviewHostnames),
            Route("GET", f"{root}/{{hostname_id}}", self._get, read),
            Route("DELETE", f"{root}/{{hostname_id}}", self._delete, write),
        ]

    def _hostname(self, call: Call) -> Resource:
        row = self._estate.get("preview_hostname", call.params["hostname_id"])
        if row.details["install_id"] != call.params["id"]:
            raise Problem("preview_hostname not found", status=404)
        return row

    def _get(self, call: Call) -> Reply:
        return Reply(200, _json(self._hostname(call)))

    def _list(self, call: Call) -> Reply:
        install, query = self._installs.get(call), call.query
        filters = {"install": install.id, "status": query.state, "track": query.track}
        if query.binding_kind is not None:
            filters["binding"] = query.binding_kind
        return self._estate.listed(call, "preview_hostname", _json, filters)

    def _bind(self, call: Call) -> Reply:
        estate, body = self._estate, call.body
        kind = "preview_hostname.bind_floating" if hasattr(body, "track") else "preview_hostname.bind_pinned"

        def act() -> Answer:
            install = self._installs.get(call)
            if body.render_id not in install.details["renders"]:
                raise invalid("unknown render", "body", "render_id")
            hostname_id = estate.new_id("phn")
            details = {"install_id": install.id, **body.model_dump()}
            row = estate.world.add(
                "preview_hostname", hostname_id, f"{hostname_id}.preview.example", "provisioning", details
            )

            def settle(operation: Operation) -> Mapping[str, Any]:
                done = operation.stage == "succeeded"
                estate.touch(row, "active" if done else "deleted", deleted=not done, at=operation.ended_at)
                return {"install_id": install.id, "preview_hostname_id": row.id, "hostname": row.name}

            key = {"idempotency_key": call.headers["idempotency-key"]}
            operation = estate.start(call, kind, install, {**details, **key}, settle)
            row.created_by = operation.id
            return estate.accepted(operation)

        return estate.once(call, act, required=True)

    def _delete(self, call: Call) -> Reply:
        return self._estate.once(call, lambda: self._deleting(call), required=True)

    def _deleting(self, call: Call) -> Answer:
        estate, install = self._estate, self._installs.get(call)
        row = self._hostname(call)
        return estate.accepted(
            estate.remove(
                call,
                "preview_hostname.delete",
                install,
                row,
                {"install_id": install.id, "preview_hostname_id": row.id},
                {"hostname": row.name},
            )
        )


def binding_of(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a hostname shows."""
    if "track" in facts:
        return {"kind": "floating", "track": facts["track"], "render_id": facts["render_id"]}
    return {"kind": "pinned", "render_id": facts["render_id"]}


def _json(row: Resource) -> dict[str, Any]:
    facts = row.details
    return tracked(
        row,
        hostname=row.name,
        binding=binding_of(facts),
        status=row.status,
        last_seen_at=None,
        **{name: facts[name] for name in ("install_id", "protocol", "routing_mode")},
    )
