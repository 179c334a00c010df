"""From httpx to our values: answers, errors, Retry-After. Shared by the sync and the async client."""

from __future__ import annotations

import contextlib
import math
import ssl
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from airflow_provider_ops import __version__
from airflow_provider_ops.apis.base import Api
from airflow_provider_ops.apis.http import Call, Request, Response
from airflow_provider_ops.client.settings import Settings
from airflow_provider_ops.core.gate import one_line
from airflow_provider_ops.exceptions import (
    ApiError,
    InvalidArgument,
    OpsError,
    RateLimited,
    TransportError,
    error_class,
    may_come_from_a_gateway,
)

T = TypeVar("T")

#: No answer of these APIs is near this; a larger one is a fault that must not eat the triggerer's memory.
MAX_BODY = 32 * 1024 * 1024
#: A server that asks for more is not believed; deadlines are shorter than this anyway.
_LONGEST_RETRY_AFTER = 3600.0
#: Open sockets of one connection on one event loop.
MOST_SOCKETS = 20
_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-correlation-id")
_OK, _NOT_OK = 200, 300
#: Failures before anything of the request has left.
_UNSENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


def client_options(api: Api, settings: Settings) -> dict[str, Any]:
    """What both httpx clients are built with."""
    return {
        "headers": _headers(api, settings),
        "verify": settings.tls(),
        "proxy": settings.proxy,
        "timeout": settings.timeout,
        # a redirect could carry the key to another origin
        "follow_redirects": False,
        "limits": limits(MOST_SOCKETS),
    }


def limits(sockets: int) -> httpx.Limits:
    """So many sockets, kept for a while when nobody uses them."""
    return httpx.Limits(max_connections=sockets, max_keepalive_connections=sockets, keepalive_expiry=20)


def uses_proxy(settings: Settings) -> bool:
    """Whether requests go through a proxy: the connection's, or one of the environment, as httpx reads it."""
    if settings.proxy:
        return True
    parts, proxies = urlsplit(settings.base_url), getproxies()
    return bool(proxies.get(parts.scheme) or proxies.get("all")) and not proxy_bypass(parts.hostname or "")


def _headers(api: Api, settings: Settings) -> dict[str, str]:
    return {
        **api.authenticate(settings.key),
        "accept": "application/json",
        "user-agent": f"airflow-provider-ops/{__version__}",
    }


def get_options(api: Api, settings: Settings, request: Request) -> tuple[str, list[tuple[str, str]]]:
    """Target and headers of a GET, for who sends it without httpx."""
    request = api.prepare(request, settings.extras)
    query = urlencode(_query(request.query))
    target = urlsplit(settings.base_url).path + request.path + (f"?{query}" if query else "")
    headers = {**_headers(api, settings), "accept-encoding": "gzip", **request.headers}
    return target, list(headers.items())


def request_options(api: Api, settings: Settings, request: Request) -> dict[str, Any]:
    """What ``httpx`` is asked to send."""
    request = api.prepare(request, settings.extras)
    timeout = settings.timeout
    return {
        "method": request.method,
        "url": settings.base_url + request.path,
        "params": _query(request.query),
        "json": request.json,
        "headers": dict(request.headers),
        "timeout": httpx.Timeout(timeout, read=max(timeout, request.read_timeout or 0.0)),
    }


def _query(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in query.items()}


def understand(api: Api, call: Call[T], response: Response, now: float) -> T:
    """The parsed answer of a call.

    :raises ApiError: the API answered with an error status.
    :raises TransportError: the body cannot be read.
    """
    if _OK <= response.status < _NOT_OK:
        try:
            return call.parse(response)
        except Exception as error:  # noqa: BLE001 - whatever our reading stumbles over is a fault of the answer
            raise unreadable(error) from None
    raise api_error(api, call.request, response, now)


def unreadable(error: Exception) -> OpsError:
    """Return what reading an answer came to as one of our errors."""
    if isinstance(error, OpsError) and not isinstance(error, InvalidArgument):
        return error
    return TransportError(f"the answer cannot be read ({error!r})", reason="unreadable")


def api_error(api: Api, request: Request, response: Response, now: float) -> ApiError | TransportError:
    """The error an answer stands for, as a value of the tree."""
    body = api.error(response)
    if not (body.is_from_api or may_come_from_a_gateway(response.status)):
        return TransportError(
            f"{request} was answered with HTTP {response.status}, but not by {api.title}: {body.message!r}. "
            "A proxy or gateway on the way may have answered, or the connection's host is another one's",
            reason="gateway",
            status=response.status,
        )
    request_id = next((response.headers[name] for name in _REQUEST_ID_HEADERS if name in response.headers), None)
    return error_class(response.status)(
        response.status,
        body.code,
        body.message,
        request_id,
        retry_after=retry_after(response.headers, now),
        request=str(request),
    )


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds an answer asks to leave before the next request: ms header, seconds or HTTP date; garbage is ignored."""
    with contextlib.suppress(ValueError):
        if "retry-after-ms" in headers:
            return _bounded(float(headers["retry-after-ms"]) / 1000)
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        return _bounded(float(value))
    except ValueError:
        pass
    # what the standard library stumbles over in dates differs between its releases
    with contextlib.suppress(Exception):
        return _bounded(parsedate_to_datetime(value).timestamp() - now)
    return None


def _bounded(seconds: float) -> float | None:
    return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER) if math.isfinite(seconds) else None


def check_pause(paused: float, now: float, until: float | None) -> None:
    """Refuse to keep a pause that goes beyond ``until``.

    :param paused: seconds that are left of the pause.
    :raises RateLimited: it does; nothing was sent.
    """
    if until is not None and paused and now + paused > until:
        msg = f"the API asked to be left alone for another {paused:.0f} s"
        raise RateLimited(429, None, msg, retry_after=paused)


def transport_error(request: Request, settings: Settings, error: Exception) -> TransportError:
    """An httpx failure as one of ours: what happened, with whom, and whether it may have been carried out."""
    reason = _reason(error)
    sent = not isinstance(error, _UNSENT)
    what = {
        "dns": "no such host",
        "tls": "TLS failed",
        "connect": "no connection",
        "timeout": f"no answer within {settings.timeout:g} s",
        "reset": "the connection was cut before the answer",
    }.get(reason, "the answer cannot be read")
    # may quote what the server sent
    detail = one_line(str(error), settings.redact) or type(error).__name__
    return TransportError(f"{request} at {settings.origin}: {what} ({detail})", reason=reason, maybe_executed=sent)


def _reason(error: Exception) -> str:
    if isinstance(error, httpx.ConnectError):
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLError):
                return "tls"
            cause = cause.__cause__ or cause.__context__
        text = str(error).lower()
        if any(word in text for word in ("name or service", "getaddrinfo", "nodename", "temporary failure in name")):
            return "dns"
        return "connect"
    if isinstance(error, _UNSENT) and not isinstance(error, httpx.ConnectTimeout):
        return "connect"
    if isinstance(error, httpx.TimeoutException):
        return "timeout"
    if isinstance(error, httpx.DecodingError):
        return "unreadable"
    return "reset"


def whole_answer_limit(settings: Settings, request: Request) -> float:
    """Seconds for a whole answer. httpx limits single reads only, which a trickling server never exceeds."""
    return settings.timeout * 2 + (request.read_timeout or 0.0)


def check_body(request: Request, size: int, elapsed: float, limit: float) -> None:
    """Refuse a body that is too large or takes too long."""
    if size > MAX_BODY:
        msg = f"{request}: the answer is larger than {MAX_BODY // 1024 // 1024} MiB and was not read"
        raise TransportError(msg, reason="unreadable")
    if elapsed > limit:
        raise too_slow(request, limit)


def too_slow(request: Request, limit: float) -> TransportError:
    """The error for an answer that did not end in time."""
    return TransportError(f"{request}: the answer was not complete after {limit:g} s", reason="timeout")


def response_of(response: httpx.Response, content: bytes | bytearray, settings: Settings) -> Response:
    """Return an answer of httpx as ours."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Response(response.status_code, headers, bytes(content), settings.redact)
