"""Ending an operation before it settles: the policies as flows, the same for workers and triggers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import chain, repeat
from typing import Any, NamedTuple, TypeVar

from airflow_provider_ops.apis.base import Api
from airflow_provider_ops.apis.calls import Call, Flow, Once, Pause
from airflow_provider_ops.apis.submits import Submitted
from airflow_provider_ops.core.aftermath import Deletion
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.exceptions import (
    CancelNotSupported,
    Conflict,
    InvalidRequest,
    NotFound,
    OpsError,
    RateLimited,
    ServerError,
    Superseded,
    TransportError,
)
from airflow_provider_ops.operation import Operation

#: Name of an operation that the sentence before is about.
IT = "it"
#: Seconds between requests to delete what the API refuses to delete yet; together well inside the 20 s that a trigger's
#: kill may take. The first are short: a worker's kill has four.
_DELETE_PAUSES = (0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1.0, 2.0, 2.0, 2.0, 2.0)
#: Seconds between further requests, for an attempt that has just begun and has time: cancelled operations drain.
_LATER_PAUSE = 5.0
#: Seconds for which such an attempt asks.
PATIENT = 600.0
#: Seconds before a request is repeated after an error in transit: by id, an operation may be ended twice.
_ERROR_PAUSES = (0.3, 0.7, 1.5, 3.0)
#: Seconds for which a kill waits to see whether the operation has settled.
_READ_SECONDS = 1.0

T = TypeVar("T")


class _DeletedAlready(Exception):
    """A deletion was refused, and the API shows that another one is under way."""


class Termination(NamedTuple):
    """What became of an operation that a policy was to end.

    :param text: a sentence about what happens to the operation now.
    :param removed: whether what the operation made is gone, or being deleted.
    :param is_done: whether nothing is left to do: the API took the request, or there is nothing that it could do.
    :param is_accepted: whether the API took the request.
    :param deletion: the deletion that the API took on, or showed to be under way.
    :param is_unmet: whether the policy asks for something that was refused, or that the API cannot do.
    """

    text: str
    removed: bool = False
    is_done: bool = True
    is_accepted: bool = False
    deletion: Deletion | None = None
    is_unmet: bool = False

    @property
    def is_as_asked(self) -> bool:
        """Return whether all that the policy asks for was done, so that nothing is left to do by hand."""
        return self.is_done and not self.is_unmet


def terminate(
    api: Api,
    handle: Handle,
    policy: str,
    *,
    name: str | None = None,
    within: float = sum(_DELETE_PAUSES),
    is_over: bool = False,
) -> Flow[Termination]:
    """Cancel, delete or leave an operation, as a flow.

    It raises only :class:`Superseded`: this attempt may not send anything any more.

    :param policy: ``cancel``, ``delete`` or ``leave``.
    :param name: name of the operation in sentences; default is its id and resource.
    :param within: seconds for which a deletion that is refused is asked for again.
    :param is_over: whether the operation has settled, so that only what it left can be deleted.
    """
    name = name or f"operation {handle.operation_id}{_resource(handle)}"
    if policy == "leave":
        return Termination(f"{name} continues remotely{_link(handle)}")
    try:
        if policy == "cancel":
            return (yield from _cancel(api, handle, name))
        return (yield from _delete(api, handle, name, within, is_over=is_over))
    except NotFound as error:
        return Termination(f"{name} is gone already ({error.what})", removed=policy == "delete")
    except (Conflict, InvalidRequest) as error:
        if policy == "cancel":
            return Termination(f"{name} may be over already: the cancel was refused ({error.what})", is_unmet=True)
        return Termination(
            f"{name} still exists: the deletion was refused ({error.what}){_link(handle)}", is_done=False
        )
    except Superseded:
        raise
    except OpsError as error:
        what = f"what {name} left may still exist" if is_over else f"{name} may still be running"
        return Termination(f"{what}: {policy} failed ({error.what}){_link(handle)}", is_done=False)


def kill_operation(
    api: Api,
    handle: Handle,
    policy: str,
    waited_for: str | None = None,
    *,
    within: float = sum(_DELETE_PAUSES),
    has_succeeded: bool = False,
) -> Flow[Termination]:
    """Terminate the operation of a killed task as :func:`terminate` does; what has settled stays as it is.

    A worker or triggerer that was cut off for a while is asked to stop as well, although its task may be over because
    it has succeeded elsewhere. What that task has made must not be deleted, so a deletion is preceded by a poll of one
    second at most, however short ago it was seen running. A cancellation is not: an API refuses that for what is over.

    :param waited_for: what the task waits for now, where that comes after the operation.
    :param has_succeeded: whether the task has: by itself, or because a user marked it so. Only a poll distinguishes
        them, so nothing is deleted without one.
    """
    if policy == "cancel" and api.can_cancel:
        return (yield from _cancel_then_read(api, handle, waited_for))
    poll = _poll(api, handle, waited_for)
    try:
        operation: Operation = yield from (_until_answered(lambda: _sending(poll)) if has_succeeded else _sending(poll))
    except OpsError as error:
        if has_succeeded and policy == "delete":
            name = f"operation {handle.operation_id}{_resource(handle)}"
            unread = f"its task has succeeded, perhaps with what it made, and it cannot be polled ({error.what})"
            return Termination(f"{name} was not deleted: {unread}{_link(handle)}", is_done=False)
    else:
        if operation.state.is_terminal:
            return is_over_already(handle, operation)
    return (yield from terminate(api, handle, policy, within=within))


def _cancel_then_read(api: Api, handle: Handle, waited_for: str | None) -> Flow[Termination]:
    ended = yield from terminate(api, handle, "cancel")
    if ended.is_accepted:
        return ended
    try:
        operation: Operation = yield from _sending(_poll(api, handle, waited_for))
    except OpsError:
        return ended
    return is_over_already(handle, operation) if operation.state.is_terminal else ended


def _poll(api: Api, handle: Handle, waited_for: str | None) -> Once:
    return Once(api.get_operation(waited_for or handle.operation_id or ""), _READ_SECONDS)


def is_over_already(handle: Handle, operation: Operation) -> Termination:
    """Return the outcome of a kill for an operation that has settled: nothing is done about it here."""
    over = f"operation {operation.id}{_resource(handle)} is over already ({operation.raw_state})"
    return Termination(f"{over}: nothing is cancelled or deleted here")


def _cancel(api: Api, handle: Handle, name: str) -> Flow[Termination]:
    try:
        call = api.cancel_submitted(handle)
    except CancelNotSupported:
        cannot = f"because {api.title} cannot cancel{_link(handle)}"
        return Termination(f"{name} continues remotely, {cannot}", is_unmet=True)
    yield from _until_answered(lambda: _sending(call))
    for other in handle.operations[1:]:
        ref = replace(other, resource_type=handle.resource_type, resource_id=other.resource_id or handle.resource_id)
        # those that are over are refused
        with suppress(OpsError):
            yield api.cancel_submitted(replace(handle, operations=(ref,)))
    return Termination(f"{api.title} was asked to cancel {name}{_what_may_remain(handle)}", is_accepted=True)


def _what_may_remain(handle: Handle) -> str:
    """Return what a cancellation does not remove: APIs keep what an operation has made until it is cancelled."""
    if not (handle.creates and handle.resource_id):
        return ""
    return (
        f"; {handle.resource_type or 'resource'} {handle.resource_id} may remain (`airflow operations sweep` lists it)"
    )


def _delete(api: Api, handle: Handle, name: str, within: float, *, is_over: bool) -> Flow[Termination]:
    if not handle.creates:
        # what it acts on was there before: suspending a machine must never end in deleting it
        return Termination(f"{name} made nothing that could be deleted{_link(handle)}", is_unmet=True)
    if not handle.resource_id or api.delete_resource(handle.resource_type or "", handle.resource_id) is None:
        nothing = f"nothing that {api.title} could delete"
        what = f"left {nothing}" if is_over else f"continues remotely, because there is {nothing}"
        return Termination(f"{name} {what}{_link(handle)}", is_unmet=True)
    deletion = Deletion(f"{handle.resource_type} {handle.resource_id}")
    try:
        deleting = yield from _when_possible(api, handle, within)
    except _DeletedAlready:
        deletion = replace(deletion, is_earlier=True)
    else:
        deletion = replace(deletion, operation_id=deleting.operation_id if deleting else None)
    said = replace(deletion, resource="what it made") if name == IT else deletion
    return Termination(said.is_under_way, removed=True, is_accepted=not deletion.is_earlier, deletion=deletion)


def _when_possible(api: Api, handle: Handle, within: float) -> Flow[Submitted | None]:
    """Delete what the operation makes, and ask again for ``within`` seconds while the API refuses it.

    What is being made can often not be deleted at once.

    :raises _DeletedAlready: it is refused because another try, or somebody else, has it deleted.
    """
    left, pauses, can_read = within, chain(_DELETE_PAUSES, repeat(_LATER_PAUSE)), True
    while True:
        try:
            return (yield from _until_answered(lambda: _deleting(api, handle)))
        except Conflict as refusal:
            is_deleted = (yield from _is_being_deleted(api, handle)) if can_read else None
            if is_deleted:
                raise _DeletedAlready from refusal
            # a read that fails may take its time, which a kill does not have twice
            can_read = is_deleted is not None
            if left == within and api.can_cancel:
                yield from _stop_making(api, handle)
            pause = next(pauses)
            if pause > left:
                raise
            left -= pause
        yield Pause(pause)


def _is_being_deleted(api: Api, handle: Handle) -> Flow[bool | None]:
    """Return whether the API shows that it is being deleted: a refusal alone does not say so. ``None``: not known."""
    flow = api.shows_deletion(handle.resource_type or "", handle.resource_id or "")
    if flow is None:
        return None
    try:
        return (yield from _briefly(flow))
    except Superseded:
        raise
    except OpsError:
        return None


def _briefly(flow: Flow[T]) -> Flow[T]:
    """Send each call of a flow once, and wait for its answer for a moment only."""
    answer: Any = None
    error: OpsError | None = None
    while True:
        try:
            step = flow.send(answer) if error is None else flow.throw(error)
        except StopIteration as end:
            found: T = end.value
            return found
        answer = error = None
        try:
            answer = yield Once(step, _READ_SECONDS) if isinstance(step, Call) else step
        except OpsError as caught:
            error = caught


def _stop_making(api: Api, handle: Handle) -> Flow[None]:
    """Cancel the operation that still makes it. A refusal is ignored: only the deletion counts."""
    with suppress(OpsError):
        yield api.cancel_submitted(handle)


def _deleting(api: Api, handle: Handle) -> Flow[Submitted | None]:
    flow = api.delete_resource(handle.resource_type or "", handle.resource_id or "")
    return None if flow is None else (yield from flow)


def _sending(call: Call[T] | Once) -> Flow[T]:
    answer: T = yield call
    return answer


def _until_answered(request: Callable[[], Flow[T]]) -> Flow[T]:
    """Send a request, repeat it after errors in transit, and return the API's own answer."""
    for pause in _ERROR_PAUSES:
        try:
            return (yield from request())
        except (TransportError, ServerError, RateLimited):
            yield Pause(pause)
    return (yield from request())


def _resource(handle: Handle) -> str:
    return f" ({handle.resource_type} {handle.resource_id})" if handle.resource_id else ""


def _link(handle: Handle) -> str:
    return f"; see {handle.operation_url}" if handle.operation_url else ""
