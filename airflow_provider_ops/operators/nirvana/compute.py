"""Operators of Nirvana's compute: VMs and volumes [Nirvana: section 4, Compute]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from typing_extensions import Unpack

from airflow_provider_ops.apis.nirvana import compute, submits
from airflow_provider_ops.apis.nirvana.bodies import BootVolume, DataVolume, SSHKey, VolumeType
from airflow_provider_ops.hooks.nirvana import NirvanaHook
from airflow_provider_ops.operators.arguments import OperatorArguments, Templated, TemplatedList
from airflow_provider_ops.operators.base import OperationOperator
from airflow_provider_ops.operators.declared import request_fields


class NirvanaCreateVMOperator(OperationOperator):
    """Create a VM and wait until it is ready.

    ``resource`` in the result is the VM with its addresses. It carries a tag of ours beside the user's; so do its
    volumes.

    :param name: name of the VM.
    :param region: like ``us-sva-2``.
    :param instance_type: name of a size, see :meth:`NirvanaHook.list_instance_types`.
    :param os_image_name: name of an image, see :meth:`NirvanaHook.list_os_images`.
    :param boot_volume: ``{"size": <GB>, "type": "nvme" | "abs"}``, optionally with ``tags``.
    :param subnet_id: subnet of the VPC to be in (``resource["subnet"]["id"]`` of a VPC).
    :param ssh_key: ``{"public_key": "ssh-ed25519 ..."}``.
    :param public_ip_enabled: whether it gets a public address.
    :param project_id: default is the connection's.
    :param data_volumes: further volumes, each ``{"name", "size", "type"}``, optionally with ``tags``.
    :param tags: tags of the VM.
    :param preflight: whether to ask for availability first, and fail before anything is made.
    """

    hook_class = NirvanaHook
    build_request = staticmethod(submits(compute.create_vm))

    @request_fields
    def __init__(
        self,
        *,
        name: Templated[str],
        region: Templated[str],
        instance_type: Templated[str],
        os_image_name: Templated[str],
        boot_volume: Templated[BootVolume | Mapping[str, Any]],
        subnet_id: Templated[str],
        ssh_key: Templated[SSHKey | Mapping[str, Any]],
        public_ip_enabled: Templated[bool],
        project_id: Templated[str] | None = None,
        data_volumes: TemplatedList[DataVolume | Mapping[str, Any]] | None = None,
        tags: TemplatedList[str] | None = None,
        preflight: Templated[bool] = False,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class NirvanaUpdateVMOperator(OperationOperator):
    """Change a VM and wait until the change is done. What is not given stays as it is.

    :param vm_id: the VM.
    :param name: new name.
    :param instance_type: new size.
    :param public_ip_enabled: whether it has a public address.
    :param tags: new tags.
    """

    hook_class = NirvanaHook
    build_request = staticmethod(submits(compute.update_vm))

    @request_fields
    def __init__(
        self,
        *,
        vm_id: Templated[str],
        name: Templated[str] | None = None,
        instance_type: Templated[str] | None = None,
        public_ip_enabled: Templated[bool] | None = None,
        tags: TemplatedList[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class NirvanaDeleteVMOperator(OperationOperator):
    """Delete a VM and wait until it is gone.

    :param vm_id: the VM.
    """

    hook_class = NirvanaHook
    build_request = staticmethod(submits(compute.delete_vm))

    @request_fields
    def __init__(self, *, vm_id: Templated[str], **kwargs: Unpack[OperatorArguments]) -> None: ...


class NirvanaRestartVMOperator(OperationOperator):
    """Restart a VM and wait until it is back.

    :param vm_id: the VM.
    """

    hook_class = NirvanaHook
    build_request = staticmethod(submits(compute.restart_vm))

    @request_fields
    def __init__(self, *, vm_id: Templated[str], **kwargs: Unpack[OperatorArguments]) -> None: ...


class NirvanaCreateVolumeOperator(OperationOperator):
    """Create a data volume, attached to a VM where one is named, and wait until it is ready.

    :param name: name of the volume.
    :param region: like ``us-sva-2``.
    :param size: GB.
    :param type: ``nvme`` or ``abs``.
    :param project_id: default is the connection's.
    :param vm_id: VM to attach it to.
    :param tags: tags of the volume.
    :param preflight: whether to ask for availability first, and fail before anything is made.
    """

    hook_class = NirvanaHook
    build_request = staticmethod(submits(compute.create_volume))

    @request_fields
    def __init__(
        self,
        *,
        name: Templated[str],
        region: Templated[str],
        size: Templated[int],
        type: Templated[VolumeType],  # noqa: A002 - the API's own name
        project_id: Templated[str] | None = None,
        vm_id: Templated[str] | None = None,
        tags: TemplatedList[str] | None = None,
        preflight: Templated[bool] = False,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class NirvanaUpdateVolumeOperator(OperationOperator):
    """Change a volume and wait until the change is done. What is not given stays as it is.

    :param volume_id: the volume.
    :param name: new name.
    :param size: new size in GB.
    :param tags: new tags.
    """

    hook_class = NirvanaHook
    build_request = staticmethod(submits(compute.update_volume))

    @request_fields
    def __init__(
        self,
        *,
        volume_id: Templated[str],
        name: Templated[str] | None = None,
        size: Templated[int] | None = None,
        tags: TemplatedList[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class NirvanaDeleteVolumeOperator(OperationOperator):
    """Delete a volume and wait until it is gone.

    :param volume_id: the volume, boot or data.
    """

    hook_class = NirvanaHook
    build_request = staticmethod(submits(compute.delete_volume))

    @request_fields
    def __init__(self, *, volume_id: Templated[str], **kwargs: Unpack[OperatorArguments]) -> None: ...


class NirvanaAttachVolumeOperator(OperationOperator):
    """Attach a volume to a VM and wait until that is done.

    :param volume_id: the volume.
    :param vm_id: the VM.
    """

    hook_class = NirvanaHook
    build_request = staticmethod(submits(compute.attach_volume))

    @request_fields
    def __init__(
        self, *, volume_id: Templated[str], vm_id: Templated[str], **kwargs: Unpack[OperatorArguments]
    ) -> None: ...


class NirvanaDetachVolumeOperator(OperationOperator):
    """Detach a volume from its VM and wait until that is done.

    :param volume_id: the volume.
    """

    hook_class = NirvanaHook
    build_request = staticmethod(submits(compute.detach_volume))

    @request_fields
    def __init__(self, *, volume_id: Templated[str], **kwargs: Unpack[OperatorArguments]) -> None: ...
