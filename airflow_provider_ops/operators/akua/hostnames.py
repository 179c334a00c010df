"""Operators of Akua's preview hostnames and custom domains [section 5]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from typing_extensions import Unpack

from airflow_provider_ops.apis.akua import installs, submits, workspaces
from airflow_provider_ops.apis.akua.metadata import Protocol, RoutingMode
from airflow_provider_ops.apis.akua.workspaces import Target
from airflow_provider_ops.hooks.akua import AkuaHook
from airflow_provider_ops.operators.arguments import OperatorArguments, Templated
from airflow_provider_ops.operators.base import OperationOperator
from airflow_provider_ops.operators.declared import request_fields


class AkuaBindPinnedPreviewHostnameOperator(OperationOperator):
    """Give one render of an install a hostname and wait until it works.

    The hostname and its id are in ``operation["result"]``.

    :param install_id: the install.
    :param render_id: the render it shows.
    :param protocol: ``http`` (default), ``websocket`` or ``grpc``.
    :param routing_mode: ``through_dispatcher`` (default) or ``bypass_dispatcher``.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(installs.bind_pinned_preview_hostname))

    @request_fields
    def __init__(
        self,
        *,
        install_id: Templated[str],
        render_id: Templated[str],
        protocol: Templated[Protocol] | None = None,
        routing_mode: Templated[RoutingMode | Mapping[str, Any]] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class AkuaBindFloatingPreviewHostnameOperator(OperationOperator):
    """Give a track of an install a hostname, which moves with the track, and wait until it works.

    The hostname and its id are in ``operation["result"]``.

    :param install_id: the install.
    :param track: 1 to 100 characters.
    :param render_id: the render it shows.
    :param protocol: ``http`` (default), ``websocket`` or ``grpc``.
    :param routing_mode: ``through_dispatcher`` (default) or ``bypass_dispatcher``.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(installs.bind_floating_preview_hostname))

    @request_fields
    def __init__(
        self,
        *,
        install_id: Templated[str],
        track: Templated[str],
        render_id: Templated[str],
        protocol: Templated[Protocol] | None = None,
        routing_mode: Templated[RoutingMode | Mapping[str, Any]] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class AkuaDeletePreviewHostnameOperator(OperationOperator):
    """Delete a preview hostname and wait until it is gone.

    :param install_id: the install.
    :param preview_hostname_id: the hostname.
    :param etag: the resource's; default reads it just before sending, and again when it is stale.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(installs.delete_preview_hostname))

    @request_fields
    def __init__(
        self,
        *,
        install_id: Templated[str],
        preview_hostname_id: Templated[str],
        etag: Templated[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class AkuaCreateCustomDomainOperator(OperationOperator):
    """Add a custom domain to a workspace and wait until it is set up.

    Its id is ``custom_domain_id`` in ``operation["result"]``; ``resource_id`` is the workspace.

    :param workspace_id: the workspace.
    :param hostname: 1 to 253 characters.
    :param target: ``{"kind": "install", "install_id"}``, ``{"kind": "cluster", "cluster_id"}`` or
        ``{"kind": "external", "endpoint"}``.
    :param protocol: ``http`` (default), ``websocket`` or ``grpc``.
    :param routing_mode: ``through_dispatcher`` (default) or ``bypass_dispatcher``.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(workspaces.create_custom_domain))

    @request_fields
    def __init__(
        self,
        *,
        workspace_id: Templated[str],
        hostname: Templated[str],
        target: Templated[Target | Mapping[str, Any]],
        protocol: Templated[Protocol] | None = None,
        routing_mode: Templated[RoutingMode | Mapping[str, Any]] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class AkuaUpdateCustomDomainOperator(OperationOperator):
    """Change a custom domain and wait until that is done. What is not given stays as it is.

    :param workspace_id: the workspace.
    :param custom_domain_id: the domain.
    :param target: where it leads from now on.
    :param protocol: ``http``, ``websocket`` or ``grpc``.
    :param routing_mode: ``through_dispatcher`` or ``bypass_dispatcher``.
    :param etag: the resource's; default reads it just before sending, and again when it is stale.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(workspaces.update_custom_domain))

    @request_fields
    def __init__(
        self,
        *,
        workspace_id: Templated[str],
        custom_domain_id: Templated[str],
        target: Templated[Target | Mapping[str, Any]] | None = None,
        protocol: Templated[Protocol] | None = None,
        routing_mode: Templated[RoutingMode | Mapping[str, Any]] | None = None,
        etag: Templated[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class AkuaDeleteCustomDomainOperator(OperationOperator):
    """Delete a custom domain and wait until it is gone.

    :param workspace_id: the workspace.
    :param custom_domain_id: the domain.
    :param etag: the resource's; default reads it just before sending, and again when it is stale.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(workspaces.delete_custom_domain))

    @request_fields
    def __init__(
        self,
        *,
        workspace_id: Templated[str],
        custom_domain_id: Templated[str],
        etag: Templated[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...
