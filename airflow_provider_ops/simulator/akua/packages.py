"""Packages of the simulated Akua and their versions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_provider_ops.simulator.akua import bodies, queries
from airflow_provider_ops.simulator.akua.estate import Estate, invalid, part
from airflow_provider_ops.simulator.akua.shapes import WORKSPACE, page
from airflow_provider_ops.simulator.api import Call, Reply
from airflow_provider_ops.simulator.routing import Route
from airflow_provider_ops.simulator.validation import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ops.simulator.akua.estate import Answer
    from airflow_provider_ops.simulator.records import Operation, Resource

_SEMVER = re.compile(r"\d+\.\d+\.\d+([-+].*)?")


class Packages:
    """Packages and their versions."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        read, write = "packages:read", "packages:write"
        one, versions = "/packages/{id}", "/packages/{id}/versions"
        return [
            Route("GET", "/packages", self._list, read, query=queries.ListViewed),
            Route("POST", "/packages", self._create, write, body=bodies.CreatePackage),
            Route("POST", "/packages:import", self._import, write, body=bodies.ImportPackage),
            Route("GET", one, self._get, read, query=queries.Viewed),
            Route("DELETE", one, self._delete, write),
            Route("GET", versions, self._versions, read, query=queries.Paging),
            Route("POST", versions, self._add_version, write, body=bodies.CreateVersion),
            Route("GET", f"{versions}/{{version_id}}", self._version, read),
            Route("GET", f"{versions}/{{version_id}}/inputs", self._inputs, read),
        ]

    def _list(self, call: Call) -> Reply:
        return self._estate.listed(call, "package", lambda row: _package_json(row, call.query.view))

    def _get(self, call: Call) -> Reply:
        return Reply(200, _package_json(self._package(call), call.query.view))

    def _package(self, call: Call) -> Resource:
        return self._estate.get("package", call.params["id"])

    def _create(self, call: Call) -> Reply:
        estate, body = self._estate, call.body
        source = body.sources[0]
        if isinstance(source, bodies.Hosted):
            self._check_hosted(source.repository_id)

        def act() -> Answer:
            package_id, repository_id = estate.new_id("pkg"), estate.new_id("repo")
            first = new_version(estate, package_id, _first(source))
            details = {
                "repository_id": repository_id,
                "source": {"kind": "hosted", "repository_id": repository_id},
                "sources": [source.model_dump(exclude_none=True)],
                "versions": [],
                "first": first,
                "description": None,
                "display_image_url": body.display_image_url,
            }
            row = estate.world.add("package", package_id, body.name, "present", details)

            def settle(operation: Operation) -> Mapping[str, Any]:
                if operation.stage == "succeeded":
                    row.details["versions"].append(first)
                estate.touch(row, at=operation.ended_at)
                return {"package_id": row.id, "package_version_id": first["id"], "repository_id": repository_id}

            key = call.headers.get("idempotency-key") or estate.new_id("key")
            metadata = {"idempotency_key": key, "workspace_id": WORKSPACE, "name": body.name}
            return estate.accepted(estate.start(call, "package.create", row, metadata, settle))

        return estate.once(call, act)

    def _check_hosted(self, repository_id: str) -> None:
        repository = self._estate.world.resources.get(repository_id)
        if repository is None or repository.kind != "repository":
            raise invalid("unknown repository", "body", "sources", "0", "repository_id")

    def _import(self, call: Call) -> Reply:
        estate, body = self._estate, call.body

        def act() -> Answer:
            package_id = estate.new_id("pkg")
            details = {
                "source": {"kind": "oci", "oci_ref": body.oci_ref},
                "sources": [],
                "versions": [new_version(estate, package_id, body.version)],
                "description": body.description,
                "display_image_url": body.display_image_url,
            }
            row = estate.world.add("package", package_id, body.name, "present", details)
            return lambda: Reply(201, _package_json(row))

        return estate.once(call, act)

    def _delete(self, call: Call) -> Reply:
        estate = self._estate

        def act() -> Answer:
            row = estate.free(call, self._package(call))
            if estate.world.resources.select(0, 1, {"kind": "install", "deleted": False, "package": row.id}).total:
                raise Problem("the package still has installs", status=409)
            estate.touch(row, "deleted", deleted=True)
            return lambda: Reply(204)

        return estate.once(call, act)

    def _versions(self, call: Call) -> Reply:
        return part([*reversed(self._package(call).details["versions"])], call)

    def _found(self, call: Call) -> dict[str, Any]:
        version = version_of(self._package(call), call.params["version_id"])
        if version is None:
            raise Problem("package version not found", status=404)
        return version

    def _version(self, call: Call) -> Reply:
        return Reply(200, self._found(call))

    def _inputs(self, call: Call) -> Reply:
        return Reply(200, self._found(call)["input_schema"])

    def _add_version(self, call: Call) -> Reply:
        def act() -> Answer:
            row = self._package(call)
            if any(version["semver"] == call.body.semver for version in row.details["versions"]):
                raise Problem("the package has that version already", status=409)
            version = new_version(self._estate, row.id, call.body)
            row.details["versions"].append(version)
            self._estate.touch(row)
            return lambda: Reply(201, version)

        return self._estate.once(call, act)


def _first(source: bodies.Helm | bodies.Hosted) -> bodies.CreateVersion:
    """Return the first version of a package that is built here."""
    wanted = source.target_revision if isinstance(source, bodies.Helm) else source.ref
    semver = wanted if _SEMVER.fullmatch(wanted) else "1.0.0"
    return bodies.CreateVersion(semver=semver, ref=wanted, input_schema={"type": "object"})


def version_of(package: Resource, version_id: str) -> dict[str, Any] | None:
    """Return a version of a package by its id."""
    return next((version for version in package.details["versions"] if version["id"] == version_id), None)


def new_version(estate: Estate, package_id: str, wanted: bodies.CreateVersion) -> dict[str, Any]:
    """Return a version of a package."""
    now = int(estate.world.now())
    return {
        "id": estate.new_id("pkv"),
        "package_id": package_id,
        "semver": wanted.semver,
        "ref": wanted.ref,
        "input_schema": wanted.input_schema,
        "published_at": now,
        "created_at": now,
        "etag": "1",
    }


def _package_json(row: Resource, view: str = "basic") -> dict[str, Any]:
    facts = row.details
    return {
        "id": row.id,
        **page(row),
        "workspace_id": WORKSPACE,
        "name": row.name,
        "latest_version_id": (facts["versions"] or [facts["first"]])[-1]["id"],
        "description": facts["description"],
        "display_image_url": facts["display_image_url"],
        "source": facts["source"],
        "composed_from_sources": facts["sources"] if view == "full" else None,
        "created_at": int(row.created_at),
        "etag": str(row.version),
    }
