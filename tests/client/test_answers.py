from __future__ import annotations

import ssl
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ops.apis.http import Request
from airflow_provider_ops.apis.onvera import API
from airflow_provider_ops.client.answers import retry_after, transport_error
from airflow_provider_ops.client.retries import PATIENCE, options
from airflow_provider_ops.exceptions import (
    ApiError,
    AuthenticationError,
    NotFound,
    RateLimited,
    ServerError,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ops.client.settings import Settings
    from airflow_provider_ops.client.sync import SyncClient

NOW = 1_760_000_000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": " 7 "}, 7.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "1e99"}, 3600.0),
        ({"retry-after": "86400"}, 3600.0),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "1" * 400}, None),
        ({"retry-after": formatdate(NOW + 30, usegmt=True)}, 30.0),
        ({"retry-after": formatdate(NOW - 30, usegmt=True)}, 0.0),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, 3600.0),
        ({"retry-after": "Mon, 01 Jan 0001 00:00:00 GMT"}, 0.0),
        ({"retry-after": "Mon, 99 Foo 2026 00:00:00 GMT"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 +9999"}, None),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after-ms": "-1"}, 0.0),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


@given(st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms"]), st.text(max_size=40)))
def test_retry_after_is_none_or_within_an_hour_whatever_the_server_sends(headers: dict[str, str]) -> None:
    found = retry_after(headers, NOW)
    assert found is None or 0 <= found <= 3600


# -- failures of the transport

_TLS = httpx.ConnectError("certificate verify failed")
_TLS.__cause__ = ssl.SSLCertVerificationError("certificate verify failed")

FAILURES: list[tuple[Exception, str, bool]] = [
    (httpx.ConnectError("[Errno -2] Name or service not known"), "dns", False),
    (httpx.ConnectError("[Errno -3] Temporary failure in name resolution"), "dns", False),
    (httpx.ConnectError("[Errno 8] nodename nor servname provided, or not known"), "dns", False),
    (httpx.ConnectError("[Errno 111] Connection refused"), "connect", False),
    (_TLS, "tls", False),
    (httpx.ConnectTimeout("slow"), "timeout", False),
    (httpx.PoolTimeout("busy"), "connect", False),
    (httpx.ProxyError("407"), "connect", False),
    (httpx.UnsupportedProtocol("ftp"), "connect", False),
    (httpx.LocalProtocolError("illegal header"), "connect", False),
    (httpx.ReadTimeout("slow"), "timeout", True),
    (httpx.WriteTimeout("slow"), "timeout", True),
    (httpx.ReadError("reset"), "reset", True),
    (httpx.WriteError("reset"), "reset", True),
    (httpx.CloseError("reset"), "reset", True),
    (httpx.RemoteProtocolError("cut"), "reset", True),
    (httpx.DecodingError("not gzip"), "unreadable", True),
    (httpx.TooManyRedirects("loop"), "reset", True),
    (httpx.StreamClosed(), "reset", True),
]


@pytest.mark.parametrize(("failure", "reason", "maybe"), FAILURES, ids=lambda value: repr(value)[:60])
def test_every_failure_of_the_transport_has_a_reason_and_says_whether_the_request_may_have_been_carried_out(
    failure: Exception, reason: str, maybe: bool, settings: Callable[..., Settings]
) -> None:
    error = transport_error(Request("POST", "/x", "/x"), settings(), failure)
    assert (error.reason, error.maybe_executed) == (reason, maybe)
    assert "POST /x" in str(error)
    assert settings().origin in str(error)


def test_the_list_of_failures_above_is_complete() -> None:
    seen = {type(failure) for failure, _, _ in FAILURES}
    abstract = {httpx.TransportError, httpx.TimeoutException, httpx.NetworkError, httpx.ProtocolError}

    def leaves(cls: type) -> set[type]:
        return {cls} - abstract | {leaf for child in cls.__subclasses__() for leaf in leaves(child)}

    assert leaves(httpx.TransportError) <= seen


# -- which reads are tried again


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (TransportError("x", reason="reset"), True),
        (TransportError("x", reason="timeout"), True),
        (TransportError("x", reason="connect"), True),
        (TransportError("x", reason="unreadable"), True),
        (TransportError("x", reason="dns"), False),
        (TransportError("x", reason="tls"), False),
        (ServerError(500, None, "x"), True),
        (ServerError(503, None, "x", retry_after=4), 4),
        (RateLimited(429, None, "x"), True),
        (RateLimited(429, None, "x", retry_after=7), 7),
        (RateLimited(429, None, "x", retry_after=PATIENCE + 1), False),
        (NotFound(404, None, "x"), False),
        (AuthenticationError(401, None, "x"), False),
        (ApiError(418, None, "x"), False),
        (ValueError("x"), False),
    ],
    ids=repr,
)
def test_a_read_is_tried_again_when_that_can_help(error: Exception, again: Any) -> None:
    assert options(PATIENCE)["on"](error) == again


def test_retry_after_zero_does_not_become_a_busy_loop() -> None:
    assert options(PATIENCE)["on"](RateLimited(429, None, "x", retry_after=0.0)) >= 0.5


# -- answers, from a transport that plays them


def play(client: Callable[..., SyncClient], *answers: httpx.Response) -> tuple[SyncClient, list[httpx.Request]]:
    seen: list[httpx.Request] = []
    left = list(answers)

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return left.pop(0) if len(left) > 1 else left[0]

    return client(transport=httpx.MockTransport(handle)), seen


def test_redirects_are_not_followed_so_the_key_stays_with_its_origin(client: Callable[..., SyncClient]) -> None:
    answer = httpx.Response(302, headers={"location": "https://evil.example/"}, json={})
    sender, seen = play(client, answer)
    with pytest.raises(TransportError) as caught:
        sender.send_once(API.get_operation("op_1"))
    assert (caught.value.reason, caught.value.status) == ("gateway", 302)
    assert len(seen) == 1


def test_the_request_id_of_an_answer_is_in_the_error(client: Callable[..., SyncClient]) -> None:
    sender, _ = play(
        client,
        httpx.Response(
            404, headers={"X-Request-Id": "req-9"}, json={"error": {"code": "GONE", "message": "no such operation"}}
        ),
    )
    with pytest.raises(NotFound) as caught:
        sender.send(API.get_operation("op_1"))
    assert caught.value.request_id == "req-9"
    assert "req-9" in str(caught.value)


BODIES = [
    b"",
    b"<html>",
    b"[]",
    b'"x"',
    b"null",
    b"{",
    b'{"error": 5}',
    b'{"error": {"code": 7}}',
    b"\xff\xfe\x00",
    b'{"data": []}',
]


@pytest.mark.parametrize("body", BODIES, ids=repr)
def test_an_error_that_has_not_the_form_of_the_api_is_a_gateways(
    client: Callable[..., SyncClient], body: bytes
) -> None:
    sender, _ = play(client, httpx.Response(404, content=body))
    with pytest.raises(TransportError) as caught:
        sender.send_once(API.get_operation("op_1"))
    assert (caught.value.reason, caught.value.status) == ("gateway", 404)


@pytest.mark.parametrize("body", BODIES, ids=repr)
def test_a_good_answer_with_an_unreadable_body_is_a_transport_error(
    client: Callable[..., SyncClient], body: bytes
) -> None:
    sender, seen = play(client, httpx.Response(200, content=body))
    with pytest.raises(TransportError) as caught:
        sender.send_once(API.get_operation("op_1"))
    assert caught.value.reason == "unreadable"
    assert len(seen) == 1


def test_an_answer_that_is_too_large_is_not_read_to_its_end(client: Callable[..., SyncClient]) -> None:
    read = 0

    class Endless(httpx.SyncByteStream):
        def __iter__(self) -> Any:
            nonlocal read
            while True:
                read += 1
                yield b" " * 1024 * 1024

    sender, _ = play(client, httpx.Response(200, stream=Endless()))
    with pytest.raises(TransportError) as caught:
        sender.send_once(API.get_operation("op_1"))
    assert "larger than" in str(caught.value)
    assert read < 40


def test_the_key_is_in_the_header_and_nowhere_else_in_a_request(client: Callable[..., SyncClient]) -> None:
    data = {"data": {"id": "op_1", "status": "running"}}
    sender, seen = play(client, httpx.Response(200, json=data))
    sender.send(API.get_operation("op_1"))
    (request,) = seen
    assert request.headers["x-api-key"] == "test-key"
    assert "test-key" not in str(request.url)
