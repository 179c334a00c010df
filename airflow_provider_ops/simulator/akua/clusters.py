"""Clusters, their worker bootstraps, and machines."""

from __future__ import annotations

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

REGIONS = ({"id": "reg_eu", "name": "Europe"}, {"id": "reg_us", "name": "United States"})
COMPUTE_CONFIGS = ({"id": "cc_small", "name": "Small"}, {"id": "cc_large", "name": "Large"})
MOST_LAUNCHING = 3


class Clusters:
    """Clusters and their worker bootstraps."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        read, write = "clusters:read", "clusters:write"
        one, bootstraps = "/clusters/{id}", "/clusters/{id}/worker_bootstraps"
        return [
            Route("GET", "/clusters", self._list, read, query=bodies.Paging),
            Route("POST", "/clusters", self._create, write, body=bodies.CreateCluster),
            Route("POST", "/clusters:import", self._import, write, body=bodies.Import),
            Route("GET", one, self._get, read),
            Route("DELETE", one, self._delete, write),
            Route("POST", f"{one}:suspend", self._suspend, write),
            Route("POST", f"{one}:resume", self._resume, write),
            Route("POST", f"{one}/capabilities:refresh", self._refresh, write),
            Route("GET", bootstraps, self._bootstraps, read, query=bodies.Paging),
            Route("GET", f"{bootstraps}/{{wbs_id}}", self._bootstrap, read),
            Route("POST", f"{bootstraps}/{{wbs_id}}:revoke", self._revoke, write),
        ]

    def _list(self, call: Call) -> Reply:
        return self._estate.listed(call, "cluster", _cluster_json)

    def _get(self, call: Call) -> Reply:
        return Reply(200, _cluster_json(self._estate.get("cluster", call.params["id"])))

    def _create(self, call: Call) -> Reply:
        estate, body = self._estate, call.body
        check_region(body.region_id)
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
        bootstrap = {"id": self._estate.new_id("wbs"), "version": 1}
        return {"region_id": region_id, "provider": provider, "bootstrap": bootstrap}

    def _import(self, call: Call) -> Reply:
        estate = self._estate

        def act() -> Answer:
            details = self._details(REGIONS[0]["id"], "imported_byoc")
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
            words = (row.status, row.status)
            return self._changed(call, "cluster.capabilities.refresh", row, words)

        return estate.once(call, act)

    def _on(self, call: Call, act: Any) -> Reply:
        estate = self._estate
        return estate.once(call, lambda: act(estate.free(call, estate.get("cluster", call.params["id"]))))

    def _changed(self, call: Call, kind: str, row: Resource, words: tuple[str, str]) -> Answer:
        return self._estate.accepted(self._estate.change(call, kind, row, words, {"cluster_id": row.id}))

    def _bootstraps(self, call: Call) -> Reply:
        return part([_bootstrap_json(self._estate.get("cluster", call.params["id"]))], call)

    def _bootstrap(self, call: Call) -> Reply:
        return Reply(200, _bootstrap_json(self._with_bootstrap(call)))

    def _with_bootstrap(self, call: Call) -> Resource:
        row = self._estate.get("cluster", call.params["id"])
        if row.details["bootstrap"]["id"] != call.params["wbs_id"]:
            raise Problem("worker bootstrap not found", status=404)
        return row

    def _revoke(self, call: Call) -> Reply:
        estate = self._estate

        def act() -> Answer:
            row = self._with_bootstrap(call)
            bootstrap = row.details["bootstrap"]
            estate.check_etag(call, bootstrap["version"])
            if bootstrap.get("operation") or bootstrap.get("revoked"):
                raise Problem("worker bootstrap is revoked already", status=409)

            def settle(operation: Operation) -> Mapping[str, Any]:
                revoked = operation.stage == "succeeded"
                bootstrap.update(version=bootstrap["version"] + 1, operation=None, revoked=revoked)
                return {"note": "revoked"}

            metadata = {"cluster_id": row.id, "worker_bootstrap_id": bootstrap["id"]}
            operation = estate.start(call, "cluster.worker_bootstrap.revoke", row, metadata, settle)
            bootstrap.update(version=bootstrap["version"] + 1, operation=operation)
            return estate.accepted(operation)

        return estate.once(call, act)


class Machines:
    """Worker machines."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        read, write = "machines:read", "machines:write"
        one = "/machines/{id}"
        suspend, resume = bodies.SuspendMachine, bodies.Empty
        return [
            Route("GET", "/machines", self._list, read, query=bodies.ListMachines),
            Route("POST", "/machines", self._create, write, body=bodies.CreateMachine),
            Route("GET", one, self._get, read, query=bodies.View),
            Route("DELETE", one, self._delete, write),
            Route("POST", f"{one}:suspend", self._suspend, write, body=suspend, body_optional=True),
            Route("POST", f"{one}:resume", self._resume, write, body=resume, body_optional=True),
        ]

    def _list(self, call: Call) -> Reply:
        filters = {"cluster": call.query.cluster_id, "status": call.query.state}
        return self._estate.listed(call, "machine", _machine_json, filters)

    def _get(self, call: Call) -> Reply:
        return Reply(200, _machine_json(self._estate.get("machine", call.params["id"])))

    def _create(self, call: Call) -> Reply:
        estate, body = self._estate, call.body

        def act() -> Answer:
            cluster = estate.get("cluster", body.cluster_id)
            if body.compute_config_id not in [config["id"] for config in COMPUTE_CONFIGS]:
                raise invalid("unknown compute config", "body", "compute_config_id")
            need(cluster, "active")
            if launching(estate, cluster.id) >= MOST_LAUNCHING:
                raise Problem(f"{MOST_LAUNCHING} machines are launching in this cluster already", status=429)
            machine_id = estate.new_id("mch")
            details = {"cluster_id": cluster.id, "instance_type": body.instance_type, "public_ip": None}
            row = estate.world.add("machine", machine_id, body.name or machine_id, "PROVISIONING", details)

            def settle(operation: Operation) -> Mapping[str, Any]:
                if operation.stage == "succeeded":
                    row.details["public_ip"] = self._address()
                    estate.touch(row, "ACTIVE", at=operation.ended_at)
                return {"machine_id": row.id, "provider_id": f"sim://{row.id}"}

            metadata = {
                "workspace_id": WORKSPACE,
                "cluster_id": cluster.id,
                "compute_config_id": body.compute_config_id,
                "instance_type": body.instance_type,
                "managed": True,
                "request_fingerprint": f"fp-{row.id}",
            }
            return estate.accepted(estate.start(call, "machine.create", row, metadata, settle))

        return estate.once(call, act)

    def _delete(self, call: Call) -> Reply:
        return self._on(call, "machine.delete", None, ("DELETING", "deleted"))

    def _suspend(self, call: Call) -> Reply:
        return self._on(call, "machine.suspend", "ACTIVE", ("SUSPENDING", "SUSPENDED"))

    def _resume(self, call: Call) -> Reply:
        return self._on(call, "machine.resume", "SUSPENDED", ("RESUMING", "ACTIVE"))

    def _on(self, call: Call, kind: str, needed: str | None, words: tuple[str, str]) -> Reply:
        estate = self._estate

        def act() -> Answer:
            row = estate.free(call, estate.get("machine", call.params["id"]))
            if needed is not None:
                need(row, needed)
            if kind != "machine.delete":
                row.details["public_ip"] = self._address() if kind == "machine.resume" else None
            metadata = {"workspace_id": WORKSPACE, "machine_id": row.id, "request_fingerprint": f"fp-{row.id}"}
            response = {"machine_id": row.id}
            if kind == "machine.suspend":
                response["suspension_id"] = estate.new_id("sus")
            return estate.accepted(estate.change(call, kind, row, words, metadata, response))

        return estate.once(call, act, required=True)

    def _address(self) -> str:
        # a block that is reserved for documentation
        return f"203.0.113.{int(self._estate.world.ids.uuid()[:2], 16)}"


def check_region(region_id: str) -> None:
    """Refuse a region that does not exist, with the path of the server's own names."""
    if region_id not in [region["id"] for region in REGIONS]:
        raise invalid("unknown region", "args", "regionId")


def launching(estate: Estate, cluster_id: str) -> int:
    """Return how many machines of a cluster are being created."""
    filters = {"kind": "machine", "deleted": False, "cluster": cluster_id, "status": "PROVISIONING"}
    rows = estate.world.resources.select(0, MOST_LAUNCHING + 100, filters).items
    return sum(row.operation is not None for row in rows)


def need(row: Resource, status: str) -> None:
    """Refuse what only makes sense in another state."""
    if row.status != status:
        raise Problem(f"{row.kind} is {row.status}, not {status}", status=409)


def _cluster_json(row: Resource) -> dict[str, Any]:
    return tracked(row, state=row.status, provider=row.details["provider"], region_id=row.details["region_id"])


def _machine_json(row: Resource) -> dict[str, Any]:
    return tracked(
        row,
        state=row.status,
        cluster_id=row.details["cluster_id"],
        instance_type=row.details["instance_type"],
        provider_resource={"public_ip": row.details["public_ip"]},
    )


def _bootstrap_json(cluster: Resource) -> dict[str, Any]:
    bootstrap = cluster.details["bootstrap"]
    operation: Operation | None = bootstrap.get("operation")
    active = None
    if operation is not None:
        active = {"id": operation.id, "type": operation.kind, "started_at": int(operation.created_at)}
    return {"id": bootstrap["id"], "etag": str(bootstrap["version"]), "active_operation": active}
