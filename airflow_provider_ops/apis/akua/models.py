"""What Akua's reads answer [sections 5 and 6]. All but the id may be absent: the sheet shows few samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import AliasChoices, Field

from airflow_provider_ops.apis.akua.times import Time
from airflow_provider_ops.apis.base import WireModel

#: The sheet lists the words of each state; that the field has this name too is inferred.
_STATE = AliasChoices("state", "status")


class Tracked(WireModel):
    """What resources have in common: ``etag`` is what writes want as ``if-match``."""

    id: str
    name: str | None = None
    workspace_id: str | None = None
    etag: str | None = None
    #: Whether something is going on with it.
    reconciling: bool | None = None
    created_at: Time = None
    updated_at: Time = None


class Cluster(Tracked):
    """``state`` is ``pending``, ``provisioning``, ``active``, ``suspended`` or ``deleting``."""

    state: str | None = Field(default=None, validation_alias=_STATE)
    provider: str | None = None
    region_id: str | None = None


class ProviderResource(WireModel):
    """The machine at its cloud."""

    public_ip: str | None = None


class Machine(Tracked):
    """``state`` in upper case: ``ACTIVE``, ``PROVISIONING``, ``SUSPENDING``, ``SUSPENDED``, ``RESUMING``, ``DELETING``.

    The id is stable; the public IP usually changes with suspend and resume.
    """

    state: str | None = Field(default=None, validation_alias=_STATE)
    cluster_id: str | None = None
    instance_type: str | None = None
    provider_resource: ProviderResource | None = None


class InstallVersions(WireModel):
    """The part of an install that update, restore and automatic updates answer with."""

    id: str
    current_version: Any = None
    desired_version: Any = None
    automatic_updates_enabled: bool | None = None
    updated_at: Time = None
    etag: str | None = None


class Install(Tracked):
    """``state``: ``pending``, ``rendering``, ``syncing``, ``healthy``, ``degraded``, ``failed``, ``deleted``."""

    state: str | None = Field(default=None, validation_alias=_STATE)
    product_id: str | None = None
    package_id: str | None = None
    cluster_id: str | None = None
    urls: Sequence[Any] | None = None


class InstallStatus(WireModel):
    """``GET /installs/{install_id}/status``; its fields beside the state are not documented."""

    id: str | None = None
    state: str | None = Field(default=None, validation_alias=_STATE)
    reconciling: bool | None = None


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


class ChangeRequestAccepted(WireModel):
    """The answer of ``:accept``; wait on ``operation_id``."""

    operation_id: str
    repository_change_request_id: str | None = None
    accepted_at: Time = None


class Package(Tracked):
    """A package; it has no state."""

    latest_version_id: str | None = None


class PackageVersion(WireModel):
    """A version of a package; its fields are not documented."""

    id: str
    version: str | None = None
    created_at: Time = None


class Region(WireModel):
    """Where clusters and installs live."""

    id: str
    name: str | None = None


class ComputeConfig(WireModel):
    """What machines are made with; its fields are not documented."""

    id: str
    name: str | None = None


class Quota(WireModel):
    """A limit: ``type`` is ``allocation`` (per workspace), ``rate`` (per user) or ``concurrency`` (per cluster)."""

    metric: str
    type: str | None = None
    display_name: str | None = None
    unit: str | None = None
    limit: float | None = None
    usage: float | None = None
    remaining: float | None = None
    resets_at: Time = None


class Workspace(Tracked):
    """A workspace."""


class Repository(Tracked):
    """A repository; ``purpose`` is ``deploy``, ``package`` or ``repository_change_request``."""

    purpose: str | None = None


class ApiToken(WireModel):
    """A token of the workspace, as lists show it."""

    id: str
    name: str | None = None
    workspace_id: str | None = None
    expires_at: Time = None


class NewApiToken(ApiToken):
    """A token that was just minted. ``repr`` never shows it."""

    token: str = Field(repr=False)
