"""Ending an operation before it settles: the policies as flows, the same for workers and triggers."""

from __future__ import annotations

from airflow_provider_ops.apis.base import Api, Submitted
from airflow_provider_ops.apis.http import Flow
from airflow_provider_ops.exceptions import CancelNotSupported, Conflict, InvalidRequest, NotFound, OpsError
from airflow_provider_ops.waiting.submitting import Handle

#: Answers that mean the thing to be ended is over already, or may not be ended any more.
_ALREADY_OVER = (NotFound, Conflict, InvalidRequest)


def end(api: Api, handle: Handle, policy: str) -> Flow[str]:
    """Flow that cancels, deletes or leaves an operation; the sentence says what is going on now. Never raises.

    :param policy: ``cancel``, ``delete`` or ``leave``.
    """
    name = f"operation {handle.operation_id}{_resource(handle)}"
    if policy == "leave":
        return f"{name} goes on remotely{_link(handle)}"
    try:
        if policy == "cancel":
            return (yield from _cancel(api, handle, name))
        return (yield from _delete(api, handle, name))
    except _ALREADY_OVER as error:
        return f"{name}: {policy} was refused, it is probably over already ({error})"
    except OpsError as error:
        return f"{name} may still be running: {policy} failed ({error}){_link(handle)}"


def _cancel(api: Api, handle: Handle, name: str) -> Flow[str]:
    try:
        call = api.cancel_operation(handle.operation_id or "", handle.key or None)
    except CancelNotSupported:
        return f"{name} goes on remotely, because {api.title} cannot cancel{_link(handle)}"
    yield call
    return f"{name}: {api.title} was asked to cancel it"


def _delete(api: Api, handle: Handle, name: str) -> Flow[str]:
    flow = api.delete_resource(handle.resource_type or "", handle.resource_id) if handle.resource_id else None
    if flow is None:
        return f"{name} goes on remotely, because there is nothing that {api.title} could delete{_link(handle)}"
    deleting: Submitted | None = yield from flow
    by = f" by operation {deleting.operation_id}" if deleting else ""
    return f"{handle.resource_type} {handle.resource_id} is being deleted{by}"


def _resource(handle: Handle) -> str:
    return f" ({handle.resource_type} {handle.resource_id})" if handle.resource_id else ""


def _link(handle: Handle) -> str:
    return f"; see {handle.operation_url}" if handle.operation_url else ""
