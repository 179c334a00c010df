"""What comes back from a server is without the key before anything else sees it."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from airflow_provider_ops.apis.calls import Request, Response
from airflow_provider_ops.apis.onvera import API
from airflow_provider_ops.exceptions import TransportError
from airflow_provider_ops.http.responses import api_error, parse_response, retry_after, transport_error
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.http.transport import TransportFailed

KEY = "sk-live/0123456789+abc"
SETTINGS = Settings("conn", "https://api.example", KEY)
GET = Request("GET", "/x", "/x")


def response(content: bytes, status: int = 200, **headers: str) -> Response:
    return Response(status, headers, content, SETTINGS.redact)


def test_a_failure_of_the_library_that_quotes_the_server() -> None:
    failure = TransportFailed("reset", f"illegal status line: b'{KEY}'\r\n::group::", maybe_executed=True)
    error = transport_error(GET, SETTINGS, failure)
    assert KEY not in str(error)
    assert str(error).isprintable()


@pytest.mark.parametrize(
    "page", [f"<html>{KEY}</html>", "x" * 110 + KEY, base64.b64encode(b"u:" + KEY.encode()).decode()]
)
def test_a_page_of_a_proxy(page: str) -> None:
    error = api_error(API, GET, response(page.encode(), 502), 0.0)
    assert KEY not in str(error)
    assert KEY[:10] not in str(error)
    assert base64.b64encode(b"u:" + KEY.encode()).decode()[4:-6] not in str(error)


def test_headers() -> None:
    headers: dict[str, Any] = {"x-request-id": KEY, "etag": "a\x85b"}
    said = response(b"", **headers).headers
    assert said == {"x-request-id": "***", "etag": "a\ufffdb"}


def test_a_body_that_is_no_json_is_quoted_without_it() -> None:
    with pytest.raises(TransportError) as caught:
        response(f"not json: {KEY}".encode()).json()
    assert KEY not in str(caught.value)


def test_an_answer_does_not_show_its_body() -> None:
    assert KEY not in repr(response(KEY.encode()))


@pytest.mark.parametrize(
    "body", [b"[]", b"7", b'{"data": 7}', b'{"data": {"id": "op\\u0000"}}', b"[" * 100_000, b"\xff\xfe"]
)
def test_a_worker_meets_errors_of_ours_only(body: bytes) -> None:
    with pytest.raises(TransportError) as caught:
        parse_response(API, API.get_operation("op_1"), response(body), 0.0)
    assert caught.value.reason == "unreadable"


@pytest.mark.parametrize(
    "value",
    ["Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "1e400", "nan", "9" * 5000, "Mon, 01 Jan 0001", "(" * 999],
)
def test_a_retry_after_is_a_bounded_number_or_none(value: str) -> None:
    seconds = retry_after({"retry-after": value}, 0.0)
    assert seconds is None or 0.0 <= seconds <= 3600.0
