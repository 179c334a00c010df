"""Operations, keys and etags of the simulated Akua."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from airflow_provider_ops.simulator.akua import LAG, WORKSPACE
from tests.simulator.akua.parts import CLUSTER, FIELDS, STEP_FIELDS, Akua, error_of
from tests.simulator.conftest import DURATION

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
        ("POST", "/workspaces/{ws}/subscription:cancel", {"effective": "period_end"}, "if-match"),
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
