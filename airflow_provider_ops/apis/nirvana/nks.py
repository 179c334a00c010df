"""Calls of Kubernetes (NKS): clusters, pools, nodes, load balancers [Nirvana: section 4, NKS; section 5]."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_ops.apis.calls import Call, Paged, drop_none
from airflow_provider_ops.apis.nirvana import checks
from airflow_provider_ops.apis.nirvana.account import KubernetesVersion
from airflow_provider_ops.apis.nirvana.bodies import NodeConfig
from airflow_provider_ops.apis.nirvana.resources import (
    Kubeconfig,
    NKSCluster,
    NKSController,
    NKSLoadBalancer,
    NKSNode,
    NKSNodePool,
    NKSVolume,
    PersistentVolumeClaim,
)
from airflow_provider_ops.apis.nirvana.schemas import filters, listing_models, reading_model, starting
from airflow_provider_ops.operation import Operation

CLUSTERS = "/v1/nks/clusters"
ONE_CLUSTER = f"{CLUSTERS}/{{cluster_id}}"
POOLS = f"{ONE_CLUSTER}/pools"
ONE_POOL = f"{POOLS}/{{pool_id}}"
NODES = f"{ONE_POOL}/nodes"
ONE_NODE = f"{NODES}/{{node_id}}"
CONTROLLERS = f"{ONE_CLUSTER}/controllers"
ONE_CONTROLLER = f"{CONTROLLERS}/{{controller_id}}"
LOAD_BALANCERS = f"{ONE_CLUSTER}/load_balancers"
ONE_LOAD_BALANCER = f"{LOAD_BALANCERS}/{{load_balancer_id}}"
CLAIMS = f"{ONE_CLUSTER}/persistent_volume_claims"


def create_nks_cluster(
    *,
    name: str,
    region: str,
    vpc_id: str,
    kubernetes_version: str,
    autoscaling: bool,
    project_id: str | None = None,
    tags: Sequence[str] | None = None,
) -> Call[Operation]:
    """``POST /v1/nks/clusters``: the operation ``nks_cluster.create``."""
    body = drop_none(
        name=name,
        region=region,
        vpc_id=vpc_id,
        kubernetes_version=kubernetes_version,
        autoscaling=autoscaling,
        project_id=project_id,
        tags=tags,
    )
    return starting("POST", CLUSTERS, body)


def update_nks_cluster(
    cluster_id: str, *, name: str | None = None, autoscaling: bool | None = None, tags: Sequence[str] | None = None
) -> Call[Operation]:
    """``PATCH /v1/nks/clusters/{cluster_id}``: the operation ``nks_cluster.update``."""
    return starting(
        "PATCH", ONE_CLUSTER, drop_none(name=name, autoscaling=autoscaling, tags=tags), cluster_id=cluster_id
    )


def delete_nks_cluster(cluster_id: str) -> Call[Operation]:
    """``DELETE /v1/nks/clusters/{cluster_id}``: the operation ``nks_cluster.delete``."""
    return starting("DELETE", ONE_CLUSTER, cluster_id=cluster_id)


def create_nks_node_pool(
    cluster_id: str,
    *,
    name: str,
    node_config: NodeConfig,
    node_count: int | None = None,
    tags: Sequence[str] | None = None,
) -> Call[Operation]:
    """``POST /v1/nks/clusters/{cluster_id}/pools``: the operation ``nks_node_pool.create``.

    :param node_count: 0 to 100.
    """
    checks.node_config(node_config)
    if node_count is not None:
        checks.node_count(node_count)
    body = drop_none(name=name, node_config=node_config, node_count=node_count, tags=tags)
    return starting("POST", POOLS, body, cluster_id=cluster_id)


def update_nks_node_pool(
    cluster_id: str,
    pool_id: str,
    *,
    name: str | None = None,
    node_count: int | None = None,
    tags: Sequence[str] | None = None,
) -> Call[Operation]:
    """``PATCH .../pools/{pool_id}``: the operation ``nks_node_pool.update``; 409 while another one is active."""
    if node_count is not None:
        checks.node_count(node_count)
    body = drop_none(name=name, node_count=node_count, tags=tags)
    return starting("PATCH", ONE_POOL, body, cluster_id=cluster_id, pool_id=pool_id)


def delete_nks_node_pool(cluster_id: str, pool_id: str) -> Call[Operation]:
    """``DELETE .../pools/{pool_id}``: the operation ``nks_node_pool.delete``."""
    return starting("DELETE", ONE_POOL, cluster_id=cluster_id, pool_id=pool_id)


def delete_nks_node(cluster_id: str, pool_id: str, node_id: str) -> Call[Operation]:
    """``DELETE .../pools/{pool_id}/nodes/{node_id}``: an operation whose kind and resource are not documented."""
    return starting("DELETE", ONE_NODE, cluster_id=cluster_id, pool_id=pool_id, node_id=node_id)


def update_nks_load_balancer(cluster_id: str, load_balancer_id: str, *, public_ip_enabled: bool) -> Call[Operation]:
    """``PATCH .../load_balancers/{load_balancer_id}``: an operation of an unlisted kind."""
    body = {"public_ip_enabled": public_ip_enabled}
    return starting("PATCH", ONE_LOAD_BALANCER, body, cluster_id=cluster_id, load_balancer_id=load_balancer_id)


def list_kubernetes_versions() -> Paged[KubernetesVersion]:
    """``GET /v1/nks/kubernetes_versions``, all pages."""
    return listing_models("/v1/nks/kubernetes_versions", KubernetesVersion)


def list_nks_clusters(project_id: str | None = None) -> Paged[NKSCluster]:
    """``GET /v1/nks/clusters``, all pages; the API has no filters here yet."""
    return listing_models(CLUSTERS, NKSCluster, filters(project_id=project_id))


def get_nks_cluster(cluster_id: str) -> Call[NKSCluster]:
    """``GET /v1/nks/clusters/{cluster_id}``."""
    return reading_model(ONE_CLUSTER, NKSCluster, cluster_id=cluster_id)


def get_nks_kubeconfig(cluster_id: str) -> Call[Kubeconfig]:
    """``GET /v1/nks/clusters/{cluster_id}/kubeconfig``. It opens the cluster: keep it out of XCom and logs."""
    return reading_model(f"{ONE_CLUSTER}/kubeconfig", Kubeconfig, cluster_id=cluster_id)


def list_nks_controllers(cluster_id: str) -> Paged[NKSController]:
    """``GET /v1/nks/clusters/{cluster_id}/controllers``, all pages."""
    return listing_models(CONTROLLERS, NKSController, cluster_id=cluster_id)


def get_nks_controller(cluster_id: str, controller_id: str) -> Call[NKSController]:
    """``GET .../controllers/{controller_id}``."""
    return reading_model(ONE_CONTROLLER, NKSController, cluster_id=cluster_id, controller_id=controller_id)


def list_nks_controller_volumes(cluster_id: str, controller_id: str) -> Paged[NKSVolume]:
    """``GET .../controllers/{controller_id}/volumes``, all pages."""
    return _volumes(ONE_CONTROLLER, cluster_id=cluster_id, controller_id=controller_id)


def get_nks_controller_volume(cluster_id: str, controller_id: str, volume_id: str) -> Call[NKSVolume]:
    """``GET .../controllers/{controller_id}/volumes/{volume_id}``."""
    ids = {"cluster_id": cluster_id, "controller_id": controller_id, "volume_id": volume_id}
    return _volume(ONE_CONTROLLER, **ids)


def list_nks_load_balancers(cluster_id: str) -> Paged[NKSLoadBalancer]:
    """``GET /v1/nks/clusters/{cluster_id}/load_balancers``, all pages."""
    return listing_models(LOAD_BALANCERS, NKSLoadBalancer, cluster_id=cluster_id)


def get_nks_load_balancer(cluster_id: str, load_balancer_id: str) -> Call[NKSLoadBalancer]:
    """``GET .../load_balancers/{load_balancer_id}``."""
    return reading_model(ONE_LOAD_BALANCER, NKSLoadBalancer, cluster_id=cluster_id, load_balancer_id=load_balancer_id)


def list_nks_volume_claims(cluster_id: str) -> Paged[PersistentVolumeClaim]:
    """``GET /v1/nks/clusters/{cluster_id}/persistent_volume_claims``, all pages."""
    return listing_models(CLAIMS, PersistentVolumeClaim, cluster_id=cluster_id)


def get_nks_volume_claim(cluster_id: str, persistent_volume_claim_id: str) -> Call[PersistentVolumeClaim]:
    """``GET .../persistent_volume_claims/{persistent_volume_claim_id}``."""
    route = f"{CLAIMS}/{{persistent_volume_claim_id}}"
    ids = {"cluster_id": cluster_id, "persistent_volume_claim_id": persistent_volume_claim_id}
    return reading_model(route, PersistentVolumeClaim, **ids)


def list_nks_node_pools(cluster_id: str) -> Paged[NKSNodePool]:
    """``GET /v1/nks/clusters/{cluster_id}/pools``, all pages."""
    return listing_models(POOLS, NKSNodePool, cluster_id=cluster_id)


def get_nks_node_pool(cluster_id: str, pool_id: str) -> Call[NKSNodePool]:
    """``GET .../pools/{pool_id}``."""
    return reading_model(ONE_POOL, NKSNodePool, cluster_id=cluster_id, pool_id=pool_id)


def list_nks_node_pool_volumes(cluster_id: str, pool_id: str) -> Paged[NKSVolume]:
    """``GET .../pools/{pool_id}/volumes``, all pages."""
    return _volumes(ONE_POOL, cluster_id=cluster_id, pool_id=pool_id)


def list_nks_nodes(cluster_id: str, pool_id: str) -> Paged[NKSNode]:
    """``GET .../pools/{pool_id}/nodes``, all pages. A new node may take some seconds to show up."""
    return listing_models(NODES, NKSNode, cluster_id=cluster_id, pool_id=pool_id)


def get_nks_node(cluster_id: str, pool_id: str, node_id: str) -> Call[NKSNode]:
    """``GET .../nodes/{node_id}``."""
    return reading_model(ONE_NODE, NKSNode, cluster_id=cluster_id, pool_id=pool_id, node_id=node_id)


def list_nks_node_volumes(cluster_id: str, pool_id: str, node_id: str) -> Paged[NKSVolume]:
    """``GET .../nodes/{node_id}/volumes``, all pages."""
    return _volumes(ONE_NODE, cluster_id=cluster_id, pool_id=pool_id, node_id=node_id)


def get_nks_node_volume(cluster_id: str, pool_id: str, node_id: str, volume_id: str) -> Call[NKSVolume]:
    """``GET .../nodes/{node_id}/volumes/{volume_id}``."""
    return _volume(ONE_NODE, cluster_id=cluster_id, pool_id=pool_id, node_id=node_id, volume_id=volume_id)


def _volumes(owner: str, **ids: str) -> Paged[NKSVolume]:
    return listing_models(f"{owner}/volumes", NKSVolume, None, **ids)


def _volume(owner: str, **ids: str) -> Call[NKSVolume]:
    return reading_model(f"{owner}/volumes/{{volume_id}}", NKSVolume, **ids)
