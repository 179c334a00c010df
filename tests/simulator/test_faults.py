"""Every fault of the plan, as a client sees it over a real socket."""

from __future__ import annotations

import json
import socket
import time
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING

import httpx
import pytest
import uvicorn

from airflow_provider_ops import testing
from airflow_provider_ops.simulator import network
from tests.simulator.faulty import BODY

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ops.testing import SimulatorServer
    from tests.simulator.conftest import World


def raw_request(server: SimulatorServer, method: str = "GET", path: str = "/operations", body: bytes = b"") -> bytes:
    """Return all bytes of the answer; a reset is an error here and an orderly end is not."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as sock:
        head = f"{method} /onvera/api/v1{path} HTTP/1.1\r\nHost: x\r\nX-API-Key: k\r\nConnection: close\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        sock.sendall(head.encode() + body)
        received = b""
        while part := sock.recv(65536):
            received += part
        return received


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "INVALID_REQUEST"),
        (401, "INVALID_API_KEY"),
        (403, "ACCESS_DENIED"),
        (409, "RESOURCE_CONFLICT"),
        (418, "INVALID_REQUEST"),
        (429, "RATE_LIMIT_EXCEEDED"),
        (500, "INTERNAL_ERROR"),
        (502, "INTERNAL_ERROR"),
        (503, "SERVICE_UNAVAILABLE"),
    ],
)
def test_status_comes_in_the_envelope_and_executes_nothing(world: World, status: int, code: str) -> None:
    world.server.faults(testing.fail_first(1, status=status))
    answer = world.client.post("/deployments", json=BODY)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert world.server.resources() == []
    assert world.client.post("/deployments", json=BODY).status_code == 202


def test_status_may_carry_a_code_a_message_and_be_executed(world: World) -> None:
    rule = {"fault": "status", "status": 404, "code": "ENVIRONMENT_NOT_FOUND", "message": "gone", "execute": True}
    world.server.faults(rule)
    answer = world.client.post("/deployments", json=BODY)
    assert answer.json() == {"error": {"code": "ENVIRONMENT_NOT_FOUND", "message": "gone"}}
    assert len(world.server.resources()) == 1


def test_retry_after_in_seconds_as_a_date_and_in_milliseconds(world: World) -> None:
    world.server.faults(
        testing.rate_limited(retry_after=7),
        testing.rate_limited(retry_after=0.5),
        testing.rate_limited(retry_after={"date_in": 90}),
        testing.rate_limited(retry_after={"ms": 250}),
    )
    answers = [world.client.get("/operations") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [429] * 4
    assert [answers[0].headers["retry-after"], answers[1].headers["retry-after"]] == ["7", "0.5"]
    expected = datetime.fromtimestamp(int(world.clock.time() + 90), timezone.utc)
    assert parsedate_to_datetime(answers[2].headers["retry-after"]) == expected
    assert answers[3].headers["retry-after-ms"] == "250"
    assert "retry-after" not in answers[3].headers


def test_reset_is_a_tcp_reset_and_executes_nothing(real: SimulatorServer) -> None:
    real.faults(testing.reset_connection())
    with pytest.raises(ConnectionResetError):
        raw_request(real, "POST", "/deployments", json.dumps(BODY).encode())
    assert real.resources() == []
    assert raw_request(real).startswith(b"HTTP/1.1 200")
    assert real.stats()["by_status"] == {"cut": 1, "200": 1}


def test_accept_then_drop_executes_and_resets(real: SimulatorServer) -> None:
    real.faults(testing.drop_answer())
    assert raw_request(real).startswith(b"HTTP/1.1 200")
    with pytest.raises(ConnectionResetError):
        raw_request(real, "POST", "/deployments", json.dumps(BODY).encode())
    assert len(real.resources()) == 1


@pytest.mark.parametrize("loop", ["asyncio", "auto"])
@pytest.mark.parametrize("http_library", ["h11", "httptools"])
def test_a_cut_is_a_reset_with_every_http_library_and_loop(
    monkeypatch: pytest.MonkeyPatch, loop: str, http_library: str
) -> None:
    if http_library == "h11":
        monkeypatch.setattr(network, "find_spec", lambda _name: None)
    monkeypatch.setattr(uvicorn, "Config", partial(uvicorn.Config, loop=loop))
    with testing.SimulatorServer() as server:
        assert raw_request(server).startswith(b"HTTP/1.1 200")
        server.faults(testing.reset_connection(), testing.drop_answer(method="GET"))
        for _ in range(2):
            with pytest.raises(ConnectionResetError):
                raw_request(server)
        assert raw_request(server).startswith(b"HTTP/1.1 200")
        assert server.stats()["connections"] == 4


def test_a_cut_connection_leaves_the_others_alone(real: SimulatorServer, connect: Callable[..., httpx.Client]) -> None:
    other, struck = connect(real), connect(real)
    assert other.get("/operations").status_code == 200
    real.faults(testing.reset_connection())
    with pytest.raises(httpx.TransportError):
        struck.get("/operations")
    assert other.get("/operations").status_code == 200
    assert real.stats()["connections"] == 2


@pytest.mark.parametrize("execute", [False, True])
def test_hang_holds_the_answer_and_then_resets(real: SimulatorServer, *, execute: bool) -> None:
    real.faults(testing.hang(0.2, execute=execute))
    before = time.monotonic()
    with pytest.raises(ConnectionResetError):
        raw_request(real, "POST", "/deployments", json.dumps(BODY).encode())
    assert time.monotonic() - before >= 0.2
    assert len(real.resources()) == int(execute)


def test_a_client_may_give_up_on_a_hang(real: SimulatorServer, connect: Callable[..., httpx.Client]) -> None:
    real.faults(testing.hang(0.3))
    with pytest.raises(httpx.ReadTimeout):
        connect(real).get("/operations", timeout=0.1)
    assert connect(real).get("/operations").status_code == 200


def test_trickle_is_the_right_answer_in_pieces(real: SimulatorServer, connect: Callable[..., httpx.Client]) -> None:
    real.faults({**testing.trickle(0.3), "pieces": 4})
    before = time.monotonic()
    with connect(real).stream("GET", "/operations") as answer:
        parts = [part for part in answer.iter_raw() if part]
    assert time.monotonic() - before >= 0.25
    assert len(parts) == 4
    assert json.loads(b"".join(parts))["data"]["items"] == []


def test_html_in_place_of_json(world: World) -> None:
    world.server.faults(testing.html(), testing.html(status=502))
    first, second = (world.client.post("/deployments", json=BODY) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 502)
    assert first.headers["content-type"].startswith("text/html")
    assert first.text.startswith("<!doctype html>")
    assert world.server.resources() == []


def test_truncated_json_does_not_parse_though_executed(world: World) -> None:
    world.server.faults(testing.truncated())
    answer = world.client.post("/deployments", json=BODY)
    assert answer.status_code == 202
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        answer.json()
    assert len(world.server.resources()) == 1


@pytest.mark.parametrize("value", ['"\\u0000"', '"\\ud800"', "NaN", "1" + "0" * 400, "[" * 9 + "]" * 9])
def test_poison_is_sent_as_it_is_in_the_fields_that_are_meant(world: World, value: str) -> None:
    made = world.create()
    world.clock.advance(30)
    operation = f"/operations/{made['operation_id']}"
    before = world.client.get(operation).json()["data"]
    headers = {"x-request-id": "odd"}
    world.server.faults({**testing.poison(value, "data.progress.*", "data.resource"), "headers": headers})
    answer = world.client.get(operation)
    assert answer.headers["x-request-id"] == "odd"
    assert answer.content.count(value.encode()) == len(before["progress"]) + 1
    assert answer.json()["data"]["id"] == before["id"]


def test_truncated_by_a_cut_ends_in_mid_body(world: World) -> None:
    world.server.faults({"fault": "truncated", "cut": True, "count": 1})
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        world.client.get("/operations")
    assert world.client.get("/operations").status_code == 200


def test_unknown_status_is_shown_for_a_while(world: World) -> None:
    world.server.faults(testing.unknown_status("defrosting", seconds=60))
    made = world.create()
    assert world.operation(made)["status"] == "queued"
    world.clock.advance(30)
    assert world.operation(made)["status"] == "defrosting"
    assert world.get("/operations", status="running")["items"] == []
    assert [row["status"] for row in world.get("/operations")["items"]] == ["defrosting"]
    world.clock.advance(60)
    assert world.operation(made)["status"] == "running"
    world.clock.advance(110)
    assert world.operation(made)["status"] == "succeeded"


def test_not_found_first_hides_a_fresh_operation_from_single_reads(world: World) -> None:
    world.server.faults(testing.not_found_first(2))
    path = f"/operations/{world.create()['operation_id']}"
    answers = [world.client.get(path) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [404, 404, 200]
    assert answers[0].json()["error"]["code"] == "OPERATION_NOT_FOUND"


def test_operation_fails_with_a_reason(world: World) -> None:
    world.server.faults(testing.operation_fails("quota exceeded", code="QUOTA"))
    made = world.create()
    world.clock.advance(50)
    running = world.operation(made)
    assert running["status"] == "running"
    assert "quota" not in json.dumps(running)
    world.clock.advance(100)
    operation = world.operation(made)
    assert operation["status"] == "failed"
    assert operation["error"] == {"code": "QUOTA", "message": "quota exceeded"}
    assert operation["progress"] == {"phase": "provisioning_infrastructure", "message": "quota exceeded"}
    deployment = world.get(f"/deployments/{made['deployment_id']}")
    assert (deployment["status"], deployment["url"]) == ("failed", None)


def test_operation_cancelled_in_the_words_of_the_api(world: World) -> None:
    world.server.faults(testing.operation_cancelled("by an administrator", n=1))
    made, next_one = world.create(), world.create()
    world.clock.advance(200)
    assert world.operation(made)["status"] == "canceled"
    assert world.operation(made)["error"]["message"] == "by an administrator"
    assert world.operation(next_one)["status"] == "succeeded"


def test_endless_never_settles(world: World) -> None:
    world.server.faults(testing.never_settles())
    made = world.create()
    world.clock.advance(1_000_000)
    assert world.operation(made)["status"] == "running"


def test_operation_faults_add_up(world: World) -> None:
    world.server.faults(testing.not_found_first(1), testing.operation_fails("both"))
    made = world.create()
    world.clock.advance(200)
    assert world.client.get(f"/operations/{made['operation_id']}").status_code == 404
    assert world.operation(made)["status"] == "failed"
