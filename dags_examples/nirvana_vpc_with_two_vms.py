"""
# A network with two VMs, and away again

A VPC comes first. Its firewall rule and the two VMs need what the VPC turned out to be, and take it from the result of
`create_vpc`: the id of the VPC, the address range and the id of its subnet. `.expand()` makes one task instance per VM;
both VMs come up at the same time, and no worker is held while they do.

The removal goes the other way round: Nirvana keeps a VPC as long as something is in it.

`project_id` is nowhere: all calls belong to the project of the connection (extra `project_id`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task

from airflow_provider_ops.operators.nirvana import (
    NirvanaCreateFirewallRuleOperator,
    NirvanaCreateVMOperator,
    NirvanaCreateVPCOperator,
    NirvanaDeleteFirewallRuleOperator,
    NirvanaDeleteVMOperator,
    NirvanaDeleteVPCOperator,
)

REGION = "us-sva-2"


def vm_id(created: dict[str, Any]) -> str:
    """Pick from a create task's result what its delete task needs."""
    return str(created["resource_id"])


@dag(
    schedule=None,
    tags=["nirvana", "example"],
    default_args={"retries": 2, "retry_delay": timedelta(seconds=5)},
    doc_md=__doc__,
)
def nirvana_vpc_with_two_vms() -> None:
    """Create a VPC, a firewall rule and two VMs; show the addresses; delete everything."""
    create_vpc = NirvanaCreateVPCOperator(
        task_id="create_vpc",
        conn_id="nirvana_default",
        name="Web {{ run_id }}",
        region=REGION,
        subnet_name="web",
        tags=["example"],
    )

    allow_ssh = NirvanaCreateFirewallRuleOperator(
        task_id="allow_ssh",
        conn_id="nirvana_default",
        vpc_id=create_vpc.output["resource_id"],
        name="SSH from everywhere",
        protocol="tcp",
        source_address="0.0.0.0/0",
        destination_address="{{ ti.xcom_pull('create_vpc')['resource']['subnet']['cidr'] }}",
        destination_ports=["22"],
    )

    create_vm = NirvanaCreateVMOperator.partial(
        task_id="create_vm",
        conn_id="nirvana_default",
        region=REGION,
        instance_type="n1-standard-2",
        os_image_name="ubuntu-noble-2025-10-01",
        boot_volume={"size": 64, "type": "nvme"},
        subnet_id="{{ ti.xcom_pull('create_vpc')['resource']['subnet']['id'] }}",
        ssh_key={"public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample example"},
        public_ip_enabled=True,
        tags=["example"],
        # Nothing is made where there is no room for it.
        preflight=True,
    ).expand(name=["web-1", "web-2"])

    @task
    def show_addresses(created: list[dict[str, Any]]) -> None:
        for one in created:
            print(f"{one['resource']['name']}: {one['resource']['public_ip']}")

    delete_vm = NirvanaDeleteVMOperator.partial(
        task_id="delete_vm",
        conn_id="nirvana_default",
    ).expand(vm_id=create_vm.output.map(vm_id))

    delete_rule = NirvanaDeleteFirewallRuleOperator(
        task_id="delete_rule",
        conn_id="nirvana_default",
        vpc_id=create_vpc.output["resource_id"],
        firewall_rule_id=allow_ssh.output["resource_id"],
    )

    delete_vpc = NirvanaDeleteVPCOperator(
        task_id="delete_vpc",
        conn_id="nirvana_default",
        vpc_id=create_vpc.output["resource_id"],
    )

    create_vpc >> [allow_ssh, create_vm]
    [show_addresses(create_vm.output), allow_ssh] >> delete_vm
    [delete_vm, delete_rule] >> delete_vpc


nirvana_vpc_with_two_vms()
