"""Calls about packages, installs, their renders and preview hostnames, and change requests [sections 5 and 6]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from typing_extensions import NotRequired

from airflow_provider_ops.apis.akua import starts
from airflow_provider_ops.apis.akua.metadata import Protocol, RoutingMode
from airflow_provider_ops.apis.akua.models import (
    ChangeRequestAccepted,
    Install,
    InstallChange,
    InstallRender,
    InstallStatus,
    Package,
    PackageVersion,
    Repository,
)
from airflow_provider_ops.apis.akua.related import PACKAGE, RENDERS
from airflow_provider_ops.apis.akua.wire import body_of, check_length, listing_models, reading
from airflow_provider_ops.apis.base import read
from airflow_provider_ops.apis.http import Call, Paged, check_id, given
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.operation import Operation

RepositoryPurpose = Literal["deploy", "package", "repository_change_request"]
RENDER = f"{RENDERS}/{{render_id}}"


class VersionPin(TypedDict):
    """``{"kind": "latest"}`` or ``{"kind": "pinned", "version": "1.2.3"}``."""

    kind: Literal["latest", "pinned"]
    version: NotRequired[str]


class HelmSource(TypedDict):
    """Where a package comes from: a chart behind an ``oci://`` URL."""

    kind: Literal["helm"]
    repo_url: str
    target_revision: str
    chart: NotRequired[str]
    path: NotRequired[str]
    values: NotRequired[Any]


class HostedSource(TypedDict):
    """Where a package comes from: a repository of Akua's own; known from later clients only."""

    kind: Literal["hosted"]
    repository_id: str
    ref: str


def create_package(
    *,
    name: str,
    sources: Sequence[HelmSource | HostedSource],
    display_image_url: str | None = None,
    idempotency_key: str | None = None,
) -> Call[Operation]:
    """``POST /packages``: the operation ``package.create``.

    :param sources: exactly one.
    :raises InvalidArgument: a name of other than 1 to 120 characters, or other than one usable source.
    """
    check_length("name", name, 120)
    if isinstance(sources, (str, Mapping)) or len(sources) != 1:
        raise InvalidArgument(f"sources must be a list of exactly one source, not {sources!r}")
    source = sources[0]
    if source.get("kind") == "helm":
        _check_helm(source)
    body = given(name=name, sources=list(sources), display_image_url=display_image_url)
    return starts.CREATE_PACKAGE.call(body, idempotency_key=idempotency_key)


def _check_helm(source: Mapping[str, Any]) -> None:
    if not str(source.get("repo_url", "")).startswith("oci://"):
        raise InvalidArgument(
            f"sources: repo_url of a helm source must start with oci://, not {source.get('repo_url')!r}"
        )
    if not source.get("target_revision"):
        raise InvalidArgument("sources: a helm source needs target_revision")


def create_install(
    *,
    region_id: str,
    product_id: str | None = None,
    package_id: str | None = None,
    package_version_pin: VersionPin | None = None,
    cluster_id: str | None = None,
    initial_values: Mapping[str, Any] | None = None,
    idempotency_key: str | None = None,
) -> Call[Operation]:
    """``POST /installs``: the operation ``install.create``. Its success does not mean that the install is healthy.

    :param product_id: either this,
    :param package_id: or this with ``package_version_pin``.
    :raises InvalidArgument: both or none of the two, or a pin that cannot be one.
    """
    check_id("region_id", region_id)
    if (product_id is None) == (package_id is None):
        raise InvalidArgument("product_id or package_id: exactly one of them must be given")
    if (package_id is None) != (package_version_pin is None):
        raise InvalidArgument("package_version_pin must be given with package_id, and only with it")
    if package_version_pin is not None:
        _check_pin(package_version_pin)
    body = given(
        product_id=product_id,
        package_id=package_id,
        package_version_pin=package_version_pin,
        region_id=region_id,
        cluster_id=cluster_id,
        initial_values=initial_values,
    )
    return starts.CREATE_INSTALL.call(body, idempotency_key=idempotency_key)


def _check_pin(pin: Mapping[str, Any]) -> None:
    if pin.get("kind") not in ("latest", "pinned"):
        raise InvalidArgument(f"package_version_pin must have the kind 'latest' or 'pinned': {pin!r}")
    if pin["kind"] == "pinned":
        version = pin.get("version")
        if not isinstance(version, str):
            raise InvalidArgument("package_version_pin of kind 'pinned' needs a version")
        check_length("package_version_pin.version", version, 128)


def delete_install(install_id: str, *, etag: str | None = None, idempotency_key: str | None = None) -> Call[Operation]:
    """``DELETE /installs/{install_id}``: the operation ``install.delete``."""
    return starts.DELETE_INSTALL.call(install_id=install_id, etag=etag, idempotency_key=idempotency_key)


def update_install(
    install_id: str, package_version_id: str, *, etag: str | None = None, idempotency_key: str | None = None
) -> Call[InstallChange]:
    """``POST /installs/{install_id}:update``: the install, and the render, whose operation to wait for."""
    return starts.UPDATE_INSTALL.reading(
        lambda response: read(InstallChange, body_of(response)),
        {"package_version_id": check_id("package_version_id", package_version_id)},
        install_id=install_id,
        etag=etag,
        idempotency_key=idempotency_key,
    )


def restore_install(
    install_id: str, render_id: str, *, etag: str | None = None, idempotency_key: str | None = None
) -> Call[InstallChange]:
    """``POST /installs/{install_id}:restore``: back to an earlier render; the answer is that of an update."""
    return starts.RESTORE_INSTALL.reading(
        lambda response: read(InstallChange, body_of(response)),
        {"render_id": check_id("render_id", render_id)},
        install_id=install_id,
        etag=etag,
        idempotency_key=idempotency_key,
    )


def bind_pinned_preview_hostname(
    install_id: str,
    render_id: str,
    *,
    protocol: Protocol | None = None,
    routing_mode: RoutingMode | None = None,
    idempotency_key: str | None = None,
) -> Call[Operation]:
    """``POST /installs/{install_id}/preview_hostnames:bindPinned``: the operation ``preview_hostname.bind_pinned``.

    :param protocol: default ``http``.
    :param routing_mode: default ``through_dispatcher``.
    """
    body = given(render_id=check_id("render_id", render_id), protocol=protocol, routing_mode=routing_mode)
    return starts.BIND_PINNED.call(body, install_id=install_id, idempotency_key=idempotency_key)


def bind_floating_preview_hostname(
    install_id: str,
    track: str,
    render_id: str,
    *,
    protocol: Protocol | None = None,
    routing_mode: RoutingMode | None = None,
    idempotency_key: str | None = None,
) -> Call[Operation]:
    """``POST /installs/{install_id}/preview_hostnames:bindFloating``: ``preview_hostname.bind_floating``.

    :param track: 1 to 100 characters.
    """
    check_length("track", track, 100)
    check_id("render_id", render_id)
    body = given(track=track, render_id=render_id, protocol=protocol, routing_mode=routing_mode)
    return starts.BIND_FLOATING.call(body, install_id=install_id, idempotency_key=idempotency_key)


def delete_preview_hostname(
    install_id: str, preview_hostname_id: str, *, etag: str | None = None, idempotency_key: str | None = None
) -> Call[Operation]:
    """``DELETE /installs/{install_id}/preview_hostnames/{preview_hostname_id}``: ``preview_hostname.delete``."""
    return starts.DELETE_PREVIEW_HOSTNAME.call(
        install_id=install_id, preview_hostname_id=preview_hostname_id, etag=etag, idempotency_key=idempotency_key
    )


def accept_repository_change_request(
    repository_change_request_id: str, *, etag: str | None = None, idempotency_key: str | None = None
) -> Call[ChangeRequestAccepted]:
    """``POST /repository_change_requests/{id}:accept``: the id of the operation to wait for."""
    return starts.ACCEPT_CHANGE_REQUEST.reading(
        lambda response: read(ChangeRequestAccepted, body_of(response)),
        repository_change_request_id=repository_change_request_id,
        etag=etag,
        idempotency_key=idempotency_key,
    )


def list_installs(*, product_id: str | None = None) -> Paged[Install]:
    """``GET /installs``, all pages."""
    return listing_models("/installs", Install, given(product_id=product_id))


def get_install(install_id: str) -> Call[Install]:
    """``GET /installs/{install_id}``."""
    return reading(starts.INSTALL, Install, install_id=install_id)


def get_install_status(install_id: str) -> Call[InstallStatus]:
    """``GET /installs/{install_id}/status``."""
    return reading(f"{starts.INSTALL}/status", InstallStatus, install_id=install_id)


def get_render(install_id: str, render_id: str) -> Call[InstallRender]:
    """``GET /installs/{install_id}/renders/{render_id}``."""
    return reading(RENDER, InstallRender, install_id=install_id, render_id=render_id)


def list_packages() -> Paged[Package]:
    """``GET /packages``, all pages."""
    return listing_models("/packages", Package)


def get_package(package_id: str) -> Call[Package]:
    """``GET /packages/{package_id}``."""
    return reading(PACKAGE, Package, package_id=package_id)


def list_package_versions(package_id: str) -> Paged[PackageVersion]:
    """``GET /packages/{package_id}/versions``, all pages."""
    return listing_models(f"{PACKAGE}/versions", PackageVersion, package_id=package_id)


def get_package_version(package_id: str, version_id: str) -> Call[PackageVersion]:
    """``GET /packages/{package_id}/versions/{version_id}``."""
    return reading(f"{PACKAGE}/versions/{{version_id}}", PackageVersion, package_id=package_id, version_id=version_id)


def list_repositories(*, purpose: RepositoryPurpose | None = None) -> Paged[Repository]:
    """``GET /repositories``, all pages."""
    return listing_models("/repositories", Repository, given(purpose=purpose))


def get_repository(repository_id: str) -> Call[Repository]:
    """``GET /repositories/{repository_id}``."""
    return reading("/repositories/{repository_id}", Repository, repository_id=repository_id)
