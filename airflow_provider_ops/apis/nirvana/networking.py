"""Calls of networking: VPCs, firewall rules, Connect connections [Nirvana: section 4, Networking; section 5]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_ops.apis.calls import Call, Paged, drop_none
from airflow_provider_ops.apis.nirvana import checks
from airflow_provider_ops.apis.nirvana.account import ConnectRoute
from airflow_provider_ops.apis.nirvana.bodies import BandwidthMbps, ConnectAWS, Protocol, ResourceStatus
from airflow_provider_ops.apis.nirvana.resources import VPC, ConnectConnection, FirewallRule
from airflow_provider_ops.apis.nirvana.schemas import filters, listing_models, reading_model, starting
from airflow_provider_ops.operation import Operation

VPCS = "/v1/networking/vpcs"
ONE_VPC = f"{VPCS}/{{vpc_id}}"
RULES = f"{ONE_VPC}/firewall_rules"
ONE_RULE = f"{RULES}/{{firewall_rule_id}}"
CONNECTIONS = "/v1/networking/connect/connections"
ONE_CONNECTION = f"{CONNECTIONS}/{{connection_id}}"


def create_vpc(
    *, name: str, region: str, subnet_name: str, project_id: str | None = None, tags: Sequence[str] | None = None
) -> Call[Operation]:
    """``POST /v1/networking/vpcs``: the operation ``vpc.create``; the VPC comes with one subnet."""
    body = drop_none(name=name, region=region, subnet_name=subnet_name, project_id=project_id, tags=tags)
    return starting("POST", VPCS, body)


def update_vpc(
    vpc_id: str, *, name: str | None = None, subnet_name: str | None = None, tags: Sequence[str] | None = None
) -> Call[Operation]:
    """``PATCH /v1/networking/vpcs/{vpc_id}``: the operation ``vpc.update``."""
    return starting("PATCH", ONE_VPC, drop_none(name=name, subnet_name=subnet_name, tags=tags), vpc_id=vpc_id)


def delete_vpc(vpc_id: str) -> Call[Operation]:
    """``DELETE /v1/networking/vpcs/{vpc_id}``: the operation ``vpc.delete``."""
    return starting("DELETE", ONE_VPC, vpc_id=vpc_id)


def create_firewall_rule(
    vpc_id: str,
    *,
    name: str,
    protocol: Protocol,
    source_address: str,
    destination_address: str,
    destination_ports: Sequence[str],
    tags: Sequence[str] | None = None,
) -> Call[Operation]:
    """``POST /v1/networking/vpcs/{vpc_id}/firewall_rules``: the operation ``firewall_rule.create``.

    :param source_address: network-aligned; everywhere is ``0.0.0.0/0``.
    :param destination_address: network of the VPC, or a VM inside it.
    :param destination_ports: ports as text, like ``"22"``.
    """
    body = _rule(name, protocol, source_address, destination_address, destination_ports, tags)
    return starting("POST", RULES, body, vpc_id=vpc_id)


def update_firewall_rule(
    vpc_id: str,
    firewall_rule_id: str,
    *,
    name: str | None = None,
    protocol: Protocol | None = None,
    source_address: str | None = None,
    destination_address: str | None = None,
    destination_ports: Sequence[str] | None = None,
    tags: Sequence[str] | None = None,
) -> Call[Operation]:
    """``PATCH .../firewall_rules/{firewall_rule_id}``: the operation ``firewall_rule.update``."""
    body = _rule(name, protocol, source_address, destination_address, destination_ports, tags)
    return starting("PATCH", ONE_RULE, body, vpc_id=vpc_id, firewall_rule_id=firewall_rule_id)


def _rule(
    name: str | None,
    protocol: Protocol | None,
    source_address: str | None,
    destination_address: str | None,
    destination_ports: Sequence[str] | None,
    tags: Sequence[str] | None,
) -> dict[str, Any]:
    if protocol is not None:
        checks.protocol(protocol)
    if source_address is not None:
        checks.source(source_address)
    if destination_address is not None:
        checks.network("destination_address", destination_address)
    return drop_none(
        name=name,
        protocol=protocol,
        source_address=source_address,
        destination_address=destination_address,
        destination_ports=destination_ports,
        tags=tags,
    )


def delete_firewall_rule(vpc_id: str, firewall_rule_id: str) -> Call[Operation]:
    """``DELETE .../firewall_rules/{firewall_rule_id}``: the operation ``firewall_rule.delete``."""
    return starting("DELETE", ONE_RULE, vpc_id=vpc_id, firewall_rule_id=firewall_rule_id)


def create_connect_connection(
    *,
    name: str,
    region: str,
    bandwidth_mbps: BandwidthMbps,
    cidrs: Sequence[str],
    provider_cidrs: Sequence[str],
    aws: ConnectAWS | None = None,
    project_id: str | None = None,
    tags: Sequence[str] | None = None,
) -> Call[Operation]:
    """``POST /v1/networking/connect/connections``: an operation of the unlisted kind ``connect_connection``."""
    checks.bandwidth(bandwidth_mbps)
    checks.networks("cidrs", cidrs)
    checks.networks("provider_cidrs", provider_cidrs)
    body = drop_none(
        name=name,
        region=region,
        bandwidth_mbps=bandwidth_mbps,
        cidrs=cidrs,
        provider_cidrs=provider_cidrs,
        aws=aws,
        project_id=project_id,
        tags=tags,
    )
    return starting("POST", CONNECTIONS, body)


def update_connect_connection(
    connection_id: str, *, name: str | None = None, tags: Sequence[str] | None = None
) -> Call[Operation]:
    """``PATCH /v1/networking/connect/connections/{connection_id}``."""
    return starting("PATCH", ONE_CONNECTION, drop_none(name=name, tags=tags), connection_id=connection_id)


def delete_connect_connection(connection_id: str) -> Call[Operation]:
    """``DELETE /v1/networking/connect/connections/{connection_id}``."""
    return starting("DELETE", ONE_CONNECTION, connection_id=connection_id)


def list_vpcs(
    project_id: str | None = None,
    *,
    name: str | None = None,
    status: ResourceStatus | None = None,
    region: str | None = None,
    tags: Sequence[str] | None = None,
    sort: str | None = None,
) -> Paged[VPC]:
    """``GET /v1/networking/vpcs``, all pages. ``sort`` by created_at, updated_at, name, status."""
    query = filters(project_id=project_id, name=name, status=status, region=region, tags=tags, sort=sort)
    return listing_models(VPCS, VPC, query)


def get_vpc(vpc_id: str) -> Call[VPC]:
    """``GET /v1/networking/vpcs/{vpc_id}``."""
    return reading_model(ONE_VPC, VPC, vpc_id=vpc_id)


def list_firewall_rules(
    vpc_id: str,
    *,
    name: str | None = None,
    status: ResourceStatus | None = None,
    protocol: Protocol | None = None,
    tags: Sequence[str] | None = None,
    sort: str | None = None,
) -> Paged[FirewallRule]:
    """``GET /v1/networking/vpcs/{vpc_id}/firewall_rules``, all pages."""
    query = filters(name=name, status=status, protocol=protocol, tags=tags, sort=sort)
    return listing_models(RULES, FirewallRule, query, vpc_id=vpc_id)


def get_firewall_rule(vpc_id: str, firewall_rule_id: str) -> Call[FirewallRule]:
    """``GET /v1/networking/vpcs/{vpc_id}/firewall_rules/{firewall_rule_id}``."""
    return reading_model(ONE_RULE, FirewallRule, vpc_id=vpc_id, firewall_rule_id=firewall_rule_id)


def list_connect_connections(
    project_id: str | None = None,
    *,
    name: str | None = None,
    status: ResourceStatus | None = None,
    region: str | None = None,
    provider: str | None = None,
    provider_region: str | None = None,
    bandwidth_mbps: BandwidthMbps | None = None,
    tags: Sequence[str] | None = None,
    sort: str | None = None,
) -> Paged[ConnectConnection]:
    """``GET /v1/networking/connect/connections``, all pages."""
    query = filters(
        project_id=project_id,
        name=name,
        status=status,
        region=region,
        provider=provider,
        provider_region=provider_region,
        bandwidth_mbps=bandwidth_mbps,
        tags=tags,
        sort=sort,
    )
    return listing_models(CONNECTIONS, ConnectConnection, query)


def get_connect_connection(connection_id: str) -> Call[ConnectConnection]:
    """``GET /v1/networking/connect/connections/{connection_id}``."""
    return reading_model(ONE_CONNECTION, ConnectConnection, connection_id=connection_id)


def list_connect_routes() -> Paged[ConnectRoute]:
    """``GET /v1/networking/connect/routes``, all pages."""
    return listing_models("/v1/networking/connect/routes", ConnectRoute)
