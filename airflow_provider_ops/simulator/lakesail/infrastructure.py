"""Clusters, networks and connections. Reads are documented; how things are made and removed is a choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ops.simulator.api import Reply
from airflow_provider_ops.simulator.lifecycle import Script
from airflow_provider_ops.simulator.paging import page_cursor
from airflow_provider_ops.simulator.records import Phase
from airflow_provider_ops.simulator.routing import Route

from . import bodies, shapes

if TYPE_CHECKING:
    from airflow_provider_ops.simulator.api import Call, SimulatedApi
    from airflow_provider_ops.simulator.records import Operation, Resource

FIRST_CONNECTION: dict[str, Any] = {
    "id": "C3V7X1Z5QM",
    "name": "main account",
    "provider": "aws",
    "providerConfig": {"accountId": "123456789012", "region": "eu-west-1"},
    "status": "active",
    "createdAt": "2025-01-01T00:00:00Z",
    "createdBy": shapes.MEMBER,
}
"""There from the start. Not a resource of the world, whose numbers are about what somebody has created."""

_CLUSTER = (
    Phase("network", "Preparing the network"),
    Phase("control_plane", "Creating the control plane"),
    Phase("nodes", "Starting management nodes"),
)
_NETWORK = (Phase("vpc", "Creating the VPC"), Phase("subnets", "Creating subnets"), Phase("routes", "Routing"))
_CONNECTION = (Phase("stack", "Checking the stack"), Phase("discovery", "Discovering instance types"))
_PHASES = {"cluster": _CLUSTER, "network": _NETWORK, "connection": _CONNECTION}


class Infrastructure:
    """Its routes, on the world of the API."""

    def __init__(self, api: SimulatedApi) -> None:
        self._api, self._world = api, api.world
        self._clusters = shapes.Alphabet()
        # how many clusters are in a network
        self._used: dict[str, int] = {}

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        read, write = "infra:read", "infra:write"
        return [
            Route("GET", "/operations/{id}", self._operation, read),
            Route("GET", "/me/clusters", self._list_clusters, read, query=bodies.ListClusters),
            Route("GET", "/infra/networks", self._list_networks, read, query=bodies.Marked),
            Route("GET", "/infra/connections", self._list_connections, read, query=bodies.Marked),
            Route(
                "GET",
                "/infra/connections/{id}/provider-networks",
                self._provider_networks,
                read,
                query=bodies.ListProviderNetworks,
            ),
            Route("POST", "/infra/clusters", self._create_cluster, write, body=bodies.CreateCluster),
            Route("DELETE", "/infra/clusters/{id}", self._delete_cluster, write),
            Route("POST", "/infra/networks", self._create_network, write, body=bodies.CreateNetwork),
            Route("DELETE", "/infra/networks/{id}", self._delete_network, write),
            Route("POST", "/infra/connections", self._create_connection, write, body=bodies.CreateConnection),
            Route("DELETE", "/infra/connections/{id}", self._delete_connection, write),
        ]

    def _operation(self, call: Call) -> Reply:
        row = self._api.read_operation(call.params["id"])
        if row is None or row.resource.kind not in _PHASES:
            raise shapes.not_found("operation")
        return Reply(200, shapes.operation_json(row))

    def _list_clusters(self, call: Call) -> Reply:
        query: bodies.ListClusters = call.query
        rows, total = self._clusters.page(query.page, query.limit, query.sort_direction)
        items = [
            {
                "id": row.id,
                "externalClusterId": row.details["externalClusterId"],
                "connectionId": row.details["connectionId"],
            }
            for row in rows
        ]
        used = dict.fromkeys(row.details["connectionId"] for row in rows)
        included = {
            "clusters": [_cluster_json(row) for row in rows],
            "connections": [self._connection_by_id(connection_id) for connection_id in used],
        }
        return Reply(200, {"total": total, "items": items, "included": included})

    def _list_networks(self, call: Call) -> Reply:
        rows, info = page_cursor(
            self._world.resources, call.query.marker, call.query.limit, {"kind": "network", "deleted": False}
        )
        page: dict[str, Any] = {"items": [_network_json(row) for row in rows]}
        return Reply(200, page if info.next_cursor is None else {**page, "marker": info.next_cursor})

    def _list_connections(self, call: Call) -> Reply:
        query: bodies.Marked = call.query
        first = [FIRST_CONNECTION][: query.limit] if query.marker is None else []
        rows, info = page_cursor(
            self._world.resources,
            query.marker,
            query.limit,
            {"kind": "connection", "deleted": False},
        )
        if first and len(rows) == query.limit:
            # the one that is no resource takes the first place, and the last of the page moves on
            rows, info = page_cursor(
                self._world.resources, None, query.limit - 1, {"kind": "connection", "deleted": False}
            )
        operations = [row.details["last_operation"] for row in rows]
        page: dict[str, Any] = {
            "items": [*first, *(_connection_json(row) for row in rows)],
            "included": {"operations": [shapes.operation_json(row) for row in operations]},
        }
        return Reply(200, page if info.next_cursor is None else {**page, "marker": info.next_cursor})

    def _provider_networks(self, call: Call) -> Reply:
        connection = self._connection_by_id(call.params["id"])
        region = call.query.region or connection["providerConfig"]["region"]
        vpc = {
            "provider": "aws",
            "vpcId": "vpc-0a1b2c3d",
            "cidr": "10.0.0.0/16",
            "name": f"default of {region}",
            "azCount": 3,
            "state": "available",
            "tags": {"region": region},
        }
        return Reply(200, {"items": [vpc]})

    def _create_cluster(self, call: Call) -> Reply:
        body: bodies.CreateCluster = call.body
        connection = self._connection_by_id(body.connection_id)
        if body.network_id is not None:
            shapes.find(self._world, "network", body.network_id)
            self._used[body.network_id] = self._used.get(body.network_id, 0) + 1
        details = {
            "externalClusterId": self._world.ids.upper(10),
            "connectionId": body.connection_id,
            "networkId": body.network_id,
            "region": body.region or connection["providerConfig"]["region"],
        }
        row = self._world.add("cluster", self._world.ids.upper(10), body.name, "pending", details)
        self._clusters.add(row.name, row)
        self._provision(call, row)
        return Reply(202, _cluster_json(row))

    def _delete_cluster(self, call: Call) -> Reply:
        row = self._free("cluster", call.params["id"])
        return Reply(202, shapes.operation_json(self._destroy(call, row)))

    def _create_network(self, call: Call) -> Reply:
        body: bodies.CreateNetwork = call.body
        connection = self._connection_by_id(body.connection_id)
        details = {
            "connectionId": body.connection_id,
            "region": body.region or connection["providerConfig"]["region"],
            "cidr": body.config.cidr,
            "vpc": f"vpc-{self._world.ids.lower(8)}",
        }
        row = self._world.add("network", self._world.ids.upper(10), body.name, "pending", details)
        return Reply(202, {"operation": shapes.operation_json(self._provision(call, row))})

    def _delete_network(self, call: Call) -> Reply:
        row = self._free("network", call.params["id"])
        if self._used.get(row.id):
            raise shapes.conflict("clusters are in the network")
        return Reply(202, {"operationId": self._destroy(call, row).id})

    def _create_connection(self, call: Call) -> Reply:
        body: bodies.CreateConnection = call.body
        details = {"provider": body.provider, "providerConfig": body.provider_config.model_dump(by_alias=True)}
        row = self._world.add("connection", self._world.ids.upper(10), body.name, "pending", details)
        where = self._location(self._provision(call, row))
        return Reply(202, _connection_json(row), {"Location": where})

    def _delete_connection(self, call: Call) -> Reply:
        row = self._free("connection", call.params["id"])
        return Reply(202, None, {"Location": self._location(self._destroy(call, row))})

    def _location(self, operation: Operation) -> str:
        return f"{self._api.mount}/operations/{operation.id}"

    def _free(self, kind: str, resource_id: str) -> Resource:
        row = shapes.find(self._world, kind, resource_id)
        if row.operation is not None:
            raise shapes.conflict(f"operation {row.operation.id} is running on the {kind}")
        return row

    def _provision(self, call: Call, row: Resource) -> Operation:
        return self._start(call, row, "provision", _PHASES[row.kind], self._provisioned)

    def _destroy(self, call: Call, row: Resource) -> Operation:
        self._world.update(row, status="destroying")
        return self._start(call, row, "destroy", _PHASES[row.kind][::-1], self._destroyed)

    def _start(self, call: Call, row: Resource, verb: str, phases: tuple[Phase, ...], then: Any) -> Operation:
        script = Script(phases, Phase("done", f"{row.kind} {verb} is done"))
        kind, operation_id = f"{row.kind}.{verb}", self._world.ids.upper(10)
        operation = self._api.start(call, kind, operation_id, row, script, then, {"phases": phases})
        row.details["last_operation"] = operation
        return operation

    def _provisioned(self, operation: Operation) -> None:
        status = "active" if operation.stage == "succeeded" else "failed"
        self._world.update(operation.resource, status=status, at=operation.ended_at)

    def _destroyed(self, operation: Operation) -> None:
        row, done = operation.resource, operation.stage == "succeeded"
        self._world.update(row, status="destroyed" if done else "failed", deleted=done, at=operation.ended_at)
        if done and row.kind == "cluster":
            self._clusters.remove(row.name, row)
            if row.details["networkId"] is not None:
                self._used[row.details["networkId"]] -= 1

    def _connection_by_id(self, connection_id: str) -> dict[str, Any]:
        if connection_id == FIRST_CONNECTION["id"]:
            return FIRST_CONNECTION
        return _connection_json(shapes.find(self._world, "connection", connection_id))


def _cluster_json(row: Resource) -> dict[str, Any]:
    names = ("externalClusterId", "region", "connectionId", "networkId")
    return {
        "id": row.id,
        "name": row.name,
        **{name: row.details[name] for name in names},
        "externalStatus": row.status,
        "operationId": row.details["last_operation"].id,
        **shapes.stamps(row),
    }


def _network_json(row: Resource) -> dict[str, Any]:
    return {
        "id": row.id,
        "connectionId": row.details["connectionId"],
        "name": row.name,
        "region": row.details["region"],
        "providerNetworkId": row.details["vpc"],
        "config": {"cidr": row.details["cidr"]},
        "iacState": {"projectName": "lakesail", "stackName": row.id},
        "iacOutputs": {},
        "status": row.status,
    }


def _connection_json(row: Resource) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "provider": row.details["provider"],
        "providerConfig": row.details["providerConfig"],
        "status": row.status,
        **shapes.stamps(row),
    }
