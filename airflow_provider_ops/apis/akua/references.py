"""What can be waited for by its own state: installs, renders and change requests."""

from __future__ import annotations

from typing import Any

from airflow_provider_ops.apis.akua import starts
from airflow_provider_ops.apis.akua.install_models import ChangeRequest, Install, InstallRender
from airflow_provider_ops.apis.akua.installs import RENDER
from airflow_provider_ops.apis.akua.schemas import API, body_of
from airflow_provider_ops.apis.calls import Call, Request, Response, path
from airflow_provider_ops.apis.wire_models import read
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.operation import Operation, OperationError, OperationState, Progress

#: Written ``install:<id>``, ``render:<install id>.<render id>``, ``change_request:<id>`` and so on.
KINDS = (
    "install",
    "reconciled_install",
    "render",
    "change_request",
    "rejected_change_request",
    "withdrawn_change_request",
)

# what the words mean for a wait for "healthy" is inferred from the words themselves: a degraded install
# may recover and is waited for on, a failed or deleted one is not
_INSTALL_STATES = {
    "pending": OperationState.PENDING,
    "rendering": OperationState.RUNNING,
    "syncing": OperationState.RUNNING,
    "degraded": OperationState.RUNNING,
    "healthy": OperationState.SUCCEEDED,
    "failed": OperationState.FAILED,
    "deleted": OperationState.FAILED,
}
# a render is skipped where it would change nothing, so what was wanted is there
_RENDER_STATES = {
    "running": OperationState.RUNNING,
    "deployed": OperationState.SUCCEEDED,
    "skipped": OperationState.SUCCEEDED,
    "failed": OperationState.FAILED,
}
# by what is waited for; a change request that ended otherwise than wanted is a failure
_READY = {
    "AWAITING_CHANGES": OperationState.RUNNING,
    "VALIDATING": OperationState.RUNNING,
    "READY": OperationState.SUCCEEDED,
    "ACCEPTING": OperationState.SUCCEEDED,
    "ACCEPTED": OperationState.SUCCEEDED,
    "REJECTED": OperationState.FAILED,
    "WITHDRAWN": OperationState.FAILED,
    "EXPIRED": OperationState.FAILED,
    "FAILED": OperationState.FAILED,
}
_UNDECIDED = dict.fromkeys(("AWAITING_CHANGES", "VALIDATING", "READY", "ACCEPTING"), OperationState.RUNNING)
_ENDED = dict.fromkeys(("ACCEPTED", "REJECTED", "WITHDRAWN", "EXPIRED", "FAILED"), OperationState.FAILED)
_CHANGE_REQUEST_STATES = {
    "change_request": _READY,
    "rejected_change_request": {**_UNDECIDED, **_ENDED, "REJECTED": OperationState.SUCCEEDED},
    "withdrawn_change_request": {**_UNDECIDED, **_ENDED, "WITHDRAWN": OperationState.SUCCEEDED},
}


def following(kind: str, bare: str) -> Call[Operation]:
    """Return the call that reads what a reference stands for, as an operation.

    :raises InvalidArgument: a render without its install.
    """
    if kind in _CHANGE_REQUEST_STATES:
        where = path(starts.CHANGE_REQUEST, repository_change_request_id=bare)
        request = Request("GET", where, starts.CHANGE_REQUEST)
        return Call(request, lambda response: _change_request(kind, response))
    if kind in ("install", "reconciled_install"):
        where = path(starts.INSTALL, install_id=bare)
        return Call(Request("GET", where, starts.INSTALL), lambda response: _install(kind, response))
    install_id, dot, render_id = bare.partition(".")
    if not dot:
        raise InvalidArgument(f"a render is written 'render:<install id>.<render id>', not 'render:{bare}'")
    where = path(RENDER, install_id=install_id, render_id=render_id)
    return Call(Request("GET", where, RENDER), lambda response: _render(install_id, response))


def _install(kind: str, response: Response) -> Operation:
    body = body_of(response)
    install = read(Install, body)
    raw_state = install.state or "missing"
    state = _INSTALL_STATES.get(raw_state, OperationState.UNKNOWN)
    if kind == "reconciled_install" and state is not OperationState.FAILED:
        state = OperationState.RUNNING if install.reconciling else OperationState.SUCCEEDED
    return Operation(
        id=f"{kind}:{install.id}",
        api=API,
        kind="install.health",
        state=state,
        raw_state=raw_state,
        resource_type="install",
        resource_id=install.id,
        error=_reason(f"install is {raw_state}", body) if raw_state in ("failed", "deleted") else None,
        updated_at=install.updated_at,
        raw=body,
    )


def _change_request(kind: str, response: Response) -> Operation:
    body = body_of(response)
    found = read(ChangeRequest, body)
    raw_state = found.state or "missing"
    state = _CHANGE_REQUEST_STATES[kind].get(raw_state, OperationState.UNKNOWN)
    failed = state is OperationState.FAILED
    because = f": {found.rejection_reason}" if found.rejection_reason else ""
    return Operation(
        id=f"{kind}:{found.id}",
        api=API,
        kind="repository_change_request.state",
        state=state,
        raw_state=raw_state,
        resource_type="repository_change_request",
        resource_id=found.id,
        error=OperationError(f"change request is {raw_state}{because}") if failed else None,
        url=found.html_url,
        created_at=found.created_at,
        updated_at=found.updated_at,
        raw=body,
    )


def _render(install_id: str, response: Response) -> Operation:
    body = body_of(response)
    render = read(InstallRender, body)
    state = render.state or "missing"
    return Operation(
        id=starts.render_reference(install_id, render),
        api=API,
        kind="install.render",
        state=_RENDER_STATES.get(state, OperationState.UNKNOWN),
        raw_state=state,
        resource_type="install",
        resource_id=install_id,
        progress=Progress(message="Akua named no operation, so the render is followed itself"),
        error=_reason("render failed", body) if state == "failed" else None,
        created_at=render.created_at,
        updated_at=render.updated_at,
        raw=body,
    )


def _reason(what: str, body: dict[str, Any]) -> OperationError:
    said = body.get("message")
    return OperationError(f"{what}: {said}" if isinstance(said, str) and said else what)
