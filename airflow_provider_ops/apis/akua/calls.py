"""Calls that change something: their headers, keys and etags."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from airflow_provider_ops.apis.akua.schemas import body_of, check_header
from airflow_provider_ops.apis.calls import Call, Request, Response, drop_none, path
from airflow_provider_ops.apis.wire_models import WireModel, read

T = TypeVar("T")
M = TypeVar("M", bound=WireModel)

KEY, ETAG = "idempotency-key", "if-match"
LONGEST_KEY, LONGEST_ETAG = 64, 256


def changing(
    method: str,
    route: str,
    parse: Callable[[Response], T],
    body: Mapping[str, Any] | None = None,
    *,
    etag: str | None = None,
    **ids: str,
) -> Call[T]:
    """Return a call that changes something, and is sent once.

    :raises InvalidArgument: an id or the etag cannot be one.
    """
    check_header("etag", etag, LONGEST_ETAG)
    json = None if body is None else dict(body)
    return Call(Request(method, path(route, **ids), route, json=json, headers=drop_none(**{ETAG: etag})), parse)


def keyed(call: Call[T], idempotency_key: str | None) -> Call[T]:
    """Return the call with an idempotency key, a new one where none is given; so it is safe to send again.

    :raises InvalidArgument: the key cannot be one.
    """
    check_header("idempotency_key", idempotency_key, LONGEST_KEY)
    return call.changed(headers={**call.request.headers, KEY: idempotency_key or new_key()}, idempotent=True)


def new_key() -> str:
    """Return a key that no other request has."""
    return f"airflow-{uuid.uuid4().hex}"


def reads_as(model: type[M]) -> Callable[[Response], M]:
    """Return the function that reads an answer as a model."""
    return lambda response: read(model, body_of(response))


def nothing(_response: Response) -> None:
    """Accept an answer without a body (204)."""
