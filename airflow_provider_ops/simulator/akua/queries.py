"""Queries of Akua."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from airflow_provider_ops.simulator.validation import QueryInt, Strict

OwnerType = Literal["install", "repository_change_request", "repository", "workspace", "machine", "cluster", "package"]
View = Literal["basic", "full"]


class Paging(Strict):
    """Query of most lists."""

    cursor: str | None = None
    limit: Annotated[QueryInt, Field(ge=1, le=100)] = 50


class ListOperations(Paging):
    """Query of GET /operations."""

    owner_type: OwnerType | None = None
    owner_id: str | None = None


class ListMachines(Paging):
    """Query of GET /machines."""

    cluster_id: str | None = None
    state: Literal["ACTIVE", "PROVISIONING", "SUSPENDING", "SUSPENDED", "RESUMING", "DELETING"] | None = None
    view: View = "basic"


class ListSuspensionEvents(Paging):
    """Query of GET /machines/{id}/suspension_events."""

    reason: Literal["manual", "downgrade"] | None = None


class ListViewed(Paging):
    """Query of GET /compute_configs and GET /packages."""

    view: View = "basic"


class Viewed(Strict):
    """Query of GET /packages/{id} and GET /repositories/{id}."""

    view: View = "basic"


class ListInstalls(Paging):
    """Query of GET /installs."""

    product_id: str | None = None


class OfCluster(Strict):
    """Query of GET /quotas and GET /quotas/{metric}."""

    cluster_id: str | None = None


class ListRepositories(ListViewed):
    """Query of GET /repositories."""

    purpose: Literal["deploy", "package", "repository_change_request", "workspace"] | None = None


class ListPreviewHostnames(Paging):
    """Query of GET /installs/{id}/preview_hostnames."""

    binding_kind: Literal["pinned", "floating"] | None = None
    track: str | None = None
    state: Literal["provisioning", "active", "evicted", "releasing"] | None = None


class ListDomains(Paging):
    """Query of GET /workspaces/{id}/custom_domains."""

    target_kind: Literal["install", "cluster", "external"] | None = None
    state: Literal["provisioning", "active", "failed", "releasing"] | None = None


class ListChangeRequests(Paging):
    """Query of GET /repository_change_requests."""

    state: (
        Literal[
            "AWAITING_CHANGES", "VALIDATING", "READY", "ACCEPTING", "ACCEPTED",
            "REJECTED", "WITHDRAWN", "EXPIRED", "FAILED",
        ]
        | None
    ) = None  # fmt: skip
    parent_repository: str | None = None
    fork_repository: str | None = None
    agent: str | None = None


class Wait(Strict):
    """Query of POST /operations/{id}:wait."""

    timeout: Annotated[QueryInt, Field(ge=1, le=60)] = 30
