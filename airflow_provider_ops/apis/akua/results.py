"""What came of an operation: ``response``, one class per ``type`` [section 4].

As in ``metadata``, unknown types and known ones of another shape stay plain dicts, and every field is optional.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from airflow_provider_ops.apis.akua.metadata import CustomDomain, OnCluster, PreviewHostname
from airflow_provider_ops.apis.akua.times import Time
from airflow_provider_ops.apis.wire_models import WireModel


class MachineDone(WireModel):
    """Any ``machine`` type; ``provider_id`` after a create, ``suspension_id`` after a suspend."""

    type: Literal["machine.create", "machine.delete", "machine.suspend", "machine.resume"]
    machine_id: str | None = None
    provider_id: str | None = None
    suspension_id: str | None = None


class ClusterDone(WireModel):
    """Create, delete, suspend, resume and refresh of a cluster, and ``cluster.capability.ensure``."""

    type: Literal[OnCluster, "cluster.create", "cluster.capability.ensure"]
    cluster_id: str | None = None
    capability: str | None = None


class WorkerBootstrapDone(WireModel):
    """``cluster.worker_bootstrap.revoke``."""

    type: Literal["cluster.worker_bootstrap.revoke"]
    note: str | None = None


class InstallCreateDone(WireModel):
    """``install.create``: the application was made."""

    type: Literal["install.create"]
    install_id: str | None = None
    argo_app_name: str | None = None
    argo_app_namespace: str | None = None


class InstallCreateSkipped(WireModel):
    """``install.create``, its second shape: nothing was deployed."""

    type: Literal["install.create"]
    sandbox_skipped: Literal[True]
    install_id: str | None = None


class InstallRenderDone(WireModel):
    """``install.render``."""

    type: Literal["install.render"]
    install_render_id: str | None = None
    repository_id: str | None = None
    commit_sha: str | None = None
    render_hash: str | None = None
    skipped: bool | None = None


class InstallDeleteDone(WireModel):
    """``install.delete``."""

    type: Literal["install.delete"]
    argo_app_deleted: bool | None = None
    repo_purged: bool | None = None


class PreviewHostnameDone(WireModel):
    """The three ``preview_hostname`` types."""

    type: PreviewHostname
    install_id: str | None = None
    preview_hostname_id: str | None = None
    hostname: str | None = None


class WorkspaceDeleteDone(WireModel):
    """``workspace.delete``."""

    type: Literal["workspace.delete"]
    workspace_id: str | None = None


class SubscriptionCancelDone(WireModel):
    """``workspace.subscription.cancel``."""

    type: Literal["workspace.subscription.cancel"]
    subscription_id: str | None = None
    cancel_at: Time = None


class SubdomainDone(WireModel):
    """``workspace.subdomain.set_name``."""

    type: Literal["workspace.subdomain.set_name"]
    workspace_id: str | None = None
    workspace_subdomain_id: str | None = None
    fqdn: str | None = None


class CustomDomainDone(WireModel):
    """The three ``custom_domain`` types."""

    type: CustomDomain
    workspace_id: str | None = None
    custom_domain_id: str | None = None
    hostname: str | None = None


class OriginRouteDone(WireModel):
    """``cloudflare.private_origin_route.prepare`` and ``.release``."""

    type: Literal["cloudflare.private_origin_route.prepare", "cloudflare.private_origin_route.release"]
    origin_route_id: str | None = None
    route_intent_id: str | None = None


class PackageCreateDone(WireModel):
    """``package.create``."""

    type: Literal["package.create"]
    package_id: str | None = None
    package_version_id: str | None = None
    repository_id: str | None = None


class ChangeRequestDone(WireModel):
    """All ``repository_change_request`` types; which fields are set depends on the type."""

    type: Literal[
        "repository_change_request.create",
        "repository_change_request.accept",
        "repository_change_request.reject",
        "repository_change_request.withdraw",
        "repository_change_request.expire",
    ]
    repository_change_request_id: str | None = None
    fork_repository_id: str | None = None
    expires_at: Time = None
    merged_at: Time = None
    rejected_at: Time = None
    withdrawn_at: Time = None
    triggered_install_render: bool | None = None
    expired: bool | None = None


class RepositoryDeleteDone(WireModel):
    """``repository.delete``."""

    type: Literal["repository.delete"]
    purged_at: Time = None


Result = Annotated[
    InstallCreateSkipped
    | Annotated[
        MachineDone
        | ClusterDone
        | WorkerBootstrapDone
        | InstallCreateDone
        | InstallRenderDone
        | InstallDeleteDone
        | PreviewHostnameDone
        | WorkspaceDeleteDone
        | SubscriptionCancelDone
        | SubdomainDone
        | CustomDomainDone
        | OriginRouteDone
        | PackageCreateDone
        | ChangeRequestDone
        | RepositoryDeleteDone,
        Field(discriminator="type"),
    ]
    | dict[str, Any],
    Field(union_mode="left_to_right"),
]
