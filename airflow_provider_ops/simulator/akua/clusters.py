"""Clusters of the simulated Akua."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ops.simulator.akua import bodies, queries
from airflow_provider_ops.simulator.akua.bootstraps import new_bootstrap
from airflow_provider_ops.simulator.akua.estate import Estate, check_region, need
from airflow_provider_ops.simulator.akua.shapes import WORKSPACE, busy, page, tracked
from airflow_provider_ops.simulator.api import Call, Reply
from airflow_provider_ops.simulator.routing import Route
from airflow_provider_ops.simulator.validation import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ops.simulator.akua.estate import Answer
    from airflow_provider_ops.simulator.records import Operation, Resource

_MAX_AGE = 3600
"""Seconds after which what is known of a cluster's capabilities is stale."""


class Clusters:
    """Clusters and what they can do."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        read, write = "clusters:read", "clusters:write"
        one = "/clusters/{id}"
        return [
            Route("GET", "/clusters", self._list, read, query=queries.Paging),
            Route("POST", "/clusters", self._create, write, body=bodies.CreateCluster),
            Route("POST", "/clusters:import", self._import, write, body=bodies.ImportCluster),
            Route("GET", one, self._get, read),
            Route("DELETE", one, self._delete, write),
            Route("POST", f"{one}:suspend", self._suspend, write),
            Route("POST", f"{one}:resume", self._resume, write),
            Route("POST", f"{one}/capabilities:refresh", self._refresh, write),
            Route("GET", f"{one}/capabilities", self._capabilities, read),
            Route("GET", f"{one}/kubeconfig", self._kubeconfig, read),
        ]

    def _list(self, call: Call) -> Reply:
        return self._estate.listed(call, "cluster", _cluster_json)

    def _get(self, call: Call) -> Reply:
        return Reply(200, _cluster_json(self._estate.get("cluster", call.params["id"])))

    def _create(self, call: Call) -> Reply:
        estate, body = self._estate, call.body
        check_region(estate, body.region_id)
        if body.network_profile != "linux_cilium":
            raise Problem("mixed_os_calico is not enabled for this workspace", status=403)

        def act() -> Answer:
            details = self._details(body.region_id, "managed_kaas")
            row = estate.world.add("cluster", estate.new_id("clu"), body.name, "pending", details)

            def settle(operation: Operation) -> Mapping[str, Any]:
                estate.touch(row, "active" if operation.stage == "succeeded" else "provisioning", at=operation.ended_at)
                return {"cluster_id": row.id}

            metadata = {"workspace_id": WORKSPACE, "region_id": body.region_id, "name": body.name}
            operation = estate.start(call, "cluster.create", row, metadata, settle)
            estate.touch(row, "provisioning")
            return estate.accepted(operation)

        return estate.once(call, act)

    def _details(self, region_id: str, provider: str) -> dict[str, Any]:
        bootstrap = new_bootstrap(self._estate)
        return {"region_id": region_id, "provider": provider, "bootstraps": [bootstrap]}

    def _import(self, call: Call) -> Reply:
        estate = self._estate
        check_region(estate, call.body.region_id)

        def act() -> Answer:
            details = self._details(call.body.region_id, "imported_byoc")
            row = estate.world.add("cluster", estate.new_id("clu"), call.body.name, "active", details)
            return lambda: Reply(200, _cluster_json(row))

        return estate.once(call, act)

    def _delete(self, call: Call) -> Reply:
        def act(row: Resource) -> Answer:
            for kind in ("machine", "install"):
                if self._estate.world.resources.select(0, 1, {"kind": kind, "deleted": False, "cluster": row.id}).total:
                    raise Problem(f"the cluster still has a {kind}", status=409)
            return self._changed(call, "cluster.delete", row, ("deleting", "deleted"))

        return self._on(call, act)

    def _suspend(self, call: Call) -> Reply:
        def act(row: Resource) -> Answer:
            need(row, "active")
            return self._changed(call, "cluster.suspend", row, ("active", "suspended"))

        return self._on(call, act)

    def _resume(self, call: Call) -> Reply:
        def act(row: Resource) -> Answer:
            need(row, "suspended")
            return self._changed(call, "cluster.resume", row, ("suspended", "active"))

        return self._on(call, act)

    def _refresh(self, call: Call) -> Reply:
        estate = self._estate

        def act() -> Answer:
            row = estate.get("cluster", call.params["id"])
            if row.operation is not None:
                raise Problem("cluster has an operation in progress", status=409)

            def settle(operation: Operation) -> Mapping[str, Any]:
                if operation.stage == "succeeded":
                    row.details["refreshed_at"] = operation.ended_at
                estate.touch(row, at=operation.ended_at)
                return {"cluster_id": row.id}

            operation = estate.start(call, "cluster.capabilities.refresh", row, {"cluster_id": row.id}, settle)
            estate.touch(row)
            return estate.accepted(operation)

        return estate.once(call, act)

    def _on(self, call: Call, act: Any) -> Reply:
        estate = self._estate
        return estate.once(call, lambda: act(estate.free(call, estate.get("cluster", call.params["id"]))))

    def _changed(self, call: Call, kind: str, row: Resource, words: tuple[str, str]) -> Answer:
        return self._estate.accepted(self._estate.change(call, kind, row, words, {"cluster_id": row.id}))

    def _capabilities(self, call: Call) -> Reply:
        row = self._estate.get("cluster", call.params["id"])
        node = {
            "name": f"{row.name}-1",
            "ready": True,
            "roles": ["worker"],
            "version": "v1.34.4",
            "cpu_capacity": "4",
            "memory_capacity": "16Gi",
            "os_image": "Simulated Linux",
            "architecture": "amd64",
        }
        shown = {
            "api_groups": ["apps", "batch"],
            "storage_classes": [],
            "gateway_classes": [],
            "gateways": [],
            "ingress_classes": [],
            "nodes": [node],
            "freshness": self._freshness(row),
        }
        return Reply(200, shown)

    def _freshness(self, row: Resource) -> dict[str, Any]:
        at: float | None = row.details.get("refreshed_at")
        known = {"max_age_seconds": _MAX_AGE, "last_refresh_error": None}
        if at is None:
            nothing = dict.fromkeys(("age_seconds", "last_successful_at", "last_refresh_status"))
            return {"state": "missing", **known, **nothing}
        age = int(self._estate.world.now() - at)
        state = "fresh" if age <= _MAX_AGE else "stale"
        times = {"age_seconds": age, "last_successful_at": int(at), "last_refresh_status": "SUCCESS"}
        return {"state": state, **known, **times}

    def _kubeconfig(self, call: Call) -> Reply:
        row = self._estate.get("cluster", call.params["id"])
        return Reply(200, {"kubeconfig": f"apiVersion: v1\nkind: Config\ncurrent-context: {row.name}\n"})


def _cluster_json(row: Resource) -> dict[str, Any]:
    return tracked(row, **page(row), **busy(row), name=row.name, state=row.status, provider=row.details["provider"])
