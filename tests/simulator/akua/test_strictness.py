"""Bodies, permissions, conflicts and installs of the simulated Akua."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.simulator.akua import WORKSPACE
from tests.simulator.conftest import DURATION

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer
from tests.simulator.akua.parts import CLUSTER, HELM, Akua, error_of

VERSION = {"semver": "1.0.0", "ref": "sha256:1", "input_schema": {}}

# -- bodies


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/clusters", {**CLUSTER, "size": 3}),
        ("/clusters", {"name": "c"}),
        ("/clusters", {**CLUSTER, "name": ""}),
        ("/clusters", {**CLUSTER, "network_profile": "moon"}),
        ("/clusters", {**CLUSTER, "region_id": "reg_moon"}),
        ("/machines", {"cluster_id": "c"}),
        ("/packages", {"name": "p", "sources": []}),
        ("/packages", {"name": "p", "sources": [HELM, HELM]}),
        ("/packages", {"name": "p", "sources": [{**HELM, "repo_url": "https://x"}]}),
        ("/packages", {"name": "p", "sources": [{**HELM, "kind": "hosted"}]}),
        ("/installs", {"region_id": "reg_eu"}),
        ("/clusters:import", {}),
        ("/clusters:import", {"name": "c"}),
        ("/packages:import", {"name": "p"}),
        ("/packages:import", {"name": "p", "oci_ref": "https://x", "version": VERSION}),
        ("/api_tokens", {"name": "x" * 101}),
        ("/installs", {"region_id": "reg_eu", "product_id": "p", "package_id": "q"}),
        ("/installs", {"region_id": "reg_eu", "package_id": "q"}),
        ("/installs", {"region_id": "reg_eu", "package_id": "pkg_no", "package_version_pin": {"kind": "latest"}}),
        ("/installs", {"region_id": "reg_eu", "product_id": "p", "package_version_pin": {"kind": "latest"}}),
    ],
)
def test_bad_bodies_are_refused_and_make_nothing(akua: Akua, path: str, body: Any) -> None:
    answer = akua.send("POST", path, body)
    assert error_of(answer) == (422, 7004)
    assert answer.json()["errors"][0]["path"]
    assert akua.world.server.resources("akua") == []


def test_the_path_of_a_bad_region_has_the_names_of_the_server(akua: Akua) -> None:
    answer = akua.send("POST", "/clusters", {**CLUSTER, "region_id": "reg_moon"})
    assert answer.json()["errors"][0]["path"] == ["args", "regionId"]


def test_a_profile_that_is_not_enabled_is_forbidden(akua: Akua) -> None:
    answer = akua.send("POST", "/clusters", {**CLUSTER, "network_profile": "mixed_os_calico"})
    assert error_of(answer) == (403, 7000)


# -- who may


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"authorization": ""}, 401),
        ({"authorization": "Basic x"}, 401),
        ({"authorization": "Bearer invalid-1"}, 401),
        ({"authorization": "Bearer sk_broad"}, 400),
        ({"authorization": "Bearer sk_broad", "akua-context": WORKSPACE}, 200),
        ({"authorization": "Bearer k", "akua-context": "ws_other"}, 403),
        ({"authorization": "Bearer k", "akua-context": WORKSPACE}, 200),
        ({"authorization": "Bearer readonly"}, 200),
    ],
)
def test_tokens_and_workspaces(akua: Akua, headers: dict[str, str], status: int) -> None:
    answer = akua.http.get("/clusters", headers=headers)
    assert answer.status_code == status
    if status != 200:
        error_of(answer)


def test_a_key_that_may_only_read_may_wait_but_not_change(akua: Akua) -> None:
    operation = akua.start("POST", "/clusters", CLUSTER)
    akua.settled(operation)
    reader = {"authorization": "Bearer readonly"}
    assert akua.http.post(f"/operations/{operation['id']}:wait", headers=reader).status_code == 200
    assert error_of(akua.http.post("/clusters", json=CLUSTER, headers=reader)) == (403, 7000)
    assert error_of(akua.http.post(f"/operations/{operation['id']}:cancel", headers=reader)) == (403, 7000)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/operations/op_unknown", 404),
        ("POST", "/operations/op_unknown:wait", 404),
        ("POST", "/operations/op_unknown:cancel", 404),
        ("GET", "/clusters/clu_unknown", 404),
        ("GET", "/workspaces/ws_other", 404),
        ("GET", "/quotas/compute%2Fmoons", 404),
        ("GET", "/moons", 404),
        ("PATCH", "/clusters", 405),
    ],
)
def test_what_is_not_there_is_said_in_the_envelope(akua: Akua, method: str, path: str, status: int) -> None:
    assert error_of(akua.send(method, path))[0] == status


# -- conflicts and quotas


def test_a_cluster_goes_last(akua: Akua) -> None:
    cluster_id = akua.cluster()
    machine_id = akua.machine(cluster_id)
    body = {"region_id": "reg_eu", "product_id": "p", "cluster_id": cluster_id}
    install_id = akua.start("POST", "/installs", body)["owner_id"]
    akua.world.clock.advance(5 * DURATION)
    path = f"/clusters/{cluster_id}"
    etag = akua.get(path)["etag"]
    for kind, one in (("machine", f"/machines/{machine_id}"), ("install", f"/installs/{install_id}")):
        refused = akua.send("DELETE", path, if_match=etag)
        assert error_of(refused) == (409, 7002)
        assert kind in refused.json()["errors"][0]["message"]
        akua.settled(akua.change("DELETE", one))
    done = akua.settled(akua.change("DELETE", path))
    assert done["state"] == "SUCCEEDED"
    assert akua.send("GET", path).status_code == 404
    assert all(row["deleted"] for row in akua.world.server.resources("akua"))


def test_what_is_busy_cannot_be_changed(akua: Akua) -> None:
    cluster_id = akua.start("POST", "/clusters", CLUSTER)["owner_id"]
    path = f"/clusters/{cluster_id}"
    shown = akua.get(path)
    assert (shown["state"], shown["reconciling"]) == ("provisioning", True)
    assert error_of(akua.send("DELETE", path, if_match=shown["etag"])) == (409, 7002)
    machine = {"cluster_id": cluster_id, "instance_type": "m", "compute_config_id": "cc_small"}
    assert error_of(akua.send("POST", "/machines", machine)) == (409, 7002)


def test_three_machines_launch_at_once(akua: Akua) -> None:
    cluster_id = akua.cluster()
    body = {"cluster_id": cluster_id, "instance_type": "m", "compute_config_id": "cc_small"}
    for _ in range(3):
        akua.start("POST", "/machines", body)
    assert error_of(akua.send("POST", "/machines", body)) == (429, 7000)
    quotas = {row["metric"]: row for row in akua.get("/quotas", cluster_id=cluster_id)["data"]}
    assert quotas["compute/launching_machines"]["remaining"] == 0
    assert akua.get("/quotas/compute%2Fmachines")["usage"] == 3
    akua.world.clock.advance(2 * DURATION)
    assert akua.start("POST", "/machines", body)["operation_id"]


@pytest.mark.parametrize(("fault", "state"), [("operation_fails", "ACTIVE"), ("operation_cancelled", "ACTIVE")])
def test_a_change_that_fails_leaves_things_as_they_were(akua: Akua, fault: str, state: str) -> None:
    machine_id = akua.machine(akua.cluster())
    akua.world.server.faults({"fault": fault})
    operation = akua.change("POST", f"/machines/{machine_id}:suspend", {"reason": "manual"})
    assert akua.get(f"/machines/{machine_id}")["state"] == "SUSPENDING"
    akua.settled(operation)
    assert akua.get(f"/machines/{machine_id}")["state"] == state


# -- installs


def test_an_install_is_healthy_only_after_its_operation(akua: Akua) -> None:
    operation = akua.start("POST", "/installs", {"region_id": "reg_eu", "product_id": "p"})
    path = f"/installs/{operation['owner_id']}"
    seen = []
    for _ in range(40):
        seen.append((akua.get(path)["state"], akua.get(f"/operations/{operation['id']}")["done"]))
        akua.world.clock.advance(DURATION / 20)
    assert list(dict.fromkeys(word for word, _ in seen)) == ["rendering", "syncing", "healthy"]
    assert ("syncing", True) in seen
    assert ("healthy", False) not in seen
    assert akua.get(path)["urls"]


@pytest.mark.parametrize(("wanted", "words"), [("failed", ["failed"]), ("degraded", ["degraded", "healthy"])])
def test_an_install_may_do_badly(akua: Akua, wanted: str, words: list[str]) -> None:
    body = {"region_id": "reg_eu", "product_id": "p", "initial_values": {"simulated_health": wanted}}
    path = f"/installs/{akua.start('POST', '/installs', body)['owner_id']}/status"
    seen = []
    for _ in range(60):
        seen.append(akua.get(path)["state"])
        akua.world.clock.advance(DURATION / 20)
    assert list(dict.fromkeys(seen))[2:] == words


def test_tiers_and_the_two_shapes_of_answers(akua: Akua) -> None:
    path = f"/workspaces/{WORKSPACE}"
    etag = akua.get(path)["etag"]
    assert akua.send("POST", f"{path}/subscription:changeTier", {"tier": "moon"}, if_match=etag).status_code == 422
    changed = akua.start("POST", f"{path}/subscription:changeTier", {"tier": "pro"}, if_match=etag)
    assert set(changed) == {"operation_id"}
    akua.world.clock.advance(2 * DURATION)
    assert akua.get(path)["plan"]["tier"] == "pro"
    assert akua.world.server.resources("akua") == []


def test_the_approval_of_a_deletion_shows(akua: Akua) -> None:
    operation = akua.change("DELETE", f"/workspaces/{WORKSPACE}")
    assert [step["execution_type"] for step in operation["steps"]] == ["system", "approval", "system"]
    assert akua.settled(operation)["state"] == "SUCCEEDED"
    assert akua.send("GET", f"/workspaces/{WORKSPACE}").status_code == 404


def test_a_package_goes_after_its_installs(akua: Akua) -> None:
    package = akua.settled(akua.start("POST", "/packages", {"name": "p", "sources": [HELM]}))
    package_id = package["response"]["package_id"]
    body = {"region_id": "reg_eu", "package_id": package_id, "package_version_pin": {"kind": "latest"}}
    install_id = akua.start("POST", "/installs", body)["owner_id"]
    akua.world.clock.advance(5 * DURATION)
    path = f"/packages/{package_id}"
    assert error_of(akua.send("DELETE", path, if_match=akua.get(path)["etag"])) == (409, 7002)
    akua.settled(akua.change("DELETE", f"/installs/{install_id}"))
    assert akua.send("DELETE", path, if_match=akua.get(path)["etag"]).status_code == 204
    assert akua.send("GET", path).status_code == 404


def test_a_reset_forgets_keys(akua: Akua, virtual_server: SimulatorServer) -> None:
    first = akua.start("POST", "/clusters", CLUSTER, idempotency_key="k")
    virtual_server.reset()
    second = akua.start("POST", "/clusters", {**CLUSTER, "name": "other"}, idempotency_key="k")
    assert second["metadata"]["name"] == "other"
    assert first["metadata"]["name"] == "c"


@pytest.mark.parametrize("path", ["/regions", "/compute_configs"])
def test_lists_of_what_nobody_makes_have_pages_too(akua: Akua, path: str) -> None:
    first = akua.get(path, limit=1)
    assert (len(first["data"]), first["has_more"]) == (1, True)
    second = akua.get(path, limit=1, cursor=first["next_cursor"])
    assert (len(second["data"]), second["has_more"], second["next_cursor"]) == (1, False, None)
    assert error_of(akua.send("GET", f"{path}?cursor=x")) == (422, 7004)


def test_the_quotas_come_whole(akua: Akua) -> None:
    assert akua.get("/quotas")["next_cursor"] is None
    assert error_of(akua.send("GET", "/quotas?limit=1")) == (422, 7004)


def test_null_stands_for_an_optional_body_that_is_not_there(akua: Akua) -> None:
    cluster_id = akua.cluster()
    headers = {"content-type": "application/json"}
    made = akua.http.post(f"/clusters/{cluster_id}/worker_bootstraps", content=b"null", headers=headers)
    assert (made.status_code, made.json()["status"]) == (201, "active")
    path = f"/clusters/{cluster_id}/worker_bootstraps/{made.json()['id']}"
    assert "token" not in akua.get(path)
    refused = akua.http.post("/clusters", content=b"null", headers=headers)
    assert error_of(refused) == (422, 7004)


VERBS: dict[str, tuple[Any, set[str]]] = {
    "accept": (None, {"repository_change_request_id", "operation_id", "accepted_at"}),
    "reject": ({"rejection_reason": "no"}, {"repository_change_request_id", "rejected_at"}),
    "withdraw": (None, {"repository_change_request_id", "withdrawn_at"}),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_change_request_is_decided_once(akua: Akua, verb: str) -> None:
    body, fields = VERBS[verb]
    package = akua.settled(akua.start("POST", "/packages", {"name": "p", "sources": [HELM]}))
    parent = {"parent_repository_id": package["response"]["repository_id"], "kind": "user"}
    assert error_of(akua.send("POST", "/repository_change_requests", parent))[0] == 400
    request = akua.send("POST", "/repository_change_requests", parent, idempotency_key="k").json()
    path = f"/repository_change_requests/{request['id']}:{verb}"
    early = akua.send("POST", path, body, if_match=request["etag"], idempotency_key="e")
    assert error_of(early) == (409, 7002)
    akua.world.clock.advance(2 * DURATION)
    etag = akua.get(path.partition(":")[0])["etag"]
    assert error_of(akua.send("POST", path, body, if_match=etag))[0] == 400
    assert error_of(akua.send("POST", path, body, idempotency_key="a"))[0] == 400
    assert error_of(akua.send("POST", path, body, if_match="0", idempotency_key="b")) == (409, 7002)
    answer = akua.send("POST", path, body, if_match=etag, idempotency_key="c")
    assert (answer.status_code, set(answer.json())) == (200, fields)
    akua.world.clock.advance(2 * DURATION)
    etag = akua.get(path.partition(":")[0])["etag"]
    assert error_of(akua.send("POST", path, body, if_match=etag, idempotency_key="d")) == (409, 7002)


def test_a_rejection_needs_its_reason(akua: Akua) -> None:
    for body in ({"reason": "no"}, {"rejection_reason": ""}, {"rejection_reason": "x" * 2001}, {}):
        answer = akua.send("POST", "/repository_change_requests/rcr_1:reject", body, idempotency_key="k", if_match="1")
        assert error_of(answer) == (422, 7004)
