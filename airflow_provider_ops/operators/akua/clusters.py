"""Operators of Akua's clusters [section 5]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from typing_extensions import Unpack

from airflow_provider_ops.apis.akua import clusters, submits
from airflow_provider_ops.apis.akua.clusters import NetworkProfile
from airflow_provider_ops.hooks.akua import AkuaHook
from airflow_provider_ops.operators.arguments import OperatorArguments, Templated
from airflow_provider_ops.operators.base import OperationOperator
from airflow_provider_ops.operators.declared import request_fields


class AkuaCreateClusterOperator(OperationOperator):
    """Create a cluster and wait until it is active.

    :param name: 1 to 100 characters; newer clients say 2 to 32.
    :param region_id: one of ``AkuaHook.list_regions``.
    :param network_profile: ``linux_cilium`` (default) or ``mixed_os_calico``, which must be enabled for the workspace.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(clusters.create_cluster))

    @request_fields
    def __init__(
        self,
        *,
        name: Templated[str],
        region_id: Templated[str],
        network_profile: Templated[NetworkProfile | Mapping[str, Any]] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class AkuaDeleteClusterOperator(OperationOperator):
    """Delete a cluster and wait until it is gone. Its installs and machines must be gone before.

    :param cluster_id: the cluster.
    :param etag: the resource's; default reads it just before sending, and again when it is stale.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(clusters.delete_cluster))

    @request_fields
    def __init__(
        self,
        *,
        cluster_id: Templated[str],
        etag: Templated[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class AkuaSuspendClusterOperator(OperationOperator):
    """Suspend a cluster and wait until that is done.

    :param cluster_id: the cluster.
    :param etag: the resource's; default reads it just before sending, and again when it is stale.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(clusters.suspend_cluster))

    @request_fields
    def __init__(
        self,
        *,
        cluster_id: Templated[str],
        etag: Templated[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class AkuaResumeClusterOperator(OperationOperator):
    """Resume a suspended cluster and wait until it is active again.

    :param cluster_id: the cluster.
    :param etag: the resource's; default reads it just before sending, and again when it is stale.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(clusters.resume_cluster))

    @request_fields
    def __init__(
        self,
        *,
        cluster_id: Templated[str],
        etag: Templated[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class AkuaRefreshClusterCapabilitiesOperator(OperationOperator):
    """Let Akua find out anew what a cluster can do, and wait for that.

    :param cluster_id: the cluster.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(clusters.refresh_cluster_capabilities))

    @request_fields
    def __init__(
        self,
        *,
        cluster_id: Templated[str],
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class AkuaRevokeWorkerBootstrapOperator(OperationOperator):
    """Revoke a worker bootstrap of a cluster and wait until that is done.

    :param cluster_id: the cluster.
    :param worker_bootstrap_id: the bootstrap.
    :param etag: the resource's; default reads it just before sending, and again when it is stale.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(clusters.revoke_worker_bootstrap))

    @request_fields
    def __init__(
        self,
        *,
        cluster_id: Templated[str],
        worker_bootstrap_id: Templated[str],
        etag: Templated[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...
