"""Repositories of the simulated Akua, and the change requests that fork them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ops.simulator.akua import queries
from airflow_provider_ops.simulator.akua import repository_bodies as bodies
from airflow_provider_ops.simulator.akua.estate import Estate, invalid, need, part
from airflow_provider_ops.simulator.akua.shapes import WORKSPACE, busy, page, tracked
from airflow_provider_ops.simulator.api import Call, Reply
from airflow_provider_ops.simulator.routing import Route
from airflow_provider_ops.simulator.validation import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_ops.simulator.akua.estate import Answer
    from airflow_provider_ops.simulator.records import Operation, Resource

_WEEK = 7 * 24 * 3600
_MOST = 1000


class Repositories:
    """The repositories of packages, installs and change requests, and those that were asked for."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        read, write = "repositories:read", "repositories:write"
        root, one, token = "/repositories", "/repositories/{id}", bodies.CreateRepositoryToken
        return [
            Route("GET", root, self._list, read, query=queries.ListRepositories),
            Route("POST", root, self._create, write, body=bodies.CreateRepository),
            Route("GET", one, self._get, read, query=queries.Viewed),
            Route("POST", f"{one}:createToken", self._token, write, body=token, body_optional=True),
        ]

    def _list(self, call: Call) -> Reply:
        wanted = call.query.purpose
        return part([one for one in all_repositories(self._estate) if wanted in (None, one["purpose"])], call)

    def _get(self, call: Call) -> Reply:
        return Reply(200, self._find(call))

    def _find(self, call: Call) -> dict[str, Any]:
        found = repository_of(self._estate, call.params["id"])
        if found is None:
            raise Problem("repository not found", status=404)
        return found

    def _create(self, call: Call) -> Reply:
        estate = self._estate

        def act() -> Answer:
            name = estate.new_id("repo")
            row = estate.world.add("repository", name, name, "present", {})
            return lambda: Reply(201, _repository_json(row, row.id, "workspace"))

        return estate.once(call, act, required=True)

    def _token(self, call: Call) -> Reply:
        estate = self._estate

        def act() -> Answer:
            found = self._find(call)
            if found["purpose"] != "workspace":
                raise Problem("no token is given for this repository", status=409)
            seconds = call.body.revoke_after_seconds if call.body is not None else 3600
            answer = {
                "repository_id": found["id"],
                "remote_url": f"https://git.example.com/{found['id']}.git",
                "write_token": f"akua_git_{estate.world.ids.lower(24)}",
                "revokes_at": int(estate.world.now()) + seconds,
            }
            return lambda: Reply(201, answer)

        return estate.once(call, act, required=True)


class ChangeRequests:
    """Change requests of repositories."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        read, write = "repositories:read", "repositories:write"
        root, one = "/repository_change_requests", "/repository_change_requests/{id}"
        token = bodies.CreateForkToken
        return [
            Route("GET", root, self._list, read, query=queries.ListChangeRequests),
            Route("POST", root, self._create, write, body=bodies.CreateChangeRequest),
            Route("GET", one, self._get, read),
            Route("POST", f"{one}:createToken", self._token, write, body=token, body_optional=True),
            Route("POST", f"{one}:accept", self._accept, write),
            Route("POST", f"{one}:reject", self._reject, write, body=bodies.RejectChangeRequest),
            Route("POST", f"{one}:withdraw", self._withdraw, write),
        ]

    def _list(self, call: Call) -> Reply:
        query = call.query
        filters = {
            "status": query.state,
            "parent": query.parent_repository,
            "fork": query.fork_repository,
            "agent": query.agent,
        }
        return self._estate.listed(call, "repository_change_request", _change_request_json, filters)

    def _get(self, call: Call) -> Reply:
        return Reply(200, _change_request_json(self._found(call)))

    def _found(self, call: Call) -> Resource:
        return self._estate.get("repository_change_request", call.params["id"])

    def _create(self, call: Call) -> Reply:
        estate, body = self._estate, call.body

        def act() -> Answer:
            if repository_of(estate, body.parent_repository_id) is None:
                raise invalid("unknown repository", "body", "parent_repository_id")
            name, fork = estate.new_id("rcr"), estate.new_id("repo")
            evidence = body.remediation_evidence
            details = {
                "parent": body.parent_repository_id,
                "fork": fork,
                "created_by": (body.kind, body.agent_id or "usr_simulated"),
                "agent": body.agent_id,
                "evidence": None if evidence is None else evidence.model_dump(),
                "expires_at": int(estate.world.now()) + (body.expires_at_seconds or _WEEK),
                "rejection_reason": None,
            }
            row = estate.world.add("repository_change_request", name, name, "AWAITING_CHANGES", details)

            def settle(operation: Operation) -> Mapping[str, Any]:
                estate.touch(row, "READY" if operation.stage == "succeeded" else "FAILED", at=operation.ended_at)
                return {
                    "repository_change_request_id": row.id,
                    "fork_repository_id": fork,
                    "expires_at": details["expires_at"],
                }

            metadata = {
                "workspace_id": WORKSPACE,
                "parent_repository_id": body.parent_repository_id,
                "created_by_kind": body.kind,
            }
            estate.start(call, "repository_change_request.create", row, metadata, settle)
            return lambda: Reply(201, _change_request_json(row))

        return estate.once(call, act, required=True)

    def _token(self, call: Call) -> Reply:
        estate = self._estate

        def act() -> Answer:
            row = self._found(call)
            need(row, "AWAITING_CHANGES", "VALIDATING", "READY")
            seconds = call.body.expires_in_seconds if call.body is not None else 3600
            answer = {
                "repository_change_request_id": row.id,
                "fork_remote_url": f"https://git.example.com/{row.details['fork']}.git",
                "fork_write_token": f"akua_git_{estate.world.ids.lower(24)}",
                "expires_at": int(estate.world.now()) + seconds,
            }
            return lambda: Reply(201, answer)

        return estate.once(call, act, required=True)

    def _accept(self, call: Call) -> Reply:
        def act() -> Answer:
            operation = self._decide(
                call, "accept", ("ACCEPTING", "ACCEPTED"), "merged_at", {"triggered_install_render": False}
            )
            accepted = {
                "repository_change_request_id": operation.resource.id,
                "operation_id": operation.id,
                "accepted_at": int(operation.created_at),
            }
            return lambda: Reply(200, accepted)

        return self._estate.once(call, act, required=True)

    def _reject(self, call: Call) -> Reply:
        return self._turn_down(call, "reject", "REJECTED", "rejected_at", reason=call.body.rejection_reason)

    def _withdraw(self, call: Call) -> Reply:
        return self._turn_down(call, "withdraw", "WITHDRAWN", "withdrawn_at")

    def _turn_down(self, call: Call, verb: str, word: str, when: str, **facts: str) -> Reply:
        def act() -> Answer:
            operation = self._decide(call, verb, (None, word), when, {}, **facts)
            row = operation.resource
            row.details["rejection_reason"] = facts.get("reason")
            answer = {"repository_change_request_id": row.id, when: int(operation.created_at)}
            return lambda: Reply(200, answer)

        return self._estate.once(call, act, required=True)

    def _decide(
        self,
        call: Call,
        verb: str,
        words: tuple[str | None, str],
        when: str,
        response: Mapping[str, Any],
        **facts: str,
    ) -> Operation:
        """Start what ends an open change request."""
        estate = self._estate
        row = estate.free(call, self._found(call))
        need(row, "READY")
        during, after = words

        def settle(operation: Operation) -> Mapping[str, Any]:
            estate.touch(row, after if operation.stage == "succeeded" else "READY", at=operation.ended_at)
            return {when: int(operation.ended_at or 0), **response}

        metadata = {"repository_change_request_id": row.id, "user_id": "usr_simulated", **facts}
        operation = estate.start(call, f"repository_change_request.{verb}", row, metadata, settle)
        estate.touch(row, during)
        return operation


def all_repositories(estate: Estate) -> list[dict[str, Any]]:
    """Return all repositories, newest first."""
    return sorted(_all(estate), key=lambda one: -one["created_at"])


def repository_of(estate: Estate, repository_id: str) -> dict[str, Any] | None:
    """Return the repository with that id."""
    return next((one for one in _all(estate) if one["id"] == repository_id), None)


def _all(estate: Estate) -> Iterator[dict[str, Any]]:
    def rows(kind: str) -> list[Resource]:
        return estate.world.resources.select(0, _MOST, {"kind": kind, "deleted": False}).items

    for row in rows("package"):
        if "repository_id" in row.details:
            yield _repository_json(row, row.details["repository_id"], "package", package_id=row.id)
    for row in rows("install"):
        if row.details["cluster_id"] is not None:
            yield _repository_json(row, f"repo_{row.id}", "deploy", cluster_id=row.details["cluster_id"])
    for row in rows("repository_change_request"):
        fork = {"repository_change_request_id": row.id}
        yield _repository_json(row, row.details["fork"], "repository_change_request", **fork)
    for row in rows("repository"):
        yield _repository_json(row, row.id, "workspace")


def _repository_json(owner: Resource, repository_id: str, purpose: str, **ids: str) -> dict[str, Any]:
    shown = tracked(owner, **busy(owner), name=owner.name, purpose=purpose, **ids)
    return {**shown, "id": repository_id}


def _change_request_json(row: Resource) -> dict[str, Any]:
    facts = row.details
    kind, name = facts["created_by"]
    return tracked(
        row,
        **page(row),
        parent_repository_id=facts["parent"],
        fork_repository_id=facts["fork"],
        state=row.status,
        change_type="unknown",
        created_by_type=kind,
        created_by_id=name,
        remediation_evidence=facts["evidence"],
        expires_at=facts["expires_at"],
        rejection_reason=facts["rejection_reason"],
    )
