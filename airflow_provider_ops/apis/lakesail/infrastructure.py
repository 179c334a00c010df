"""Reads of LakeSail's infrastructure and account [tags/clusters, networks, connections, one-page]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from airflow_provider_ops.apis.calls import Call, Page, Paged, Request, Response, drop_none, path
from airflow_provider_ops.apis.lakesail.models import (
    Cluster,
    Connection,
    IdentityProviderType,
    Network,
    Permission,
    ProviderNetwork,
)
from airflow_provider_ops.apis.lakesail.operations import to_operation
from airflow_provider_ops.apis.lakesail.shapes import (
    body_of,
    by_id,
    by_marker,
    by_number,
    included_objects,
    models,
    objects,
)
from airflow_provider_ops.apis.wire_models import read
from airflow_provider_ops.operation import Operation

T = TypeVar("T")

SortDirection = Literal["asc", "desc"]


def list_clusters(*, sort_direction: SortDirection | None = None) -> Paged[Cluster]:
    """``GET /me/clusters``, all pages by name: the clusters the user reaches through teams, with their connection."""
    query = drop_none(sortBy="name" if sort_direction else None, sortDirection=sort_direction)
    return by_number("/me/clusters", query, cluster_models)


def cluster_models(response: Response) -> list[Cluster]:
    """Return the clusters of a page."""
    return [read(Cluster, data) for data in cluster_objects(response)]


def cluster_objects(response: Response) -> list[dict[str, Any]]:
    """Return the clusters of a page as JSON, each with its ``connection``."""
    connections = by_id(included_objects(body_of(response), "connections"))
    clusters = objects(response, "clusters")
    return [{**one, "connection": connections.get(str(one.get("connectionId")))} for one in clusters]


def list_networks() -> Paged[Network]:
    """``GET /infra/networks``, all pages."""
    return by_marker("/infra/networks", "/infra/networks", {}, models(Network, "networks"))


def list_connections() -> Paged[Connection]:
    """``GET /infra/connections``, all pages: the cloud accounts."""
    return by_marker("/infra/connections", "/infra/connections", {}, models(Connection, "connections"))


def list_connection_operations() -> Paged[Operation]:
    """Read ``included.operations`` of ``GET /infra/connections``, all pages.

    The only way seen to list any operations: LakeSail has no call for it. Which ones it includes is not documented.
    """

    def parse(response: Response) -> list[Operation]:
        return [to_operation(one) for one in included_objects(body_of(response), "operations")]

    return by_marker("/infra/connections", "/infra/connections", {}, parse)


def list_provider_networks(connection_id: str, *, region: str | None = None) -> Paged[ProviderNetwork]:
    """``GET /infra/connections/{connection}/provider-networks``: the VPCs of a cloud account.

    :param region: default is the connection's.
    """
    route = "/infra/connections/{connection}/provider-networks"
    request = Request("GET", path(route, connection=connection_id), route, query=drop_none(region=region))
    return _whole(request, models(ProviderNetwork, "providerNetworks"))


def list_permissions() -> Paged[Permission]:
    """``GET /auth/permissions``: the relations that can be granted."""
    return _whole(Request("GET", "/auth/permissions", "/auth/permissions"), models(Permission, "permissions"))


def list_identity_provider_types() -> Paged[IdentityProviderType]:
    """``GET /auth/identity-provider-types``."""
    route = "/auth/identity-provider-types"
    return _whole(Request("GET", route, route), models(IdentityProviderType, "identityProviderTypes"))


def check() -> Call[str]:
    """``GET /me/clusters`` with one item. ``/auth/permissions`` would be cheaper, but may need no key at all."""

    def parse(response: Response) -> str:
        total = body_of(response).get("total")
        return f"a user with {total if isinstance(total, int) else 'some'} clusters"

    return Call(Request("GET", "/me/clusters", "/me/clusters", query={"limit": 1}), parse)


def _whole(request: Request, to_items: Callable[[Response], list[T]]) -> Paged[T]:
    """Return a list that shows no paging."""
    return Paged(Call(request, lambda response: Page(to_items(response))))
