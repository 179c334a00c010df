from __future__ import annotations

import json
import ssl
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ops.apis.akua import API as AKUA
from airflow_provider_ops.apis.calls import Call, Request, Response
from airflow_provider_ops.apis.onvera import API
from airflow_provider_ops.exceptions import (
    ApiError,
    AuthenticationError,
    InvalidArgument,
    NotFound,
    RateLimited,
    ServerError,
    TransportError,
)
from airflow_provider_ops.http.network import Delivery
from airflow_provider_ops.http.responses import parse_response, retry_after, transport_error
from airflow_provider_ops.http.retries import PATIENCE, options
from airflow_provider_ops.http.transport import _failed
from tests.naming import shown
from tests.played import Played, reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ops.http.blocking_client import BlockingClient
    from airflow_provider_ops.http.settings import Settings

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
        ({"retry-after": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"}, None),
        ({"retry-after": "Mon, 01 Jan 99999999999999999999"}, None),
        ({"retry-after-ms": "nan", "retry-after": "9"}, 9.0),
        # the server's clock is half an hour ahead, and asks for two seconds
        ({"retry-after": formatdate(NOW + 1802, usegmt=True), "date": formatdate(NOW + 1800, usegmt=True)}, 2.0),
        ({"retry-after": formatdate(NOW - 1798, usegmt=True), "date": formatdate(NOW - 1800, usegmt=True)}, 2.0),
        ({"retry-after": formatdate(NOW + 30, usegmt=True), "date": "yesterday"}, 30.0),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


@pytest.mark.parametrize("form", ["%a %b %d %H:%M:%S %Y", "%A, %d-%b-%y %H:%M:%S GMT", "%a, %d %b %Y %H:%M:%S -0000"])
def test_an_old_form_of_a_date_is_not_in_the_zone_of_this_machine(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value = time.strftime(form, time.gmtime(NOW + 30))
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert retry_after({"retry-after": value, "date": formatdate(NOW, usegmt=True)}, NOW) == 30.0
    finally:
        monkeypatch.undo()
        time.tzset()


VALUES = st.one_of(
    st.text(max_size=40), st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,3} [A-Z][a-z]{2} [0-9]{1,30}( .{0,12})?")
)


@given(st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms", "date"]), VALUES))
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
    failed = _failed(failure, Delivery(has_begun=True), 60.0, is_late=False)
    error = transport_error(Request("POST", "/x", "/x"), settings(), failed)
    assert (error.reason, error.maybe_executed) == (reason, maybe)
    assert "POST /x" in str(error)


def test_what_failed_before_the_first_byte_left_was_not_carried_out() -> None:
    assert not _failed(httpx.ReadError("given up"), Delivery(), 60.0, is_late=False).maybe_executed


def test_the_list_of_failures_above_is_complete() -> None:
    seen = {type(failure) for failure, _, _ in FAILURES}
    abstract = {httpx.TransportError, httpx.TimeoutException, httpx.NetworkError, httpx.ProtocolError}

    def leaves(cls: type[Any]) -> set[type[Any]]:
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


# -- answers, from a server that plays them


@pytest.fixture
def play(client: Callable[..., BlockingClient]) -> Callable[..., tuple[BlockingClient, list[Any]]]:
    """A client whose server answers with one answer after the other, the last one for ever; and what it was asked."""

    def make(*answers: bytes) -> tuple[BlockingClient, list[Any]]:
        left = list(answers)
        played = Played(lambda _: left.pop(0) if len(left) > 1 else left[0])
        return client(base_url="http://127.0.0.1/api/v1", backend=played), played.seen

    return make


def operation(**changes: Any) -> dict[str, Any]:
    return {"data": {"id": "op_1", "status": "running", **changes}}


def test_redirects_are_not_followed_so_the_key_stays_with_its_origin(play: Any) -> None:
    sender, seen = play(reply(302, {}, headers={"location": "https://evil.example/"}))
    with pytest.raises(TransportError) as caught:
        sender.send_once(API.get_operation("op_1"))
    assert (caught.value.reason, caught.value.status) == ("gateway", 302)
    assert len(seen) == 1


def test_the_request_id_of_an_answer_is_in_the_error(play: Any) -> None:
    sender, _ = play(reply(404, {"error": {"code": "GONE", "message": "none"}}, headers={"X-Request-Id": "req-9"}))
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
    b"[" * 90_000,
    b'{"data": ' + b'{"a":' * 50_000,
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body)[:40])
def test_an_error_that_has_not_the_form_of_the_api_is_a_gateways(play: Any, body: bytes) -> None:
    sender, _ = play(reply(404, content=body))
    with pytest.raises(TransportError) as caught:
        sender.send_once(API.get_operation("op_1"))
    assert (caught.value.reason, caught.value.status) == ("gateway", 404)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body)[:40])
def test_a_good_answer_with_an_unreadable_body_is_a_transport_error(play: Any, body: bytes) -> None:
    sender, seen = play(reply(200, content=body))
    with pytest.raises(TransportError) as caught:
        sender.send_once(API.get_operation("op_1"))
    assert caught.value.reason == "unreadable"
    assert len(seen) == 1


def test_an_answer_about_another_operation_is_refused(play: Any) -> None:
    sender, _ = play(reply(json=operation(id="op_2", status="succeeded")))
    with pytest.raises(TransportError, match="/operations/op_1: the answer is about 'op_2'") as caught:
        sender.send_once(API.get_operation("op_1"))
    assert caught.value.reason == "unreadable"


@pytest.mark.parametrize(
    ("call", "answer", "is_about_it"),
    [
        (AKUA.get_operation("op_1"), {"id": "op_1", "state": "RUNNING"}, True),
        (AKUA.get_operation("op_1"), {"id": "op_2", "state": "RUNNING"}, False),
        (AKUA.long_poll("op_1", 20), {"id": "op_2", "state": "SUCCEEDED"}, False),
        (AKUA.cancel_operation("op_1"), {"id": "op_2", "state": "CANCELLED"}, False),
        (AKUA.get_operation("install:inst_1"), {"id": "inst_1", "state": "ready"}, True),
        (AKUA.get_operation("install:inst_1"), {"id": "inst_2", "state": "ready"}, False),
    ],
    ids=shown,
)
def test_every_read_of_an_operation_checks_what_the_answer_is_about(
    play: Any, call: Any, answer: Any, is_about_it: bool
) -> None:
    response = Response(200, {}, json.dumps(answer).encode())
    if is_about_it:
        assert parse_response(AKUA, call, response, NOW).id
    else:
        with pytest.raises(TransportError, match="the answer is about"):
            parse_response(AKUA, call, response, NOW)


def test_an_answer_that_is_too_large_is_not_read_to_its_end(play: Any) -> None:
    sender, _ = play(reply(200, content=b" " * 40 * 1024 * 1024))
    with pytest.raises(TransportError, match="larger than"):
        sender.send_once(API.get_operation("op_1"))


def test_what_cannot_be_sent_is_an_argument_of_the_wrong_kind_and_nothing_is_sent(play: Any) -> None:
    sender, seen = play(reply(json={}))
    for body in ({"x": object()}, {"x": float("nan")}, {"x": "\ud800"}):
        with pytest.raises(InvalidArgument):
            sender.send_once(Call(Request("POST", "/x", "/x", json=body), lambda response: response))
    assert not seen


def test_cookies_of_one_answer_do_not_go_with_the_next_request(play: Any) -> None:
    sender, seen = play(reply(json=operation(), headers={"set-cookie": "session=1; Path=/"}))
    for _ in range(2):
        sender.send(API.get_operation("op_1"))
    assert "cookie" not in seen[-1].headers


def test_the_key_is_in_the_header_and_nowhere_else_in_a_request(play: Any) -> None:
    sender, seen = play(reply(json=operation()))
    sender.send(API.get_operation("op_1"))
    (request,) = seen
    assert request.headers["x-api-key"] == "test-key"
    assert "test-key" not in request.target
