"""What the simulated Akua has to offer: regions, compute configs, products, quotas; and API tokens."""

from __future__ import annotations

from typing import Any

from airflow_provider_ops.simulator.akua import bodies, queries
from airflow_provider_ops.simulator.akua.estate import Estate, part
from airflow_provider_ops.simulator.akua.machines import COMPUTE_CONFIGS, MOST_LAUNCHING, launching
from airflow_provider_ops.simulator.akua.shapes import WORKSPACE, page, tracked
from airflow_provider_ops.simulator.api import Call, Reply
from airflow_provider_ops.simulator.records import Resource
from airflow_provider_ops.simulator.routing import Route
from airflow_provider_ops.simulator.validation import Problem


class Regions:
    """Regions."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        read, write, one = "workspaces:read", "workspaces:write", "/regions/{id}"
        return [
            Route("GET", "/regions", self._list, read, query=queries.Paging),
            Route("POST", "/regions", self._create, write, body=bodies.CreateRegion),
            Route("PATCH", one, self._update, write, body=bodies.UpdateRegion),
            Route("DELETE", one, self._delete, write),
        ]

    def _list(self, call: Call) -> Reply:
        return part([_region_json(row) for row in self._estate.regions.values()], call)

    def _create(self, call: Call) -> Reply:
        estate, now = self._estate, self._estate.world.now()
        name, icon = estate.new_id("reg"), call.body.icon
        row = Resource("akua", "region", name, call.body.name, "present", now, now, {"icon": icon})
        estate.regions[name] = row
        return Reply(201, _region_json(row))

    def _found(self, call: Call) -> Resource:
        row = self._estate.regions.get(call.params["id"])
        if row is None:
            raise Problem("region not found", status=404)
        self._estate.check_etag(call, row.version)
        return row

    def _update(self, call: Call) -> Reply:
        row, fields = self._found(call), call.body.model_fields_set
        if "name" in fields and call.body.name is not None:
            row.name = call.body.name
        if "icon" in fields:
            row.details["icon"] = call.body.icon
        self._estate.touch(row)
        return Reply(200, _region_json(row))

    def _delete(self, call: Call) -> Reply:
        row = self._found(call)
        rows = self._estate.world.resources.select(0, 1000, {"deleted": False}).items
        if any(one.details.get("region_id") == row.id for one in rows):
            raise Problem("the region is in use", status=409)
        del self._estate.regions[row.id]
        return Reply(204)


class Tokens:
    """API tokens. Any key passes here anyway, so a token opens nothing and its deletion closes nothing."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        read, write = "workspaces:read", "workspaces:write"
        return [
            Route("GET", "/api_tokens", self._list, read, query=queries.Paging),
            Route("POST", "/api_tokens", self._create, write, body=bodies.CreateToken),
            Route("DELETE", "/api_tokens/{id}", self._delete, write),
        ]

    def _list(self, call: Call) -> Reply:
        return self._estate.listed(call, "api_token", _token_json)

    def _create(self, call: Call) -> Reply:
        estate, body = self._estate, call.body
        token = f"sk_akua_{estate.world.ids.lower(24)}"
        details = {"expires_at": body.expires_at, "prefix": token[:12]}
        row = estate.world.add("api_token", estate.new_id("tok"), body.name, "active", details)
        return Reply(201, {"id": row.id, "workspace_id": WORKSPACE, "name": row.name, "token": token})

    def _delete(self, call: Call) -> Reply:
        self._estate.touch(self._estate.get("api_token", call.params["id"]), "deleted", deleted=True)
        return Reply(204)


class Catalogue:
    """Compute configs, products and quotas."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        read = "workspaces:read"
        return [
            Route("GET", "/compute_configs", self._configs, read, query=queries.ListViewed),
            Route("GET", "/compute_configs/{id}", self._config, read),
            Route("GET", "/products", self._products, read, query=queries.Paging),
            Route("GET", "/products/{id}", self._product, read),
            Route("GET", "/quotas", self._quotas, read, query=queries.OfCluster),
            Route("GET", "/quotas/{metric}", self._quota, read, query=queries.OfCluster),
        ]

    def _configs(self, call: Call) -> Reply:
        return part([self._config_json(name) for name in COMPUTE_CONFIGS], call)

    def _config(self, call: Call) -> Reply:
        if call.params["id"] not in COMPUTE_CONFIGS:
            raise Problem("compute config not found", status=404)
        return Reply(200, self._config_json(call.params["id"]))

    def _config_json(self, name: str) -> dict[str, Any]:
        return tracked(
            self._always(name, "compute_config"),
            name=COMPUTE_CONFIGS[name],
            provider="hcloud",
            provider_config={"region": "fsn1", "image": "debian-13"},
            credential_scope={"kind": "system"},
        )

    def _products(self, call: Call) -> Reply:
        return part([self._product_json("prod_simulated")], call)

    def _product(self, call: Call) -> Reply:
        return Reply(200, self._product_json(call.params["id"]))

    def _product_json(self, name: str) -> dict[str, Any]:
        row = self._always(name, "product")
        package = {"id": "pkg_of_products", "version_pin": {"kind": "latest"}, "default_version_id": f"pkv_{name}"[:55]}
        shown = {"name": "Simulated product", "package": package, "marketplace": {"published": False}}
        return tracked(row, **page(row), **shown, state="active")

    def _always(self, name: str, kind: str) -> Resource:
        """Return something that has been there from the beginning."""
        since = self._estate.workspace.created_at
        return Resource("akua", kind, name, name, "present", since, since)

    def _quotas(self, call: Call) -> Reply:
        return Reply(200, {"data": self._all(call.query.cluster_id), "has_more": False, "next_cursor": None})

    def _quota(self, call: Call) -> Reply:
        shown = self._all(call.query.cluster_id)
        found = next((quota for quota in shown if quota["metric"] == call.params["metric"]), None)
        if found is None:
            raise Problem("quota not found", status=404)
        return Reply(200, found)

    def _all(self, cluster_id: str | None) -> list[dict[str, Any]]:
        shown = [
            _quota_json("compute/machines", "allocation", 1000, self._count("machine")),
            _quota_json("compute/clusters", "allocation", 1000, self._count("cluster")),
        ]
        if cluster_id is not None:
            usage = launching(self._estate, cluster_id)
            shown.append(_quota_json("compute/launching_machines", "concurrency", MOST_LAUNCHING, usage))
        return shown

    def _count(self, kind: str) -> int:
        total: int = self._estate.world.resources.select(0, 1, {"kind": kind, "deleted": False}).total
        return total


def _region_json(row: Resource) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "icon": row.details["icon"],
        "workspace_id": WORKSPACE,
        "etag": str(row.version),
        "created_at": int(row.created_at),
    }


def _token_json(row: Resource) -> dict[str, Any]:
    return {
        "id": row.id,
        "workspace_id": WORKSPACE,
        "name": row.name,
        "prefix": row.details["prefix"],
        "created_at": int(row.created_at),
        "last_used_at": None,
        "expires_at": row.details["expires_at"],
    }


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
