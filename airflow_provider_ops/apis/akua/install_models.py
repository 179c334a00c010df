"""What Akua's reads answer about packages, products, installs and repositories. All but the ids may be absent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field
from typing_extensions import deprecated

from airflow_provider_ops.apis.akua.models import Tracked
from airflow_provider_ops.apis.akua.times import Time
from airflow_provider_ops.apis.former import FormerMapping
from airflow_provider_ops.apis.wire_models import WireModel


class Named(WireModel):
    """A workspace by id and name."""

    id: str
    name: str | None = None


class VersionSummary(WireModel):
    """A version of a package by id and semantic version."""

    id: str
    semver: str | None = None


class InstallVersions(WireModel):
    """The part of an install that update, restore and automatic updates answer with."""

    id: str
    current_version: VersionSummary | None = None
    desired_version: VersionSummary | None = None
    automatic_updates_enabled: bool | None = None
    updated_at: Time = None
    etag: str | None = None


class InstallUrl(WireModel):
    """One address of an install.

    ``status`` is ``pending``, ``provisioning``, ``active``, ``not_ready`` or ``failed``.
    """

    route_key: str | None = None
    hostname: str | None = None
    url: str | None = None
    protocol: str | None = None
    routing_mode: str | None = None
    status: str | None = None
    error: str | None = None
    last_observed_at: Time = None
    updated_at: Time = None


class Install(Tracked):
    """``state``: ``pending``, ``rendering``, ``syncing``, ``healthy``, ``degraded``, ``failed``, ``deleted``."""

    html_url: str | None = None
    customer_workspace: Named | None = None
    cluster_id: str | None = None
    product_id: str | None = None
    package_version_id: str | None = None
    state: str | None = None
    #: Whether an operation is in progress.
    reconciling: bool | None = None
    urls: Sequence[InstallUrl] | None = None
    demo_cleanup: Mapping[str, Any] | None = None

    @property
    @deprecated("Akua does not say of which package an install is, but which version: use package_version_id")
    def package_id(self) -> None:
        """Return ``None``, always."""

    @property
    @deprecated("an install of Akua has no name: Install.name is always None")
    def name(self) -> None:
        """Return ``None``, always."""


class InstallStatus(WireModel):
    """How an install is doing in its cluster; all but ``state`` is as the cluster reports it."""

    install_id: str | None = None
    state: str | None = None
    reconciling: bool | None = None
    health: str | None = None
    sync: str | None = None
    revision: str | None = None
    resources: Sequence[Mapping[str, Any]] | None = None
    operation_phase: str | None = None
    updated_at: Time = None

    @property
    @deprecated("use InstallStatus.install_id")
    def id(self) -> str | None:
        """Return the id of the install."""
        return self.install_id


class InstallRender(WireModel):
    """One rendering of an install; ``state`` is ``running``, ``deployed``, ``skipped`` or ``failed``."""

    id: str
    workspace_id: str | None = None
    install_id: str | None = None
    operation_id: str | None = None
    repository_change_request_id: str | None = None
    render_hash: str | None = None
    commit_sha: str | None = None
    package_version_id: str | None = None
    restored_from_render_id: str | None = None
    state: str | None = None
    message: str | None = None
    created_at: Time = None
    updated_at: Time = None


class InstallChange(WireModel):
    """The answer of ``:update``, ``:restore`` and ``automatic_updates``: the only operation is the render's, if any."""

    install: InstallVersions | None = None
    render: InstallRender | None = None


class Pod(WireModel):
    """A pod of an install."""

    name: str
    containers: Sequence[str] | None = None


class Binding(WireModel):
    """What a preview hostname shows: ``kind`` is ``pinned`` (a render) or ``floating`` (a track)."""

    kind: str | None = None
    render_id: str | None = None
    track: str | None = None


class PreviewHostname(Tracked):
    """A hostname of an install; ``status`` is ``provisioning``, ``active``, ``evicted`` or ``releasing``."""

    install_id: str | None = None
    hostname: str | None = None
    protocol: str | None = None
    routing_mode: str | None = None
    binding: Binding | None = None
    status: str | None = None
    last_seen_at: Time = None


class PackageSource(WireModel):
    """Where a package is kept: ``kind`` is ``hosted`` (a repository at Akua) or ``oci``."""

    kind: str | None = None
    repository_id: str | None = None
    oci_ref: str | None = None


class Package(FormerMapping):
    """A package; it has no state."""

    id: str
    html_url: str | None = None
    workspace_id: str | None = None
    name: str | None = None
    latest_version_id: str | None = None
    description: str | None = None
    display_image_url: str | None = None
    source: PackageSource | None = None
    #: Only with ``view="full"``.
    composed_from_sources: Sequence[Mapping[str, Any]] | None = None
    created_at: Time = None
    etag: str | None = None

    @property
    @deprecated("Akua does not say when a package was changed: Package.updated_at is always None")
    def updated_at(self) -> None:
        """Return ``None``, always."""

    @property
    @deprecated("Akua does not say whether an operation on a package is in progress: list its operations")
    def reconciling(self) -> None:
        """Return ``None``, always."""


class PackageVersion(FormerMapping):
    """A version of a package."""

    id: str
    package_id: str | None = None
    semver: str | None = None
    ref: str | None = None
    input_schema: Mapping[str, Any] | None = None
    published_at: Time = None
    created_at: Time = None
    etag: str | None = None

    @property
    @deprecated("use PackageVersion.semver")
    def version(self) -> str | None:
        """Return the semantic version."""
        return self.semver


class ProductPackage(WireModel):
    """The package behind a product."""

    id: str
    version_pin: Mapping[str, Any] | None = None
    default_version_id: str | None = None


class Product(Tracked):
    """What can be installed by its ``product_id``; ``state`` is ``active`` or ``archived``."""

    html_url: str | None = None
    name: str | None = None
    package: ProductPackage | None = None
    custom_image: str | None = None
    custom_description: str | None = None
    marketplace: Mapping[str, Any] | None = None
    state: str | None = None
    archived_at: Time = None
    archive_reason: str | None = None


class Repository(Tracked):
    """A repository; which ids it has depends on ``purpose``.

    ``purpose`` is ``deploy``, ``package``, ``repository_change_request`` or, since September 2026, ``workspace``.
    """

    name: str | None = None
    reconciling: bool | None = None
    purpose: str | None = None
    cluster_id: str | None = None
    last_deploy_sha: str | None = None
    last_render_hash: str | None = None
    package_id: str | None = None
    repository_change_request_id: str | None = None


class ChangeRequest(Tracked):
    """A change request. ``state`` is upper case.

    ``AWAITING_CHANGES``, ``VALIDATING``, ``READY``, ``ACCEPTING``, ``ACCEPTED``, ``REJECTED``, ``WITHDRAWN``,
    ``EXPIRED`` or ``FAILED``.
    """

    html_url: str | None = None
    parent_repository_id: str | None = None
    fork_repository_id: str | None = None
    state: str | None = None
    change_type: str | None = None
    created_by_type: str | None = None
    created_by_id: str | None = None
    remediation_evidence: Mapping[str, Any] | None = None
    rejection_reason: str | None = None
    expires_at: Time = None


class ChangeRequestAccepted(WireModel):
    """The answer of ``:accept``; wait on ``operation_id``."""

    operation_id: str
    repository_change_request_id: str | None = None
    accepted_at: Time = None


class ChangeRequestToken(WireModel):
    """What it takes to push to the fork of a change request. ``repr`` never shows the token."""

    repository_change_request_id: str | None = None
    fork_remote_url: str | None = None
    fork_write_token: str = Field(repr=False)
    expires_at: Time = None
