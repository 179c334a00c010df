"""Packages with their versions and repositories, and change requests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_provider_ops.simulator.akua import bodies
from airflow_provider_ops.simulator.akua.estate import Estate, invalid, part
from airflow_provider_ops.simulator.akua.shapes import WORKSPACE, tracked
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
            Route("GET", "/packages", self._list, read, query=bodies.Paging),
            Route("POST", "/packages", self._create, write, body=bodies.CreatePackage),
            Route("POST", "/packages:import", self._import, write, body=bodies.Import),
            Route("GET", one, self._get, read),
            Route("DELETE", one, self._delete, write),
            Route("GET", versions, self._versions, read, query=bodies.Paging),
            Route("POST", versions, self._add_version, write, body=bodies.CreateVersion),
            Route("GET", f"{versions}/{{version_id}}", self._version, read),
            Route("GET", "/repositories", self._repositories, read, query=bodies.ListRepositories),
            Route("GET", "/repositories/{id}", self._repository, read),
        ]

    def _list(self, call: Call) -> Reply:
        return self._estate.listed(call, "package", _package_json)

    def _get(self, call: Call) -> Reply:
        return Reply(200, _package_json(self._package(call)))

    def _package(self, call: Call) -> Resource:
        return self._estate.get("package", call.params["id"])

    def _create(self, call: Call) -> Reply:
        estate, body = self._estate, call.body

        def act() -> Answer:
            wanted = body.sources[0].target_revision
            first = _version(estate, wanted if _SEMVER.fullmatch(wanted) else "1.0.0")
            details = {"repository_id": estate.new_id("repo"), "versions": []}
            row = estate.world.add("package", estate.new_id("pkg"), body.name, "present", details)

            def settle(operation: Operation) -> Mapping[str, Any]:
                if operation.stage == "succeeded":
                    row.details["versions"].append(first)
                estate.touch(row, at=operation.ended_at)
                ids = {"package_version_id": first["id"], "repository_id": row.details["repository_id"]}
                return {"package_id": row.id, **ids}

            key = call.headers.get("idempotency-key") or estate.new_id("key")
            metadata = {"idempotency_key": key, "workspace_id": WORKSPACE, "name": body.name}
            return estate.accepted(estate.start(call, "package.create", row, metadata, settle))

        return estate.once(call, act)

    def _import(self, call: Call) -> Reply:
        estate = self._estate
        details = {"repository_id": estate.new_id("repo"), "versions": [_version(estate, "1.0.0")]}
        return Reply(
            201, _package_json(estate.world.add("package", estate.new_id("pkg"), call.body.name, "present", details))
        )

    def _delete(self, call: Call) -> Reply:
        estate = self._estate
        row = estate.free(call, self._package(call))
        if estate.world.resources.select(0, 1, {"kind": "install", "deleted": False, "package": row.id}).total:
            raise Problem("the package still has installs", status=409)
        estate.touch(row, "deleted", deleted=True)
        return Reply(204)

    def _versions(self, call: Call) -> Reply:
        return part([*reversed(self._package(call).details["versions"])], call)

    def _version(self, call: Call) -> Reply:
        version = version_of(self._package(call), call.params["version_id"])
        if version is None:
            raise Problem("package version not found", status=404)
        return Reply(200, version)

    def _add_version(self, call: Call) -> Reply:
        row = self._package(call)
        version = _version(self._estate, call.body.version)
        row.details["versions"].append(version)
        self._estate.touch(row)
        return Reply(201, version)

    def _repositories(self, call: Call) -> Reply:
        rows = self._estate.world.resources.select(0, 1000, {"kind": "package", "deleted": False}).items
        return part([_repository_json(row) for row in rows if call.query.purpose in (None, "package")], call)

    def _repository(self, call: Call) -> Reply:
        row = package_of_repository(self._estate, call.params["id"])
        if row is None:
            raise Problem("repository not found", status=404)
        return Reply(200, _repository_json(row))


class ChangeRequests:
    """Change requests of repositories."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        read, write = "repositories:read", "repositories:write"
        root, reject = "/repository_change_requests", bodies.RejectChangeRequest
        return [
            Route("POST", root, self._create, write, body=bodies.CreateChangeRequest),
            Route("GET", f"{root}/{{id}}", self._get, read),
            Route("POST", f"{root}/{{id}}:accept", self._accept, write, body=bodies.Empty, body_optional=True),
            Route("POST", f"{root}/{{id}}:reject", self._reject, write, body=reject, body_optional=True),
            Route("POST", f"{root}/{{id}}:withdraw", self._withdraw, write, body=bodies.Empty, body_optional=True),
        ]

    def _create(self, call: Call) -> Reply:
        estate = self._estate

        def act() -> Answer:
            parent = call.body.parent_repository_id
            if package_of_repository(estate, parent) is None:
                raise invalid("unknown repository", "body", "parent_repository_id")
            rcr_id = estate.new_id("rcr")
            row = estate.world.add("repository_change_request", rcr_id, rcr_id, "open", {"parent": parent})
            return lambda: Reply(201, _change_request_json(row))

        return estate.once(call, act, required=True)

    def _get(self, call: Call) -> Reply:
        return Reply(200, _change_request_json(self._estate.get("repository_change_request", call.params["id"])))

    def _accept(self, call: Call) -> Reply:
        def act() -> Answer:
            operation = self._decide(call, "accept", "merged", {"triggered_install_render": False})
            accepted = {
                "repository_change_request_id": operation.resource.id,
                "operation_id": operation.id,
                "accepted_at": int(operation.created_at),
            }
            return lambda: Reply(200, accepted)

        return self._estate.once(call, act, required=True)

    def _reject(self, call: Call) -> Reply:
        reason = call.body.reason if call.body is not None else None
        return self._turn_down(call, "reject", "rejected", reason)

    def _withdraw(self, call: Call) -> Reply:
        return self._turn_down(call, "withdraw", "withdrawn", None)

    def _turn_down(self, call: Call, verb: str, word: str, reason: str | None) -> Reply:
        def act() -> Answer:
            row = self._decide(call, verb, word, {}, reason=reason).resource
            return lambda: Reply(200, _change_request_json(row))

        return self._estate.once(call, act, required=True)

    def _decide(self, call: Call, verb: str, word: str, response: Mapping[str, Any], **facts: str | None) -> Operation:
        """Start what ends an open change request."""
        estate = self._estate
        row = estate.free(call, estate.get("repository_change_request", call.params["id"]))
        if row.status != "open":
            raise Problem(f"the change request is {row.status}", status=409)

        def settle(operation: Operation) -> Mapping[str, Any]:
            done = operation.stage == "succeeded"
            estate.touch(row, word if done else "open", at=operation.ended_at)
            return {f"{word}_at": int(operation.ended_at or 0), **response}

        metadata = {"repository_change_request_id": row.id, "user_id": "usr_simulated", **facts}
        operation = estate.start(call, f"repository_change_request.{verb}", row, metadata, settle)
        estate.touch(row)
        return operation


def version_of(package: Resource, version_id: str) -> dict[str, Any] | None:
    """Return a version of a package by its id."""
    return next((version for version in package.details["versions"] if version["id"] == version_id), None)


def package_of_repository(estate: Estate, repository_id: str) -> Resource | None:
    """Return the package whose repository has that id."""
    rows = estate.world.resources.select(0, 1, {"kind": "package", "deleted": False, "repository": repository_id})
    return rows.items[0] if rows.items else None


def _version(estate: Estate, version: str) -> dict[str, Any]:
    return {"id": estate.new_id("pkv"), "version": version, "created_at": int(estate.world.now())}


def _package_json(row: Resource) -> dict[str, Any]:
    versions = row.details["versions"]
    return tracked(row, latest_version_id=versions[-1]["id"] if versions else None)


def _repository_json(package: Resource) -> dict[str, Any]:
    return {"id": package.details["repository_id"], "name": package.name, "purpose": "package"}


def _change_request_json(row: Resource) -> dict[str, Any]:
    return tracked(row, state=row.status, parent_repository_id=row.details["parent"])
