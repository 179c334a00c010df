"""Reads about the platform and the account, and the list of operations [Nirvana: sections 2 and 5]."""

from __future__ import annotations

from datetime import datetime

from airflow_provider_ops.apis.calls import Call, Paged
from airflow_provider_ops.apis.nirvana.account import AuditLogEntry, InstanceType, Quota, Region
from airflow_provider_ops.apis.nirvana.bodies import OperationKind, OperationStatus, OperationType
from airflow_provider_ops.apis.nirvana.schemas import (
    filters,
    listing,
    listing_models,
    reading,
    reading_model,
    to_operation,
)
from airflow_provider_ops.apis.nirvana.tenants import Organization, Project, Usage, User
from airflow_provider_ops.apis.operation_lists import OperationList, raw_entry
from airflow_provider_ops.operation import Operation

OPERATIONS = "/v1/operations"


def list_operations(
    project_id: str | None = None,
    *,
    resource_id: str | None = None,
    kind: OperationKind | None = None,
    status: OperationStatus | None = None,
    type: OperationType | None = None,  # noqa: A002 - the API's own name
    created_at_min: datetime | None = None,
    created_at_max: datetime | None = None,
    sort: str | None = None,
) -> Paged[Operation]:
    """``GET /v1/operations``, all pages. Filters other than ``project_id`` need a server of August 2026 or later.

    :param created_at_min: earliest start, inclusive; so is ``created_at_max``.
    :param sort: ``field:asc`` or ``field:desc``, comma-separated: created_at, updated_at.
    """
    query = filters(
        project_id=project_id,
        resource_id=resource_id,
        kind=kind,
        status=status,
        type=type,
        created_at_min=created_at_min,
        created_at_max=created_at_max,
        sort=sort,
    )
    return listing(OPERATIONS, to_operation, query)


def looked_at_together(**query: str) -> OperationList:
    """``GET /v1/operations`` of the connection's project, each entry read only when it is waited for."""
    return OperationList(listing(OPERATIONS, raw_entry, query), to_operation)


def get_operation(operation_id: str) -> Call[Operation]:
    """``GET /v1/operations/{operation_id}``."""
    return reading(f"{OPERATIONS}/{{operation_id}}", to_operation, operation_id=operation_id)


def list_instance_types() -> Paged[InstanceType]:
    """``GET /v1/instance_types``, all pages."""
    return listing_models("/v1/instance_types", InstanceType)


def get_instance_type(region: str, name: str) -> Call[InstanceType]:
    """``GET /v1/instance_types/{region}/{name}``."""
    return reading_model("/v1/instance_types/{region}/{name}", InstanceType, region=region, name=name)


def list_regions() -> Paged[Region]:
    """``GET /v1/regions``, all pages."""
    return listing_models("/v1/regions", Region)


def get_region(name: str) -> Call[Region]:
    """``GET /v1/regions/{name}``."""
    return reading_model("/v1/regions/{name}", Region, name=name)


def list_quotas() -> Paged[Quota]:
    """``GET /v1/quotas``, one per region."""
    return listing_models("/v1/quotas", Quota)


def get_quota(region: str) -> Call[Quota]:
    """``GET /v1/quotas/{region}``."""
    return reading_model("/v1/quotas/{region}", Quota, region=region)


def list_projects() -> Paged[Project]:
    """``GET /v1/projects``, all pages."""
    return listing_models("/v1/projects", Project)


def get_project(project_id: str) -> Call[Project]:
    """``GET /v1/projects/{project_id}``."""
    return reading_model("/v1/projects/{project_id}", Project, project_id=project_id)


def list_audit_logs() -> Paged[AuditLogEntry]:
    """``GET /v1/audit_logs``, all pages."""
    return listing_models("/v1/audit_logs", AuditLogEntry)


def get_audit_log(audit_log_id: str) -> Call[AuditLogEntry]:
    """``GET /v1/audit_logs/{audit_log_id}``."""
    return reading_model("/v1/audit_logs/{audit_log_id}", AuditLogEntry, audit_log_id=audit_log_id)


def list_usage() -> Paged[Usage]:
    """``GET /v1/usage``, all pages."""
    return listing_models("/v1/usage", Usage)


def get_usage(resource_id: str) -> Call[Usage]:
    """``GET /v1/usage/{resource_id}``."""
    return reading_model("/v1/usage/{resource_id}", Usage, resource_id=resource_id)


def get_user() -> Call[User]:
    """``GET /v1/user``: whose key it is."""
    return reading_model("/v1/user", User)


def list_organizations() -> Paged[Organization]:
    """``GET /v1/organizations``, all pages."""
    return listing_models("/v1/organizations", Organization)
