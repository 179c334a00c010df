"""Tokens of an API that a spec describes: asked for once, renewed before their end, and once where one is refused."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.exceptions import AuthenticationError, InvalidConnection, TransportError
from airflow_provider_ops.hooks.lookup import hook_for
from airflow_provider_ops.simulator.described.access import TOKEN_LIFE
from tests.spec.examples import JOBS

if TYPE_CHECKING:
    from airflow_provider_ops.hooks.base import OperationsHook
    from airflow_provider_ops.testing import SimulatorServer, VirtualClock

LOGIN = """auth:
  login:
    request: POST /auth/token
    body: {username: "{login}", password: "{password}"}
    token: $response.body#/access_token"""
CLIENT = 'auth: {oauth2_client_credentials: {token_url: /oauth/token, scopes: ["{project}.read", jobs]}}'
PASSWORD = "pass-word-7"
ADDRESS = {LOGIN: "/jobs/auth/token", CLIENT: "/jobs/oauth/token"}


@pytest.fixture
def connect(operations_simulator: SimulatorServer, virtual_time: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(lines: str, password: str = PASSWORD, **extra: Any) -> OperationsHook:
        name = operations_simulator.add(JOBS.replace("auth: bearer", lines))
        known = json.loads(operations_simulator.connection_json(name, password, **extra))
        monkeypatch.setenv("AIRFLOW_CONN_JOBS", json.dumps({**known, "login": "me"}))
        return hook_for("jobs")

    return make


def asked(simulator: SimulatorServer, auth: str) -> int:
    found: int = simulator.stats()["by_route"].get(f"POST {ADDRESS[auth]}", 0)
    return found


@pytest.mark.parametrize("auth", [LOGIN, CLIENT])
def test_a_token_is_asked_for_once_and_renewed_before_its_end(
    connect: Any, operations_simulator: SimulatorServer, virtual_time: VirtualClock, auth: str
) -> None:
    hook = connect(auth)
    for _ in range(3):
        hook.call(hook.api.check())
    assert asked(operations_simulator, auth) == 1
    virtual_time.advance(TOKEN_LIFE - 30)
    hook.call(hook.api.check())
    assert asked(operations_simulator, auth) == 2
    assert all(one["status"] == 200 for one in operations_simulator.requests("jobs"))


@pytest.mark.parametrize("auth", [LOGIN, CLIENT])
def test_a_refused_token_is_renewed_once(connect: Any, operations_simulator: SimulatorServer, auth: str) -> None:
    hook = connect(auth)
    hook.call(hook.api.check())
    rule = {"api": "jobs", "method": "GET", "fault": "status", "status": 401, "message": "token revoked"}
    operations_simulator.faults({**rule, "count": 1})
    hook.call(hook.api.check())
    assert asked(operations_simulator, auth) == 2
    operations_simulator.faults(rule)
    with pytest.raises(AuthenticationError, match="token revoked"):
        hook.call(hook.api.check())
    assert asked(operations_simulator, auth) == 3


@pytest.mark.parametrize("auth", [LOGIN, CLIENT])
def test_a_wrong_password_is_said_and_nothing_is_sent(
    connect: Any, operations_simulator: SimulatorServer, auth: str
) -> None:
    hook = connect(auth, password="invalid-password")
    with pytest.raises(AuthenticationError) as caught:
        hook.call(hook.api.request("POST", "/jobs", json={}))
    assert ADDRESS[auth].removeprefix("/jobs") in str(caught.value)
    assert "invalid-password" not in str(caught.value)
    assert operations_simulator.operations("jobs") == []


@pytest.mark.parametrize("auth", [LOGIN, CLIENT])
def test_without_a_token_a_submit_is_certainly_not_sent(
    connect: Any, operations_simulator: SimulatorServer, auth: str
) -> None:
    hook = connect(auth)
    operations_simulator.faults({"api": "jobs", "route": ADDRESS[auth], "fault": "reset"})
    with pytest.raises(TransportError, match="no token") as caught:
        hook.call(hook.api.request("POST", "/jobs", json={}))
    assert (caught.value.maybe_executed, caught.value.reason) == (False, "connect")
    assert operations_simulator.operations("jobs") == []


def test_credentials_go_into_the_form_where_the_header_is_refused(
    connect: Any, operations_simulator: SimulatorServer
) -> None:
    hook = connect(CLIENT)
    operations_simulator.faults({"api": "jobs", "route": ADDRESS[CLIENT], "fault": "status", "status": 401, "count": 1})
    hook.call(hook.api.check())
    assert asked(operations_simulator, CLIENT) == 2


async def test_many_who_come_together_share_one_token(connect: Any, operations_simulator: SimulatorServer) -> None:
    hook = connect(LOGIN)
    async with hook.aclient() as client:
        await asyncio.gather(*(client.send(hook.api.check()) for _ in range(50)))
    assert asked(operations_simulator, LOGIN) == 1


@pytest.mark.parametrize("chosen", ["bearer", "http_basic", "api_key", "login"])
def test_the_connection_chooses_among_several(connect: Any, chosen: str) -> None:
    several = (
        "auth:\n  - bearer\n  - http_basic\n  - {api_key: {name: X-Key, prefix: 'Key '}}\n"
        "  - {type: login, request: POST /auth/token, body: {user: '{login}', password: '{password}'}}"
    )
    hook = connect(several, auth=chosen)
    hook.call(hook.api.check())
    sent = hook.api.sign(hook.api.check().request, "me", PASSWORD).headers
    assert (sent.get("X-Key") == f"Key {PASSWORD}") is (chosen == "api_key")
    assert sent.get("Authorization", "").startswith("Basic ") is (chosen == "http_basic")


def test_a_type_that_the_spec_lacks_is_refused(connect: Any) -> None:
    with pytest.raises(InvalidConnection, match="use login"):
        connect(LOGIN, auth="bearer")
