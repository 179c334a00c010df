"""What an operation was asked for: ``metadata``, one class per ``type`` [section 4].

Types this release does not know, and known ones of another shape, stay plain dicts: an
operation must be readable whatever it is about. Hence every field is optional here, required ones too.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from airflow_provider_ops.apis.wire_models import WireModel

Protocol = Literal["http", "websocket", "grpc"]
RoutingMode = Literal["through_dispatcher", "bypass_dispatcher"]
#: ``cluster.capabilities.refresh`` and the like speak of nothing but their cluster.
OnCluster = Literal["cluster.delete", "cluster.suspend", "cluster.resume", "cluster.capabilities.refresh"]
PreviewHostname = Literal["preview_hostname.bind_pinned", "preview_hostname.bind_floating", "preview_hostname.delete"]
CustomDomain = Literal["custom_domain.create", "custom_domain.update", "custom_domain.delete"]


class Asked(WireModel):
    """Fields that many requests have; ``None`` where a type has them not."""

    workspace_id: str | None = None
    idempotency_key: str | None = None


class MachineCreateAsked(Asked):
    """``machine.create``."""

    type: Literal["machine.create"]
    cluster_id: str | None = None
    compute_config_id: str | None = None
    instance_type: str | None = None
    managed: bool | None = None
    request_fingerprint: str | None = None


class MachineAsked(Asked):
    """``machine.delete``, ``machine.suspend``, ``machine.resume``."""

    type: Literal["machine.delete", "machine.suspend", "machine.resume"]
    machine_id: str | None = None
    request_fingerprint: str | None = None


class ClusterCreateAsked(Asked):
    """``cluster.create``."""

    type: Literal["cluster.create"]
    region_id: str | None = None
    name: str | None = None


class ClusterAsked(Asked):
    """Delete, suspend, resume and refresh of a cluster."""

    type: OnCluster
    cluster_id: str | None = None


class CapabilityAsked(Asked):
    """``cluster.capability.ensure``."""

    type: Literal["cluster.capability.ensure"]
    cluster_id: str | None = None
    capability: str | None = None


class WorkerBootstrapAsked(Asked):
    """``cluster.worker_bootstrap.revoke``."""

    type: Literal["cluster.worker_bootstrap.revoke"]
    cluster_id: str | None = None
    worker_bootstrap_id: str | None = None


class InstallCreateAsked(Asked):
    """``install.create``."""

    type: Literal["install.create"]
    product_id: str | None = None


class InstallRenderAsked(Asked):
    """``install.render``."""

    type: Literal["install.render"]
    install_id: str | None = None
    trigger_commit_sha: str | None = None


class InstallDeleteAsked(Asked):
    """``install.delete``."""

    type: Literal["install.delete"]
    install_id: str | None = None


class PreviewHostnameAsked(Asked):
    """The three ``preview_hostname`` types; which fields are set depends on the type."""

    type: PreviewHostname
    install_id: str | None = None
    preview_hostname_id: str | None = None
    render_id: str | None = None
    track: str | None = None
    protocol: str | None = None
    routing_mode: str | None = None
    if_match: str | None = None


class WorkspaceDeleteAsked(Asked):
    """``workspace.delete``."""

    type: Literal["workspace.delete"]


class SubscriptionCancelAsked(Asked):
    """``workspace.subscription.cancel``."""

    type: Literal["workspace.subscription.cancel"]
    mode: str | None = None


class SubdomainAsked(Asked):
    """``workspace.subdomain.set_name``."""

    type: Literal["workspace.subdomain.set_name"]
    name: str | None = None


class DomainTarget(WireModel):
    """Where a custom domain leads; which field is set beside ``kind`` depends on that."""

    kind: str | None = None
    install_id: str | None = None
    cluster_id: str | None = None
    endpoint: str | None = None
    mtls_secret_id: str | None = None


class CustomDomainAsked(Asked):
    """The three ``custom_domain`` types; which fields are set depends on the type."""

    type: CustomDomain
    custom_domain_id: str | None = None
    hostname: str | None = None
    target: DomainTarget | None = None
    protocol: str | None = None
    routing_mode: str | None = None
    if_match: str | None = None


class OriginRouteAsked(Asked):
    """``cloudflare.private_origin_route.prepare`` and ``.release``."""

    type: Literal["cloudflare.private_origin_route.prepare", "cloudflare.private_origin_route.release"]
    cluster_id: str | None = None
    route_intent_id: str | None = None


class PackageCreateAsked(Asked):
    """``package.create``."""

    type: Literal["package.create"]
    name: str | None = None


class ChangeRequestCreateAsked(Asked):
    """``repository_change_request.create``."""

    type: Literal["repository_change_request.create"]
    parent_repository_id: str | None = None
    created_by_kind: str | None = None


class ChangeRequestAsked(Asked):
    """Accept, reject, withdraw and expiry of a change request."""

    type: Literal[
        "repository_change_request.accept",
        "repository_change_request.reject",
        "repository_change_request.withdraw",
        "repository_change_request.expire",
    ]
    repository_change_request_id: str | None = None
    user_id: str | None = None
    reason: str | None = None


class RepositoryDeleteAsked(Asked):
    """``repository.delete``."""

    type: Literal["repository.delete"]
    repository_id: str | None = None


Metadata = Annotated[
    Annotated[
        MachineCreateAsked
        | MachineAsked
        | ClusterCreateAsked
        | ClusterAsked
        | CapabilityAsked
        | WorkerBootstrapAsked
        | InstallCreateAsked
        | InstallRenderAsked
        | InstallDeleteAsked
        | PreviewHostnameAsked
        | WorkspaceDeleteAsked
        | SubscriptionCancelAsked
        | SubdomainAsked
        | CustomDomainAsked
        | OriginRouteAsked
        | PackageCreateAsked
        | ChangeRequestCreateAsked
        | ChangeRequestAsked
        | RepositoryDeleteAsked,
        Field(discriminator="type"),
    ]
    | dict[str, Any],
    Field(union_mode="left_to_right"),
]

#: Every type of section 4.
KNOWN_TYPES = frozenset(
    word
    for model in list(globals().values())
    if isinstance(model, type) and issubclass(model, Asked) and "type" in model.model_fields
    for word in get_args(model.model_fields["type"].annotation)
)
