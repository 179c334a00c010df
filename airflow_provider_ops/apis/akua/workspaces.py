"""Calls about workspaces, subscriptions, names and custom domains, and what a workspace may use [sections 5, 6, 9]."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, TypedDict
from urllib.parse import quote

from typing_extensions import NotRequired

from airflow_provider_ops.apis.akua import starts
from airflow_provider_ops.apis.akua.metadata import Protocol, RoutingMode
from airflow_provider_ops.apis.akua.models import AkuaQuota, AkuaRegion, ComputeConfig
from airflow_provider_ops.apis.akua.schemas import body_of, check_length, listing_models, reading, unpaged_models
from airflow_provider_ops.apis.akua.workspace_models import (
    AkuaSubscription,
    CustomDomain,
    Subdomain,
    SubscriptionChangeRequest,
    Workspace,
)
from airflow_provider_ops.apis.calls import Call, Paged, Request, drop_none
from airflow_provider_ops.apis.wire_models import read
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.operation import Operation

#: ``compute/machines``: the one kind of id with a slash in it.
_METRIC = re.compile(r"[A-Za-z0-9_.\-]+(/[A-Za-z0-9_.\-]+)*")


class InstallTarget(TypedDict):
    """A custom domain that leads to an install."""

    kind: Literal["install"]
    install_id: str


class ClusterTarget(TypedDict):
    """A custom domain that leads to a cluster."""

    kind: Literal["cluster"]
    cluster_id: str


class ExternalTarget(TypedDict):
    """A custom domain that leads elsewhere; ``endpoint`` is a URI."""

    kind: Literal["external"]
    endpoint: str
    mtls_secret_id: NotRequired[str]


Target = InstallTarget | ClusterTarget | ExternalTarget
_TIER_CHANGES = f"{starts.WORKSPACE}/subscription/change_requests"
_TARGET_NEEDS = {"install": "install_id", "cluster": "cluster_id", "external": "endpoint"}


def delete_workspace(
    workspace_id: str, *, etag: str | None = None, idempotency_key: str | None = None
) -> Call[Operation]:
    """``DELETE /workspaces/{workspace_id}``: the operation ``workspace.delete``."""
    return starts.DELETE_WORKSPACE.call(workspace_id=workspace_id, etag=etag, idempotency_key=idempotency_key)


def cancel_subscription(
    workspace_id: str,
    *,
    effective: Literal["period_end"] = "period_end",
    etag: str | None = None,
    idempotency_key: str | None = None,
) -> Call[Operation]:
    """``POST /workspaces/{workspace_id}/subscription:cancel``: the operation ``workspace.subscription.cancel``."""
    return starts.CANCEL_SUBSCRIPTION.call(
        {"effective": effective}, workspace_id=workspace_id, etag=etag, idempotency_key=idempotency_key
    )


def reactivate_subscription(workspace_id: str, *, etag: str | None = None) -> Call[Operation]:
    """``POST /workspaces/{workspace_id}/subscription:reactivate``: an operation; the answer is its id."""
    return starts.REACTIVATE_SUBSCRIPTION.call({}, workspace_id=workspace_id, etag=etag, idempotency_key=None)


def change_tier(workspace_id: str, tier: str, *, etag: str | None = None) -> Call[Operation]:
    """``POST /workspaces/{workspace_id}/subscription:changeTier``: an operation; the answer is its id."""
    check_length("tier", tier, 255)
    return starts.CHANGE_TIER.call({"tier": tier}, workspace_id=workspace_id, etag=etag, idempotency_key=None)


def set_subdomain_name(
    workspace_id: str, name: str, *, etag: str | None = None, idempotency_key: str | None = None
) -> Call[Operation]:
    """``POST /workspaces/{workspace_id}/subdomain:setName``: the operation ``workspace.subdomain.set_name``.

    :param name: 1 to 63 characters.
    """
    check_length("name", name, 63)
    return starts.SET_SUBDOMAIN_NAME.call(
        {"name": name}, workspace_id=workspace_id, etag=etag, idempotency_key=idempotency_key
    )


def create_custom_domain(
    workspace_id: str,
    hostname: str,
    target: Target,
    *,
    protocol: Protocol | None = None,
    routing_mode: RoutingMode | None = None,
    idempotency_key: str | None = None,
) -> Call[Operation]:
    """``POST /workspaces/{workspace_id}/custom_domains``: the operation ``custom_domain.create``.

    :param hostname: 1 to 253 characters.
    :param protocol: default ``http``.
    :param routing_mode: default ``through_dispatcher``.
    """
    check_length("hostname", hostname, 253)
    _check_target(target)
    body = drop_none(hostname=hostname, target=target, protocol=protocol, routing_mode=routing_mode)
    return starts.CREATE_CUSTOM_DOMAIN.call(body, workspace_id=workspace_id, idempotency_key=idempotency_key)


def update_custom_domain(
    workspace_id: str,
    custom_domain_id: str,
    *,
    target: Target | None = None,
    protocol: Protocol | None = None,
    routing_mode: RoutingMode | None = None,
    etag: str | None = None,
    idempotency_key: str | None = None,
) -> Call[Operation]:
    """``PATCH /workspaces/{workspace_id}/custom_domains/{custom_domain_id}``: ``custom_domain.update``."""
    if target is not None:
        _check_target(target)
    body = drop_none(target=target, protocol=protocol, routing_mode=routing_mode)
    return starts.UPDATE_CUSTOM_DOMAIN.call(
        body,
        workspace_id=workspace_id,
        custom_domain_id=custom_domain_id,
        etag=etag,
        idempotency_key=idempotency_key,
    )


def delete_custom_domain(
    workspace_id: str, custom_domain_id: str, *, etag: str | None = None, idempotency_key: str | None = None
) -> Call[Operation]:
    """``DELETE /workspaces/{workspace_id}/custom_domains/{custom_domain_id}``: ``custom_domain.delete``."""
    return starts.DELETE_CUSTOM_DOMAIN.call(
        workspace_id=workspace_id, custom_domain_id=custom_domain_id, etag=etag, idempotency_key=idempotency_key
    )


def _check_target(target: Mapping[str, Any]) -> None:
    needed = _TARGET_NEEDS.get(target.get("kind", ""))
    if needed is None:
        kinds = ", ".join(map(repr, _TARGET_NEEDS))
        raise InvalidArgument(f"target must have one of the kinds {kinds}: {target!r}")
    if not target.get(needed):
        raise InvalidArgument(f"target of kind {target['kind']!r} needs {needed}")


def get_workspace(workspace_id: str) -> Call[Workspace]:
    """``GET /workspaces/{workspace_id}``."""
    return reading(starts.WORKSPACE, Workspace, workspace_id=workspace_id)


def list_workspaces() -> Paged[Workspace]:
    """``GET /workspaces``, all pages."""
    return listing_models("/workspaces", Workspace)


def get_subscription(workspace_id: str) -> Call[AkuaSubscription]:
    """``GET /workspaces/{workspace_id}/subscription``."""
    return reading(f"{starts.WORKSPACE}/subscription", AkuaSubscription, workspace_id=workspace_id)


def list_subscription_change_requests(workspace_id: str) -> Paged[SubscriptionChangeRequest]:
    """``GET /workspaces/{workspace_id}/subscription/change_requests``, all pages."""
    return listing_models(_TIER_CHANGES, SubscriptionChangeRequest, workspace_id=workspace_id)


def get_subscription_change_request(workspace_id: str, change_request_id: str) -> Call[SubscriptionChangeRequest]:
    """``GET /workspaces/{workspace_id}/subscription/change_requests/{change_request_id}``."""
    return reading(
        f"{_TIER_CHANGES}/{{change_request_id}}",
        SubscriptionChangeRequest,
        workspace_id=workspace_id,
        change_request_id=change_request_id,
    )


def get_subdomain(workspace_id: str) -> Call[Subdomain]:
    """``GET /workspaces/{workspace_id}/subdomain``: its etag is what ``set_subdomain_name`` wants."""
    return reading(starts.SUBDOMAIN, Subdomain, workspace_id=workspace_id)


def list_custom_domains(workspace_id: str) -> Paged[CustomDomain]:
    """``GET /workspaces/{workspace_id}/custom_domains``, all pages."""
    return listing_models(starts.CUSTOM_DOMAINS, CustomDomain, workspace_id=workspace_id)


def get_custom_domain(workspace_id: str, custom_domain_id: str) -> Call[CustomDomain]:
    """``GET /workspaces/{workspace_id}/custom_domains/{custom_domain_id}``."""
    return reading(starts.CUSTOM_DOMAIN, CustomDomain, workspace_id=workspace_id, custom_domain_id=custom_domain_id)


def list_regions() -> Paged[AkuaRegion]:
    """``GET /regions``, all pages."""
    return listing_models("/regions", AkuaRegion)


def list_compute_configs() -> Paged[ComputeConfig]:
    """``GET /compute_configs``, all pages."""
    return listing_models("/compute_configs", ComputeConfig)


def get_compute_config(compute_config_id: str) -> Call[ComputeConfig]:
    """``GET /compute_configs/{compute_config_id}``."""
    return reading("/compute_configs/{compute_config_id}", ComputeConfig, compute_config_id=compute_config_id)


def list_quotas(*, cluster_id: str | None = None) -> Paged[AkuaQuota]:
    """``GET /quotas``; of one cluster where concurrency is counted per cluster."""
    return unpaged_models("/quotas", AkuaQuota, drop_none(cluster_id=cluster_id))


def get_quota(metric: str, *, cluster_id: str | None = None) -> Call[AkuaQuota]:
    """``GET /quotas/{metric}``.

    :param metric: like ``compute/machines``.
    :param cluster_id: for what is counted per cluster; servers of September 2026 and later.
    :raises InvalidArgument: it cannot be one.
    """
    if not _METRIC.fullmatch(metric) or ".." in metric:
        raise InvalidArgument(f"metric {metric!r} must be one that list_quotas() shows, like 'compute/machines'")
    where, query = f"/quotas/{quote(metric, safe='')}", drop_none(cluster_id=cluster_id)
    request = Request("GET", where, "/quotas/{metric}", query=query)
    return Call(request, lambda response: read(AkuaQuota, body_of(response)))
