"""Deletes what is left on one connection; finds a possible order by itself."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from airflow_provider_ops.apis.submits import OwnedResource, Submitted
from airflow_provider_ops.core.event_codec import succeeded
from airflow_provider_ops.core.wait_state import Settled, TimedOut, Unobservable
from airflow_provider_ops.exceptions import Conflict, InvalidRequest, NotFound, OpsError
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.polling.waits import poll_until_done

log = logging.getLogger(__name__)

#: Pauses before a read is believed that still shows what was deleted.
_LATE = (0.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class DeletionResult:
    """What became of something that was to be deleted.

    :param again: whether another try may work once others are gone: a network is refused as long as it has machines.
    """

    gone: bool
    text: str
    again: bool = False


def delete_all(
    hook: OperationsHook, marked: Sequence[OwnedResource], timeout: float | None, report: Callable[[str], None]
) -> list[DeletionResult]:
    """Delete resources; return what became of each, in the same order.

    What was made last goes first. What is refused is tried again as long as others go meanwhile.

    :param timeout: seconds to wait for each deletion; default is that of the operators.
    """
    fates: dict[int, DeletionResult] = {}
    left = sorted(range(len(marked)), key=lambda at: _made_at(marked[at]), reverse=True)
    while left:
        started = {at: _start(hook, marked[at]) for at in left}
        for at, begun in started.items():
            fates[at] = begun if isinstance(begun, DeletionResult) else _end(hook, begun, timeout)
            report(f"{marked[at].resource_type} {marked[at].resource_id}: {fates[at].text}")
        again = [at for at in left if fates[at].again]
        left = again if len(again) < len(left) else []
    still_there = _still_there(hook, [marked[at] for at in range(len(marked)) if fates[at].gone])
    exists = DeletionResult(gone=False, text="said to be deleted, but still exists")
    return [exists if fates[at].gone and _id(marked[at]) in still_there else fates[at] for at in range(len(marked))]


def _made_at(one: OwnedResource) -> float:
    return one.created_at.timestamp() if one.created_at else 0.0


def _id(one: OwnedResource) -> tuple[str, str]:
    return one.resource_type, one.resource_id


def _start(hook: OperationsHook, one: OwnedResource) -> DeletionResult | Submitted:
    try:
        flow = hook.api.delete_resource(one.resource_type, one.resource_id)
        if flow is None:
            return DeletionResult(gone=False, text=f"not deleted: {hook.api.title} has no call for that")
        submitted = hook.run(flow)
    except NotFound:
        return DeletionResult(gone=True, text="gone already")
    except (Conflict, InvalidRequest) as error:
        return DeletionResult(gone=False, text=f"not deleted: {error}", again=True)
    except OpsError as error:
        return DeletionResult(gone=False, text=f"not deleted: {error}")
    return submitted or DeletionResult(gone=True, text="deleted")


def _end(hook: OperationsHook, submitted: Submitted, timeout: float | None) -> DeletionResult:
    name = f"operation {submitted.operation_id}"
    try:
        state = hook.wait_state(submitted.operation_id, timeout=timeout, kind=submitted.kind)
        poll_until_done(hook.get_conn(), [state], log.info, warn=log.warning)
    except OpsError as error:
        return DeletionResult(gone=False, text=f"perhaps still being deleted by {name}: {error}")
    outcome = state.outcome
    if succeeded(outcome):
        return DeletionResult(gone=True, text=f"deleted by {name}")
    if isinstance(outcome, Settled):
        reason = f": {outcome.operation.error}" if outcome.operation.error else ""
        return DeletionResult(gone=False, text=f"not deleted: {name} {outcome.operation.raw_state}{reason}", again=True)
    if isinstance(outcome, (Unobservable, TimedOut)) and outcome.error:
        return DeletionResult(
            gone=False, text=f"perhaps still being deleted by {name}: its end could not be read: {outcome.error}"
        )
    return DeletionResult(gone=False, text=f"still being deleted by {name}")


def _still_there(hook: OperationsHook, gone: Sequence[OwnedResource]) -> set[tuple[str, str]]:
    """Return which of those that are said to be gone can still be read."""
    wanted = {_id(one): one for one in gone}
    for pause in _LATE:
        if not wanted:
            break
        if pause:
            hook.clock.sleep(pause)
        wanted = {name: one for name, one in wanted.items() if _exists(hook, one)}
    return set(wanted)


def _exists(hook: OperationsHook, one: OwnedResource) -> bool:
    flow = hook.api.find_resource(one.resource_type, one.resource_id)
    try:
        return flow is not None and hook.run(flow) is not None
    except OpsError:
        # that it cannot be read says nothing; the deletion succeeded
        return False
