"""Operators of Akua's packages, installs and change requests [section 5]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_ops.apis.akua import installs, submits
from airflow_provider_ops.apis.akua.installs import HelmSource, HostedSource, VersionPin
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.hooks.akua import AkuaHook
from airflow_provider_ops.operation import Operation
from airflow_provider_ops.operators.base import OperationOperator


class AkuaCreatePackageOperator(OperationOperator):
    """Creates a package from a source and waits until its first version is there.

    :param name: 1 to 120 characters.
    :param sources: exactly one, like ``{"kind": "helm", "repo_url": "oci://...", "target_revision": "1.0.0"}``; later
        clients also send ``{"kind": "hosted", "repository_id": "repo_...", "ref": "main"}``.
    :param display_image_url: picture for people.
    """

    hook_class = AkuaHook
    starts = staticmethod(submits(installs.create_package))

    def __init__(
        self,
        *,
        name: str,
        sources: Sequence[HelmSource | HostedSource],
        display_image_url: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fields={"name": name, "sources": sources, "display_image_url": display_image_url}, **kwargs)


class AkuaCreateInstallOperator(OperationOperator):
    """Installs a product or a package and waits for the operation; then, if asked to, until the install is healthy.

    The operation's success does not mean that the install is healthy [section 6]. ``resource`` in the result is the
    install with its ``state`` and ``urls``.

    :param region_id: one of ``AkuaHook.list_regions``.
    :param product_id: either this,
    :param package_id: or this, with ``package_version_pin``.
    :param package_version_pin: ``{"kind": "latest"}`` or ``{"kind": "pinned", "version": "1.2.3"}``.
    :param cluster_id: where to install.
    :param initial_values: values of the first render.
    :param wait_until_healthy: whether to go on until the install is ``healthy``; ``failed`` and ``deleted`` fail the
        task, ``degraded`` is waited through. One deadline holds for both waits.
    """

    hook_class = AkuaHook
    starts = staticmethod(submits(installs.create_install))

    def __init__(
        self,
        *,
        region_id: str,
        product_id: str | None = None,
        package_id: str | None = None,
        package_version_pin: VersionPin | None = None,
        cluster_id: str | None = None,
        initial_values: Mapping[str, Any] | None = None,
        wait_until_healthy: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            fields={
                "region_id": region_id,
                "product_id": product_id,
                "package_id": package_id,
                "package_version_pin": package_version_pin,
                "cluster_id": cluster_id,
                "initial_values": initial_values,
            },
            **kwargs,
        )
        if wait_until_healthy not in (True, False):
            # a template would render to text, and "False" is true
            raise InvalidArgument(f"wait_until_healthy must be True or False, not {wait_until_healthy!r}")
        self.wait_until_healthy = wait_until_healthy

    def then(self, operation: Operation) -> str | None:
        """The install, when it is to be waited for and something was deployed."""
        result = operation.result or {}
        install_id = result.get("install_id") or operation.resource_id
        if not self.wait_until_healthy or not install_id:
            return None
        if result.get("sandbox_skipped"):
            self.log.warning("Install %r was made without deploying anything, so nothing becomes healthy", install_id)
            return None
        return f"install:{install_id}"


class AkuaDeleteInstallOperator(OperationOperator):
    """Deletes an install and waits until it is gone.

    :param install_id: the install.
    :param etag: the resource's; default reads it just before sending, and again when it is stale.
    """

    hook_class = AkuaHook
    starts = staticmethod(submits(installs.delete_install))

    def __init__(
        self,
        *,
        install_id: str,
        etag: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fields={"install_id": install_id, "etag": etag}, **kwargs)


class AkuaUpdateInstallOperator(OperationOperator):
    """Brings an install to a version of its package and waits until that is rendered and deployed.

    Akua answers with a render. Its operation is waited for; a render that names none is followed by its own state, and
    where nothing had to be rendered the install is waited for until it is healthy.

    :param install_id: the install.
    :param package_version_id: the version.
    :param etag: the resource's; default reads it just before sending, and again when it is stale.
    """

    hook_class = AkuaHook
    starts = staticmethod(submits(installs.update_install))

    def __init__(
        self,
        *,
        install_id: str,
        package_version_id: str,
        etag: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            fields={"install_id": install_id, "package_version_id": package_version_id, "etag": etag}, **kwargs
        )


class AkuaRestoreInstallOperator(OperationOperator):
    """Brings an install back to an earlier render and waits until that is deployed.

    Akua answers with a render. Its operation is waited for; a render that names none is followed by its own state, and
    where nothing had to be rendered the install is waited for until it is healthy.

    :param install_id: the install.
    :param render_id: the render to go back to.
    :param etag: the resource's; default reads it just before sending, and again when it is stale.
    """

    hook_class = AkuaHook
    starts = staticmethod(submits(installs.restore_install))

    def __init__(
        self,
        *,
        install_id: str,
        render_id: str,
        etag: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fields={"install_id": install_id, "render_id": render_id, "etag": etag}, **kwargs)


class AkuaAcceptRepositoryChangeRequestOperator(OperationOperator):
    """Accepts a change request and waits until it is merged.

    :param repository_change_request_id: the change request.
    :param etag: the resource's; default reads it just before sending, and again when it is stale.
    """

    hook_class = AkuaHook
    starts = staticmethod(submits(installs.accept_repository_change_request))

    def __init__(
        self,
        *,
        repository_change_request_id: str,
        etag: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fields={"repository_change_request_id": repository_change_request_id, "etag": etag}, **kwargs)
