"""What is left of a try that did not end well: as it has recorded it, else as far as the page knows. No I/O."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from airflow_provider_ops.core.aftermath import cause_of_end
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.core.history import WaitHistory
from airflow_provider_ops.core.operation_history import OperationHistory
from airflow_provider_ops.operation import OperationState, web_address


def what_is_left(
    ti: Mapping[str, Any], wait: WaitHistory, stored: object, at: float, *, ended_unrecorded: bool
) -> dict[str, Any] | None:
    """Return what is left of a try; ``None`` where nothing is known of that.

    :param stored: the handle in the task state store, which says what the task has made.
    :param at: epoch seconds of what the page knows of the operation.
    :param ended_unrecorded: whether the task ended without a record of how its wait did.
    """
    handle = _made(stored, wait)
    recorded = wait.aftermath
    if recorded is not None:
        found = {"text": recorded.in_retrospect, "at": recorded.at, "resource": recorded.resource}
        has_rest = handle is not None and recorded.deletion is None
        return {**found, "url": web_address(recorded.url), "sweep": _sweep(ti) if has_rest else None}
    # a policy that does something records what came of it
    if handle is None or wait.on_kill != "leave" or not ended_unrecorded:
        return None
    history = wait.operations[handle.operation_id or ""]
    resource = " ".join(filter(None, (handle.resource_type, handle.resource_id)))
    text = f"{cause_of_end(ti.get('state'))}. on_kill=leave: {_continued(history, resource or 'what it makes')}."
    return {"text": text, "at": at, "resource": resource, "url": web_address(handle.operation_url), "sweep": _sweep(ti)}


def _made(stored: object, wait: WaitHistory) -> Handle | None:
    """Return the handle of the operation that is shown, where the task itself makes something with it."""
    try:
        handle = Handle.from_dict(stored) if isinstance(stored, Mapping) else None
    except Exception:  # noqa: BLE001 - whatever another release, or a person, has written there
        return None
    return handle if handle is not None and handle.creates and handle.operation_id in wait.operations else None


def _continued(history: OperationHistory, resource: str) -> str:
    """Return what became of an operation that was left, and of what it makes."""
    operation = history.operation
    if operation is None or not operation.state.is_terminal:
        return f"operation {history.operation_id} continued, and {resource} exists or is being made"
    if operation.state is OperationState.SUCCEEDED:
        return (
            f"operation {history.operation_id} continued and succeeded; {resource} exists unless it was deleted since"
        )
    ended = f"operation {history.operation_id} continued and ended ({operation.raw_state})"
    return f"{ended}; {resource} may remain"


def _sweep(ti: Mapping[str, Any]) -> str | None:
    """Return the command that lists what the run has left; ``None`` where Airflow does not name the run."""
    dag_id, run_id = ti.get("dag_id"), ti.get("dag_run_id")
    if not isinstance(dag_id, str) or not isinstance(run_id, str):
        return None
    return f"airflow operations sweep --dag-id {shlex.quote(dag_id)} --run-id {shlex.quote(run_id)}"
