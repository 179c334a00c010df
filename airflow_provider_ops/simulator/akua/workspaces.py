"""The workspace, its subscription and subdomain, custom domains, and what it may use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ops.simulator.akua import bodies
from airflow_provider_ops.simulator.akua.clusters import COMPUTE_CONFIGS, MOST_LAUNCHING, REGIONS, launching
from airflow_provider_ops.simulator.akua.estate import Estate, invalid, part
from airflow_provider_ops.simulator.akua.shapes import WORKSPACE, tracked
from airflow_provider_ops.simulator.api import Call, Reply
from airflow_provider_ops.simulator.routing import Route
from airflow_provider_ops.simulator.validation import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ops.simulator.akua.estate import Answer
    from airflow_provider_ops.simulator.records import Operation, Resource

TIERS = ("free", "pro", "enterprise")
_MONTH = 30 * 24 * 3600


class Workspaces:
    """The one workspace."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        read, write = "workspaces:read", "workspaces:write"
        one = "/workspaces/{id}"
        cancel, empty = bodies.CancelSubscription, bodies.Empty
        return [
            Route("GET", one, self._get, read),
            Route("DELETE", one, self._delete, write),
            Route("POST", f"{one}/subscription:cancel", self._cancel, write, body=cancel, body_optional=True),
            Route("POST", f"{one}/subscription:reactivate", self._reactivate, write, body=empty, body_optional=True),
            Route("POST", f"{one}/subscription:changeTier", self._change_tier, write, body=bodies.ChangeTier),
            Route("POST", f"{one}/subdomain:setName", self._set_name, write, body=bodies.SetName),
        ]

    def get(self, call: Call) -> Resource:
        """Return the workspace of a path."""
        row = self._estate.workspace
        if call.params["id"] != row.id or row.deleted:
            raise Problem("workspace not found", status=404)
        return row

    def _get(self, call: Call) -> Reply:
        row = self.get(call)
        return Reply(200, tracked(row, tier=row.details["tier"]))

    def _delete(self, call: Call) -> Reply:
        estate = self._estate

        def act() -> Answer:
            row = estate.free(call, self.get(call))
            metadata = {"workspace_id": row.id}
            return estate.accepted(estate.change(call, "workspace.delete", row, ("deleting", "deleted"), metadata))

        return estate.once(call, act)

    def _cancel(self, call: Call) -> Reply:
        def act() -> Answer:
            row = self._estate.free(call, self.get(call))
            if row.details.get("cancelled"):
                raise Problem("the subscription is cancelled already", status=409)
            response = {"subscription_id": "sub_simulated", "cancel_at": int(self._estate.world.now()) + _MONTH}
            metadata = {"workspace_id": row.id, "mode": "period_end"}
            operation = self._set(call, "subscription.cancel", metadata, response, cancelled=True)
            return self._estate.accepted(operation)

        return self._estate.once(call, act)

    def _reactivate(self, call: Call) -> Reply:
        row = self._estate.free(call, self.get(call))
        if not row.details.get("cancelled"):
            raise Problem("the subscription is not cancelled", status=409)
        ids = {"workspace_id": row.id}
        return self._estate.enveloped(self._set(call, "subscription.reactivate", ids, ids, cancelled=False))()

    def _change_tier(self, call: Call) -> Reply:
        row, tier = self._estate.free(call, self.get(call)), call.body.tier
        if tier not in TIERS:
            raise invalid(f"tier must be one of {', '.join(TIERS)}", "body", "tier")
        ids = {"workspace_id": row.id}
        operation = self._set(call, "subscription.change_tier", {**ids, "tier": tier}, ids, tier=tier)
        return self._estate.enveloped(operation)()

    def _set_name(self, call: Call) -> Reply:
        def act() -> Answer:
            row, name = self._estate.free(call, self.get(call)), call.body.name
            response = {
                "workspace_id": row.id,
                "workspace_subdomain_id": "wsd_simulated",
                "fqdn": f"{name}.example.com",
            }
            key = call.headers["idempotency-key"]
            metadata = {"workspace_id": row.id, "name": name, "idempotency_key": key}
            return self._estate.accepted(self._set(call, "subdomain.set_name", metadata, response, subdomain=name))

        return self._estate.once(call, act, required=True)

    def _set(
        self, call: Call, what: str, metadata: Mapping[str, Any], response: Mapping[str, Any], **facts: Any
    ) -> Operation:
        """Start what changes facts of the workspace."""
        estate, row = self._estate, self._estate.workspace

        def settle(operation: Operation) -> Mapping[str, Any]:
            if operation.stage == "succeeded":
                row.details.update(facts)
            estate.touch(row, at=operation.ended_at)
            return response

        operation = estate.start(call, f"workspace.{what}", row, metadata, settle)
        estate.touch(row)
        return operation


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
            Route("GET", f"{root}/{{domain_id}}", self._get, read),
            Route("PATCH", f"{root}/{{domain_id}}", self._update, write, body=bodies.UpdateDomain),
            Route("DELETE", f"{root}/{{domain_id}}", self._delete, write),
        ]

    def _domain(self, call: Call) -> Resource:
        self._workspaces.get(call)
        return self._estate.get("custom_domain", call.params["domain_id"])

    def _get(self, call: Call) -> Reply:
        row = self._domain(call)
        return Reply(200, tracked(row, hostname=row.name, **row.details))

    def _create(self, call: Call) -> Reply:
        estate = self._estate

        def act() -> Answer:
            workspace = self._workspaces.get(call)
            details = call.body.model_dump(exclude={"hostname"}, exclude_none=True)
            row = estate.world.add("custom_domain", estate.new_id("cdm"), call.body.hostname, "active", details)

            def settle(operation: Operation) -> Mapping[str, Any]:
                done = operation.stage == "succeeded"
                estate.touch(row, None if done else "deleted", deleted=not done, at=operation.ended_at)
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


class Tokens:
    """API tokens. Any key passes here anyway, so a token opens nothing and its deletion closes nothing."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        read, write = "workspaces:read", "workspaces:write"
        return [
            Route("GET", "/api_tokens", self._list, read, query=bodies.Paging),
            Route("POST", "/api_tokens", self._create, write, body=bodies.CreateToken),
            Route("DELETE", "/api_tokens/{id}", self._delete, write),
        ]

    def _list(self, call: Call) -> Reply:
        return self._estate.listed(call, "api_token", _token_json)

    def _create(self, call: Call) -> Reply:
        estate, body = self._estate, call.body
        details = {"expires_at": body.expires_at}
        row = estate.world.add("api_token", estate.new_id("tok"), body.name, "active", details)
        return Reply(201, {**_token_json(row), "token": f"sk_akua_{estate.world.ids.lower(24)}"})

    def _delete(self, call: Call) -> Reply:
        self._estate.touch(self._estate.get("api_token", call.params["id"]), "deleted", deleted=True)
        return Reply(204)


class Catalogue:
    """Regions, compute configs and quotas."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        read = "workspaces:read"
        return [
            Route("GET", "/regions", lambda call: part(REGIONS, call), read, query=bodies.Paging),
            Route("GET", "/compute_configs", lambda call: part(COMPUTE_CONFIGS, call), read, query=bodies.Paging),
            Route("GET", "/compute_configs/{id}", self._compute_config, read),
            Route("GET", "/quotas", self._quotas, read, query=bodies.ListQuotas),
            Route("GET", "/quotas/{metric}", self._quota, read),
        ]

    def _compute_config(self, call: Call) -> Reply:
        found = next((config for config in COMPUTE_CONFIGS if config["id"] == call.params["id"]), None)
        if found is None:
            raise Problem("compute config not found", status=404)
        return Reply(200, found)

    def _quotas(self, call: Call) -> Reply:
        return part(self._all(call.query.cluster_id), call)

    def _quota(self, call: Call) -> Reply:
        found = next((quota for quota in self._all(None) if quota["metric"] == call.params["metric"]), None)
        if found is None:
            raise Problem("quota not found", status=404)
        return Reply(200, found)

    def _all(self, cluster_id: str | None) -> list[dict[str, Any]]:
        resources = self._estate.world.resources
        shown = [
            _quota_json("compute/machines", "allocation", 1000, _count(resources, "machine")),
            _quota_json("compute/clusters", "allocation", 1000, _count(resources, "cluster")),
        ]
        if cluster_id is not None:
            usage = launching(self._estate, cluster_id)
            shown.append(_quota_json("compute/launching_machines", "concurrency", MOST_LAUNCHING, usage))
        return shown


def _token_json(row: Resource) -> dict[str, Any]:
    return {"id": row.id, "workspace_id": WORKSPACE, "name": row.name, "expires_at": row.details["expires_at"]}


def _count(resources: Any, kind: str) -> int:
    total: int = resources.select(0, 1, {"kind": kind, "deleted": False}).total
    return total


def _quota_json(metric: str, kind: str, limit: int, usage: int) -> dict[str, Any]:
    return {
        "metric": metric,
        "type": kind,
        "display_name": metric.partition("/")[2].replace("_", " "),
        "unit": "count",
        "limit": limit,
        "usage": usage,
        "remaining": max(0, limit - usage),
    }


def _ids(row: Resource) -> dict[str, str]:
    return {"workspace_id": WORKSPACE, "custom_domain_id": row.id}


def _key(call: Call) -> dict[str, str]:
    return {"idempotency_key": call.headers["idempotency-key"]}
