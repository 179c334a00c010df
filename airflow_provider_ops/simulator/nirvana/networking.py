"""VPCs, firewall rules and Connect connections of the simulated Nirvana."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from airflow_provider_ops.simulator.api import Call, Reply
from airflow_provider_ops.simulator.nirvana import catalogue, shapes
from airflow_provider_ops.simulator.nirvana.bodies import (
    CreateConnection,
    CreateFirewallRule,
    CreateVPC,
    UpdateConnection,
    UpdateFirewallRule,
    UpdateVPC,
)
from airflow_provider_ops.simulator.nirvana.kinds import Kind
from airflow_provider_ops.simulator.nirvana.listing import listed
from airflow_provider_ops.simulator.nirvana.queries import ListConnections, ListFirewallRules, ListQuery, ListVPCs
from airflow_provider_ops.simulator.routing import Route
from airflow_provider_ops.simulator.validation import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ops.simulator.records import Resource

_CIDR = "10.0.0.0/24"


class VPCs(Kind):
    """Private networks."""

    word = scope = "vpc"
    collection = "/v1/networking/vpcs"
    id_name = "vpc_id"
    create = CreateVPC
    update = UpdateVPC
    query = ListVPCs

    def show(self, row: Resource) -> dict[str, Any]:
        """Return a VPC."""
        return shapes.vpc(row, self.estate.rows("firewall_rule", parent=row.id))

    def facts(self, body: CreateVPC, parent: Resource | None) -> dict[str, Any]:  # noqa: ARG002
        """Give it a subnet."""
        return {"cidr": _CIDR, "subnet_id": ""}

    def started(self, row: Resource, body: CreateVPC) -> None:  # noqa: ARG002
        """Name the subnet, so that VMs find it."""
        row.details["subnet_id"] = self.estate.world.ids.uuid()
        self.estate.subnets[row.details["subnet_id"]] = row

    def may_go(self, row: Resource) -> None:
        """Refuse while something is in it."""
        for kind in ("vm", "nks_cluster"):
            if count := self.estate.count(kind, vpc=row.id):
                raise Problem(f"vpc {row.id} still has {count} {kind}", kind="invalid")

    def gone(self, row: Resource, at: float | None) -> None:
        """Take its rules along."""
        for rule in self.estate.rows("firewall_rule", parent=row.id):
            self.estate.remove(rule, at)


class FirewallRules(Kind):
    """Rules of a VPC."""

    word = "firewall_rule"
    scope = "vpc"
    collection = "/v1/networking/vpcs/{vpc_id}/firewall_rules"
    id_name = "firewall_rule_id"
    parent = ("vpc", "vpc_id")
    create = CreateFirewallRule
    update = UpdateFirewallRule
    query = ListFirewallRules
    askable = ()

    def show(self, row: Resource) -> dict[str, Any]:
        """Return a rule."""
        return shapes.firewall_rule(row)

    def facts(self, body: CreateFirewallRule, parent: Resource | None) -> dict[str, Any]:
        """Hold the destination against the VPC."""
        if parent is not None:
            _check_inside(body.destination_address, parent)
        return {}

    def fits(self, row: Resource, new: Mapping[str, Any]) -> None:
        """Hold a new destination against the VPC."""
        vpc = self.estate.find(row.details["parent"])
        if vpc is not None and "destination_address" in new:
            _check_inside(new["destination_address"], vpc)


def _check_inside(destination: str, vpc: Resource) -> None:
    wanted, network = ipaddress.ip_network(destination), ipaddress.ip_network(vpc.details["cidr"])
    if wanted.version != network.version or not wanted.subnet_of(network):  # type: ignore[arg-type]
        raise Problem(f"destination_address: {destination} is not inside {network}", kind="invalid")


class Connections(Kind):
    """Connect connections."""

    word = scope = "connect_connection"
    collection = "/v1/networking/connect/connections"
    id_name = "connection_id"
    create = CreateConnection
    update = UpdateConnection
    query = ListConnections
    askable = ("cost",)

    def routes(self) -> list[Route]:
        """Return the endpoints, with the routes, of which there are none."""
        return [*super().routes(), Route("GET", "/v1/networking/connect/routes", _no_routes, query=ListQuery)]

    def show(self, row: Resource) -> dict[str, Any]:
        """Return a connection."""
        return shapes.connection(row)

    def facts(self, body: CreateConnection, parent: Resource | None) -> dict[str, Any]:  # noqa: ARG002
        """Refuse what is above the quota."""
        if self.estate.count(self.word, project=body.project_id) >= catalogue.CONNECTIONS_PER_PROJECT:
            message = f"quota exceeded: connect_connections, limit {catalogue.CONNECTIONS_PER_PROJECT}"
            raise Problem(message, kind="invalid")
        return {}


def _no_routes(call: Call) -> Reply:
    nothing: list[dict[str, Any]] = []
    return listed(nothing, call, dict)
