"""Ending an operation before it settles: the policies as flows, the same for workers and triggers."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from airflow_provider_ops.apis.base import Api, Submitted
from airflow_provider_ops.apis.http import Flow, Pause
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.exceptions import CancelNotSupported, Conflict, InvalidRequest, NotFound, OpsError
from airflow_provider_ops.operation import Operation

#: Name of an operation that the sentence before is about.
IT = "it"
#: Together well inside the 20 s that a kill may take.
_DELETE_TRIES, _DELETE_PAUSE = 7, 2.0


class Ended(NamedTuple):
    """What became of an operation that a policy was to end.

    :param text: a sentence about what is going on now.
    :param removed: whether what the operation made is gone, or being deleted.
    """

    text: str
    removed: bool = False


def end(api: Api, handle: Handle, policy: str, *, name: str | None = None) -> Flow[Ended]:
    """Flow that cancels, deletes or leaves an operation. Never raises.

    :param policy: ``cancel``, ``delete`` or ``leave``.
    :param name: what a sentence calls the operation; default is its id and resource.
    """
    name = name or f"operation {handle.operation_id}{_resource(handle)}"
    if policy == "leave":
        return Ended(f"{name} continues remotely{_link(handle)}")
    try:
        if policy == "cancel":
            return Ended((yield from _cancel(api, handle, name)))
        return (yield from _delete(api, handle, name))
    except NotFound as error:
        return Ended(f"{name} is gone already ({error.what})", removed=policy == "delete")
    except (Conflict, InvalidRequest) as error:
        if policy == "cancel":
            return Ended(f"{name} may be over already: the cancel was refused ({error.what})")
        return Ended(f"{name} still exists: the deletion was refused ({error.what}){_link(handle)}")
    except OpsError as error:
        return Ended(f"{name} may still be running: {policy} failed ({error.what}){_link(handle)}")


def kill_operation(api: Api, handle: Handle, policy: str, waited_for: str | None = None) -> Flow[Ended]:
    """As :func:`end`, for a task that seems to have been killed: what has settled stays as it is.

    A worker or triggerer that was out of the world for a while is told to stop as well, and finds a task that is over
    because it has succeeded elsewhere. What that task has made must not be deleted.

    :param waited_for: what the task waits for now, where that comes after the operation.
    """
    try:
        operation: Operation = yield api.get_operation(waited_for or handle.operation_id or "")
    except OpsError:
        return (yield from end(api, handle, policy))
    if operation.state.is_terminal:
        return is_over_already(handle, operation)
    return (yield from end(api, handle, policy))


def is_over_already(handle: Handle, operation: Operation) -> Ended:
    """Return what a kill makes of an operation that has settled: nothing."""
    over = f"operation {operation.id}{_resource(handle)} is over already ({operation.raw_state})"
    return Ended(f"{over} and stays as it is")


def _cancel(api: Api, handle: Handle, name: str) -> Flow[str]:
    try:
        call = api.cancel_operation(handle.operation_id or "", handle.key or None)
    except CancelNotSupported:
        return f"{name} continues remotely, because {api.title} cannot cancel{_link(handle)}"
    yield call
    return f"{api.title} was asked to cancel {name}"


def _delete(api: Api, handle: Handle, name: str) -> Flow[Ended]:
    if not handle.creates:
        # what it acts on was there before: suspending a machine must never end in deleting it
        return Ended(f"{name} made nothing that could be deleted{_link(handle)}")
    if not handle.resource_id or api.delete_resource(handle.resource_type or "", handle.resource_id) is None:
        nothing = f"there is nothing that {api.title} could delete"
        return Ended(f"{name} continues remotely, because {nothing}{_link(handle)}")
    deleting = yield from _when_possible(api, handle)
    by = f" by operation {deleting.operation_id}" if deleting else ""
    made = "what it made" if name == IT else f"{handle.resource_type} {handle.resource_id}"
    return Ended(f"{made} is being deleted{by}", removed=True)


def _when_possible(api: Api, handle: Handle) -> Flow[Submitted | None]:
    """What is being made can often not be deleted at once: ask again for as long as a kill may take."""
    for refused in range(_DELETE_TRIES - 1):
        try:
            return (yield from _deleting(api, handle))
        except Conflict:
            if not refused and api.can_cancel:
                yield from _stop_making(api, handle)
            yield Pause(_DELETE_PAUSE)
    return (yield from _deleting(api, handle))


def _stop_making(api: Api, handle: Handle) -> Flow[None]:
    """Cancel what still makes it. That this is refused too says nothing about the deletion, which is what counts."""
    with suppress(OpsError):
        yield api.cancel_operation(handle.operation_id or "", handle.key or None)


def _deleting(api: Api, handle: Handle) -> Flow[Submitted | None]:
    flow = api.delete_resource(handle.resource_type or "", handle.resource_id or "")
    return None if flow is None else (yield from flow)


def _resource(handle: Handle) -> str:
    return f" ({handle.resource_type} {handle.resource_id})" if handle.resource_id else ""


def _link(handle: Handle) -> str:
    return f"; see {handle.operation_url}" if handle.operation_url else ""
