"""Worker machines of the simulated Akua."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ops.simulator.akua import bodies, queries
from airflow_provider_ops.simulator.akua.estate import Estate, invalid, need, part
from airflow_provider_ops.simulator.akua.shapes import WORKSPACE, busy, tracked
from airflow_provider_ops.simulator.api import Call, Reply
from airflow_provider_ops.simulator.routing import Route
from airflow_provider_ops.simulator.validation import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ops.simulator.akua.estate import Answer
    from airflow_provider_ops.simulator.records import Operation, Resource

COMPUTE_CONFIGS = {"cc_small": "Small", "cc_large": "Large"}
MOST_LAUNCHING = 3
_MONTH = 30 * 24 * 3600


class Machines:
    """Worker machines and their suspensions."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        read, write = "machines:read", "machines:write"
        one, events = "/machines/{id}", "/machines/{id}/suspension_events"
        suspend, resume = bodies.SuspendMachine, bodies.Empty
        return [
            Route("GET", "/machines", self._list, read, query=queries.ListMachines),
            Route("POST", "/machines", self._create, write, body=bodies.CreateMachine),
            Route("GET", one, self._get, read),
            Route("DELETE", one, self._delete, write),
            Route("POST", f"{one}:suspend", self._suspend, write, body=suspend, body_optional=True),
            Route("POST", f"{one}:resume", self._resume, write, body=resume, body_optional=True),
            Route("GET", events, self._events, read, query=queries.ListSuspensionEvents),
            Route("GET", f"{events}/{{event_id}}", self._event, read),
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
            if body.compute_config_id not in (None, *COMPUTE_CONFIGS):
                raise invalid("unknown compute config", "body", "compute_config_id")
            need(cluster, "active")
            if launching(estate, cluster.id) >= MOST_LAUNCHING:
                raise Problem(f"{MOST_LAUNCHING} machines are launching in this cluster already", status=429)
            machine_id = estate.new_id("mch")
            details = {
                "cluster_id": cluster.id,
                "compute_config_id": body.compute_config_id,
                "public_ip": None,
                "suspensions": [],
            }
            row = estate.world.add("machine", machine_id, body.name or machine_id, "PROVISIONING", details)

            def settle(operation: Operation) -> Mapping[str, Any]:
                if operation.stage == "succeeded":
                    row.details["public_ip"] = self._address()
                    estate.touch(row, "ACTIVE", at=operation.ended_at)
                return {"machine_id": row.id, "provider_id": _provider_id(row)}

            metadata = {
                "workspace_id": WORKSPACE,
                "cluster_id": cluster.id,
                "compute_config_id": body.compute_config_id,
                "instance_type": body.instance_type,
                "managed": body.compute_config_id is None,
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
                reason = call.body.reason if call.body is not None else None
                response["suspension_id"] = self._new_event(row, reason or "manual")["id"]
            return estate.accepted(estate.change(call, kind, row, words, metadata, response))

        return estate.once(call, act, required=True)

    def _new_event(self, row: Resource, reason: str) -> dict[str, Any]:
        now = int(self._estate.world.now())
        event = {
            "id": self._estate.new_id("sus"),
            "machine_id": row.id,
            "started_at": now,
            "expires_at": now + _MONTH,
            "snapshot_ref": {"provider": "hcloud", "snapshot_id": row.seq + 1, "size_gb": 40},
            "monthly_cost_cents": 48,
            "reason": reason,
        }
        row.details["suspensions"].append(event)
        return event

    def _events(self, call: Call) -> Reply:
        row = self._estate.get("machine", call.params["id"])
        shown = [_event_json(row, event) for event in reversed(row.details["suspensions"])]
        return part([event for event in shown if call.query.reason in (None, event["reason"])], call)

    def _event(self, call: Call) -> Reply:
        row = self._estate.get("machine", call.params["id"])
        found = next((event for event in row.details["suspensions"] if event["id"] == call.params["event_id"]), None)
        if found is None:
            raise Problem("suspension event not found", status=404)
        return Reply(200, _event_json(row, found))

    def _address(self) -> str:
        # a block that is reserved for documentation
        return f"203.0.113.{int(self._estate.world.ids.uuid()[:2], 16)}"


def launching(estate: Estate, cluster_id: str) -> int:
    """Return how many machines of a cluster are being created."""
    filters = {"kind": "machine", "deleted": False, "cluster": cluster_id, "status": "PROVISIONING"}
    rows = estate.world.resources.select(0, MOST_LAUNCHING + 100, filters).items
    return sum(row.operation is not None for row in rows)


def _provider_id(row: Resource) -> str:
    return f"sim://{row.id}"


def _machine_json(row: Resource) -> dict[str, Any]:
    facts = row.details
    config = {} if facts["compute_config_id"] is None else {"compute_config_id": facts["compute_config_id"]}
    suspended = {}
    if row.status == "SUSPENDED":
        event = facts["suspensions"][-1]
        names = ("snapshot_ref", "expires_at", "monthly_cost_cents", "reason")
        suspended = {"current_suspension": {"event_id": event["id"], **{name: event[name] for name in names}}}
    return tracked(
        row,
        **busy(row),
        **config,
        **suspended,
        name=row.name,
        state=row.status,
        cluster_id=facts["cluster_id"],
        provider_id=_provider_id(row),
        provider_resource={"identity_kind": "recyclable", "public_ip": facts["public_ip"]},
        node_name=None if row.status == "PROVISIONING" else row.name,
    )


def _event_json(row: Resource, event: dict[str, Any]) -> dict[str, Any]:
    last = event is row.details["suspensions"][-1]
    word = {"SUSPENDING": "in_progress", "SUSPENDED": "completed", "RESUMING": "completed"}.get(row.status, "resumed")
    state = word if last else "resumed"
    resumed = {"resumed_at": int(row.updated_at)} if state == "resumed" else {}
    return {**event, **resumed, "state": state, "etag": str(row.version)}
