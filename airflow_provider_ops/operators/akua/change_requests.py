"""Operators of Akua's change requests."""

from __future__ import annotations

from typing import Literal

from typing_extensions import Unpack

from airflow_provider_ops.apis.akua import change_requests, submits
from airflow_provider_ops.apis.akua.change_requests import Evidence
from airflow_provider_ops.hooks.akua import AkuaHook
from airflow_provider_ops.operators.arguments import OperatorArguments, Templated
from airflow_provider_ops.operators.base import OperationOperator
from airflow_provider_ops.operators.declared import request_fields


class AkuaCreateRepositoryChangeRequestOperator(OperationOperator):
    """Open a change request; by default it does not wait.

    The fork to push to is there when the task ends: ``resource_id`` in the result is the change request, and
    ``AkuaHook.create_repository_change_request_token`` gives a token for it. ``wait_for_completion=True`` waits until
    the change request is ``READY`` to be accepted, which needs a push to the fork meanwhile. Or wait later,
    with ``OperationSensor(operation_id="change_request:...")``.

    :param parent_repository_id: the repository that the changes are for.
    :param kind: ``user``, ``wizard`` or ``agent``.
    :param expires_at_seconds: seconds until it expires.
    :param agent_id: for the kind ``agent``, and only for that; so is ``remediation_evidence``.
    :param remediation_evidence: ``summary``, ``likely_fix`` and ``resource_refs``, each with ``resource`` and ``id``.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(change_requests.open_change_request))

    def __init__(
        self,
        *,
        parent_repository_id: Templated[str],
        kind: Templated[Literal["user", "wizard", "agent"]] = "user",
        expires_at_seconds: Templated[int] | None = None,
        agent_id: Templated[str] | None = None,
        remediation_evidence: Templated[Evidence] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        kwargs.setdefault("wait_for_completion", False)
        super().__init__(
            fields={
                "parent_repository_id": parent_repository_id,
                "kind": kind,
                "expires_at_seconds": expires_at_seconds,
                "agent_id": agent_id,
                "remediation_evidence": remediation_evidence,
            },
            **kwargs,
        )


class AkuaAcceptRepositoryChangeRequestOperator(OperationOperator):
    """Accept a change request and wait until it is merged.

    :param repository_change_request_id: the change request.
    :param etag: the resource's; default reads it just before sending, and again when it is stale.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(change_requests.accept_repository_change_request))

    @request_fields
    def __init__(
        self,
        *,
        repository_change_request_id: Templated[str],
        etag: Templated[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class AkuaRejectRepositoryChangeRequestOperator(OperationOperator):
    """Reject a change request and wait until it is ``REJECTED``.

    Akua does not name the operation, so the change request is followed by its own state.

    :param repository_change_request_id: the change request.
    :param rejection_reason: 1 to 2000 characters.
    :param etag: the resource's; default reads it just before sending, and again when it is stale.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(change_requests.reject_repository_change_request))

    @request_fields
    def __init__(
        self,
        *,
        repository_change_request_id: Templated[str],
        rejection_reason: Templated[str],
        etag: Templated[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class AkuaWithdrawRepositoryChangeRequestOperator(OperationOperator):
    """Withdraw a change request and wait until it is ``WITHDRAWN``.

    Akua does not name the operation, so the change request is followed by its own state.

    :param repository_change_request_id: the change request.
    :param etag: the resource's; default reads it just before sending, and again when it is stale.
    """

    hook_class = AkuaHook
    build_request = staticmethod(submits(change_requests.withdraw_repository_change_request))

    @request_fields
    def __init__(
        self,
        *,
        repository_change_request_id: Templated[str],
        etag: Templated[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...
