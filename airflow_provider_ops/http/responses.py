"""From answers to values: here any answer becomes a parsed result or one of our errors."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from airflow_provider_ops import __version__
from airflow_provider_ops.apis.base import Api
from airflow_provider_ops.apis.calls import Call, Request, Response
from airflow_provider_ops.apis.wire_models import ErrorBody
from airflow_provider_ops.core.gate import one_line
from airflow_provider_ops.core.redaction import declared_redactor
from airflow_provider_ops.exceptions import (
    ApiError,
    InvalidArgument,
    OpsError,
    RateLimited,
    TransportError,
    error_class,
    may_come_from_a_gateway,
    reworded,
)
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.http.transport import Prepared, TransportFailed, build_request
from airflow_provider_ops.operation import Operation

T = TypeVar("T")

#: A server that asks for more is not believed; deadlines are shorter than this anyway.
_LONGEST_RETRY_AFTER = 3600.0
#: Characters of what a library says about a failure; it may quote the server at length.
_LONGEST_DETAIL = 300
#: Characters of a header that can be a number or a date.
_LONGEST_VALUE = 100
#: Seconds; as a moment it is long ago, and nothing waits for so long.
_EARLIEST = 10**8
_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-correlation-id")
_OK, _NOT_OK = 200, 300


def encode(api: Api, settings: Settings, request: Request, token: str | None = None) -> Prepared:
    """Return ``request`` as it will be sent.

    :param token: what stands for the key, where the API exchanges that.
    :raises InvalidArgument: something in it cannot be sent; nothing was.
    """
    try:
        unsigned = api.apply_connection_defaults(request, settings.extras)
        request = api.sign(unsigned, settings.login, settings.key if token is None else token)
        return build_request(
            request.method,
            settings.base_url + request.path,
            query=_query(request.query),
            json=request.json,
            headers={
                "user-agent": f"airflow-provider-ops/{__version__}",
                **request.headers,
            },
            timeout=settings.timeout,
            read=max(settings.timeout, request.read_timeout or 0.0),
            keep_url=request.query == unsigned.query,
        )
    except OpsError:
        raise
    except Exception as error:  # noqa: BLE001 - of any class, and it may quote a secret of the request
        conceal = declared_redactor(tuple(api.concealed_in(request)))
        raise InvalidArgument(f"{request} cannot be sent, and nothing was: {conceal(str(error))}") from None


def _query(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in query.items()}


def parse_response(api: Api, call: Call[T], response: Response, now: float) -> T:
    """Return the parsed answer of a call.

    :raises ApiError: the API answered with an error status.
    :raises TransportError: the answer cannot be read, or is about something else.
    """
    if not _OK <= response.status < _NOT_OK and response.status not in call.accepts:
        raise api_error(api, call.request, response, now)
    try:
        value = call.parse(response)
    except Exception as error:  # noqa: BLE001 - whatever makes our parser fail is a fault of the answer
        failure = unreadable(error)
        raise reworded(failure, f"{call.request}: {response.shown(failure.what)}") from None
    if isinstance(value, Operation) and (asked := _asked_about(call.request)) is not None:
        _, _, about = value.id.replace(".", ":").rpartition(":")
        if value.id != asked and about != asked.rpartition(".")[2]:
            raise TransportError(
                f"{call.request}: the answer is about {value.id!r:.200}, which was not asked for", reason="unreadable"
            )
    return value


def unreadable(error: Exception) -> OpsError:
    """Return an error of reading an answer as one of our errors."""
    if isinstance(error, OpsError) and not isinstance(error, InvalidArgument):
        return error
    return TransportError(f"the answer cannot be read ({error!r:.300})", reason="unreadable")


def _asked_about(request: Request) -> str | None:
    """Return the id that an answer must repeat: that of the operation, or of what stands for one in a read."""
    if request.about is not None:
        return request.about
    ids = request.ids
    if "operation_id" in ids or request.method != "GET":
        return ids.get("operation_id")
    return next(reversed(ids.values()), None)


def api_error(api: Api, request: Request, response: Response, now: float) -> ApiError | TransportError:
    """Return the error that an answer stands for."""
    try:
        body = api.error(response)
    except Exception:  # noqa: BLE001 - a form that cannot be read is not the API's
        body = ErrorBody(None, "(no message that can be read)", is_from_api=False)
    code, message = body.code and response.shown(body.code), response.shown(body.message)
    if not (body.is_from_api or may_come_from_a_gateway(response.status)):
        return TransportError(
            f"{request} was answered with HTTP {response.status}, but not by {api.title}: {message!r}",
            reason="gateway",
            status=response.status,
        )
    request_id = next((response.headers[name] for name in _REQUEST_ID_HEADERS if name in response.headers), None)
    return error_class(response.status)(
        response.status,
        code,
        message,
        request_id,
        retry_after=pause_asked(api, response, now),
        request=str(request),
    )


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds an answer asks to leave before the next request: ms header, seconds or HTTP date.

    A date is read by the clock of the server that sent it: that of the answer's own ``Date``.

    :param now: epoch seconds, for answers without ``Date``.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return _bounded(milliseconds / 1000)
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None:
        return _bounded(seconds)
    at = _date(value)
    if at is None:
        return None
    sent = _date(headers.get("date"))
    return _bounded(at - (now if sent is None else sent))


def pause_asked(api: Api, response: Response, now: float) -> float | None:
    """Return the seconds to leave before the next request: those that were asked for, else until the budget is back.

    :param now: epoch seconds, for answers without ``Date``.
    """
    asked = retry_after(response.headers, now)
    if asked is not None or api.budget_headers is None:
        return asked
    remaining_header, reset_header = api.budget_headers
    remaining, value = _number(response.headers.get(remaining_header)), response.headers.get(reset_header)
    if remaining is None or remaining > 0:
        return None
    sent = _date(response.headers.get("date"))
    reset = _number(value)
    at = _date(value) if reset is None else reset
    if at is None:
        return None
    # a small number is a time to wait, a large one a moment of the API's own clock
    return _bounded(at if at < _EARLIEST else at - (now if sent is None else sent))


def _number(value: str | None) -> float | None:
    if value is None or len(value) > _LONGEST_VALUE:
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _date(value: str | None) -> float | None:
    if value is None or len(value) > _LONGEST_VALUE:
        return None
    with contextlib.suppress(ValueError, TypeError, OverflowError, IndexError):
        parsed: datetime = parsedate_to_datetime(value)
        # the forms without a zone are old ones of the same time (RFC 9110, 5.6.7), not of this machine's zone
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)).timestamp()
    return None


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER)


def pause_too_long(request: Request, seconds: float) -> RateLimited:
    """Return the error for a pause that ends after the request's deadline; nothing was sent."""
    msg = f"the API asked for a pause that lasts another {seconds:.0f} s"
    return reworded(RateLimited(429, None, msg, retry_after=seconds), f"{request} was not sent: {msg}")


def transport_error(
    request: Request, settings: Settings, failure: TransportFailed, concealed: Sequence[str] = ()
) -> TransportError:
    """Return a failed exchange as one of our errors: what happened, with whom, and what is known of its outcome.

    :param concealed: texts of the request that no message may show.
    """
    what = {
        "dns": "no such host",
        "tls": "TLS failed",
        "connect": "no connection",
        "timeout": f"no answer within {settings.timeout:g} s",
        "reset": "the connection was cut before the answer",
    }.get(failure.reason, "the answer cannot be read")
    # may quote what the server sent
    detail = declared_redactor(tuple(concealed))(one_line(str(failure), settings.redact))[:_LONGEST_DETAIL]
    return TransportError(f"{request}: {what} ({detail})", reason=failure.reason, maybe_executed=failure.maybe_executed)


def total_timeout(settings: Settings, request: Request) -> float:
    """Return the seconds for a whole exchange: connecting, sending, and the answer to its last byte."""
    return settings.timeout * 2 + (request.read_timeout or 0.0)
