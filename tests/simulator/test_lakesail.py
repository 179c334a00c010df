"""The simulated LakeSail: shapes, life cycles and refusals as its fact sheet has them, and its choices."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.simulator.conftest import DURATION, QUICK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ops.testing import SimulatorServer, VirtualClock

ID = re.compile(r"[A-Z0-9]{10}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
CONNECTION, TEAM = "C3V7X1Z5QM", "T5R8W2Q6ZK"


class Lake:
    """A client of LakeSail in virtual time."""

    def __init__(self, server: SimulatorServer, clock: VirtualClock, client: httpx.Client) -> None:
        self.server, self.clock, self.client = server, clock, client

    def send(self, method: str, path: str, status: int, **options: Any) -> Any:
        answer = self.client.request(method, path, **options)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def get(self, path: str, **params: Any) -> Any:
        return self.send("GET", path, 200, params=params)

    def settle(self) -> None:
        self.clock.advance(2 * DURATION)

    def cluster(self, **body: Any) -> Any:
        return self.send("POST", "/infra/clusters", 202, json={"name": "a", "connectionId": CONNECTION, **body})

    def network(self) -> Any:
        body = {"name": "n", "connectionId": CONNECTION, "config": {"cidr": "10.0.0.0/16"}}
        return self.send("POST", "/infra/networks", 202, json=body)["operation"]

    def job(self, key: str = "daily") -> Any:
        cluster = self.cluster()
        self.settle()
        body = {"jobKey": key, "clusterId": cluster["id"], "teamIds": [TEAM]}
        return self.send("POST", "/workloads/jobs", 201, json=body)

    def run(self) -> str:
        job = self.job()["id"]
        run = self.send("POST", f"/workloads/jobs/{job}/runs", 201)
        assert run["status"] == "pending"
        return f"/workloads/jobs/{job}/runs/{run['id']}"

    def session(self, **body: Any) -> str:
        made = self.send("POST", "/workloads/sessions", 201, json=body)
        assert made["status"] == "pending"
        return f"/workloads/sessions/{made['id']}"


@pytest.fixture
def lake(virtual_server: SimulatorServer, manual_clock: VirtualClock) -> Iterator[Lake]:
    virtual_server.reset()
    headers = {"Authorization": "Bearer sk-test-canary"}
    with httpx.Client(base_url=virtual_server.base_url("lakesail"), headers=headers, timeout=5, **QUICK) as client:
        yield Lake(virtual_server, manual_clock, client)


def error_of(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert set(body) == {"code", "message", "errorType", "details"}
    return answer.status_code, body["code"]


def test_an_operation_shows_stages_resources_and_summary(lake: Lake) -> None:
    made = lake.cluster()
    assert ID.fullmatch(made["id"])
    assert made["id"] != made["operationId"]
    always = {"id", "organizationId", "memberId", "operation", "status", "resourceType", "resourceId"}
    always |= {"createdAt", "updatedAt"}
    path = f"/operations/{made['operationId']}"
    queued = lake.get(path)
    assert set(queued) == always
    assert (queued["status"], queued["resourceType"], queued["resourceId"]) == ("pending", "cluster", made["id"])
    seen = []
    for _ in range(32):
        lake.clock.advance(4)
        operation = lake.get(path)
        summary = operation.get("progress", {}).get("summary", {})
        state = (operation["status"], operation.get("progress", {}).get("stage"), summary.get("succeeded"))
        if state not in seen:
            seen.append(state)
    assert seen == [
        ("pending", None, None),
        ("running", "network", 0),
        ("running", "control_plane", 1),
        ("running", "nodes", 2),
        ("succeeded", "done", 3),
    ]
    done = lake.get(path)
    assert set(done) == always | {"startedAt", "completedAt", "progress"}
    assert all(TIME.fullmatch(done[name]) for name in ("createdAt", "startedAt", "completedAt"))
    assert [one["status"] for one in done["progress"]["resources"]] == ["succeeded"] * 3


def test_a_failed_operation_tells_error_and_resource(lake: Lake) -> None:
    lake.server.faults({"fault": "operation_fails", "reason": "quota too low", "code": "QUOTA"})
    made = lake.cluster()
    lake.settle()
    operation = lake.get(f"/operations/{made['operationId']}")
    assert (operation["status"], operation["error"]["code"]) == ("failed", "QUOTA")
    assert operation["error"]["message"] == "quota too low"
    assert set(operation["error"]["details"]) == {"retryable", "retryAfter", "fieldErrors", "requestId", "causedBy"}
    assert operation["progress"]["summary"]["failed"] == 1
    (cluster,) = lake.get("/me/clusters")["included"]["clusters"]
    assert cluster["externalStatus"] == "failed"


def test_each_call_answers_in_its_own_shape(lake: Lake) -> None:
    cluster = lake.cluster()
    operation = lake.network()
    assert operation["resourceType"] == "network"
    body = {"name": "c", "provider": "aws", "providerConfig": {"accountId": "1", "region": "eu-west-1"}}
    answer = lake.client.post("/infra/connections", json=body)
    connection = answer.json()
    assert "operationId" not in connection
    where = answer.headers["location"]
    assert lake.client.get(lake.server.url + where).json()["resourceId"] == connection["id"]
    lake.settle()
    assert lake.client.get(lake.server.url + where).json()["result"]["items"][0]["provider"] == "aws"
    assert lake.send("DELETE", f"/infra/clusters/{cluster['id']}", 202)["operation"] == "cluster.destroy"
    assert set(lake.send("DELETE", f"/infra/networks/{operation['resourceId']}", 202)) == {"operationId"}
    gone = lake.client.delete(f"/infra/connections/{connection['id']}")
    assert (gone.status_code, gone.content) == (202, b"")
    assert "/operations/" in gone.headers["location"]
    included = lake.get("/infra/connections")["included"]["operations"]
    assert [one["operation"] for one in included] == ["connection.destroy"]
    lake.settle()
    assert lake.get("/me/clusters") == {"total": 0, "items": [], "included": {"clusters": [], "connections": []}}
    assert [one["id"] for one in lake.get("/infra/connections")["items"]] == [CONNECTION]
    assert all(row["deleted"] for row in lake.server.resources())


def test_what_is_busy_or_in_use_cannot_be_deleted(lake: Lake) -> None:
    network = lake.network()["resourceId"]
    assert error_of(lake.client.delete(f"/infra/networks/{network}")) == (409, "CONFLICT")
    lake.settle()
    cluster = lake.cluster(networkId=network)
    lake.settle()
    assert error_of(lake.client.delete(f"/infra/networks/{network}")) == (409, "CONFLICT")
    lake.send("DELETE", f"/infra/clusters/{cluster['id']}", 202)
    lake.settle()
    lake.send("DELETE", f"/infra/networks/{network}", 202)


def test_a_session_becomes_active_only_with_its_first_request(lake: Lake) -> None:
    path = lake.session(name="s")
    lake.settle()
    assert lake.get(path)["status"] == "pending"
    lake.send("POST", f"{path}/token", 200)
    assert lake.get(path)["status"] == "active"
    assert set(lake.get(path)["connectionInfo"]) == {"proxyAuthUrl", "grpcEndpoint"}
    early = lake.session()
    lake.send("POST", f"{early}/token", 200, json={})
    assert lake.get(early)["status"] == "pending"
    lake.settle()
    assert lake.get(early)["status"] == "active"


def test_a_closed_session_is_closed_at_once_and_stays_so(lake: Lake) -> None:
    path = lake.session(name="s")
    assert lake.send("DELETE", path, 200)["status"] == "closed"
    lake.settle()
    assert lake.get(path)["status"] == "closed"
    assert lake.get(path)["terminationReason"]
    assert lake.send("DELETE", path, 200)["status"] == "closed"
    assert error_of(lake.client.post(f"{path}/token")) == (409, "CONFLICT")


def test_sessions_are_normalised_and_filtered(lake: Lake) -> None:
    first, second = lake.session(name="one"), lake.session(name="two", teamId="T1")
    lake.send("DELETE", first, 200)

    def names(**filters: str) -> list[str]:
        page = lake.get("/workloads/sessions", **filters)
        assert [item["id"] for item in page["items"]] == [one["id"] for one in page["included"]["sessions"]]
        assert page["total"] == len(page["items"])
        return [one["name"] for one in page["included"]["sessions"]]

    assert names() == ["two", "one"]
    assert names(status="closed") == ["one"]
    assert names(teamId="T1", endpoint_type="spark_connect") == ["two"]
    assert error_of(lake.client.get("/workloads/sessions?status=over")) == (400, "INVALID_REQUEST")
    assert error_of(lake.client.get("/workloads/sessions?endpointType=spark_connect")) == (400, "INVALID_REQUEST")
    assert lake.get(second)["status"] == "pending"


def test_a_notebook_is_started_from_stopped_only(lake: Lake) -> None:
    made = lake.send("POST", "/workloads/notebooks", 201, json={"name": "eda"})
    assert made["status"] == "stopped"
    path = f"/workloads/notebooks/{made['id']}"
    assert lake.send("POST", f"{path}/start", 200)["status"] == "starting"
    assert error_of(lake.client.post(f"{path}/start")) == (409, "CONFLICT")
    lake.settle()
    assert lake.get(path)["status"] == "running"
    assert ID.fullmatch(lake.get(path)["sessionId"])
    assert lake.get("/workloads/notebooks")["total"] == 1
    assert lake.send("DELETE", path, 204) is None
    assert error_of(lake.client.get(path)) == (404, "NOT_FOUND")


def test_a_run_goes_from_pending_to_completed(lake: Lake) -> None:
    path = lake.run()
    seen = []
    for _ in range(32):
        seen.append(lake.get(path)["status"])
        lake.clock.advance(4)
    assert list(dict.fromkeys(seen)) == ["pending", "running", "completed"]
    assert lake.send("DELETE", path, 204) is None


def test_a_run_can_be_made_ready_and_not_be_deleted_while_it_runs(lake: Lake) -> None:
    path = lake.run()
    assert lake.send("POST", f"{path}/ready", 200)["status"] == "ready"
    assert error_of(lake.client.post(f"{path}/ready")) == (409, "CONFLICT")
    lake.clock.advance(50)
    assert lake.get(path)["status"] == "running"
    assert error_of(lake.client.delete(path)) == (409, "CONFLICT")


def test_deleting_a_job_cancels_its_runs(lake: Lake) -> None:
    path = lake.run()
    job = path.split("/")[3]
    lake.clock.advance(50)
    lake.send("DELETE", f"/workloads/jobs/{job}", 204)
    assert lake.get(path)["status"] == "cancelled"
    assert lake.get("/me/jobs")["total"] == 0
    assert [one["status"] for one in lake.get("/me/jobs/runs")["items"]] == ["cancelled"]


def test_a_job_needs_an_active_cluster_and_a_team(lake: Lake) -> None:
    cluster = lake.cluster()["id"]
    body = {"jobKey": "daily", "clusterId": cluster, "teamIds": [TEAM]}
    assert error_of(lake.client.post("/workloads/jobs", json=body)) == (409, "CONFLICT")
    lake.settle()
    assert error_of(lake.client.post("/workloads/jobs", json={**body, "teamIds": []})) == (400, "INVALID_REQUEST")
    job = lake.send("POST", "/workloads/jobs", 201, json=body)
    listed = lake.get("/me/jobs")
    assert listed["items"] == [{"jobId": job["id"], "latestJobRunId": None, "teamIds": [TEAM]}]
    assert listed["included"]["jobs"] == [lake.get(f"/workloads/jobs/{job['id']}")]


def test_workloads_take_faults_like_operations(lake: Lake) -> None:
    lake.server.faults({"fault": "operation_fails", "reason": "out of memory"})
    path, session = "", lake.session()
    lake.server.faults()
    job = lake.job()
    lake.server.faults({"fault": "operation_fails", "reason": "out of memory"})
    run = lake.send("POST", f"/workloads/jobs/{job['id']}/runs", 201)
    path = f"/workloads/jobs/{job['id']}/runs/{run['id']}"
    lake.settle()
    for place in (path, session):
        assert (lake.get(place)["status"], lake.get(place)["statusMessage"]) == ("failed", "out of memory")
    lake.server.faults(
        {"fault": "unknown_status", "word": "napping", "seconds": 50}, {"fault": "not_found_first", "reads": 1}
    )
    other = lake.session()
    lake.clock.advance(20)
    assert lake.client.get(other).status_code == 404
    assert lake.get(other)["status"] == "napping"


def test_a_workload_is_no_operation(lake: Lake) -> None:
    lake.run()
    for row in lake.server.operations("lakesail"):
        shown = lake.client.get(f"/operations/{row['id']}").status_code
        assert shown == (200 if row["kind"].startswith("cluster") else 404)


def test_lists_in_numbered_pages(lake: Lake) -> None:
    for name in ("b", "d", "a", "c"):
        lake.cluster(name=name)

    def names(**query: Any) -> list[str]:
        page = lake.get("/me/clusters", **query)
        assert page["total"] == 4
        return [one["name"] for one in page["included"]["clusters"]]

    assert names() == ["a", "b", "c", "d"]
    assert names(limit=3, page=2) == ["d"]
    assert names(limit=3, sortDirection="desc", sortBy="name") == ["d", "c", "b"]
    assert names(limit=3, page=2, sortDirection="desc") == ["a"]
    assert names(limit=3, page=3) == names(limit=0) == names(limit=3, page=3, sortDirection="desc") == []


def test_lists_that_go_on_from_a_marker(lake: Lake) -> None:
    made = [lake.network()["resourceId"] for _ in range(5)]
    found: list[Any] = []
    marker: dict[str, Any] = {}
    while True:
        page = lake.get("/infra/networks", limit=2, **marker)
        found += [one["id"] for one in page["items"]]
        if "marker" not in page:
            break
        marker = {"marker": page["marker"]}
    assert found == made[::-1]
    assert error_of(lake.client.get("/infra/networks?marker=made-up")) == (400, "INVALID_REQUEST")


def test_the_first_connection_has_the_first_place_of_a_page(lake: Lake) -> None:
    body = {"name": "c", "provider": "aws", "providerConfig": {"accountId": "1", "region": "eu-west-1"}}
    made = [lake.send("POST", "/infra/connections", 202, json=body)["id"] for _ in range(3)]
    found: list[Any] = []
    marker: dict[str, Any] = {}
    while True:
        page = lake.get("/infra/connections", limit=2, **marker)
        assert len(page["items"]) <= 2
        found += [one["id"] for one in page["items"]]
        if "marker" not in page:
            break
        marker = {"marker": page["marker"]}
    assert found == [CONNECTION, *made[::-1]]
    assert lake.get("/infra/connections", limit=0)["items"] == []


@pytest.mark.parametrize(
    ("method", "path", "options", "expected"),
    [
        ("GET", "/operations/k4t7m2q9zb", {}, (404, "NOT_FOUND")),
        ("GET", "/operations/NOSUCHID00", {}, (404, "NOT_FOUND")),
        ("GET", "/operations", {}, (404, "NOT_FOUND")),
        ("POST", "/operations/NOSUCHID00", {}, (405, "METHOD_NOT_ALLOWED")),
        ("GET", "/workloads/sessions/a1", {}, (404, "NOT_FOUND")),
        ("GET", "/me/clusters?limit=101", {}, (400, "INVALID_REQUEST")),
        ("GET", "/me/clusters?page=0", {}, (400, "INVALID_REQUEST")),
        ("GET", "/me/clusters?pageSize=5", {}, (400, "INVALID_REQUEST")),
        ("GET", "/workloads/notebooks?marker=m", {}, (400, "INVALID_REQUEST")),
        ("POST", "/infra/clusters", {"json": {"name": "a"}}, (400, "INVALID_REQUEST")),
        ("POST", "/infra/clusters", {"json": {"name": "", "connectionId": CONNECTION}}, (400, "INVALID_REQUEST")),
        ("POST", "/infra/clusters", {"json": {"name": "a", "connection_id": CONNECTION}}, (400, "INVALID_REQUEST")),
        ("POST", "/infra/clusters", {"json": {"name": "a", "connectionId": "NOSUCHID00"}}, (404, "NOT_FOUND")),
        ("POST", "/infra/clusters", {"content": b"{"}, (400, "MALFORMED_REQUEST")),
        ("POST", "/workloads/notebooks", {"json": {"name": "n" * 256}}, (400, "INVALID_REQUEST")),
        ("POST", "/workloads/notebooks", {"json": {"name": "n", "description": "d" * 1024}}, (400, "INVALID_REQUEST")),
    ],
)
def test_refusals(lake: Lake, method: str, path: str, options: dict[str, Any], expected: tuple[int, str]) -> None:
    assert error_of(lake.client.request(method, path, **options)) == expected
    assert lake.server.resources() == []


@pytest.mark.parametrize(
    "header", [{}, {"X-API-Key": "k"}, {"Authorization": "Bearer"}, {"Authorization": "DPoP k"}, {"Authorization": "k"}]
)
def test_only_a_bearer_token_is_taken(lake: Lake, header: dict[str, str]) -> None:
    answer = httpx.get(f"{lake.server.base_url('lakesail')}/auth/permissions", headers=header, timeout=5, **QUICK)
    assert error_of(answer) == (401, "UNAUTHENTICATED")


def test_keys_may_lack_scopes(lake: Lake) -> None:
    lake.client.headers["Authorization"] = "Bearer sk-readonly"
    body = {"name": "a", "connectionId": CONNECTION}
    assert error_of(lake.client.post("/infra/clusters", json=body)) == (403, "PERMISSION_DENIED")
    assert lake.get("/auth/permissions")["items"][0]["validObjectTypes"] == [["organization"]]
    assert lake.get("/auth/identity-provider-types")["items"][0]["capabilities"]["dcr"]["supported"] is False
    assert lake.get(f"/infra/connections/{CONNECTION}/provider-networks", region="us-east-1")["items"][0]["tags"] == {
        "region": "us-east-1"
    }
