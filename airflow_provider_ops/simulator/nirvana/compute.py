"""VMs and volumes of the simulated Nirvana."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ops.simulator.nirvana import shapes
from airflow_provider_ops.simulator.nirvana.bodies import AttachVolume, CreateVM, CreateVolume, UpdateVM, UpdateVolume
from airflow_provider_ops.simulator.nirvana.estate import check_idle
from airflow_provider_ops.simulator.nirvana.kinds import Kind
from airflow_provider_ops.simulator.nirvana.listing import listed
from airflow_provider_ops.simulator.nirvana.queries import ListVMs, ListVMVolumes, ListVolumes
from airflow_provider_ops.simulator.routing import Route
from airflow_provider_ops.simulator.validation import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ops.simulator.api import Call, Reply
    from airflow_provider_ops.simulator.records import Resource


class VMs(Kind):
    """Virtual machines."""

    word = scope = "vm"
    collection = "/v1/compute/vms"
    id_name = "vm_id"
    create = CreateVM
    update = UpdateVM
    query = ListVMs

    def routes(self) -> list[Route]:
        """Return the endpoints, with restart and the volumes of a VM."""
        return [
            *super().routes(),
            Route("POST", f"{self.one}/restart", self._restart, "vm:edit"),
            Route("GET", f"{self.one}/volumes", self._volumes, "volume:read", query=ListVMVolumes),
        ]

    def show(self, row: Resource) -> dict[str, Any]:
        """Return a VM."""
        return shapes.vm(row, self.estate.rows("volume", parent=row.id))

    def facts(self, body: CreateVM, parent: Resource | None) -> dict[str, Any]:  # noqa: ARG002
        """Find the VPC of the subnet."""
        vpc = self.estate.subnets.get(body.subnet_id)
        if vpc is None or vpc.deleted:
            raise Problem(f"subnet_id: there is no subnet {body.subnet_id}", kind="invalid")
        addresses = {"private_ip": None, "public_ip": None}
        return {"vpc_id": vpc.id, "vpc_name": vpc.name, "boot_volume": body.boot_volume.model_dump(), **addresses}

    def started(self, row: Resource, body: CreateVM) -> None:
        """Make its volumes."""
        boot = {"name": f"{row.name}-boot", **body.boot_volume.model_dump()}
        data = [volume.model_dump() for volume in body.data_volumes or ()]
        for kind, facts in (("boot", boot), *(("data", volume) for volume in data)):
            self.estate.add_part(
                "volume",
                facts.pop("name"),
                row,
                {
                    **facts,
                    "tags": facts["tags"] or [],
                    "parent": row.id,
                    "nested": False,
                    "region": body.region,
                    "volume_kind": kind,
                },
            )

    def made(self, row: Resource) -> None:
        """Give it its addresses."""
        number = row.seq % 250 + 2
        row.details["private_ip"] = f"10.0.0.{number}"
        self._address(row)

    def changed(self, row: Resource, new: Mapping[str, Any]) -> None:  # noqa: ARG002
        """Give or take the public address."""
        self._address(row)

    @staticmethod
    def _address(row: Resource) -> None:
        row.details["public_ip"] = f"203.0.113.{row.seq % 250 + 2}" if row.details["public_ip_enabled"] else None

    def gone(self, row: Resource, at: float | None) -> None:
        """Take what was made with it along, and let go of the rest."""
        for volume in self.estate.rows("volume", parent=row.id):
            if self.estate.parts.get(volume.id) is not None:
                self.estate.remove(volume, at)
            else:
                volume.details["parent"] = None
                self.estate.change(volume, at=at)

    def _restart(self, call: Call) -> Reply:
        row = self.find(call)
        check_idle(row)
        return self.accept(self.begin_update(call, row, {}, "restart"))

    def _volumes(self, call: Call) -> Reply:
        row = self.find(call)
        volumes = self.estate.rows("volume", parent=row.id)
        return listed(volumes, call, lambda volume: shapes.volume(volume, row.name))


class Volumes(Kind):
    """Volumes of compute."""

    word = scope = "volume"
    collection = "/v1/compute/volumes"
    id_name = "volume_id"
    create = CreateVolume
    update = UpdateVolume
    query = ListVolumes

    def routes(self) -> list[Route]:
        """Return the endpoints, with attach and detach."""
        return [
            *super().routes(),
            Route("POST", f"{self.one}/attach", self._attach, "volume:edit", body=AttachVolume),
            Route("POST", f"{self.one}/detach", self._detach, "volume:edit"),
        ]

    def show(self, row: Resource) -> dict[str, Any]:
        """Return a volume."""
        vm = self.estate.find(row.details["parent"]) if row.details["parent"] else None
        return shapes.volume(row, vm.name if vm else None)

    def facts(self, body: CreateVolume, parent: Resource | None) -> dict[str, Any]:  # noqa: ARG002
        """Find the VM it is for."""
        if body.vm_id is not None:
            self.estate.named("vm_id", "vm", body.vm_id)
        return {"parent": body.vm_id, "volume_kind": "data"}

    def may_go(self, row: Resource) -> None:
        """Refuse while it is attached."""
        if row.details["parent"] is not None:
            raise Problem(f"volume {row.id} is attached to vm {row.details['parent']}; detach it first", kind="invalid")

    def _attach(self, call: Call) -> Reply:
        row = self.find(call)
        vm = self.estate.named("vm_id", "vm", call.body.vm_id)
        if row.details["parent"] is not None:
            raise Problem(f"volume {row.id} is attached already", kind="invalid")
        return self._connect(call, row, vm.id)

    def _detach(self, call: Call) -> Reply:
        row = self.find(call)
        if row.details["parent"] is None or row.details["volume_kind"] == "boot":
            raise Problem(f"volume {row.id} is no attached data volume", kind="invalid")
        return self._connect(call, row, None)

    def _connect(self, call: Call, row: Resource, vm_id: str | None) -> Reply:
        check_idle(row)
        return self.accept(self.begin_update(call, row, {"vm_id": vm_id}))

    def changed(self, row: Resource, new: Mapping[str, Any]) -> None:
        """Follow an attach or detach."""
        if "vm_id" in new:
            row.details["parent"] = new["vm_id"]
