"""Operators of Akua's packages, installs and renders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from typing_extensions import Unpack

from airflow_provider_ops.apis.akua import installs, submits
from airflow_provider_ops.apis.akua.installs import HelmSource, HostedSource, VersionPin
from airflow_provider_ops.core.gate import line_log_of
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.hooks.akua import AkuaHook
from airflow_provider_ops.operation import Operation
from airflow_provider_ops.operators.arguments import OperatorArguments, Templated, TemplatedList
from airflow_provider_ops.operators.base import OperationOperator
from airflow_provider_ops.operators.declared import request_fields
from airflow_provider_ops.retry_policy import enforce_retry_policy


class AkuaCreatePackageOperator(OperationOperator):
    """Create a package from a source and wait until its first version is there.

    :param name: 1 to 120 characters.
    :param sources: exactly one, like ``{"kind": "helm", "repo_url": "oci://...", "target_revision": "1.0.0"}``; servers
        of September 2026 and later take ``{"kind": "hosted", "repository_id": "repo_...", "ref": "main"}`` as well.
    :param display_image_url: picture for people.
    :param keep_source_repository: whether the repository of a hosted source stays; servers as above.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(installs.create_package))

    @request_fields
    def __init__(
        self,
        *,
        name: Templated[str],
        sources: TemplatedList[HelmSource | HostedSource | Mapping[str, Any]],
        display_image_url: Templated[str] | None = None,
        keep_source_repository: Templated[bool] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class AkuaCreateInstallOperator(OperationOperator):
    """Install a product or a package and wait for the operation; then, if asked to, until the install is healthy.

    The operation's success does not mean that the install is healthy [section 6]. ``resource`` in the result is the
    install with its ``state`` and ``urls``.

    :param region_id: one of ``AkuaHook.list_regions``.
    :param product_id: either this,
    :param package_id: or this, with ``package_version_pin``.
    :param package_version_pin: ``{"kind": "latest"}`` or ``{"kind": "pinned", "version": "1.2.3"}``.
    :param cluster_id: where to install.
    :param initial_values: values of the first render.
    :param wait_until_healthy: whether to wait until the install is ``healthy``; ``failed`` and ``deleted`` fail the
        task, ``degraded`` is waited through. One deadline holds for both waits.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(installs.create_install))

    def __init__(
        self,
        *,
        region_id: Templated[str],
        product_id: Templated[str] | None = None,
        package_id: Templated[str] | None = None,
        package_version_pin: Templated[VersionPin | Mapping[str, Any]] | None = None,
        cluster_id: Templated[str] | None = None,
        initial_values: Templated[Mapping[str, Any]] | None = None,
        wait_until_healthy: bool = False,
        **kwargs: Unpack[OperatorArguments],
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
        with enforce_retry_policy(self):
            self.check_arguments({"wait_until_healthy": wait_until_healthy})
        self.wait_until_healthy = wait_until_healthy

    @classmethod
    def check_arguments(cls, arguments: Mapping[str, Any]) -> None:
        """Refuse arguments that cannot work, each by itself and as far as it is known; without I/O.

        :raises InvalidArgument: names the argument and what is allowed.
        """
        super().check_arguments(arguments)
        if (wait := arguments.get("wait_until_healthy", False)) not in (True, False):
            # a template would render to text, and "False" is true
            raise InvalidArgument(f"wait_until_healthy must be True or False, not {wait!r}")

    def next_operation(self, operation: Operation) -> str | None:
        """Return the install, when it is to be waited for and something was deployed."""
        result = operation.result or {}
        install_id = result.get("install_id") or operation.resource_id
        if not self.wait_until_healthy or not install_id:
            return None
        if result.get("sandbox_skipped"):
            line_log_of(self).warning(
                "Install %r was made without deploying anything, so nothing becomes healthy", install_id
            )
            return None
        return f"install:{install_id}"


class AkuaDeleteInstallOperator(OperationOperator):
    """Delete an install and wait until it is gone.

    :param install_id: the install.
    :param etag: the resource's; default reads it just before sending, and again when it is stale.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(installs.delete_install))

    @request_fields
    def __init__(
        self,
        *,
        install_id: Templated[str],
        etag: Templated[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class AkuaUpdateInstallOperator(OperationOperator):
    """Bring an install to a version of its package and wait until that is rendered and deployed.

    Akua answers with a render. Its operation is waited for; a render that names none is followed by its own state, and
    where nothing had to be rendered the install is waited for until it is healthy.

    :param install_id: the install.
    :param package_version_id: the version.
    :param etag: the resource's; default reads it just before sending, and again when it is stale.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(installs.update_install))

    @request_fields
    def __init__(
        self,
        *,
        install_id: Templated[str],
        package_version_id: Templated[str],
        etag: Templated[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class AkuaRestoreInstallOperator(OperationOperator):
    """Bring an install back to an earlier render and wait until that is deployed.

    Akua answers with a render. Its operation is waited for; a render that names none is followed by its own state, and
    where nothing had to be rendered the install is waited for until it is healthy.

    :param install_id: the install.
    :param render_id: the render to go back to.
    :param etag: the resource's; default reads it just before sending, and again when it is stale.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(installs.restore_install))

    @request_fields
    def __init__(
        self,
        *,
        install_id: Templated[str],
        render_id: Templated[str],
        etag: Templated[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class AkuaSetAutomaticUpdatesOperator(OperationOperator):
    """Switch the automatic updates of an install on or off and wait until Akua has caught up with that.

    Where switching them on brings a newer version, its render is waited for as after an update; else until no operation
    on the install is in progress.

    :param install_id: the install.
    :param automatic_updates_enabled: whether new versions of the package are taken as they come.
    :param etag: the resource's; default reads it just before sending, and again when it is stale.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(installs.set_automatic_updates))

    @request_fields
    def __init__(
        self,
        *,
        install_id: Templated[str],
        automatic_updates_enabled: Templated[bool],
        etag: Templated[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class AkuaCreateRenderOperator(OperationOperator):
    """Render an install anew and wait until that is deployed, or skipped because it would change nothing.

    A render that names no operation is followed by its own state.

    :param install_id: the install.
    :param message: at most 255 characters.
    :param skip_unchanged: whether a render that would change nothing is skipped; Akua's default is ``True``.
    :param extra_annotations: added to what is deployed.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(installs.create_render))

    @request_fields
    def __init__(
        self,
        *,
        install_id: Templated[str],
        message: Templated[str] | None = None,
        skip_unchanged: Templated[bool] | None = None,
        extra_annotations: Templated[Mapping[str, str]] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...
