"""The control pages and what they count."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops import testing

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from airflow_provider_ops.testing import SimulatorServer
    from tests.simulator.conftest import World

KEY = "sk-test-canary"
"""The key that all clients of the tests use."""


def test_stats_count_requests_by_api_and_by_route(world: World) -> None:
    made = world.create()
    world.operation(made)
    world.operation(made)
    world.client.get("/nothing")
    stats = world.control("stats").json()
    assert stats["requests"] == 4
    assert stats["connections"] == 1
    by_api = stats["by_api"]
    assert by_api.pop("onvera") == {"requests": 4, "created": 1, "operations": 1}
    assert all(numbers == {"requests": 0, "created": 0, "operations": 0} for numbers in by_api.values())
    assert stats["by_route"] == {
        "POST /onvera/api/v1/deployments": 1,
        "GET /onvera/api/v1/operations/{id}": 2,
        "GET /onvera/api/v1/*": 1,
    }
    assert stats["by_status"] == {"200": 2, "202": 1, "404": 1}
    assert sum(stats["per_second"].values()) == 4


def test_a_destroy_is_an_operation_and_creates_nothing(world: World) -> None:
    world.client.delete(f"/deployments/{world.ready()['deployment_id']}")
    assert world.server.stats()["by_api"]["onvera"] == {"requests": 2, "created": 1, "operations": 2}


def test_control_calls_are_not_counted(world: World) -> None:
    for page in ("stats", "resources", "operations", "requests", "choices", "faults"):
        assert world.control(page).status_code == 200
    stats = world.server.stats()
    assert (stats["requests"], stats["connections"], stats["by_route"]) == (0, 0, {})


def test_connections_are_those_that_carried_requests(
    real: SimulatorServer, connect: Callable[..., httpx.Client]
) -> None:
    for _ in range(3):
        client = connect(real)
        client.get("/operations")
        client.get("/operations")
    stats = real.stats()
    assert (stats["requests"], stats["connections"], stats["connections_open_peak"]) == (6, 3, 3)


def test_a_connection_kept_over_a_reset_is_counted_again(world: World) -> None:
    world.client.get("/operations")
    world.server.reset()
    assert world.server.stats()["connections"] == 0
    world.client.get("/operations")
    assert world.server.stats()["connections"] == 1


def test_requests_in_flight_are_counted(real: SimulatorServer, connect: Callable[..., httpx.Client]) -> None:
    real.latency = 0.2
    clients = [connect(real) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda client: client.get("/operations"), clients))
    assert real.stats()["requests_in_flight_peak"] == 4


def test_resources_have_the_keys_of_the_contract(world: World) -> None:
    made = world.create(name="mine")
    (row,) = world.control("resources").json()
    assert row["created_at"].endswith("Z")
    assert {key: row[key] for key in ("api", "kind", "id", "name", "operation_id", "deleted")} == {
        "api": "onvera",
        "kind": "deployment",
        "id": made["deployment_id"],
        "name": "mine",
        "operation_id": made["operation_id"],
        "deleted": False,
    }


def test_resources_and_operations_are_up_to_date_without_a_request(world: World) -> None:
    world.ready()
    assert world.control("resources").json()[0]["status"] == "ready"
    (operation,) = world.control("operations").json()
    assert operation["stage"] == "succeeded"
    assert operation["created_at"] < operation["started_at"] < operation["ended_at"]


def test_operations_tell_when_a_cancel_was_asked_for(world: World) -> None:
    made = world.create()
    world.client.delete(f"/deployments/{made['deployment_id']}")
    create, destroy = world.control("operations").json()
    assert create["cancel_requested_at"] is not None
    assert create["reason"]
    assert destroy["cancel_requested_at"] is None


def test_requests_are_remembered_in_order(world: World) -> None:
    world.create()
    world.client.get("/operations", params={"page": 2}, headers={"X-Test": "a"})
    world.server.faults(testing.html(status=502))
    world.client.get("/operations")
    log = world.control("requests").json()
    assert [(row["method"], row["path"], row["query"], row["status"], row["fault"]) for row in log] == [
        ("POST", "/onvera/api/v1/deployments", "", 202, None),
        ("GET", "/onvera/api/v1/operations", "page=2", 200, None),
        ("GET", "/onvera/api/v1/operations", "", 502, "html"),
    ]
    assert log[1]["headers"]["x-test"] == "a"
    assert world.control("requests", params={"limit": 1}).json() == log[2:]
    assert world.control("requests", params={"limit": 0}).json() == []
    assert world.control("requests", params={"limit": "x"}).status_code == 400


def test_keys_are_shown_nowhere(world: World) -> None:
    headers = {"Authorization": f"Bearer {KEY}", "X-Copy": f"key {KEY}", "Cookie": f"a={KEY}"}
    world.client.get("/operations", headers=headers)
    world.client.get(f"/operations/{KEY}", params={"key": KEY})
    world.client.post("/deployments", json={"app_type": KEY})
    pages = [world.control(page).text for page in ("stats", "resources", "operations", "requests", "faults")]
    assert "X-Copy".lower() in pages[3]
    assert not [page for page in pages if KEY in page]


def test_choices_say_what_was_chosen(world: World) -> None:
    choices = world.control("choices").json()
    assert choices["onvera"]["destroyed deployment"].startswith("GET answers 404")


def test_reset_forgets_everything_and_starts_the_ids_again(world: World) -> None:
    world.server.faults(testing.fail_first(1, skip=1))
    first = world.create()
    assert world.control("reset", "POST").json() == {"reset": True}
    assert world.control("resources").json() == []
    assert world.control("operations").json() == []
    assert world.control("requests").json() == []
    assert world.client.get(f"/operations/{first['operation_id']}").status_code == 404
    assert world.create() == first


@pytest.mark.parametrize("document", [{"rules": [{"fault": "html"}]}, [{"fault": "html"}]])
def test_faults_are_a_document_or_a_list(world: World, document: Any) -> None:
    assert world.control("faults", "POST", json=document).json() == {"rules": 1}
    assert world.client.get("/operations").text.startswith("<")
    assert world.control("faults", "POST", content=json.dumps({"rules": []})).json() == {"rules": 0}
    assert world.client.get("/operations").status_code == 200


@pytest.mark.parametrize(("method", "page"), [("GET", "reset"), ("POST", "stats"), ("DELETE", "faults")])
def test_other_methods_are_not_allowed(world: World, method: str, page: str) -> None:
    assert world.control(page, method).status_code == 405


@pytest.mark.parametrize("path", ["/", "/nothing", "/onvera", "/onvera/api/v1", "/_control"])
def test_other_paths_say_what_is_served(world: World, path: str) -> None:
    answer = world.http.get(world.server.url + path)
    assert answer.status_code == (200 if path == "/" else 404)
    assert answer.json()["apis"]["onvera"] == "/onvera/api/v1"
    assert world.server.stats()["requests"] == 0


def test_a_bug_in_a_handler_is_an_answer_and_a_traceback(
    world: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from airflow_provider_ops.simulator import onvera  # noqa: PLC0415

    def explode(*_arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(onvera, "page_number", explode)
    answer = world.client.get("/operations")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "INTERNAL_ERROR")
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_the_rate_limit_answers_429_until_there_is_budget(
    connect: Callable[..., httpx.Client],
) -> None:
    clock = testing.VirtualClock(auto=False)
    with testing.SimulatorServer(rate_limit=2, clock=clock) as server:
        client = connect(server)
        answers = [client.get("/operations") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2].headers["retry-after"] == "1"
        assert answers[2].json()["error"]["code"] == "RATE_LIMIT_EXCEEDED"
        clock.advance(0.5)
        assert [client.get("/operations").status_code for _ in range(2)] == [200, 429]
        server.reset()
        assert client.get("/operations").status_code == 200
        client.close()


def test_latency_is_added_to_every_answer(connect: Callable[..., httpx.Client]) -> None:
    clock = testing.VirtualClock()
    with testing.SimulatorServer(latency=3, clock=clock) as server:
        client, before = connect(server), clock.time()
        client.get("/operations")
        client.get("/nothing")
        assert clock.time() - before == 6
        client.close()
