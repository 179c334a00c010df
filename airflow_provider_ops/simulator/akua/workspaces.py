"""The workspace of the simulated Akua, its subscription and its subdomain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ops.simulator.akua import bodies, queries
from airflow_provider_ops.simulator.akua.estate import Estate, invalid, part
from airflow_provider_ops.simulator.akua.shapes import tracked
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
            Route("GET", "/workspaces", self._list, read, query=queries.Paging),
            Route("GET", one, self._get, read),
            Route("DELETE", one, self._delete, write),
            Route("GET", f"{one}/subscription", self._subscription, read),
            Route("GET", f"{one}/subscription/change_requests", self._changes, read, query=queries.Paging),
            Route("GET", f"{one}/subscription/change_requests/{{change_id}}", self._change, read),
            Route("GET", f"{one}/subdomain", self._subdomain, read),
            Route("POST", f"{one}/subscription:cancel", self._cancel, write, body=cancel),
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

    def _list(self, call: Call) -> Reply:
        row = self._estate.workspace
        return part([] if row.deleted else [self._json()], call)

    def _get(self, call: Call) -> Reply:
        self.get(call)
        return Reply(200, self._json())

    def _json(self) -> dict[str, Any]:
        row = self._estate.workspace
        plan = {"tier": row.details["tier"], "billed_by": "platform"}
        shown = tracked(row, name=row.name, slug="simulated", plan=plan, workspace_class="standard")
        del shown["workspace_id"]
        return shown

    def _subscription(self, call: Call) -> Reply:
        row = self.get(call)
        shown = {
            "id": "sub_simulated",
            "workspace_id": row.id,
            "tier": row.details["tier"],
            "status": "active",
            "cancellation_scheduled": row.details["cancelled"],
            "current_period_end": None,
            "billed_by": "platform",
            "created_at": int(row.created_at),
        }
        return Reply(200, shown)

    def _changes(self, call: Call) -> Reply:
        return part(self.get(call).details["tier_changes"][::-1], call)

    def _change(self, call: Call) -> Reply:
        changes = self.get(call).details["tier_changes"]
        found = next((change for change in changes if change["id"] == call.params["change_id"]), None)
        if found is None:
            raise Problem("subscription change request not found", status=404)
        return Reply(200, found)

    def _subdomain(self, call: Call) -> Reply:
        self.get(call)
        row = self._estate.subdomain
        fqdn, changed = f"{row.name}.example.com", row.details.get("name_changed_at")
        return Reply(200, tracked(row, name=row.name, fqdn=fqdn, status=row.status, name_changed_at=changed))

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
            if row.details["cancelled"]:
                raise Problem("the subscription is cancelled already", status=409)
            return self._estate.accepted(self._change_subscription(call, cancelled=True))

        return self._estate.once(call, act)

    def _reactivate(self, call: Call) -> Reply:
        row = self._estate.free(call, self.get(call))
        if not row.details["cancelled"]:
            raise Problem("the subscription is not cancelled", status=409)
        return self._estate.enveloped(self._change_subscription(call, cancelled=False))()

    def _change_tier(self, call: Call) -> Reply:
        row, tier = self._estate.free(call, self.get(call)), call.body.tier
        if tier not in TIERS:
            raise invalid(f"tier must be one of {', '.join(TIERS)}", "body", "tier")
        change = {
            "id": self._estate.new_id("scr"),
            "workspace_id": row.id,
            "requested_tier": tier,
            "status": "pending",
            "effective_at": None,
            "created_at": int(self._estate.world.now()),
        }
        row.details["tier_changes"].append(change)
        return self._estate.enveloped(self._change_subscription(call, change, tier=tier))()

    def _change_subscription(self, call: Call, change: dict[str, Any] | None = None, **facts: Any) -> Operation:
        """Start what changes the subscription: the contract has one type for that, whatever is changed."""
        estate, row = self._estate, self._estate.workspace
        response = {"subscription_id": "sub_simulated", "cancel_at": int(estate.world.now()) + _MONTH}

        def settle(operation: Operation) -> Mapping[str, Any]:
            done = operation.stage == "succeeded"
            if done:
                row.details.update(facts)
            if change is not None:
                change["status"] = "applied" if done else "failed"
            estate.touch(row, at=operation.ended_at)
            return response

        metadata = {"workspace_id": row.id, "mode": "period_end"}
        operation = estate.start(call, "workspace.subscription.cancel", row, metadata, settle)
        estate.touch(row)
        return operation

    def _set_name(self, call: Call) -> Reply:
        estate = self._estate

        def act() -> Answer:
            workspace, row, name = self.get(call), estate.subdomain, call.body.name
            estate.check_etag(call, row.version)
            if row.status == "propagating":
                raise Problem("the subdomain is being named already", status=409)
            before = row.name, row.status

            def settle(operation: Operation) -> Mapping[str, Any]:
                if operation.stage == "succeeded":
                    row.details["name_changed_at"] = int(operation.ended_at or 0)
                    estate.touch(row, "active", at=operation.ended_at)
                else:
                    row.name = before[0]
                    estate.touch(row, before[1], at=operation.ended_at)
                return {"workspace_id": workspace.id, "workspace_subdomain_id": row.id, "fqdn": f"{name}.example.com"}

            key = call.headers["idempotency-key"]
            metadata = {"workspace_id": workspace.id, "name": name, "idempotency_key": key}
            operation = estate.start(call, "workspace.subdomain.set_name", workspace, metadata, settle)
            row.name = name
            estate.touch(row, "propagating")
            return estate.accepted(operation)

        return estate.once(call, act, required=True)
