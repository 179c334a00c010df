"""Operators of Akua's workspaces and their subscriptions [section 5]."""

from __future__ import annotations

from typing import Literal

from typing_extensions import Unpack

from airflow_provider_ops.apis.akua import submits, workspaces
from airflow_provider_ops.hooks.akua import AkuaHook
from airflow_provider_ops.operators.arguments import OperatorArguments, Templated
from airflow_provider_ops.operators.base import OperationOperator
from airflow_provider_ops.operators.declared import request_fields


class AkuaDeleteWorkspaceOperator(OperationOperator):
    """Delete a workspace with all that is in it, and wait until it is gone.

    :param workspace_id: the workspace.
    :param etag: the resource's; default reads it just before sending, and again when it is stale.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(workspaces.delete_workspace))

    @request_fields
    def __init__(
        self,
        *,
        workspace_id: Templated[str],
        etag: Templated[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class AkuaCancelSubscriptionOperator(OperationOperator):
    """Cancel a workspace's subscription at the end of its period, and wait until that is registered.

    :param workspace_id: the workspace.
    :param effective: there is one word for it.
    :param etag: the resource's; default reads it just before sending, and again when it is stale.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(workspaces.cancel_subscription))

    @request_fields
    def __init__(
        self,
        *,
        workspace_id: Templated[str],
        effective: Templated[Literal["period_end"]] = "period_end",
        etag: Templated[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class AkuaReactivateSubscriptionOperator(OperationOperator):
    """Reactivate a workspace's cancelled subscription and wait until that is done.

    This call takes no idempotency key: after a lost answer the operation is searched for among those of the workspace
    since then, and several that may be it fail the task.

    :param workspace_id: the workspace.
    :param etag: the resource's; default reads it just before sending, and again when it is stale.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(workspaces.reactivate_subscription))

    @request_fields
    def __init__(
        self,
        *,
        workspace_id: Templated[str],
        etag: Templated[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class AkuaChangeTierOperator(OperationOperator):
    """Change the tier of a workspace's subscription and wait until that is done.

    This call takes no idempotency key: after a lost answer the operation is searched for among those of the workspace
    since then, and several that may be it fail the task.

    :param workspace_id: the workspace.
    :param tier: the new tier.
    :param etag: the resource's; default reads it just before sending, and again when it is stale.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(workspaces.change_tier))

    @request_fields
    def __init__(
        self,
        *,
        workspace_id: Templated[str],
        tier: Templated[str],
        etag: Templated[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class AkuaSetSubdomainNameOperator(OperationOperator):
    """Name a workspace's subdomain and wait until it is set up.

    :param workspace_id: the workspace.
    :param name: 1 to 63 characters.
    :param etag: the resource's; default reads it just before sending, and again when it is stale.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(workspaces.set_subdomain_name))

    @request_fields
    def __init__(
        self,
        *,
        workspace_id: Templated[str],
        name: Templated[str],
        etag: Templated[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...
