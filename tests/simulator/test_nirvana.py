"""The simulated Nirvana: strictness and life cycle, in virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.simulator.app import Simulator
from airflow_provider_ops.simulator.nirvana.catalogue import PROJECT, SOLD_OUT

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from airflow_provider_ops.testing import SimulatorServer, VirtualClock

REGION = "us-sva-2"
LONG = 200.0
VPCS, VMS, VOLUMES = "/v1/networking/vpcs", "/v1/compute/vms", "/v1/compute/volumes"
CLUSTERS, CONNECTIONS = "/v1/nks/clusters", "/v1/networking/connect/connections"
VPC = {"name": "n", "project_id": PROJECT, "region": REGION, "subnet_name": "s"}
VOLUME = {"name": "v", "project_id": PROJECT, "region": REGION, "size": 10, "type": "abs"}
RULE = {
    "name": "r",
    "protocol": "tcp",
    "source_address": "0.0.0.0/0",
    "destination_address": "10.0.0.0/24",
    "destination_ports": ["22"],
}
LINE = {
    "name": "c",
    "project_id": PROJECT,
    "region": REGION,
    "bandwidth_mbps": 50,
    "cidrs": ["10.0.0.0/24"],
    "provider_cidrs": ["10.1.0.0/16"],
}
POOL = {
    "name": "p",
    "node_config": {"boot_volume": {"size": 64, "type": "nvme"}, "instance_type": "n1-standard-2"},
    "node_count": 2,
}


class Nirvana:
    """One simulated Nirvana, with a client."""

    def __init__(self, server: SimulatorServer, clock: VirtualClock, client: httpx.Client) -> None:
        self.server, self.clock, self.client = server, clock, client

    def start(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        answer = self.client.request(method, path, json=body or None)
        assert answer.status_code == 202, answer.text
        operation: dict[str, Any] = answer.json()
        return operation

    def make(self, path: str, **body: Any) -> str:
        operation = self.start("POST", path, **body)
        self.clock.advance(LONG)
        return str(operation["resource_id"])

    def do(self, method: str, path: str, **body: Any) -> None:
        self.start(method, path, **body)
        self.clock.advance(LONG)

    def get(self, path: str, **params: Any) -> Any:
        answer = self.client.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def items(self, path: str, **params: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.get(path, **params)["items"]
        return items

    def refused(self, method: str, path: str, **body: Any) -> tuple[int, str]:
        answer = self.client.request(method, path, json=body or None)
        assert set(answer.json()) == {"message"}
        return answer.status_code, answer.json()["message"]

    def vm(self, **changes: Any) -> str:
        vpc = self.get(f"{VPCS}/{self.make(VPCS, **VPC)}")
        return self.make(VMS, **self.vm_body(vpc["subnet"]["id"], **changes))

    @staticmethod
    def vm_body(subnet_id: str, **changes: Any) -> dict[str, Any]:
        return {
            "boot_volume": {"size": 64, "type": "nvme"},
            "instance_type": "n1-standard-2",
            "name": "m",
            "os_image_name": "ubuntu",
            "project_id": PROJECT,
            "public_ip_enabled": True,
            "region": REGION,
            "ssh_key": {"public_key": "ssh-ed25519 AAAA"},
            "subnet_id": subnet_id,
            **changes,
        }

    def cluster(self) -> str:
        body = {"name": "k", "project_id": PROJECT, "region": REGION, "kubernetes_version": "v1", "autoscaling": False}
        return self.make(CLUSTERS, **body, vpc_id=self.make(VPCS, **VPC))


@pytest.fixture
def api(virtual_server: SimulatorServer, manual_clock: VirtualClock, connect: Callable[..., httpx.Client]) -> Nirvana:
    virtual_server.reset()
    client = connect(virtual_server, None, "/nirvana")
    client.headers["Authorization"] = "Bearer sk-test-canary"
    return Nirvana(virtual_server, manual_clock, client)


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


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (VPCS, {**VPC, "region": "us-wdc-1"}, "region"),
        (VPCS, {**VPC, "cidr": "10.0.0.0/8"}, "unknown body field 'cidr'"),
        (VPCS, {key: value for key, value in VPC.items() if key != "project_id"}, "'project_id' is required"),
        (VOLUMES, {**VOLUME, "type": "ssd"}, "type"),
        (VOLUMES, {**VOLUME, "size": "10"}, "size"),
        (VOLUMES, {**VOLUME, "vm_id": "nothing"}, "vm_id"),
        (VMS, Nirvana.vm_body("nothing"), "subnet_id"),
        (CONNECTIONS, {**LINE, "bandwidth_mbps": 100}, "bandwidth_mbps"),
        (CONNECTIONS, {**LINE, "cidrs": ["10.0.0.1/8"]}, "cidrs"),
    ],
)
def test_bodies_are_held_against_the_sheet(api: Nirvana, path: str, body: dict[str, Any], field: str) -> None:
    status, message = api.refused("POST", path, **body)
    assert status == 422
    assert field in message
    assert api.server.resources("nirvana") == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"source_address": "0.0.0.0/8"}, "source_address"),
        ({"source_address": "10.0.0.1/24"}, "source_address"),
        ({"destination_address": "192.168.0.0/24"}, "destination_address"),
        ({"protocol": "icmp"}, "protocol"),
        ({"destination_ports": [22]}, "destination_ports"),
    ],
)
def test_firewall_rules_are_held_against_the_sheet(api: Nirvana, change: dict[str, Any], field: str) -> None:
    rules = f"{VPCS}/{api.make(VPCS, **VPC)}/firewall_rules"
    status, message = api.refused("POST", rules, **{**RULE, **change})
    assert status == 422
    assert field in message


@pytest.mark.parametrize(
    "config",
    [
        {"boot_volume": {"size": 63, "type": "nvme"}},
        {"labels": ["k8s.io/x=1"]},
        {"labels": ["x"]},
        {"taints": ["a=b:Never"]},
    ],
)
def test_pools_are_held_against_the_sheet(api: Nirvana, config: dict[str, Any]) -> None:
    pools = f"{CLUSTERS}/{api.cluster()}/pools"
    body = {**POOL, "node_config": {**POOL["node_config"], **config}}  # type: ignore[dict-item]
    assert api.refused("POST", pools, **body)[0] == 422
    assert api.refused("POST", pools, **{**POOL, "node_count": 101})[0] == 422


def test_availability_and_cost(api: Nirvana) -> None:
    available = api.client.post(f"{VPCS}/availability", json=VPC)
    assert (available.status_code, available.content) == (204, b"")
    assert api.server.resources("nirvana") == []
    subnet = api.get(f"{VPCS}/{api.make(VPCS, **VPC)}")["subnet"]["id"]
    sold_out = Nirvana.vm_body(subnet, instance_type=SOLD_OUT)
    for path in (f"{VMS}/availability", VMS):
        assert api.refused("POST", path, **sold_out) == (422, f"no capacity for instance type {SOLD_OUT} in {REGION}")
    cost = api.client.post(f"{VOLUMES}/cost", json=VOLUME).json()
    assert (cost["currency"], cost["monthly_total"]) == ("USD", "5.80")
    volume_id = api.make(VOLUMES, **VOLUME)
    change = api.client.patch(f"{VOLUMES}/{volume_id}/cost", json={"size": 110}).json()
    assert change["diff"]["monthly_total_delta"] == "8.00"
    assert api.client.post(f"{CONNECTIONS}/availability", json=LINE).status_code in (404, 405)


def test_the_quota_of_connections_is_small(api: Nirvana) -> None:
    for _ in range(10):
        api.start("POST", CONNECTIONS, **LINE)
    assert "quota exceeded" in api.refused("POST", CONNECTIONS, **LINE)[1]
    quota = api.get(f"/v1/quotas/{REGION}")["networking"]["connect_connections"]
    assert quota == {"limit": 10, "used": 10, "remaining": 0}


def test_lists_are_paged_by_cursor(api: Nirvana) -> None:
    made = [api.start("POST", VPCS, **{**VPC, "name": f"n{n}"})["resource_id"] for n in range(25)]
    api.clock.advance(1)
    for path in (VPCS, "/v1/operations"):
        found: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = api.get(path, project_id=PROJECT, **cursor)
            assert len(page["items"]) <= 10
            assert page["pagination"]["total_count"] == 25
            assert page["pagination"]["previous_cursor"] is None
            found += [item.get("resource_id", item["id"]) for item in page["items"]]
            if page["pagination"]["next_cursor"] is None:
                break
            cursor = {"cursor": page["pagination"]["next_cursor"]}
        assert sorted(found) == sorted(made)
        bad = api.client.get(path, params={"project_id": "another", **cursor})
        assert bad.status_code == 422


@pytest.mark.parametrize(
    "query",
    [
        "",
        "project_id=p&limit=9",
        "project_id=p&limit=101",
        "project_id=p&limit=x",
        "project_id=p&status=queued",
        "project_id=p&kind=cluster",
        "project_id=p&page=1",
        "project_id=p&project_id=q",
        "project_id=p&sort=name:asc",
        "project_id=p&sort=created_at",
        "project_id=p&created_at_min=yesterday",
    ],
)
def test_bad_queries_are_refused(api: Nirvana, query: str) -> None:
    assert api.client.get(f"/v1/operations?{query}").status_code == 422


def test_operations_are_filtered_and_sorted(api: Nirvana) -> None:
    first = api.make(VPCS, **VPC)
    api.do("PATCH", f"{VPCS}/{first}", name="x")
    volume = api.start("POST", VOLUMES, **VOLUME)

    def found(**query: Any) -> list[str]:
        return [f"{row['kind']}.{row['type']}" for row in api.items("/v1/operations", project_id=PROJECT, **query)]

    everything = ["volume.create", "vpc.update", "vpc.create"]
    assert found() == everything
    assert found(sort="created_at:asc") == everything[::-1]
    assert found(sort="updated_at:desc") == everything
    assert found(kind="vpc") == everything[1:]
    assert found(type="create", status="done") == ["vpc.create"]
    assert found(resource_id=first) == everything[1:]
    assert found(created_at_min=volume["created_at"]) == ["volume.create"]
    assert found(created_at_max="2020-01-01T00:00:00Z") == []
    assert api.items("/v1/operations", project_id="another") == []


def test_resources_are_filtered_and_sorted(api: Nirvana) -> None:
    for name, tags in (("Beta", ["a", "b"]), ("alpha", ["a"])):
        api.make(VPCS, **{**VPC, "name": name}, tags=tags)

    def found(**query: Any) -> list[str]:
        return [row["name"] for row in api.items(VPCS, project_id=PROJECT, **query)]

    assert found() == ["alpha", "Beta"]
    assert found(sort="name:desc") == ["alpha", "Beta"]
    assert found(sort="created_at:asc") == ["Beta", "alpha"]
    assert found(name="ALPH") == ["alpha"]
    assert found(tags="a,b") == ["Beta"]
    assert found(tags="a", status="ready") == ["alpha", "Beta"]
    assert found(status="error") == []
    assert api.client.get(VPCS, params={"project_id": PROJECT, "status": "deleted"}).status_code == 422


@pytest.mark.parametrize(
    "key", [None, "", "Basic x", "Bearer", "Bearer invalid-key", "Bearer expired", "Bearer revoked1"]
)
def test_keys_that_are_refused(api: Nirvana, key: str | None) -> None:
    del api.client.headers["Authorization"]
    answer = api.client.get("/v1/user", headers={} if key is None else {"Authorization": key})
    assert answer.status_code == 401
    assert "API key is" in answer.json()["message"]


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", f"{VMS}/x", "vm:read"),
        ("DELETE", f"{VMS}/x", "vm:edit"),
        ("POST", f"{VOLUMES}/x/detach", "volume:edit"),
        ("DELETE", f"{VPCS}/x/firewall_rules/y", "vpc:edit"),
        ("DELETE", f"{CLUSTERS}/x/pools/y/nodes/z", "nks_node_pool:edit"),
        ("GET", f"{CLUSTERS}/x/load_balancers", "nks_cluster:read"),
    ],
)
def test_a_missing_permission_is_named(api: Nirvana, method: str, path: str, scope: str) -> None:
    refused = api.client.request(method, path, headers={"Authorization": f"Bearer sk-noscope-{scope}"})
    assert refused.status_code == 403
    assert scope in refused.json()["message"]
    assert api.client.request(method, path).status_code == 404


def test_what_is_not_there_is_said_in_the_envelope(api: Nirvana) -> None:
    assert api.refused("GET", "/v1/nothing")[0] == 404
    assert api.refused("PUT", VPCS)[0] == 405
    assert api.refused("GET", "/v1/operations/x") == (404, "operation not found")
    vpc_id, other = api.make(VPCS, **VPC), api.make(VPCS, **VPC)
    rule_id = api.make(f"{VPCS}/{vpc_id}/firewall_rules", **RULE)
    assert api.refused("GET", f"{VPCS}/{other}/firewall_rules/{rule_id}")[0] == 404
    assert api.refused("GET", f"{VMS}/{vpc_id}")[0] == 404


def test_every_endpoint_of_the_sheet_is_served() -> None:
    routes = {(route.method, route.template) for route in Simulator().apis["nirvana"].routes()}
    starting = [route for route in routes if route[0] != "GET" and not route[1].endswith(("/availability", "/cost"))]
    assert len(starting) == 26
    assert len([route for route in routes if route[1].endswith("/availability")]) == 10
    assert len([route for route in routes if route[1].endswith("/cost")]) == 10


def test_faults_find_what_a_request_is_about(api: Nirvana) -> None:
    vm_id = api.vm()
    boot = api.get(f"{VMS}/{vm_id}")["boot_volume_id"]
    api.server.faults({"fault": "status", "status": 418, "resource": boot})
    assert api.client.get(f"{VOLUMES}/{boot}").status_code == 418
    assert api.client.get(f"{VMS}/{vm_id}").status_code == 200
