"""Installs of the simulated Akua and their renders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ops.simulator.akua import bodies, queries
from airflow_provider_ops.simulator.akua.estate import Estate, check_region, invalid, need, part
from airflow_provider_ops.simulator.akua.install_shapes import install_json, pods_json, status_json, versions_json
from airflow_provider_ops.simulator.akua.packages import version_of
from airflow_provider_ops.simulator.akua.shapes import WORKSPACE
from airflow_provider_ops.simulator.api import Call, Reply
from airflow_provider_ops.simulator.routing import Route
from airflow_provider_ops.simulator.validation import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ops.simulator.akua.estate import Answer
    from airflow_provider_ops.simulator.records import Operation, Resource

_UNSEEN = ("deployed_at", "version", "before")
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
            Route("GET", "/installs", self._list, read, query=queries.ListInstalls),
            Route("POST", "/installs", self._create, write, body=bodies.CreateInstall),
            Route("GET", one, self._get, read),
            Route("DELETE", one, self._delete, write),
            Route("GET", f"{one}/status", self._status, read),
            Route("GET", f"{one}/pods", self._pods, read),
            Route("POST", f"{one}:update", self._update, write, body=bodies.UpdateInstall),
            Route("POST", f"{one}:restore", self._restore, write, body=bodies.RestoreInstall),
            Route("PATCH", f"{one}/automatic_updates", self._automatic, write, body=bodies.AutomaticUpdates),
            Route("POST", renders, self._render, write, body=bodies.CreateRender, body_optional=True),
            Route("GET", renders, self._list_renders, read, query=queries.Paging),
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
            call, "install", lambda row: install_json(self._up_to_date(row)), {"product": call.query.product_id}
        )

    def _get(self, call: Call) -> Reply:
        return Reply(200, install_json(self.get(call)))

    def _status(self, call: Call) -> Reply:
        return Reply(200, status_json(self.get(call)))

    def _pods(self, call: Call) -> Reply:
        return Reply(200, {"data": pods_json(self.get(call))})

    def _create(self, call: Call) -> Reply:
        estate, body = self._estate, call.body
        check_region(estate, body.region_id)

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
                "deployed": None,
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
        self._finish(row, render, "deployed" if done else "failed", operation.ended_at)
        if row.details["values"].get("simulated_sandbox"):
            row.details["becomes"] = []
            return {"install_id": row.id, "sandbox_skipped": True}
        return {"install_id": row.id, "argo_app_name": row.id, "argo_app_namespace": "argocd"}

    def _finish(self, row: Resource, render: dict[str, Any], state: str, at: float | None) -> None:
        """End a render, and what it means for its install."""
        render.update(state=state, updated_at=int(at or 0))
        if state == "skipped":
            self._estate.touch(row, render["before"], at=at)
            return
        self._estate.touch(row, "syncing" if state == "deployed" else "failed", at=at)
        if state == "deployed":
            row.details["deployed"] = render["version"]
            self._sync(row, at or 0.0)

    def _sync(self, row: Resource, since: float) -> None:
        """Write down how healthy an install will be."""
        share = self._estate.world.settings.duration * SYNC_SHARE
        words = {"failed": ["failed"], "degraded": ["degraded", "healthy"]}
        wanted = words.get(row.details["values"].get("simulated_health"), ["healthy"])
        row.details["becomes"] = [(since + share * (at + 1), word) for at, word in enumerate(wanted)]

    def _wanted_version(self, body: bodies.CreateInstall) -> dict[str, Any]:
        if body.package_id is None:
            return {"id": f"pkv_{body.product_id}"[:55], "semver": "1.0.0"}
        package = self._estate.world.resources.get(body.package_id)
        if package is None or package.deleted or package.kind != "package":
            raise invalid("unknown package", "body", "package_id")
        versions: list[dict[str, Any]] = package.details["versions"]
        if isinstance(body.package_version_pin, bodies.Pinned):
            versions = [row for row in versions if row["semver"] == body.package_version_pin.version]
        if not versions:
            raise invalid("the package has no such version", "body", "package_version_pin")
        return _summary(versions[-1])

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
            package = self._package(row)
            found = None if package is None else version_of(package, call.body.package_version_id)
            if found is None:
                raise invalid("unknown package version", "body", "package_version_id")
            return self._brought_to(call, row, _summary(found), 202)

        return estate.once(call, act, required=True)

    def _package(self, row: Resource) -> Resource | None:
        return self._estate.world.resources.get(row.details["package_id"] or "")

    def _brought_to(self, call: Call, row: Resource, version: dict[str, Any], status: int) -> Answer:
        """Return the answer that has the render of a version, if that is not the one that is there."""
        if version == row.details["version"]:
            return lambda: Reply(status, {"install": versions_json(row), "render": None})
        row.details["version"] = version
        render = self._rendered(call, row)
        return lambda: Reply(status, {"install": versions_json(row), "render": self._render_json(render)})

    def _restore(self, call: Call) -> Reply:
        estate = self._estate

        def act() -> Answer:
            row = estate.free(call, self.get(call))
            wanted = row.details["renders"].get(call.body.render_id)
            if wanted is None:
                raise invalid("unknown render", "body", "render_id")
            row.details["version"] = wanted["version"]
            render = self._new_render(row, restored_from_render_id=wanted["id"])
            render["deployed_at"] = estate.world.now() + estate.world.settings.duration
            estate.touch(row, "rendering")
            row.details["deployed"] = wanted["version"]
            self._sync(row, render["deployed_at"])
            return lambda: Reply(202, {"install": versions_json(row), "render": self._render_json(render)})

        return estate.once(call, act, required=True)

    def _automatic(self, call: Call) -> Reply:
        estate = self._estate

        def act() -> Answer:
            row = estate.free(call, self.get(call))
            row.details["automatic"] = call.body.automatic_updates_enabled
            estate.touch(row)
            package = self._package(row)
            newest = row.details["version"]
            if call.body.automatic_updates_enabled and package is not None:
                newest = _summary(package.details["versions"][-1])
            return self._brought_to(call, row, newest, 200)

        return estate.once(call, act, required=True)

    def _render(self, call: Call) -> Reply:
        estate = self._estate

        def act() -> Answer:
            row = self.get(call)
            if row.operation is not None:
                raise Problem("install has an operation in progress", status=409)
            wanted = call.body or bodies.CreateRender()
            # nothing changes between two renders of one version here
            skips = wanted.skip_unchanged is not False and row.details["deployed"] == row.details["version"]
            render = self._rendered(call, row, skips=skips, message=wanted.message)
            return lambda: Reply(201, self._render_json(render))

        return estate.once(call, act)

    def _list_renders(self, call: Call) -> Reply:
        return part([self._render_json(one) for one in reversed(self.get(call).details["renders"].values())], call)

    def _get_render(self, call: Call) -> Reply:
        render = self.get(call).details["renders"].get(call.params["render_id"])
        if render is None:
            raise Problem("render not found", status=404)
        return Reply(200, self._render_json(render))

    def _rendered(
        self, call: Call, row: Resource, *, skips: bool = False, message: str | None = None
    ) -> dict[str, Any]:
        """Return a new render with its operation."""
        estate, render = self._estate, self._new_render(row, message=message)

        def settle(operation: Operation) -> Mapping[str, Any]:
            done = operation.stage == "succeeded"
            state = ("skipped" if skips else "deployed") if done else "failed"
            self._finish(row, render, state, operation.ended_at)
            return {
                "install_render_id": render["id"],
                "repository_id": f"repo_{row.id}",
                "commit_sha": render["commit_sha"],
                "render_hash": render["render_hash"],
                "skipped": skips,
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
            "package_version_id": row.details["version"]["id"],
            "restored_from_render_id": None,
            "state": "running",
            "message": None,
            "created_at": now,
            "updated_at": now,
            "version": row.details["version"],
            "before": row.status,
            **more,
        }
        row.details["renders"][render["id"]] = render
        return render

    def _render_json(self, render: dict[str, Any]) -> dict[str, Any]:
        shown = {name: value for name, value in render.items() if name not in _UNSEEN}
        if self._estate.world.now() >= render.get("deployed_at", float("inf")):
            shown["state"] = "deployed"
        return shown


def _summary(version: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": version["id"], "semver": version["semver"]}
