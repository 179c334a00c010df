"""Bodies, bounds, envelopes and paging of the simulated Nirvana."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ops.simulator.app import Simulator
from airflow_provider_ops.simulator.nirvana.catalogue import PROJECT, SOLD_OUT
from tests.simulator.nirvana.parts import (
    CLUSTERS,
    CONNECTIONS,
    LINE,
    POOL,
    REGION,
    RULE,
    VMS,
    VOLUME,
    VOLUMES,
    VPC,
    VPCS,
    Nirvana,
)


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
    assert set(change["before"]) == {"monthly_total", "usage_dimensions"}
    storage = change["diff"]["usage_dimensions"][-1]
    assert (storage["before"]["quantity"], storage["after"]["quantity"]) == (10, 110)
    assert storage["monthly_amount_delta"] == "8.00"
    assert api.client.post(f"{CONNECTIONS}/cost", json=LINE).status_code == 200
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
    assert len([route for route in routes if route[1].endswith("/cost")]) == 12


def test_faults_find_what_a_request_is_about(api: Nirvana) -> None:
    vm_id = api.vm()
    boot = api.get(f"{VMS}/{vm_id}")["boot_volume_id"]
    api.server.faults({"fault": "status", "status": 418, "resource": boot})
    assert api.client.get(f"{VOLUMES}/{boot}").status_code == 418
    assert api.client.get(f"{VMS}/{vm_id}").status_code == 200
