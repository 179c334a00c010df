"""Whose things are whose at Nirvana: users, organizations, projects and what they used."""

from __future__ import annotations

from airflow_provider_ops.apis.former import FormerMapping
from airflow_provider_ops.apis.nirvana.resources import Strings
from airflow_provider_ops.apis.times import Time
from airflow_provider_ops.apis.wire_models import WireModel


class User(FormerMapping):
    """Whose key it is."""

    id: str
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None


class BlockchainCounts(WireModel):
    """How many RPC nodes a project has."""

    rpc_nodes_dedicated: int | None = None
    rpc_nodes_flex: int | None = None


class CloudCounts(WireModel):
    """How many resources a project has."""

    connect_connections: int | None = None
    nks_clusters: int | None = None
    nks_node_pools: int | None = None
    vms: int | None = None
    volumes: int | None = None
    vpcs: int | None = None


class ProjectCounts(WireModel):
    """How much of everything a project has."""

    blockchain: BlockchainCounts | None = None
    cloud: CloudCounts | None = None


class Project(FormerMapping):
    """A project."""

    id: str
    name: str | None = None
    resources: ProjectCounts | None = None
    tags: Strings = ()
    created_at: Time | None = None
    updated_at: Time | None = None


class OrganizationDomain(WireModel):
    """A domain of an organization."""

    id: str
    domain: str | None = None
    verified: bool | None = None


class OrganizationServices(WireModel):
    """What an organization has."""

    cloud: bool | None = None
    jit_provisioning: bool | None = None
    scim: bool | None = None
    siem: bool | None = None
    sso: bool | None = None


class Organization(FormerMapping):
    """An organization; ``type`` is ``personal`` or ``company``, ``charging_model`` ``manual`` or ``prepaid``."""

    id: str
    name: str | None = None
    type: str | None = None
    personal: bool | None = None
    auth_id: str | None = None
    billing_email: str | None = None
    billing_state: str | None = None
    billing_state_since: Time | None = None
    charging_model: str | None = None
    domains: tuple[OrganizationDomain, ...] | None = None
    services: OrganizationServices | None = None
    stripe_customer_id: str | None = None
    created_at: Time | None = None
    updated_at: Time | None = None


class UsagePart(WireModel):
    """So much of one thing for some time."""

    id: str
    dimension: str | None = None
    quantity: float | None = None
    started_at: Time | None = None
    ended_at: Time | None = None


class UsageItem(UsagePart):
    """One thing that a resource used, and what it consists of."""

    children: tuple[UsagePart, ...] | None = None


class Usage(FormerMapping):
    """What a resource used; ``ended_at`` is ``None`` while it exists."""

    resource_id: str | None = None
    resource_type: str | None = None
    project_id: str | None = None
    region: str | None = None
    dimensions: tuple[UsageItem, ...] | None = None
    started_at: Time | None = None
    ended_at: Time | None = None
