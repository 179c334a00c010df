"""Calls of compute: VMs and volumes [Nirvana: section 4, Compute; section 5]."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from airflow_provider_ops.apis.calls import Call, Paged, Request, drop_none, path
from airflow_provider_ops.apis.nirvana import checks
from airflow_provider_ops.apis.nirvana.account import OSImage
from airflow_provider_ops.apis.nirvana.bodies import (
    BootVolume,
    DataVolume,
    MetricAggregation,
    MetricPeriod,
    ResourceStatus,
    SSHKey,
    VolumeKind,
    VolumeType,
)
from airflow_provider_ops.apis.nirvana.resources import VM, MetricDescriptor, VMMetrics, Volume
from airflow_provider_ops.apis.nirvana.schemas import (
    body_of,
    filters,
    listing_models,
    reading_model,
    starting,
    whole,
)
from airflow_provider_ops.apis.wire_models import read
from airflow_provider_ops.operation import Operation

VMS = "/v1/compute/vms"
ONE_VM = f"{VMS}/{{vm_id}}"
VOLUMES = "/v1/compute/volumes"
ONE_VOLUME = f"{VOLUMES}/{{volume_id}}"


def create_vm(
    *,
    name: str,
    region: str,
    instance_type: str,
    os_image_name: str,
    boot_volume: BootVolume,
    subnet_id: str,
    ssh_key: SSHKey,
    public_ip_enabled: bool,
    project_id: str | None = None,
    data_volumes: Sequence[DataVolume] | None = None,
    tags: Sequence[str] | None = None,
) -> Call[Operation]:
    """``POST /v1/compute/vms``: the operation ``vm.create``."""
    checks.volume("boot_volume", boot_volume)
    for number, volume in enumerate(data_volumes or ()):
        checks.volume(f"data_volumes[{number}]", volume)
    body = drop_none(
        name=name,
        region=region,
        instance_type=instance_type,
        os_image_name=os_image_name,
        boot_volume=boot_volume,
        subnet_id=subnet_id,
        ssh_key=ssh_key,
        public_ip_enabled=public_ip_enabled,
        project_id=project_id,
        data_volumes=data_volumes,
        tags=tags,
    )
    return starting("POST", VMS, body)


def update_vm(
    vm_id: str,
    *,
    name: str | None = None,
    instance_type: str | None = None,
    public_ip_enabled: bool | None = None,
    tags: Sequence[str] | None = None,
) -> Call[Operation]:
    """``PATCH /v1/compute/vms/{vm_id}``: the operation ``vm.update``; what is not given stays as it is."""
    body = drop_none(name=name, instance_type=instance_type, public_ip_enabled=public_ip_enabled, tags=tags)
    return starting("PATCH", ONE_VM, body, vm_id=vm_id)


def delete_vm(vm_id: str) -> Call[Operation]:
    """``DELETE /v1/compute/vms/{vm_id}``: the operation ``vm.delete``."""
    return starting("DELETE", ONE_VM, vm_id=vm_id)


def restart_vm(vm_id: str) -> Call[Operation]:
    """``POST /v1/compute/vms/{vm_id}/restart``: the operation ``vm.restart``."""
    return starting("POST", f"{ONE_VM}/restart", vm_id=vm_id)


def create_volume(
    *,
    name: str,
    region: str,
    size: int,
    type: VolumeType,  # noqa: A002 - the API's own name
    project_id: str | None = None,
    vm_id: str | None = None,
    tags: Sequence[str] | None = None,
) -> Call[Operation]:
    """``POST /v1/compute/volumes``: the operation ``volume.create`` of a data volume; ``size`` in GB."""
    checks.volume_type("type", type)
    checks.within("size", size, 1)
    body = drop_none(name=name, region=region, size=size, type=type, project_id=project_id, vm_id=vm_id, tags=tags)
    return starting("POST", VOLUMES, body)


def update_volume(
    volume_id: str, *, name: str | None = None, size: int | None = None, tags: Sequence[str] | None = None
) -> Call[Operation]:
    """``PATCH /v1/compute/volumes/{volume_id}``: the operation ``volume.update``."""
    if size is not None:
        checks.within("size", size, 1)
    return starting("PATCH", ONE_VOLUME, drop_none(name=name, size=size, tags=tags), volume_id=volume_id)


def delete_volume(volume_id: str) -> Call[Operation]:
    """``DELETE /v1/compute/volumes/{volume_id}``, boot or data: the operation ``volume.delete``."""
    return starting("DELETE", ONE_VOLUME, volume_id=volume_id)


def attach_volume(volume_id: str, *, vm_id: str) -> Call[Operation]:
    """``POST /v1/compute/volumes/{volume_id}/attach``: an operation whose kind is not documented."""
    return starting("POST", f"{ONE_VOLUME}/attach", {"vm_id": vm_id}, volume_id=volume_id)


def detach_volume(volume_id: str) -> Call[Operation]:
    """``POST /v1/compute/volumes/{volume_id}/detach``: an operation whose kind is not documented."""
    return starting("POST", f"{ONE_VOLUME}/detach", volume_id=volume_id)


def list_vms(
    project_id: str | None = None,
    *,
    name: str | None = None,
    status: ResourceStatus | None = None,
    region: str | None = None,
    vpc_id: str | None = None,
    subnet_id: str | None = None,
    public_ip_enabled: bool | None = None,
    tags: Sequence[str] | None = None,
    sort: str | None = None,
) -> Paged[VM]:
    """``GET /v1/compute/vms``, all pages. Filters other than ``project_id`` need a server of August 2026 or later.

    :param name: part of the name, in any case of letters.
    :param tags: all of them must match.
    :param sort: ``field:asc`` or ``field:desc``, comma-separated: created_at, updated_at, name, status, vcpu, memory.
    """
    query = filters(
        project_id=project_id,
        name=name,
        status=status,
        region=region,
        vpc_id=vpc_id,
        subnet_id=subnet_id,
        public_ip_enabled=public_ip_enabled,
        tags=tags,
        sort=sort,
    )
    return listing_models(VMS, VM, query)


def get_vm(vm_id: str) -> Call[VM]:
    """``GET /v1/compute/vms/{vm_id}``."""
    return reading_model(ONE_VM, VM, vm_id=vm_id)


def list_vm_volumes(
    vm_id: str,
    *,
    name: str | None = None,
    status: ResourceStatus | None = None,
    kind: VolumeKind | None = None,
    type: VolumeType | None = None,  # noqa: A002 - the API's own name
    tags: Sequence[str] | None = None,
    sort: str | None = None,
) -> Paged[Volume]:
    """``GET /v1/compute/vms/{vm_id}/volumes``, all pages."""
    query = filters(name=name, status=status, kind=kind, type=type, tags=tags, sort=sort)
    return listing_models(f"{ONE_VM}/volumes", Volume, query, vm_id=vm_id)


def get_vm_metrics(
    vm_id: str,
    *,
    start_time: datetime | None = None,
    end_time: datetime | None = None,
    aggregation: MetricAggregation | None = None,
    metric: Sequence[str] | None = None,
    period: MetricPeriod | None = None,
) -> Call[VMMetrics]:
    """``GET /v1/compute/vms/{vm_id}/metrics``: of the last hour where no times are given.

    :param start_time: inclusive; history is kept for 30 days.
    :param end_time: exclusive.
    :param aggregation: what becomes of several samples in one period.
    :param metric: names that ``list_metric_descriptors`` shows; default all. Joined by commas, as the Go client does.
    :param period: at most 1440 of them fit into one answer.
    """
    query = filters(
        start_time=start_time,
        end_time=end_time,
        aggregation=aggregation,
        metric=None if metric is None else ",".join(metric),
        period=period,
    )
    route = f"{ONE_VM}/metrics"
    request = Request("GET", path(route, vm_id=vm_id), route, query=query)
    return Call(request, lambda response: read(VMMetrics, body_of(response)))


def list_metric_descriptors() -> Paged[MetricDescriptor]:
    """``GET /v1/compute/metric_descriptors``: it takes no parameters."""
    return whole("/v1/compute/metric_descriptors", MetricDescriptor)


def list_os_images() -> Paged[OSImage]:
    """``GET /v1/compute/vms/os_images``, all pages."""
    return listing_models(f"{VMS}/os_images", OSImage)


def list_volumes(
    project_id: str | None = None,
    *,
    name: str | None = None,
    status: ResourceStatus | None = None,
    region: str | None = None,
    vm_id: str | None = None,
    attached: bool | None = None,
    kind: VolumeKind | None = None,
    type: VolumeType | None = None,  # noqa: A002 - the API's own name
    tags: Sequence[str] | None = None,
    sort: str | None = None,
) -> Paged[Volume]:
    """``GET /v1/compute/volumes``, all pages. ``sort`` by created_at, updated_at, name, status, size."""
    query = filters(
        project_id=project_id,
        name=name,
        status=status,
        region=region,
        vm_id=vm_id,
        attached=attached,
        kind=kind,
        type=type,
        tags=tags,
        sort=sort,
    )
    return listing_models(VOLUMES, Volume, query)


def get_volume(volume_id: str) -> Call[Volume]:
    """``GET /v1/compute/volumes/{volume_id}``."""
    return reading_model(ONE_VOLUME, Volume, volume_id=volume_id)
