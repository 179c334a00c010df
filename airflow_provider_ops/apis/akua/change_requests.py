"""Calls about change requests: a fork of a repository, and what becomes of it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from typing_extensions import NotRequired

from airflow_provider_ops.apis.akua import starts
from airflow_provider_ops.apis.akua.calls import changing, keyed, reads_as
from airflow_provider_ops.apis.akua.install_models import ChangeRequest, ChangeRequestAccepted, ChangeRequestToken
from airflow_provider_ops.apis.akua.schemas import body_of, check_length, listing_models, reading
from airflow_provider_ops.apis.akua.starts import CHANGE_REQUEST, CHANGE_REQUESTS
from airflow_provider_ops.apis.calls import Call, Paged, drop_none
from airflow_provider_ops.exceptions import InvalidArgument

ChangeRequestState = Literal[
    "AWAITING_CHANGES",
    "VALIDATING",
    "READY",
    "ACCEPTING",
    "ACCEPTED",
    "REJECTED",
    "WITHDRAWN",
    "EXPIRED",
    "FAILED",
]
_LONGEST_REASON = 2000


class ResourceRef(TypedDict):
    """What a remediation is about."""

    resource: str
    id: str


class Evidence(TypedDict):
    """Why an agent wants the change; texts of 1 to 2000 characters, 1 to 20 resources."""

    summary: str
    likely_fix: str
    resource_refs: Sequence[ResourceRef]


class NewChangeRequest(TypedDict):
    """A change request; ``agent_id`` and ``remediation_evidence`` for the kind ``agent``, and only for that."""

    parent_repository_id: str
    kind: Literal["user", "wizard", "agent"]
    expires_at_seconds: NotRequired[int]
    agent_id: NotRequired[str]
    remediation_evidence: NotRequired[Evidence]


def create_repository_change_request(
    body: NewChangeRequest | Mapping[str, Any], *, idempotency_key: str | None = None
) -> Call[Mapping[str, Any]]:
    """``POST /repository_change_requests``: the change request, as it comes."""
    return starts.CREATE_CHANGE_REQUEST.reading(body_of, body, idempotency_key=idempotency_key)


def open_change_request(
    *,
    parent_repository_id: str,
    kind: Literal["user", "wizard", "agent"] = "user",
    expires_at_seconds: int | None = None,
    agent_id: str | None = None,
    remediation_evidence: Evidence | None = None,
) -> Call[Mapping[str, Any]]:
    """``POST /repository_change_requests``, by its fields.

    :raises InvalidArgument: ``agent_id`` and ``remediation_evidence`` do not go with the kind.
    """
    for name, value in (("agent_id", agent_id), ("remediation_evidence", remediation_evidence)):
        if (value is not None) != (kind == "agent"):
            raise InvalidArgument(f"{name} must be given with kind 'agent', and only with it")
    return create_repository_change_request(
        drop_none(
            parent_repository_id=parent_repository_id,
            kind=kind,
            expires_at_seconds=expires_at_seconds,
            agent_id=agent_id,
            remediation_evidence=remediation_evidence,
        )
    )


def accept_repository_change_request(
    repository_change_request_id: str, *, etag: str | None = None, idempotency_key: str | None = None
) -> Call[ChangeRequestAccepted]:
    """``POST /repository_change_requests/{id}:accept``: the id of the operation to wait for."""
    return starts.ACCEPT_CHANGE_REQUEST.reading(
        reads_as(ChangeRequestAccepted),
        repository_change_request_id=repository_change_request_id,
        etag=etag,
        idempotency_key=idempotency_key,
    )


def reject_repository_change_request(
    repository_change_request_id: str,
    *,
    rejection_reason: str | None = None,
    reason: str | None = None,
    etag: str | None = None,
    idempotency_key: str | None = None,
) -> Call[Mapping[str, Any]]:
    """``POST /repository_change_requests/{id}:reject``: when it was rejected; the operation is not named.

    :param rejection_reason: 1 to 2000 characters.
    :param reason: former name of ``rejection_reason``.
    :raises InvalidArgument: there is no reason.
    """
    if reason is not None:
        warnings.warn("reason is called rejection_reason now", DeprecationWarning, stacklevel=2)
        rejection_reason = rejection_reason or reason
    if rejection_reason is None:
        raise InvalidArgument("rejection_reason must be given: Akua rejects nothing without one")
    check_length("rejection_reason", rejection_reason, _LONGEST_REASON)
    return starts.REJECT_CHANGE_REQUEST.reading(
        body_of,
        {"rejection_reason": rejection_reason},
        repository_change_request_id=repository_change_request_id,
        etag=etag,
        idempotency_key=idempotency_key,
    )


def withdraw_repository_change_request(
    repository_change_request_id: str, *, etag: str | None = None, idempotency_key: str | None = None
) -> Call[Mapping[str, Any]]:
    """``POST /repository_change_requests/{id}:withdraw``: when it was withdrawn; the operation is not named."""
    return starts.WITHDRAW_CHANGE_REQUEST.reading(
        body_of,
        repository_change_request_id=repository_change_request_id,
        etag=etag,
        idempotency_key=idempotency_key,
    )


def create_repository_change_request_token(
    repository_change_request_id: str,
    *,
    scope: Literal["read", "write"] | None = None,
    expires_in_seconds: int | None = None,
    idempotency_key: str | None = None,
) -> Call[ChangeRequestToken]:
    """``POST /repository_change_requests/{id}:createToken``: what it takes to push to the fork.

    :param expires_in_seconds: at most 3600.
    """
    call = changing(
        "POST",
        f"{CHANGE_REQUEST}:createToken",
        reads_as(ChangeRequestToken),
        drop_none(scope=scope, expires_in_seconds=expires_in_seconds) or None,
        repository_change_request_id=repository_change_request_id,
    )
    return keyed(call, idempotency_key)


def list_repository_change_requests(
    *, state: ChangeRequestState | None = None, parent_repository: str | None = None
) -> Paged[ChangeRequest]:
    """``GET /repository_change_requests``, all pages.

    :param parent_repository: id of the repository that the changes are for.
    """
    return listing_models(CHANGE_REQUESTS, ChangeRequest, drop_none(state=state, parent_repository=parent_repository))


def get_repository_change_request(repository_change_request_id: str) -> Call[ChangeRequest]:
    """``GET /repository_change_requests/{repository_change_request_id}``."""
    return reading(CHANGE_REQUEST, ChangeRequest, repository_change_request_id=repository_change_request_id)
