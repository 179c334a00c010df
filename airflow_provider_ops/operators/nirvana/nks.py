"""Operators of Nirvana's Kubernetes: clusters, node pools, nodes, load balancers [Nirvana: section 4, NKS]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from typing_extensions import Unpack

from airflow_provider_ops.apis.nirvana import nks, submits
from airflow_provider_ops.apis.nirvana.bodies import NodeConfig
from airflow_provider_ops.hooks.nirvana import NirvanaHook
from airflow_provider_ops.operators.arguments import OperatorArguments, Templated, TemplatedList
from airflow_provider_ops.operators.base import OperationOperator
from airflow_provider_ops.operators.declared import request_fields


class NirvanaCreateNKSClusterOperator(OperationOperator):
    """Create a Kubernetes cluster and wait until it is ready. It has no nodes before it has a pool.

    :param name: name of the cluster.
    :param region: like ``us-sva-2``.
    :param vpc_id: VPC to be in.
    :param kubernetes_version: see :meth:`NirvanaHook.list_kubernetes_versions`.
    :param autoscaling: whether Nirvana scales its pools.
    :param project_id: default is the connection's.
    :param tags: tags of the cluster.
    :param preflight: whether to ask for availability first, and fail before anything is made.
    """

    hook_class = NirvanaHook
    build_request = staticmethod(submits(nks.create_nks_cluster))

    @request_fields
    def __init__(
        self,
        *,
        name: Templated[str],
        region: Templated[str],
        vpc_id: Templated[str],
        kubernetes_version: Templated[str],
        autoscaling: Templated[bool],
        project_id: Templated[str] | None = None,
        tags: TemplatedList[str] | None = None,
        preflight: Templated[bool] = False,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class NirvanaUpdateNKSClusterOperator(OperationOperator):
    """Change a cluster and wait until the change is done. What is not given stays as it is.

    :param cluster_id: the cluster.
    :param name: new name.
    :param autoscaling: whether Nirvana scales its pools.
    :param tags: new tags.
    """

    hook_class = NirvanaHook
    build_request = staticmethod(submits(nks.update_nks_cluster))

    @request_fields
    def __init__(
        self,
        *,
        cluster_id: Templated[str],
        name: Templated[str] | None = None,
        autoscaling: Templated[bool] | None = None,
        tags: TemplatedList[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class NirvanaDeleteNKSClusterOperator(OperationOperator):
    """Delete a cluster and wait until it is gone.

    :param cluster_id: the cluster.
    """

    hook_class = NirvanaHook
    build_request = staticmethod(submits(nks.delete_nks_cluster))

    @request_fields
    def __init__(self, *, cluster_id: Templated[str], **kwargs: Unpack[OperatorArguments]) -> None: ...


class NirvanaCreateNKSNodePoolOperator(OperationOperator):
    """Add a pool of equal nodes to a cluster and wait until they are there.

    :param cluster_id: the cluster.
    :param name: name of the pool.
    :param node_config: ``{"instance_type", "boot_volume": {"size": 64 to 512, "type": "nvme" | "abs"}}``, optionally
        with ``labels`` (``key=value``) and ``taints`` (``key=value:Effect``).
    :param node_count: 0 to 100.
    :param tags: tags of the pool.
    :param preflight: whether to ask for availability first, and fail before anything is made.
    """

    hook_class = NirvanaHook
    build_request = staticmethod(submits(nks.create_nks_node_pool))

    @request_fields
    def __init__(
        self,
        *,
        cluster_id: Templated[str],
        name: Templated[str],
        node_config: Templated[NodeConfig | Mapping[str, Any]],
        node_count: Templated[int] | None = None,
        tags: TemplatedList[str] | None = None,
        preflight: Templated[bool] = False,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class NirvanaUpdateNKSNodePoolOperator(OperationOperator):
    """Resize or rename a pool and wait until that is done. What is not given stays as it is.

    While another operation is active on the pool, Nirvana refuses; the submit then waits its turn until the deadline.

    :param cluster_id: the cluster.
    :param pool_id: the pool.
    :param name: new name.
    :param node_count: 0 to 100.
    :param tags: new tags.
    """

    hook_class = NirvanaHook
    build_request = staticmethod(submits(nks.update_nks_node_pool))

    @request_fields
    def __init__(
        self,
        *,
        cluster_id: Templated[str],
        pool_id: Templated[str],
        name: Templated[str] | None = None,
        node_count: Templated[int] | None = None,
        tags: TemplatedList[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class NirvanaDeleteNKSNodePoolOperator(OperationOperator):
    """Delete a pool with its nodes and wait until it is gone.

    :param cluster_id: the cluster.
    :param pool_id: the pool.
    """

    hook_class = NirvanaHook
    build_request = staticmethod(submits(nks.delete_nks_node_pool))

    @request_fields
    def __init__(
        self, *, cluster_id: Templated[str], pool_id: Templated[str], **kwargs: Unpack[OperatorArguments]
    ) -> None: ...


class NirvanaDeleteNKSNodeOperator(OperationOperator):
    """Delete one node of a pool and wait until it is gone.

    :param cluster_id: the cluster.
    :param pool_id: the pool.
    :param node_id: the node.
    """

    hook_class = NirvanaHook
    build_request = staticmethod(submits(nks.delete_nks_node))

    @request_fields
    def __init__(
        self,
        *,
        cluster_id: Templated[str],
        pool_id: Templated[str],
        node_id: Templated[str],
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class NirvanaUpdateNKSLoadBalancerOperator(OperationOperator):
    """Give a load balancer a public address, or take it away, and wait until that is done.

    :param cluster_id: the cluster.
    :param load_balancer_id: the load balancer.
    :param public_ip_enabled: whether it has a public address.
    """

    hook_class = NirvanaHook
    build_request = staticmethod(submits(nks.update_nks_load_balancer))

    @request_fields
    def __init__(
        self,
        *,
        cluster_id: Templated[str],
        load_balancer_id: Templated[str],
        public_ip_enabled: Templated[bool],
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...
