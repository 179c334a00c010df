"""Installs, their renders, and preview hostnames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ops.simulator.akua import bodies
from airflow_provider_ops.simulator.akua.clusters import check_region, need
from airflow_provider_ops.simulator.akua.estate import Estate, invalid
from airflow_provider_ops.simulator.akua.packages import version_of
from airflow_provider_ops.simulator.akua.shapes import WORKSPACE, tracked
from airflow_provider_ops.simulator.api import Call, Reply
from airflow_provider_ops.simulator.routing import Route
from airflow_provider_ops.simulator.validation import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ops.simulator.akua.estate import Answer
    from airflow_provider_ops.simulator.records import Operation, Resource

SYNC_SHARE = 0.5
"""Part of the duration of an operation that an install takes to become healthy after it."""


class Installs:
    """Installs and their renders."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        read, write = "installs:read", "installs:write"
        one, renders = "/installs/{id}", "/installs/{id}/renders"
        return [
            Route("GET", "/installs", self._list, read, query=bodies.ListInstalls),
            Route("POST", "/installs", self._create, write, body=bodies.CreateInstall),
            Route("GET", one, self._get, read),
            Route("DELETE", one, self._delete, write),
            Route("GET", f"{one}/status", self._status, read),
            Route("POST", f"{one}:update", self._update, write, body=bodies.UpdateInstall),
            Route("POST", f"{one}:restore", self._restore, write, body=bodies.RestoreInstall),
            Route("PATCH", f"{one}/automatic_updates", self._automatic, write, body=bodies.AutomaticUpdates),
            Route("POST", renders, self._render, write),
            Route("GET", f"{renders}/{{render_id}}", self._get_render, read),
        ]

    def get(self, call: Call) -> Resource:
        """Return the install of a path, as healthy as it is by now."""
        return self._up_to_date(self._estate.get("install", call.params["id"]))

    def _up_to_date(self, row: Resource) -> Resource:
        now, due = self._estate.world.now(), row.details["becomes"]
        while due and due[0][0] <= now:
            at, word = due.pop(0)
            self._estate.touch(row, word, at=at)
        return row

    def _list(self, call: Call) -> Reply:
        return self._estate.listed(
            call, "install", lambda row: _install_json(self._up_to_date(row)), {"product": call.query.product_id}
        )

    def _get(self, call: Call) -> Reply:
        return Reply(200, _install_json(self.get(call)))

    def _status(self, call: Call) -> Reply:
        row = self.get(call)
        return Reply(200, {"id": row.id, "state": row.status, "reconciling": row.operation is not None})

    def _create(self, call: Call) -> Reply:
        estate, body = self._estate, call.body
        check_region(body.region_id)

        def act() -> Answer:
            version = self._wanted_version(body)
            if body.cluster_id is not None:
                need(estate.get("cluster", body.cluster_id), "active")
            install_id = estate.new_id("inst")
            details = {
                "product_id": body.product_id,
                "package_id": body.package_id,
                "cluster_id": body.cluster_id,
                "region_id": body.region_id,
                "version": version,
                "values": body.initial_values or {},
                "automatic": False,
                "renders": {},
                "becomes": [],
            }
            row = estate.world.add("install", install_id, install_id, "pending", details)
            render = self._new_render(row)

            def settle(operation: Operation) -> Mapping[str, Any]:
                return self._created(row, render, operation)

            key = call.headers.get("idempotency-key") or estate.new_id("key")
            metadata = {"idempotency_key": key, "workspace_id": WORKSPACE, "product_id": body.product_id}
            operation = estate.start(call, "install.create", row, metadata, settle)
            estate.touch(row, "rendering")
            return estate.accepted(operation)

        return estate.once(call, act)

    def _created(self, row: Resource, render: dict[str, Any], operation: Operation) -> Mapping[str, Any]:
        done = operation.stage == "succeeded"
        render["state"] = "deployed" if done else "failed"
        self._estate.touch(row, "syncing" if done else "failed", at=operation.ended_at)
        if row.details["values"].get("simulated_sandbox"):
            return {"install_id": row.id, "sandbox_skipped": True}
        if done:
            self._sync(row, operation.ended_at or 0.0)
        return {"install_id": row.id, "argo_app_name": row.id, "argo_app_namespace": "argocd"}

    def _sync(self, row: Resource, since: float) -> None:
        """Write down how healthy an install will be."""
        share = self._estate.world.settings.duration * SYNC_SHARE
        words = {"failed": ["failed"], "degraded": ["degraded", "healthy"]}
        wanted = words.get(row.details["values"].get("simulated_health"), ["healthy"])
        row.details["becomes"] = [(since + share * (at + 1), word) for at, word in enumerate(wanted)]

    def _wanted_version(self, body: bodies.CreateInstall) -> str | None:
        if body.package_id is None:
            return None
        package = self._estate.world.resources.get(body.package_id)
        if package is None or package.deleted or package.kind != "package":
            raise invalid("unknown package", "body", "package_id")
        versions: list[dict[str, str]] = package.details["versions"]
        if isinstance(body.package_version_pin, bodies.Pinned):
            versions = [row for row in versions if row["version"] == body.package_version_pin.version]
        if not versions:
            raise invalid("the package has no such version", "body", "package_version_pin")
        return versions[-1]["id"]

    def _delete(self, call: Call) -> Reply:
        estate = self._estate

        def act() -> Answer:
            row = estate.free(call, self.get(call))
            response = {"argo_app_deleted": True, "repo_purged": True}
            metadata = {"install_id": row.id}
            # there is no word for an install that is being deleted
            words = (row.status, "deleted")
            return estate.accepted(estate.change(call, "install.delete", row, words, metadata, response))

        return estate.once(call, act)

    def _update(self, call: Call) -> Reply:
        estate = self._estate

        def act() -> Answer:
            row = estate.free(call, self.get(call))
            version_id = call.body.package_version_id
            package = estate.world.resources.get(row.details["package_id"] or "")
            if package is None or version_of(package, version_id) is None:
                raise invalid("unknown package version", "body", "package_version_id")
            if version_id == row.details["version"]:
                return lambda: Reply(202, {"install": _versions_json(row), "render": None})
            row.details["version"] = version_id
            render = self._rendered(call, row)
            return lambda: Reply(202, {"install": _versions_json(row), "render": self._render_json(render)})

        return estate.once(call, act, required=True)

    def _restore(self, call: Call) -> Reply:
        estate = self._estate

        def act() -> Answer:
            row = estate.free(call, self.get(call))
            wanted = row.details["renders"].get(call.body.render_id)
            if wanted is None:
                raise invalid("unknown render", "body", "render_id")
            row.details["version"] = wanted["package_version_id"]
            render = self._new_render(row, restored_from_render_id=wanted["id"])
            render["deployed_at"] = estate.world.now() + estate.world.settings.duration
            estate.touch(row, "rendering")
            self._sync(row, render["deployed_at"])
            return lambda: Reply(202, {"install": _versions_json(row), "render": self._render_json(render)})

        return estate.once(call, act, required=True)

    def _automatic(self, call: Call) -> Reply:
        estate = self._estate

        def act() -> Answer:
            row = estate.free(call, self.get(call))
            row.details["automatic"] = call.body.automatic_updates_enabled
            estate.touch(row)
            return lambda: Reply(200, {"install": _versions_json(row), "render": None})

        return estate.once(call, act, required=True)

    def _render(self, call: Call) -> Reply:
        estate = self._estate

        def act() -> Answer:
            row = self.get(call)
            if row.operation is not None:
                raise Problem("install has an operation in progress", status=409)
            render = self._rendered(call, row)
            return lambda: Reply(201, self._render_json(render))

        return estate.once(call, act)

    def _get_render(self, call: Call) -> Reply:
        render = self.get(call).details["renders"].get(call.params["render_id"])
        if render is None:
            raise Problem("render not found", status=404)
        return Reply(200, self._render_json(render))

    def _rendered(self, call: Call, row: Resource) -> dict[str, Any]:
        """Return a new render with its operation."""
        estate, render = self._estate, self._new_render(row)

        def settle(operation: Operation) -> Mapping[str, Any]:
            done = operation.stage == "succeeded"
            render["state"] = "deployed" if done else "failed"
            estate.touch(row, "syncing" if done else "failed", at=operation.ended_at)
            if done:
                self._sync(row, operation.ended_at or 0.0)
            return {
                "install_render_id": render["id"],
                "repository_id": f"repo_{row.id}",
                "commit_sha": render["commit_sha"],
                "render_hash": render["render_hash"],
                "skipped": False,
            }

        operation = estate.start(call, "install.render", row, {"install_id": row.id}, settle)
        render["operation_id"] = operation.id
        estate.touch(row, "rendering")
        return render

    def _new_render(self, row: Resource, **more: Any) -> dict[str, Any]:
        estate, now = self._estate, int(self._estate.world.now())
        render = {
            "id": estate.new_id("rnd"),
            "workspace_id": WORKSPACE,
            "install_id": row.id,
            "operation_id": None,
            "repository_change_request_id": None,
            "render_hash": estate.world.ids.lower(40),
            "commit_sha": estate.world.ids.lower(40),
            "package_version_id": row.details["version"],
            "restored_from_render_id": None,
            "state": "running",
            "message": None,
            "created_at": now,
            "updated_at": now,
            **more,
        }
        row.details["renders"][render["id"]] = render
        return render

    def _render_json(self, render: dict[str, Any]) -> dict[str, Any]:
        shown = {name: value for name, value in render.items() if name != "deployed_at"}
        if self._estate.world.now() >= render.get("deployed_at", float("inf")):
            shown["state"] = "deployed"
        return shown


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
            Route("GET", f"{root}/{{hostname_id}}", self._get, read),
            Route("DELETE", f"{root}/{{hostname_id}}", self._delete, write),
        ]

    def _hostname(self, call: Call) -> Resource:
        row = self._estate.get("preview_hostname", call.params["hostname_id"])
        if row.details["install_id"] != call.params["id"]:
            raise Problem("preview_hostname not found", status=404)
        return row

    def _get(self, call: Call) -> Reply:
        row = self._hostname(call)
        return Reply(200, tracked(row, hostname=row.name, **row.details))

    def _bind(self, call: Call) -> Reply:
        estate, body = self._estate, call.body
        kind = "preview_hostname.bind_floating" if hasattr(body, "track") else "preview_hostname.bind_pinned"

        def act() -> Answer:
            install = self._installs.get(call)
            if body.render_id not in install.details["renders"]:
                raise invalid("unknown render", "body", "render_id")
            hostname_id = estate.new_id("phn")
            details = {"install_id": install.id, **body.model_dump()}
            row = estate.world.add("preview_hostname", hostname_id, f"{hostname_id}.preview.example", "active", details)

            def settle(operation: Operation) -> Mapping[str, Any]:
                done = operation.stage == "succeeded"
                estate.touch(row, None if done else "deleted", deleted=not done, at=operation.ended_at)
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


def _install_json(row: Resource) -> dict[str, Any]:
    names = ("product_id", "package_id", "cluster_id", "region_id")
    urls = [f"https://{row.id}.example.com"] if row.status == "healthy" else []
    return tracked(
        row, state=row.status, urls=urls, **_versions_json(row), **{name: row.details[name] for name in names}
    )


def _versions_json(row: Resource) -> dict[str, Any]:
    return {
        "id": row.id,
        "current_version": row.details["version"],
        "desired_version": row.details["version"],
        "automatic_updates_enabled": row.details["automatic"],
        "updated_at": int(row.updated_at),
        "etag": str(row.version),
    }
