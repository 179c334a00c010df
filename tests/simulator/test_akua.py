"""The simulated Akua: shapes, life cycle and refusals as its fact sheet has them."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from airflow_provider_ops.simulator.akua import LAG, WORKSPACE
from tests.simulator.conftest import DURATION, QUICK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ops.testing import SimulatorServer
    from tests.simulator.conftest import World

FIELDS = {
    "id", "workspace_id", "organization_id", "owner_type", "owner_id", "parent_operation_id", "state", "done",
    "html_url", "metadata", "response", "error", "last_error", "started_at", "completed_at",
}  # fmt: skip
STEP_FIELDS = {
    "name", "status", "execution_type", "started_at", "completed_at", "error_message", "retryable", "skippable",
}  # fmt: skip
HELM = {"kind": "helm", "repo_url": "oci://charts", "target_revision": "1.0.0"}
CLUSTER = {"name": "c", "region_id": "reg_eu"}


class Akua:
    """A client, in virtual time."""

    def __init__(self, world: World, http: httpx.Client) -> None:
        self.world, self.http = world, http
        self._keys = 0

    def key(self) -> str:
        self._keys += 1
        return f"key-{self._keys}"

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.request(method, path, json=body, headers=named)

    def get(self, path: str, **params: Any) -> Any:
        answer = self.http.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def start(self, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
        answer = self.send(method, path, body, **headers)
        assert answer.status_code == 202, answer.text
        operation: dict[str, Any] = answer.json()
        return operation

    def settled(self, operation: dict[str, Any]) -> Any:
        self.world.clock.advance(2 * DURATION)
        return self.get(f"/operations/{operation['id']}")

    def change(self, method: str, path: str, body: Any = None, *, of: str | None = None) -> dict[str, Any]:
        """Send what needs key and etag."""
        etag = self.get(of or path.partition(":")[0])["etag"]
        return self.start(method, path, body, if_match=etag, idempotency_key=self.key())

    def cluster(self) -> str:
        operation = self.start("POST", "/clusters", CLUSTER)
        self.settled(operation)
        return str(operation["owner_id"])

    def machine(self, cluster_id: str) -> str:
        body = {"cluster_id": cluster_id, "instance_type": "m", "compute_config_id": "cc_small"}
        operation = self.start("POST", "/machines", body)
        self.settled(operation)
        return str(operation["owner_id"])


@pytest.fixture
def akua(world: World) -> Iterator[Akua]:
    base = world.server.base_url("akua")
    with httpx.Client(base_url=base, headers={"authorization": "Bearer sk_akua_1"}, timeout=5, **QUICK) as http:
        yield Akua(world, http)


def error_of(answer: httpx.Response) -> tuple[int, int]:
    body = answer.json()
    assert set(body) == {"success", "errors", "result"}
    assert (body["success"], body["result"]) == (False, {})
    (entry,) = body["errors"]
    assert entry["message"]
    assert isinstance(entry["code"], int)
    return answer.status_code, entry["code"]


# -- operations


def test_an_operation_has_all_fields_and_runs_from_the_first_moment(akua: Akua) -> None:
    operation = akua.start("POST", "/clusters", CLUSTER)
    assert set(operation) == FIELDS | {"steps"}
    assert (operation["state"], operation["done"]) == ("RUNNING", False)
    assert [step["status"] for step in operation["steps"]] == ["running", "pending", "pending"]
    assert all(set(step) == STEP_FIELDS for step in operation["steps"])
    assert all(isinstance(step["started_at"], int) for step in operation["steps"])
    akua.world.clock.advance(DURATION / 2)
    half = akua.get(f"/operations/{operation['id']}")
    assert [step["status"] for step in half["steps"]] == ["completed", "running", "pending"]
    done = akua.settled(operation)
    assert (done["state"], done["done"]) == ("SUCCEEDED", True)
    assert done["response"] == {"type": "cluster.create", "cluster_id": operation["owner_id"]}
    assert done["metadata"] == {"type": "cluster.create", "workspace_id": WORKSPACE, **CLUSTER}
    assert [step["status"] for step in done["steps"]] == ["completed"] * 3


def test_lists_have_no_steps_and_the_newest_first(akua: Akua) -> None:
    made = [akua.start("POST", "/clusters", CLUSTER)["id"] for _ in range(3)]
    first = akua.get("/operations", limit=2)
    assert [row["id"] for row in first["data"]] == made[:0:-1]
    assert (set(first["data"][0]), first["has_more"]) == (FIELDS, True)
    second = akua.get("/operations", limit=2, cursor=first["next_cursor"])
    assert [row["id"] for row in second["data"]] == made[:1]
    assert (second["has_more"], second["next_cursor"]) == (False, None)


def test_the_owner_filter_needs_both_halves(akua: Akua) -> None:
    operation = akua.start("POST", "/clusters", CLUSTER)
    akua.start("POST", "/clusters", CLUSTER)
    mine = akua.get("/operations", owner_type="cluster", owner_id=operation["owner_id"])
    assert [row["id"] for row in mine["data"]] == [operation["id"]]
    assert akua.get("/operations", owner_type="machine", owner_id=operation["owner_id"])["data"] == []
    for half in ("owner_type=cluster", "owner_id=clu_1"):
        assert error_of(akua.http.get(f"/operations?{half}")) == (400, 7000)
    assert error_of(akua.http.get("/operations?owner_type=moon&owner_id=x")) == (422, 7004)


@pytest.mark.parametrize("announced", [False, True])
def test_reads_lag_behind_the_end_unless_a_wait_has_shown_it(akua: Akua, announced: bool) -> None:
    operation = akua.start("POST", "/clusters", CLUSTER)
    # an interval shorter than the lag meets the end within it
    while not akua.world.server.operations("akua")[0]["ended_at"]:
        akua.world.clock.advance(LAG / 3)
    if announced:
        assert akua.send("POST", f"/operations/{operation['id']}:wait").json()["done"] is True
    assert akua.get(f"/operations/{operation['id']}")["done"] is announced
    assert akua.get("/operations")["data"][0]["done"] is announced
    akua.world.clock.advance(LAG)
    assert akua.get(f"/operations/{operation['id']}")["done"] is True


class Asking:
    """A request that is under way in a thread; made when the server is holding its answer back."""

    def __init__(self, akua: Akua, path: str) -> None:
        self._answers: list[Any] = []
        self._thread = threading.Thread(target=lambda: self._answers.append(akua.send("POST", path).json()))
        before = akua.world.clock.asleep_now
        self._thread.start()
        until = time.monotonic() + 5
        while akua.world.clock.asleep_now == before and time.monotonic() < until:
            time.sleep(0.001)

    @property
    def is_waiting(self) -> bool:
        return self._thread.is_alive()

    def answer(self) -> Any:
        self._thread.join(5)
        (answer,) = self._answers
        return answer


@pytest.mark.parametrize("colon", [":", "%3A", "%3a"])
def test_a_wait_holds_its_answer_until_the_timeout_or_the_end(akua: Akua, colon: str) -> None:
    operation = akua.start("POST", "/clusters", CLUSTER)
    path = f"/operations/{operation['id']}{colon}wait?timeout=60"
    first = Asking(akua, path)
    akua.world.clock.advance(59)
    assert first.is_waiting
    akua.world.clock.advance(1.5)
    assert first.answer()["state"] == "RUNNING"
    second = Asking(akua, path)
    akua.world.clock.advance(DURATION)
    assert second.answer()["state"] == "SUCCEEDED"
    assert akua.send("POST", path).json()["state"] == "SUCCEEDED"


def test_a_wait_takes_half_a_minute_by_default(akua: Akua) -> None:
    operation = akua.start("POST", "/clusters", CLUSTER)
    asking = Asking(akua, f"/operations/{operation['id']}:wait")
    akua.world.clock.advance(29)
    assert asking.is_waiting
    akua.world.clock.advance(1.5)
    assert asking.answer()["state"] == "RUNNING"


@pytest.mark.parametrize("query", ["timeout=0", "timeout=61", "timeout=x", "seconds=5"])
def test_a_wait_has_bounds(akua: Akua, query: str) -> None:
    operation = akua.start("POST", "/clusters", CLUSTER)
    assert error_of(akua.send("POST", f"/operations/{operation['id']}:wait?{query}")) == (422, 7004)


def test_a_cancel_drains(akua: Akua) -> None:
    operation = akua.start("POST", "/clusters", CLUSTER)
    path = f"/operations/{operation['id']}:cancel"
    assert akua.start("POST", path, idempotency_key="k")["state"] == "RUNNING"
    akua.world.clock.advance(1)
    assert akua.get(f"/operations/{operation['id']}")["state"] == "RUNNING"
    done = akua.settled(operation)
    assert (done["state"], done["response"]) == ("CANCELLED", None)
    assert done["error"]["message"]
    assert akua.start("POST", path, idempotency_key="k")["state"] == "CANCELLED"
    assert error_of(akua.send("POST", path, idempotency_key="other")) == (422, 7004)
    assert error_of(akua.send("POST", path)) == (422, 7004)


def test_a_failure_tells_the_step(akua: Akua) -> None:
    akua.world.server.faults({"fault": "operation_fails", "reason": "no capacity"})
    done = akua.settled(akua.start("POST", "/clusters", CLUSTER))
    assert (done["state"], done["error"]) == ("FAILED", {"message": "no capacity"})
    assert done["last_error"] == {"message": "no capacity", "step_name": "Join region"}
    assert done["steps"][-1]["status"] == "failed"


# -- keys and etags


def test_the_same_key_means_the_same_operation(akua: Akua) -> None:
    first = akua.start("POST", "/clusters", CLUSTER, idempotency_key="k")
    assert akua.start("POST", "/clusters", CLUSTER, idempotency_key="k")["id"] == first["id"]
    assert len(akua.world.server.resources("akua")) == 1
    akua.settled(first)
    assert akua.start("POST", "/clusters", CLUSTER, idempotency_key="k")["state"] == "SUCCEEDED"
    other = akua.send("POST", "/clusters", {**CLUSTER, "name": "d"}, idempotency_key="k")
    assert error_of(other) == (422, 7004)
    path = f"/clusters/{first['owner_id']}/capabilities:refresh"
    assert error_of(akua.send("POST", path, idempotency_key="k")) == (422, 7004)


def test_a_refused_request_leaves_no_key(akua: Akua) -> None:
    assert akua.send("POST", "/clusters", {**CLUSTER, "region_id": "reg_moon"}, idempotency_key="k").status_code == 422
    akua.start("POST", "/clusters", CLUSTER, idempotency_key="k")


def test_etags_change_and_stale_ones_are_refused(akua: Akua) -> None:
    cluster_id = akua.cluster()
    path = f"/clusters/{cluster_id}"
    etag = akua.get(path)["etag"]
    stale = akua.send("DELETE", path, if_match="0")
    assert error_of(stale) == (409, 7002)
    assert stale.json()["errors"][0]["metadata"] == {"current_etag": etag}
    akua.settled(akua.start("POST", f"{path}:suspend", if_match=etag))
    assert akua.get(path)["etag"] != etag
    assert akua.send("POST", f"{path}:resume", if_match=etag).status_code == 409


@pytest.mark.parametrize(
    ("method", "path", "body", "needed"),
    [
        ("DELETE", "/clusters/{clu}", None, "if-match"),
        ("POST", "/clusters/{clu}:suspend", None, "if-match"),
        ("DELETE", "/machines/{mch}", None, "idempotency-key if-match"),
        ("POST", "/machines/{mch}:suspend", {}, "idempotency-key if-match"),
        ("POST", "/machines/{mch}:resume", {}, "idempotency-key if-match"),
        ("DELETE", "/workspaces/{ws}", None, "if-match"),
        ("POST", "/workspaces/{ws}/subscription:cancel", {}, "if-match"),
        ("POST", "/workspaces/{ws}/subscription:changeTier", {"tier": "pro"}, "if-match"),
        ("POST", "/workspaces/{ws}/subscription:reactivate", {}, "if-match"),
        ("POST", "/workspaces/{ws}/subdomain:setName", {"name": "n"}, "idempotency-key if-match"),
        (
            "POST",
            "/workspaces/{ws}/custom_domains",
            {"hostname": "h", "target": {"kind": "cluster", "cluster_id": "c"}},
            "idempotency-key",
        ),
        ("POST", "/installs/inst_1/preview_hostnames:bindPinned", {"render_id": "r"}, "idempotency-key"),
        ("POST", "/installs/inst_1:update", {"package_version_id": "r"}, "idempotency-key"),
        ("POST", "/repository_change_requests/rcr_1:accept", None, "idempotency-key"),
    ],
)
def test_headers_that_must_be_there(akua: Akua, method: str, path: str, body: Any, needed: str) -> None:
    cluster_id = akua.cluster()
    where = path.format(clu=cluster_id, mch=akua.machine(cluster_id) if "{mch}" in path else "", ws=WORKSPACE)
    before = len(akua.world.server.operations("akua"))
    headers = {name.replace("-", "_"): "1" for name in needed.split()}
    for missing in headers:
        rest = {name: value for name, value in headers.items() if name != missing}
        assert error_of(akua.send(method, where, body, **rest)) == (400, 7000)
    too_long = akua.send(method, where, body, **{**headers, next(iter(headers)): "x" * 300})
    assert error_of(too_long) == (400, 7000)
    assert len(akua.world.server.operations("akua")) == before


# -- bodies


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/clusters", {**CLUSTER, "size": 3}),
        ("/clusters", {"name": "c"}),
        ("/clusters", {**CLUSTER, "name": ""}),
        ("/clusters", {**CLUSTER, "network_profile": "moon"}),
        ("/clusters", {**CLUSTER, "region_id": "reg_moon"}),
        ("/machines", {"cluster_id": "c", "instance_type": "m"}),
        ("/packages", {"name": "p", "sources": []}),
        ("/packages", {"name": "p", "sources": [HELM, HELM]}),
        ("/packages", {"name": "p", "sources": [{**HELM, "repo_url": "https://x"}]}),
        ("/packages", {"name": "p", "sources": [{**HELM, "kind": "hosted"}]}),
        ("/installs", {"region_id": "reg_eu"}),
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
    assert akua.get(path)["tier"] == "pro"
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
