"""Tokens that cannot be used, or are refused: nothing was started, and the message says what to change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis.described import DescribedApi
from airflow_provider_ops.exceptions import AuthenticationError, TransportError
from airflow_provider_ops.http.blocking_client import BlockingClient
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.spec import ApiSpec
from tests.played import Played, Request, reply
from tests.spec.examples import JOBS

if TYPE_CHECKING:
    from airflow_provider_ops.testing import VirtualClock

LOGIN = 'auth: {type: login, request: POST /token, body: {user: "{login}", password: "{password}"}, token: /t}'
CLIENT = "auth: {oauth2_client_credentials: {token_url: /token}}"


def played(auth: str, answer: Any, clock: VirtualClock) -> tuple[BlockingClient, Played]:
    spec = ApiSpec.from_yaml(JOBS.replace("auth: bearer", auth.replace("token: /t", "token: $response.body#/t")))
    backend = Played(answer)
    settings = Settings("jobs", "http://127.0.0.1:8099", "any-password", login="me")
    return BlockingClient(DescribedApi(spec), settings, clock, backend=backend), backend


@pytest.mark.parametrize("token", ["two\nlines", "a b", "\x00", "tök", "", 7, None, {"a": "b"}, "x" * 20_000])
@pytest.mark.parametrize(("auth", "field"), [(LOGIN, "t"), (CLIENT, "access_token")])
def test_a_token_that_no_header_can_carry_is_no_ambiguous_submit(
    auth: str, field: str, token: Any, virtual_time: VirtualClock
) -> None:
    client, backend = played(auth, lambda _: reply(json={field: token}), virtual_time)
    with client, pytest.raises(TransportError, match="token") as caught:
        client.send(client.api.request("POST", "/jobs", json={}))
    assert not caught.value.maybe_executed
    assert {one.path for one in backend.seen} == {"/token"}


@pytest.mark.parametrize("auth", [LOGIN, CLIENT, "auth: http_basic", "auth: bearer"])
def test_a_401_names_what_the_connection_has(auth: str, virtual_time: VirtualClock) -> None:
    def answer(request: Request) -> bytes:
        if request.path == "/token":
            return reply(json={"t": "a-token", "access_token": "a-token"})
        return reply(status=401, json={"error": {"code": "no", "message": "who are you"}})

    client, _ = played(auth, answer, virtual_time)
    with client, pytest.raises(AuthenticationError) as caught:
        client.send(client.api.get_operation("op_1"))
    has_key = auth == "auth: bearer"
    assert ("API key" in caught.value.advice) is has_key
    assert ("login and password" in caught.value.advice) is not has_key
