"""Calls that change something and answer with no operation [section 5, Related calls; section 1, tokens].

Bodies and answers that the sheet does not show are sent and returned as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any, TypeVar

from airflow_provider_ops.apis.akua import starts
from airflow_provider_ops.apis.akua.models import ApiToken, Cluster, InstallChange, InstallRender, NewApiToken
from airflow_provider_ops.apis.akua.starts import CHANGE_REQUEST, ETAG, INSTALL, KEY, LONGEST_ETAG, LONGEST_KEY
from airflow_provider_ops.apis.akua.wire import body_of, check_header, check_length, listing_models
from airflow_provider_ops.apis.base import WireModel, read
from airflow_provider_ops.apis.http import Call, Paged, Request, Response, given, path

M = TypeVar("M", bound=WireModel)
T = TypeVar("T")

PACKAGE = "/packages/{package_id}"
RENDERS = f"{INSTALL}/renders"
CHANGE_REQUESTS = "/repository_change_requests"
TOKENS = "/api_tokens"
_LONGEST_TOKEN_NAME = 100


def set_automatic_updates(
    install_id: str, *, automatic_updates_enabled: bool, etag: str, idempotency_key: str | None = None
) -> Call[InstallChange]:
    """``PATCH /installs/{install_id}/automatic_updates``: done when it answers."""
    return _keyed(
        "PATCH",
        f"{INSTALL}/automatic_updates",
        _as(InstallChange),
        {"automatic_updates_enabled": automatic_updates_enabled},
        key=idempotency_key,
        etag=etag,
        install_id=install_id,
    )


def create_render(install_id: str, *, idempotency_key: str | None = None) -> Call[InstallRender]:
    """``POST /installs/{install_id}/renders``: a render; where it has an ``operation_id``, wait on that."""
    return _keyed("POST", RENDERS, _as(InstallRender), key=idempotency_key, install_id=install_id)


def create_repository_change_request(
    body: Mapping[str, Any], *, idempotency_key: str | None = None
) -> Call[Mapping[str, Any]]:
    """``POST /repository_change_requests``: the change request, as it comes. The body is not in the fact sheet."""
    return _keyed("POST", CHANGE_REQUESTS, body_of, body, key=idempotency_key)


def reject_repository_change_request(
    repository_change_request_id: str, *, etag: str, reason: str | None = None, idempotency_key: str | None = None
) -> Call[Mapping[str, Any]]:
    """``POST /repository_change_requests/{id}:reject``: no operation id, though there is an operation type for it.

    That it takes etag and key as ``:accept`` does, and a ``reason``, is inferred.
    """
    return _keyed(
        "POST",
        f"{CHANGE_REQUEST}:reject",
        body_of,
        None if reason is None else {"reason": reason},
        key=idempotency_key,
        etag=etag,
        repository_change_request_id=repository_change_request_id,
    )


def withdraw_repository_change_request(
    repository_change_request_id: str, *, etag: str, idempotency_key: str | None = None
) -> Call[Mapping[str, Any]]:
    """``POST /repository_change_requests/{id}:withdraw``: as for a rejection, without a reason."""
    return _keyed(
        "POST",
        f"{CHANGE_REQUEST}:withdraw",
        body_of,
        key=idempotency_key,
        etag=etag,
        repository_change_request_id=repository_change_request_id,
    )


def import_cluster(body: Mapping[str, Any], *, idempotency_key: str | None = None) -> Call[Cluster]:
    """``POST /clusters:import``: the cluster, at once. The body is not in the fact sheet."""
    return _keyed("POST", "/clusters:import", _as(Cluster), body, key=idempotency_key)


def import_package(body: Mapping[str, Any]) -> Call[Mapping[str, Any]]:
    """``POST /packages:import``: neither body nor answer is in the fact sheet. It takes no key: sent once."""
    return _plain("POST", "/packages:import", body_of, dict(body))


def create_package_version(package_id: str, body: Mapping[str, Any]) -> Call[Mapping[str, Any]]:
    """``POST /packages/{package_id}/versions``: neither body nor answer is in the fact sheet. Sent once."""
    return _plain("POST", f"{PACKAGE}/versions", body_of, dict(body), package_id=package_id)


def delete_package(package_id: str, *, etag: str) -> Call[None]:
    """``DELETE /packages/{package_id}``: done when it answers."""
    check_header("etag", etag, LONGEST_ETAG)
    return _plain("DELETE", PACKAGE, _nothing, headers={ETAG: etag}, package_id=package_id)


def create_api_token(name: str, *, expires_at: datetime | None = None) -> Call[NewApiToken]:
    """``POST /api_tokens``: the only answer that shows the token. It takes no key: sent once.

    :param name: 1 to 100 characters.
    :param expires_at: without it the token does not expire; a time without zone is taken as UTC.
    """
    check_length("name", name, _LONGEST_TOKEN_NAME)
    body = given(name=name, expires_at=None if expires_at is None else _unix(expires_at))
    return _plain("POST", TOKENS, _as(NewApiToken), body)


def list_api_tokens() -> Paged[ApiToken]:
    """``GET /api_tokens``, all pages; the tokens themselves are not shown."""
    return listing_models(TOKENS, ApiToken)


def delete_api_token(api_token_id: str) -> Call[None]:
    """``DELETE /api_tokens/{id}``: the token is good for nothing any more."""
    return _plain("DELETE", f"{TOKENS}/{{api_token_id}}", _nothing, api_token_id=api_token_id)


def _keyed(
    method: str,
    route: str,
    parse: Callable[[Response], T],
    body: Mapping[str, Any] | None = None,
    *,
    key: str | None,
    etag: str | None = None,
    **ids: str,
) -> Call[T]:
    """A call that takes an idempotency key, and so may be sent again.

    :raises InvalidArgument: an id, the key or the etag cannot be one.
    """
    check_header("idempotency_key", key, LONGEST_KEY)
    check_header("etag", etag, LONGEST_ETAG)
    headers = {KEY: key or starts.new_key(), **given(**{ETAG: etag})}
    json = None if body is None else dict(body)
    return Call(Request(method, path(route, **ids), route, json=json, headers=headers, idempotent=True), parse)


def _plain(
    method: str,
    route: str,
    parse: Callable[[Response], T],
    body: Mapping[str, Any] | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    **ids: str,
) -> Call[T]:
    return Call(Request(method, path(route, **ids), route, json=body, headers=headers or {}), parse)


def _as(model: type[M]) -> Callable[[Response], M]:
    return lambda response: read(model, body_of(response))


def _nothing(_response: Response) -> None:
    """The answer is 204."""


def _unix(moment: datetime) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return int(aware.timestamp())
