"""How resources of the simulated Nirvana come, change and go."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ops.simulator.nirvana.catalogue import PROJECT
from tests.simulator.nirvana.parts import CLUSTERS, LONG, POOL, RULE, VMS, VOLUME, VOLUMES, VPC, VPCS, Nirvana


def test_an_operation_is_pending_running_done(api: Nirvana) -> None:
    operation = api.start("POST", VPCS, **VPC)
    assert {name: operation[name] for name in ("kind", "type", "status", "details", "project_id")} == {
        "kind": "vpc",
        "type": "create",
        "status": "pending",
        "details": None,
        "project_id": PROJECT,
    }
    seen = []
    for _ in range(130):
        shown = api.get(f"/v1/operations/{operation['id']}")
        assert set(shown) == set(operation)
        seen.append(shown["status"])
        api.clock.advance(1)
    assert list(dict.fromkeys(seen)) == ["pending", "running", "done"]
    assert api.get(f"{VPCS}/{operation['resource_id']}")["status"] == "ready"


def test_a_new_resource_is_readable_and_listed_a_little_later(api: Nirvana) -> None:
    vpc_id = api.start("POST", VPCS, **VPC)["resource_id"]
    assert api.client.get(f"{VPCS}/{vpc_id}").status_code == 404
    assert api.items(VPCS, project_id=PROJECT) == []
    # while calls that act on it work at once
    api.start("POST", f"{VPCS}/{vpc_id}/firewall_rules", **RULE)
    api.clock.advance(0.4)
    assert api.get(f"{VPCS}/{vpc_id}")["status"] == "creating"
    assert [vpc["id"] for vpc in api.items(VPCS, project_id=PROJECT)] == [vpc_id]


def test_a_deleted_resource_is_gone_and_its_operations_stay(api: Nirvana) -> None:
    vpc_id = api.make(VPCS, **VPC, tags=["a"])
    api.do("DELETE", f"{VPCS}/{vpc_id}")
    assert api.client.get(f"{VPCS}/{vpc_id}").status_code == 404
    assert api.client.delete(f"{VPCS}/{vpc_id}").status_code == 404
    assert [row["type"] for row in api.items("/v1/operations", project_id=PROJECT)] == ["delete", "create"]


def test_details_tell_what_an_update_changes(api: Nirvana) -> None:
    vpc_id = api.make(VPCS, **VPC)
    operation = api.start("PATCH", f"{VPCS}/{vpc_id}", name="n", tags=["a"])
    assert operation["details"] == {"changes": {"tags": {"from": [], "to": ["a"]}}}
    assert api.get(f"{VPCS}/{vpc_id}")["tags"] == []
    api.clock.advance(LONG)
    assert api.get(f"{VPCS}/{vpc_id}")["tags"] == ["a"]


@pytest.mark.parametrize(("method", "body", "status"), [("PATCH", {"name": "x"}, "ready"), ("DELETE", {}, "error")])
def test_what_a_failed_change_leaves(api: Nirvana, method: str, body: dict[str, Any], status: str) -> None:
    vpc_id = api.make(VPCS, **VPC)
    api.server.faults({"fault": "operation_fails"})
    api.do(method, f"{VPCS}/{vpc_id}", **body)
    vpc = api.get(f"{VPCS}/{vpc_id}")
    assert (vpc["status"], vpc["name"]) == (status, "n")
    failed = api.items("/v1/operations", project_id=PROJECT, status="failed")
    assert [row["resource_id"] for row in failed] == [vpc_id]


def test_unknown_is_shown_where_a_fault_says_so(api: Nirvana) -> None:
    api.server.faults({"fault": "unknown_status", "word": "unknown", "seconds": 50})
    operation = api.start("POST", VPCS, **VPC)
    api.clock.advance(30)
    assert api.get(f"/v1/operations/{operation['id']}")["status"] == "unknown"
    assert len(api.items("/v1/operations", project_id=PROJECT, status="unknown")) == 1
    api.clock.advance(LONG)
    assert api.get(f"/v1/operations/{operation['id']}")["status"] == "done"


def test_a_vm_brings_its_volumes_and_takes_them_along(api: Nirvana) -> None:
    vm_id = api.vm(data_volumes=[{"name": "d", "size": 5, "type": "abs"}])
    vm = api.get(f"{VMS}/{vm_id}")
    assert (vm["status"], len(vm["data_volume_ids"])) == ("ready", 1)
    assert vm["private_ip"]
    assert vm["public_ip"]
    assert not {"os_image_name", "ssh_key", "boot_volume"} & set(vm)
    assert {row["kind"] for row in api.items(f"{VMS}/{vm_id}/volumes")} == {"boot", "data"}
    assert api.refused("DELETE", f"{VOLUMES}/{vm['boot_volume_id']}")[0] == 422
    volume_id = api.make(VOLUMES, **VOLUME, vm_id=vm_id)
    assert api.get(f"{VOLUMES}/{volume_id}")["vm_name"] == "m"
    api.do("DELETE", f"{VMS}/{vm_id}")
    left = api.items(VOLUMES, project_id=PROJECT)
    assert [(row["id"], row["vm_id"]) for row in left] == [(volume_id, None)]
    # one call shows as one resource
    assert [row["kind"] for row in api.server.resources("nirvana")] == ["vpc", "vm", "volume"]


def test_attach_and_detach(api: Nirvana) -> None:
    vm_id, volume_id = api.vm(), api.make(VOLUMES, **VOLUME)
    assert api.refused("POST", f"{VOLUMES}/{volume_id}/detach")[0] == 422
    assert api.refused("POST", f"{VOLUMES}/{volume_id}/attach", vm_id="nothing")[0] == 422
    attach = api.start("POST", f"{VOLUMES}/{volume_id}/attach", vm_id=vm_id)
    assert (attach["kind"], attach["type"], attach["resource_id"]) == ("volume", "update", volume_id)
    api.clock.advance(LONG)
    assert volume_id in api.get(f"{VMS}/{vm_id}")["data_volume_ids"]
    assert api.refused("POST", f"{VOLUMES}/{volume_id}/attach", vm_id=vm_id)[0] == 422
    assert api.refused("DELETE", f"{VOLUMES}/{volume_id}")[0] == 422
    api.do("POST", f"{VOLUMES}/{volume_id}/detach")
    assert api.get(f"{VOLUMES}/{volume_id}")["vm_id"] is None


def test_a_vpc_is_kept_as_long_as_something_is_in_it(api: Nirvana) -> None:
    vm_id = api.vm()
    vpc_id = api.get(f"{VMS}/{vm_id}")["vpc_id"]
    rule_id = api.make(f"{VPCS}/{vpc_id}/firewall_rules", **RULE)
    assert api.refused("DELETE", f"{VPCS}/{vpc_id}") == (422, f"vpc {vpc_id} still has 1 vm")
    api.do("DELETE", f"{VMS}/{vm_id}")
    api.do("DELETE", f"{VPCS}/{vpc_id}")
    assert {row["id"]: row["deleted"] for row in api.server.resources("nirvana")}[rule_id] is True


def test_a_pool_does_one_thing_at_a_time(api: Nirvana) -> None:
    pools = f"{CLUSTERS}/{api.cluster()}/pools"
    pool_id = api.start("POST", pools, **POOL)["resource_id"]
    api.clock.advance(1)
    for method, body in (("PATCH", {"node_count": 3}), ("DELETE", {})):
        assert api.refused(method, f"{pools}/{pool_id}", **body) == (
            409, f"nks_node_pool {pool_id} already has an active operation",
        )  # fmt: skip
    api.clock.advance(LONG)
    nodes = api.items(f"{pools}/{pool_id}/nodes")
    assert len(nodes) == 2
    api.start("DELETE", f"{pools}/{pool_id}/nodes/{nodes[0]['id']}")
    assert api.refused("DELETE", f"{pools}/{pool_id}/nodes/{nodes[1]['id']}")[0] == 409
    assert api.refused("PATCH", f"{pools}/{pool_id}", node_count=5)[0] == 409
    api.clock.advance(LONG)
    assert api.get(f"{pools}/{pool_id}")["node_count"] == len(api.items(f"{pools}/{pool_id}/nodes")) == 1
    api.do("PATCH", f"{pools}/{pool_id}", node_count=0)
    assert api.items(f"{pools}/{pool_id}/nodes") == []


def test_a_delete_takes_over_from_what_is_going_on_elsewhere(api: Nirvana) -> None:
    create = api.start("POST", VPCS, **VPC)
    vpc_id = create["resource_id"]
    assert api.refused("PATCH", f"{VPCS}/{vpc_id}", name="x")[0] == 409
    api.start("DELETE", f"{VPCS}/{vpc_id}")
    assert api.get(f"/v1/operations/{create['id']}")["status"] == "failed"
    assert api.refused("DELETE", f"{VPCS}/{vpc_id}")[0] == 409
    api.clock.advance(LONG)
    assert api.server.resources("nirvana")[0]["deleted"] is True


def test_a_cluster_takes_everything_along(api: Nirvana) -> None:
    cluster_id = api.cluster()
    path = f"{CLUSTERS}/{cluster_id}"
    api.make(f"{path}/pools", **POOL)
    assert "apiVersion" in api.get(f"{path}/kubeconfig")["kubeconfig"]
    (balancer,) = api.items(f"{path}/load_balancers")
    update = api.start("PATCH", f"{path}/load_balancers/{balancer['id']}", public_ip_enabled=True)
    assert (update["kind"], update["type"]) == ("nks_load_balancer", "update")
    assert update["details"]["changes"]["public_ip_enabled"] == {"from": False, "to": True}
    api.do("DELETE", path)
    assert api.client.get(f"{path}/pools").status_code == 404
    left = [row["kind"] for row in api.server.resources("nirvana") if not row["deleted"]]
    assert left == ["vpc"]
