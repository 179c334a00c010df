"""Carries out what an earlier attempt owed: a policy that it had begun, or was about to begin, when it died."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from airflow_provider_ops.apis.terminate import PATIENT, kill_operation, terminate
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.lifecycle.handle_store import HandleStore

BECAUSE_OF_KILL = "kill"
BECAUSE_OF_FAILURE = "failure"


def with_debt(handle: Handle, policy: str, because: str) -> Handle:
    """Return a handle that says which policy is about to be carried out.

    :param because: ``kill``, ``timeout`` or ``failure``.
    """
    return handle if policy == "leave" else replace(handle, owes=policy, owes_because=because)


def without_debt(handle: Handle) -> Handle:
    """Return a handle that owes nothing any more."""
    return replace(handle, owes=None, owes_because=None)


def carry_out_debt(
    hook: OperationsHook,
    found: Handle,
    store: HandleStore,
    *,
    log: Callable[[str], None],
    warn: Callable[[str], None],
) -> Handle:
    """Carry out what a stored handle owes, before anything else; return the handle as it is afterwards.

    What cannot be done any more is logged once, and no longer owed.
    """
    policy, because = found.owes, found.owes_because
    if policy is None or found.operation_id is None or found.api != hook.api.name:
        return found
    log(f"an earlier attempt owed on_{because}={policy} for operation {found.operation_id}: carrying it out first")
    by_kill = because == BECAUSE_OF_KILL
    if by_kill:
        flow = kill_operation(hook.api, found, policy, within=PATIENT, has_succeeded=found.has_finished)
    else:
        flow = terminate(hook.api, found, policy, within=PATIENT, is_over=because == BECAUSE_OF_FAILURE)
    ended = hook.run(flow)
    (log if ended.is_as_asked else warn)(ended.text)
    after = replace(
        without_debt(found),
        killed=found.killed or by_kill,
        # what has failed did not fail because of what was asked for after that
        end_requested=found.end_requested or (ended.is_accepted and because != BECAUSE_OF_FAILURE),
        removed=found.removed or (ended.removed and not by_kill),
    )
    store.save(after)
    store.note_settled(found.operation_id, ended)
    return after
