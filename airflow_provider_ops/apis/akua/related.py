"""Calls that change something and answer with no operation [section 5, Related calls; section 1, tokens].

Bodies and answers that the sheet does not show are sent and returned as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from airflow_provider_ops.apis.akua.models import ApiToken, Cluster, InstallChange, InstallRender, NewApiToken
from airflow_provider_ops.apis.akua.starts import CHANGE_REQUEST, INSTALL, changing, keyed
from airflow_provider_ops.apis.akua.wire import body_of, check_length, listing_models
from airflow_provider_ops.apis.base import WireModel, read
from airflow_provider_ops.apis.http import Call, Paged, Response, given
from airflow_provider_ops.apis.times import aware

M = TypeVar("M", bound=WireModel)

PACKAGE = "/packages/{package_id}"
RENDERS = f"{INSTALL}/renders"
CHANGE_REQUESTS = "/repository_change_requests"
TOKENS = "/api_tokens"
_LONGEST_TOKEN_NAME = 100


def set_automatic_updates(
    install_id: str, *, automatic_updates_enabled: bool, etag: str, idempotency_key: str | None = None
) -> Call[InstallChange]:
    """``PATCH /installs/{install_id}/automatic_updates``: done when it answers."""
    body = {"automatic_updates_enabled": automatic_updates_enabled}
    call = changing("PATCH", f"{INSTALL}/automatic_updates", _as(InstallChange), body, etag=etag, install_id=install_id)
    return keyed(call, idempotency_key)


def create_render(install_id: str, *, idempotency_key: str | None = None) -> Call[InstallRender]:
    """``POST /installs/{install_id}/renders``: a render; where it has an ``operation_id``, wait on that."""
    return keyed(changing("POST", RENDERS, _as(InstallRender), install_id=install_id), idempotency_key)


def create_repository_change_request(
    body: Mapping[str, Any], *, idempotency_key: str | None = None
) -> Call[Mapping[str, Any]]:
    """``POST /repository_change_requests``: the change request, as it comes. The body is not in the fact sheet."""
    return keyed(changing("POST", CHANGE_REQUESTS, body_of, body), idempotency_key)


def reject_repository_change_request(
    repository_change_request_id: str, *, etag: str, reason: str | None = None, idempotency_key: str | None = None
) -> Call[Mapping[str, Any]]:
    """``POST /repository_change_requests/{id}:reject``: no operation id, though there is an operation type for it.

    That it takes etag and key as ``:accept`` does, and a ``reason``, is inferred.
    """
    return _about_change_request("reject", given(reason=reason), etag, idempotency_key, repository_change_request_id)


def withdraw_repository_change_request(
    repository_change_request_id: str, *, etag: str, idempotency_key: str | None = None
) -> Call[Mapping[str, Any]]:
    """``POST /repository_change_requests/{id}:withdraw``: as for a rejection, without a reason."""
    return _about_change_request("withdraw", {}, etag, idempotency_key, repository_change_request_id)


def import_cluster(body: Mapping[str, Any], *, idempotency_key: str | None = None) -> Call[Cluster]:
    """``POST /clusters:import``: the cluster, at once. The body is not in the fact sheet."""
    return keyed(changing("POST", "/clusters:import", _as(Cluster), body), idempotency_key)


def import_package(body: Mapping[str, Any]) -> Call[Mapping[str, Any]]:
    """``POST /packages:import``: neither body nor answer is in the fact sheet. It takes no key: sent once."""
    return changing("POST", "/packages:import", body_of, body)


def create_package_version(package_id: str, body: Mapping[str, Any]) -> Call[Mapping[str, Any]]:
    """``POST /packages/{package_id}/versions``: neither body nor answer is in the fact sheet. Sent once."""
    return changing("POST", f"{PACKAGE}/versions", body_of, body, package_id=package_id)


def delete_package(package_id: str, *, etag: str) -> Call[None]:
    """``DELETE /packages/{package_id}``: done when it answers."""
    return changing("DELETE", PACKAGE, _nothing, etag=etag, package_id=package_id)


def create_api_token(name: str, *, expires_at: datetime | None = None) -> Call[NewApiToken]:
    """``POST /api_tokens``: the only answer that shows the token. It takes no key: sent once.

    :param name: 1 to 100 characters.
    :param expires_at: without it the token does not expire; a time without zone is taken as UTC.
    """
    check_length("name", name, _LONGEST_TOKEN_NAME)
    body = given(name=name, expires_at=None if expires_at is None else _unix(expires_at))
    return changing("POST", TOKENS, _as(NewApiToken), body)


def list_api_tokens() -> Paged[ApiToken]:
    """``GET /api_tokens``, all pages; the tokens themselves are not shown."""
    return listing_models(TOKENS, ApiToken)


def delete_api_token(api_token_id: str) -> Call[None]:
    """``DELETE /api_tokens/{id}``: the token is good for nothing any more."""
    return changing("DELETE", f"{TOKENS}/{{api_token_id}}", _nothing, api_token_id=api_token_id)


def _about_change_request(
    verb: str, body: Mapping[str, Any], etag: str, idempotency_key: str | None, change_request_id: str
) -> Call[Mapping[str, Any]]:
    call: Call[Mapping[str, Any]] = changing(
        "POST",
        f"{CHANGE_REQUEST}:{verb}",
        body_of,
        body or None,
        etag=etag,
        repository_change_request_id=change_request_id,
    )
    return keyed(call, idempotency_key)


def _as(model: type[M]) -> Callable[[Response], M]:
    return lambda response: read(model, body_of(response))


def _nothing(_response: Response) -> None:
    """The answer is 204."""


def _unix(moment: datetime) -> int:
    return int(aware(moment).timestamp())
