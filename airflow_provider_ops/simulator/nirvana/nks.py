"""Kubernetes of the simulated Nirvana: clusters, pools, nodes and what else belongs to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ops.simulator.api import Call, Reply
from airflow_provider_ops.simulator.nirvana import shapes
from airflow_provider_ops.simulator.nirvana.bodies import (
    CreateCluster,
    CreatePool,
    UpdateCluster,
    UpdateLoadBalancer,
    UpdatePool,
)
from airflow_provider_ops.simulator.nirvana.estate import check_idle
from airflow_provider_ops.simulator.nirvana.kinds import Kind, Part
from airflow_provider_ops.simulator.nirvana.listing import listed
from airflow_provider_ops.simulator.nirvana.queries import ListQuery, ProjectQuery
from airflow_provider_ops.simulator.routing import Route

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ops.simulator.records import Operation, Resource

_CLUSTERS = "/v1/nks/clusters"
_PARTS = ("nks_node_pool", "nks_controller", "nks_load_balancer", "persistent_volume_claim")


class Clusters(Kind):
    """Clusters."""

    word = scope = "nks_cluster"
    collection = _CLUSTERS
    id_name = "cluster_id"
    create = CreateCluster
    update = UpdateCluster
    query = ProjectQuery

    def routes(self) -> list[Route]:
        """Return the endpoints, with the kubeconfig."""
        return [*super().routes(), Route("GET", f"{self.one}/kubeconfig", self._kubeconfig, "nks_cluster:read")]

    def show(self, row: Resource) -> dict[str, Any]:
        """Return a cluster."""
        return shapes.cluster(row, self.estate.rows("nks_node_pool", parent=row.id))

    def facts(self, body: CreateCluster, parent: Resource | None) -> dict[str, Any]:  # noqa: ARG002
        """Find its VPC."""
        self.estate.named("vpc_id", "vpc", body.vpc_id)
        return {"private_ip": "", "public_ip": ""}

    def made(self, row: Resource) -> None:
        """Give it addresses and the things that a new cluster has."""
        row.details.update(private_ip=f"10.0.1.{row.seq % 250 + 2}", public_ip=f"198.51.100.{row.seq % 250 + 2}")
        estate = self.estate
        machine = {"instance_type": "n1-standard-2", "private_ip": "10.0.1.10"}
        controller = estate.add_part("nks_controller", f"{row.name}-controller-1", row, {"shown": machine})
        _add_volume(estate, controller)
        balancer = {"namespace": "ingress", "service_name": "ingress", "private_ip": "10.0.1.20", "public_ip": None}
        shown = {"cluster_id": row.id, **balancer, "public_ip_enabled": False}
        estate.add_part("nks_load_balancer", "ingress", row, {"shown": shown})
        claim = {"cluster_id": row.id, "size": 10, "type": "abs"}
        estate.add_part("persistent_volume_claim", "registry", row, {"shown": claim})

    def gone(self, row: Resource, at: float | None) -> None:
        """Take everything in it along."""
        for kind in _PARTS:
            for part in self.estate.rows(kind, parent=row.id):
                self.estate.remove(part, at)
                for node in self.estate.rows("nks_node", parent=part.id):
                    self.estate.remove(node, at)

    def _kubeconfig(self, call: Call) -> Reply:
        row = self.find(call)
        text = (
            f"apiVersion: v1\nkind: Config\nclusters:\n- name: {row.id}\n  cluster:\n    server: https://example.com\n"
        )
        return Reply(200, {"kubeconfig": text})


class Pools(Kind):
    """Node pools; everything on a pool is refused while an operation is active on it."""

    word = scope = "nks_node_pool"
    collection = f"{_CLUSTERS}/{{cluster_id}}/pools"
    id_name = "pool_id"
    parent = ("nks_cluster", "cluster_id")
    create = CreatePool
    update = UpdatePool
    query = ListQuery
    waits = True

    def routes(self) -> list[Route]:
        """Return the endpoints, with the volumes of a pool."""
        return [
            *super().routes(),
            Route("GET", f"{self.one}/volumes", self._volumes, "nks_node_pool:read", query=ListQuery),
        ]

    def show(self, row: Resource) -> dict[str, Any]:
        """Return a pool."""
        return shapes.pool(row)

    def facts(self, body: CreatePool, parent: Resource | None) -> dict[str, Any]:  # noqa: ARG002
        """Fill in what may be left out."""
        config = body.node_config.model_dump()
        config.update(labels=config["labels"] or [], taints=config["taints"] or [])
        return {"node_config": config, "node_count": body.node_count or 0}

    def made(self, row: Resource) -> None:
        """Start its nodes."""
        self._scale(row)

    def changed(self, row: Resource, new: Mapping[str, Any]) -> None:  # noqa: ARG002
        """Start or end nodes."""
        self._scale(row)

    def gone(self, row: Resource, at: float | None) -> None:
        """Take its nodes along."""
        for node in self.estate.rows("nks_node", parent=row.id):
            self.estate.remove(node, at)

    def _scale(self, row: Resource) -> None:
        nodes = self.estate.rows("nks_node", parent=row.id)
        for surplus in nodes[row.details["node_count"] :]:
            self.estate.remove(surplus, None)
        for number in range(len(nodes), row.details["node_count"]):
            shown = {"private_ip": f"10.0.2.{number + 2}"}
            node = self.estate.add_part("nks_node", f"{row.name}-{number + 1}", row, {"shown": shown})
            _add_volume(self.estate, node, node_id=node.id, **row.details["node_config"]["boot_volume"])

    def _volumes(self, call: Call) -> Reply:
        row = self.find(call)
        nodes = self.estate.rows("nks_node", parent=row.id)
        volumes = [volume for node in nodes for volume in self.estate.rows("nks_volume", parent=node.id)]
        return listed(volumes, call, shapes.part)


def _add_volume(estate: Any, owner: Resource, **facts: Any) -> None:
    shown = {"kind": "boot", "size": 64, "type": "nvme", **facts}
    estate.add_part("nks_volume", f"{owner.name}-boot", owner, {"shown": shown})


class Nodes(Part):
    """Nodes of a pool; a delete is an operation on the node that keeps its pool busy."""

    word = "nks_node"
    scope = "nks_node_pool"
    collection = f"{Pools.collection}/{{pool_id}}/nodes"
    id_name = "node_id"
    parent = ("nks_node_pool", "pool_id")
    deletes = True

    def _delete(self, call: Call) -> Reply:
        node, pool = self.find(call), self.estate.get("nks_node_pool", call.params["pool_id"])
        check_idle(pool)
        self.estate.change(node, status="deleting")
        operation: Operation = self.estate.start(call, "nks_node.delete", node, self._settled)
        pool.details["busy"] = operation
        return self.accept(operation)

    def gone(self, row: Resource, at: float | None) -> None:
        """Count one node less."""
        pool = self.estate.find(row.details["parent"])
        if pool is not None:
            pool.details["node_count"] -= 1
            self.estate.change(pool, at=at)


class LoadBalancers(Part):
    """Load balancers of a cluster."""

    word = "nks_load_balancer"
    scope = "nks_cluster"
    collection = f"{_CLUSTERS}/{{cluster_id}}/load_balancers"
    id_name = "load_balancer_id"
    parent = ("nks_cluster", "cluster_id")
    update = UpdateLoadBalancer

    @staticmethod
    def _now(row: Resource, name: str) -> Any:
        return row.details["shown"][name]

    def changed(self, row: Resource, new: Mapping[str, Any]) -> None:
        """Give or take the public address."""
        enabled = new["public_ip_enabled"]
        row.details["shown"].update(public_ip_enabled=enabled, public_ip="198.51.100.254" if enabled else None)


class Controllers(Part):
    """Machines of the control plane."""

    word = "nks_controller"
    scope = "nks_cluster"
    collection = f"{_CLUSTERS}/{{cluster_id}}/controllers"
    id_name = "controller_id"
    parent = ("nks_cluster", "cluster_id")


class Claims(Part):
    """Storage that workloads asked for."""

    word = "persistent_volume_claim"
    scope = "nks_cluster"
    collection = f"{_CLUSTERS}/{{cluster_id}}/persistent_volume_claims"
    id_name = "persistent_volume_claim_id"
    parent = ("nks_cluster", "cluster_id")


class NodeVolumes(Part):
    """Volumes of a node."""

    word = "nks_volume"
    scope = "nks_node_pool"
    collection = f"{Nodes.collection}/{{node_id}}/volumes"
    id_name = "volume_id"
    parent = ("nks_node", "node_id")


class ControllerVolumes(NodeVolumes):
    """Volumes of a controller."""

    scope = "nks_cluster"
    collection = f"{Controllers.collection}/{{controller_id}}/volumes"
    parent = ("nks_controller", "controller_id")
