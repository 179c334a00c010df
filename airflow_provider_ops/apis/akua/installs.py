"""Calls about installs, their renders and preview hostnames, and those that create packages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from typing_extensions import NotRequired

from airflow_provider_ops.apis.akua import starts
from airflow_provider_ops.apis.akua.calls import reads_as
from airflow_provider_ops.apis.akua.install_models import (
    Install,
    InstallChange,
    InstallRender,
    InstallStatus,
    Pod,
    PreviewHostname,
)
from airflow_provider_ops.apis.akua.metadata import Protocol, RoutingMode
from airflow_provider_ops.apis.akua.schemas import check_length, listing_models, reading, unpaged_models
from airflow_provider_ops.apis.calls import Call, Paged, check_id, drop_none
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.operation import Operation

RENDER = f"{starts.RENDERS}/{{render_id}}"
_LONGEST_RENDER_MESSAGE = 255


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
    """Where a package comes from: a repository at Akua (see ``AkuaHook.create_repository``)."""

    kind: Literal["hosted"]
    repository_id: str
    ref: str


def create_package(
    *,
    name: str,
    sources: Sequence[HelmSource | HostedSource],
    display_image_url: str | None = None,
    keep_source_repository: bool | None = None,
    idempotency_key: str | None = None,
) -> Call[Operation]:
    """``POST /packages``: the operation ``package.create``.

    :param sources: exactly one; ``hosted`` is known to servers of September 2026 and later.
    :param keep_source_repository: whether the repository of a hosted source stays; servers as above.
    :raises InvalidArgument: a name of other than 1 to 120 characters, or other than one usable source.
    """
    check_length("name", name, 120)
    if isinstance(sources, (str, Mapping)) or len(sources) != 1:
        raise InvalidArgument(f"sources must be a list of exactly one source, not {sources!r}")
    source = sources[0]
    if source.get("kind") == "helm":
        _check_helm(source)
    body = drop_none(
        name=name,
        sources=list(sources),
        display_image_url=display_image_url,
        keep_source_repository=keep_source_repository,
    )
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
    body = drop_none(
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
        reads_as(InstallChange),
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
        reads_as(InstallChange),
        {"render_id": check_id("render_id", render_id)},
        install_id=install_id,
        etag=etag,
        idempotency_key=idempotency_key,
    )


def set_automatic_updates(
    install_id: str,
    *,
    automatic_updates_enabled: bool,
    etag: str | None = None,
    idempotency_key: str | None = None,
) -> Call[InstallChange]:
    """``PATCH /installs/{install_id}/automatic_updates``: the answer is that of an update, often without a render."""
    return starts.SET_AUTOMATIC_UPDATES.reading(
        reads_as(InstallChange),
        {"automatic_updates_enabled": automatic_updates_enabled},
        install_id=install_id,
        etag=etag,
        idempotency_key=idempotency_key,
    )


def create_render(
    install_id: str,
    *,
    message: str | None = None,
    skip_unchanged: bool | None = None,
    extra_annotations: Mapping[str, str] | None = None,
    idempotency_key: str | None = None,
) -> Call[InstallRender]:
    """``POST /installs/{install_id}/renders``: a render; where it has an ``operation_id``, wait on that.

    :param message: at most 255 characters.
    :param skip_unchanged: whether a render that would change nothing is skipped; the default of Akua is ``True``.
    """
    check_length("message", message, _LONGEST_RENDER_MESSAGE, shortest=0)
    annotations = None if extra_annotations is None else dict(extra_annotations)
    body = drop_none(message=message, skip_unchanged=skip_unchanged, extra_annotations=annotations)
    return starts.CREATE_RENDER.reading(
        reads_as(InstallRender), body or None, install_id=install_id, idempotency_key=idempotency_key
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
    body = drop_none(render_id=check_id("render_id", render_id), protocol=protocol, routing_mode=routing_mode)
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
    body = drop_none(track=track, render_id=render_id, protocol=protocol, routing_mode=routing_mode)
    return starts.BIND_FLOATING.call(body, install_id=install_id, idempotency_key=idempotency_key)


def delete_preview_hostname(
    install_id: str, preview_hostname_id: str, *, etag: str | None = None, idempotency_key: str | None = None
) -> Call[Operation]:
    """``DELETE /installs/{install_id}/preview_hostnames/{preview_hostname_id}``: ``preview_hostname.delete``."""
    return starts.DELETE_PREVIEW_HOSTNAME.call(
        install_id=install_id, preview_hostname_id=preview_hostname_id, etag=etag, idempotency_key=idempotency_key
    )


def list_installs(*, product_id: str | None = None) -> Paged[Install]:
    """``GET /installs``, all pages."""
    return listing_models("/installs", Install, drop_none(product_id=product_id))


def get_install(install_id: str) -> Call[Install]:
    """``GET /installs/{install_id}``."""
    return reading(starts.INSTALL, Install, install_id=install_id)


def get_install_status(install_id: str) -> Call[InstallStatus]:
    """``GET /installs/{install_id}/status``."""
    return reading(f"{starts.INSTALL}/status", InstallStatus, install_id=install_id)


def get_render(install_id: str, render_id: str) -> Call[InstallRender]:
    """``GET /installs/{install_id}/renders/{render_id}``."""
    return reading(RENDER, InstallRender, install_id=install_id, render_id=render_id)


def list_renders(install_id: str) -> Paged[InstallRender]:
    """``GET /installs/{install_id}/renders``, all pages."""
    return listing_models(starts.RENDERS, InstallRender, install_id=install_id)


def list_pods(install_id: str) -> Paged[Pod]:
    """``GET /installs/{install_id}/pods``."""
    return unpaged_models(f"{starts.INSTALL}/pods", Pod, install_id=install_id)


def list_preview_hostnames(install_id: str) -> Paged[PreviewHostname]:
    """``GET /installs/{install_id}/preview_hostnames``, all pages."""
    return listing_models(starts.PREVIEW_HOSTNAMES, PreviewHostname, install_id=install_id)


def get_preview_hostname(install_id: str, preview_hostname_id: str) -> Call[PreviewHostname]:
    """``GET /installs/{install_id}/preview_hostnames/{preview_hostname_id}``."""
    return reading(
        starts.PREVIEW_HOSTNAME, PreviewHostname, install_id=install_id, preview_hostname_id=preview_hostname_id
    )
