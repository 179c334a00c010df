"""Operators of Akua's machines [section 5]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from typing_extensions import Unpack

from airflow_provider_ops.apis.akua import clusters, submits
from airflow_provider_ops.apis.akua.clusters import SuspendReason
from airflow_provider_ops.hooks.akua import AkuaHook
from airflow_provider_ops.operators.arguments import OperatorArguments, Templated
from airflow_provider_ops.operators.base import OperationOperator
from airflow_provider_ops.operators.declared import request_fields


class AkuaCreateMachineOperator(OperationOperator):
    """Create a worker machine in a cluster and wait until it is active.

    Three machines may be launching at once per cluster [section 9]: limit parallel tasks with a pool.

    :param cluster_id: the cluster.
    :param instance_type: the cloud's name for the size.
    :param compute_config_id: one of ``AkuaHook.list_compute_configs``. Without it Akua runs the machine on its own
        account, within the limits of the tier; servers before September 2026 require it.
    :param name: at most 120 characters.
    :param node_claim: passed on as it is.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(clusters.create_machine))

    @request_fields
    def __init__(
        self,
        *,
        cluster_id: Templated[str],
        instance_type: Templated[str],
        compute_config_id: Templated[str] | None = None,
        name: Templated[str] | None = None,
        node_claim: Templated[Mapping[str, Any]] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class AkuaDeleteMachineOperator(OperationOperator):
    """Delete a machine and wait until it is gone.

    :param machine_id: the machine.
    :param etag: the resource's; default reads it just before sending, and again when it is stale.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(clusters.delete_machine))

    @request_fields
    def __init__(
        self,
        *,
        machine_id: Templated[str],
        etag: Templated[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class AkuaSuspendMachineOperator(OperationOperator):
    """Suspend a machine and wait until that is done. Its public IP is usually lost.

    :param machine_id: the machine.
    :param reason: ``manual`` or ``downgrade``.
    :param etag: the resource's; default reads it just before sending, and again when it is stale.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(clusters.suspend_machine))

    @request_fields
    def __init__(
        self,
        *,
        machine_id: Templated[str],
        reason: Templated[SuspendReason | Mapping[str, Any]] | None = None,
        etag: Templated[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class AkuaResumeMachineOperator(OperationOperator):
    """Resume a suspended machine and wait until it is active again, usually with another public IP.

    :param machine_id: the machine.
    :param etag: the resource's; default reads it just before sending, and again when it is stale.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(clusters.resume_machine))

    @request_fields
    def __init__(
        self,
        *,
        machine_id: Templated[str],
        etag: Templated[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...
