"""What can be waited for by its own state: installs until they are healthy, renders until they are deployed."""

from __future__ import annotations

from typing import Any

from airflow_provider_ops.apis.akua import starts
from airflow_provider_ops.apis.akua.installs import RENDER
from airflow_provider_ops.apis.akua.models import Install, InstallRender
from airflow_provider_ops.apis.akua.wire import API, body_of
from airflow_provider_ops.apis.base import read
from airflow_provider_ops.apis.http import Call, Request, Response, path
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.operation import Operation, OperationError, OperationState, Progress

#: Written ``install:<id>`` and ``render:<install id>.<render id>``.
KINDS = ("install", "render")

# what the words mean for somebody who waits for "healthy" is inferred from the words themselves: a degraded install
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


def following(kind: str, bare: str) -> Call[Operation]:
    """The call that reads what a reference stands for, as an operation.

    :raises InvalidArgument: a render without its install.
    """
    if kind == "install":
        where = path(starts.INSTALL, install_id=bare)
        return Call(Request("GET", where, starts.INSTALL), _install)
    install_id, dot, render_id = bare.partition(".")
    if not dot:
        raise InvalidArgument(f"a render is written 'render:<install id>.<render id>', not 'render:{bare}'")
    where = path(RENDER, install_id=install_id, render_id=render_id)
    return Call(Request("GET", where, RENDER), lambda response: _render(install_id, response))


def _install(response: Response) -> Operation:
    body = body_of(response)
    install = read(Install, body)
    state = install.state or "missing"
    return Operation(
        id=f"install:{install.id}",
        api=API,
        kind="install.health",
        state=_INSTALL_STATES.get(state, OperationState.UNKNOWN),
        raw_state=state,
        resource_type="install",
        resource_id=install.id,
        error=_reason(f"install is {state}", body) if state in ("failed", "deleted") else None,
        updated_at=install.updated_at,
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
