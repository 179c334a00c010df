"""What people are told: errors and log lines that brief the person on call."""

from __future__ import annotations

from datetime import datetime, timezone

import pendulum

from airflow_provider_ops.exceptions import OperationCancelled, OperationFailed, OpsError, WaitTimeout
from airflow_provider_ops.operation import Operation, OperationState


def duration(seconds: float) -> str:
    """``3 minutes 20 seconds``."""
    return pendulum.duration(seconds=max(1, round(seconds))).in_words(locale="en")


def settled_badly(operation: Operation, *, what_exists: str = "", next_try: str = "") -> OpsError:
    """The error for a failed or cancelled operation: the API's words, ids, link, how long it took, what is left."""
    verb = "was cancelled" if operation.state is OperationState.CANCELLED else "failed"
    parts = [
        f"{operation.api} operation {operation.id} ({operation.kind}) {verb}{took(operation)}: {_reason(operation)}.",
        where(operation),
        what_exists,
        next_try,
    ]
    cls = OperationCancelled if operation.state is OperationState.CANCELLED else OperationFailed
    return cls(" ".join(part for part in parts if part), operation)


def timed_out(
    operation_id: str, operation: Operation | None, *, waited: float, error: OpsError | None, consequence: str
) -> WaitTimeout:
    """The error for a passed deadline: last state, why the last look failed, what goes on."""
    state = f"last seen {_state(operation)}" if operation else "never seen"
    parts = [
        f"Operation {operation_id} did not settle within {duration(waited)}; {state}.",
        f"The last look failed: {error}." if error else "",
        where(operation) if operation else "",
        consequence,
    ]
    return WaitTimeout(" ".join(part for part in parts if part), operation)


def goes_on(operation: Operation | None, what_next: str = "") -> str:
    """What a passed deadline means for an operation that somebody else has started.

    :param operation: what was last seen of it; one that never was may not exist.
    :param what_next: what to do where it does.
    """
    if operation is None:
        return "Whether it exists, or goes on, nobody could see; check the id."
    return f"It goes on remotely{what_next}."


def where(operation: Operation) -> str:
    """Resource and link of an operation, for the end of a message."""
    resource = f"{operation.resource_type or 'Resource'} {operation.resource_id}." if operation.resource_id else ""
    link = f"See {operation.url} ." if operation.url else ""
    return " ".join(part for part in (resource[:1].upper() + resource[1:], link) if part)


def _reason(operation: Operation) -> str:
    if operation.error:
        return str(operation.error).rstrip(".") or "the API gives no reason"
    progress = str(operation.progress) if operation.progress else ""
    return f"the API gives no reason; last progress: {progress}" if progress else "the API gives no reason"


def _state(operation: Operation) -> str:
    progress = str(operation.progress) if operation.progress else ""
    return f"{operation.raw_state} ({progress})" if progress else operation.raw_state


def took(operation: Operation) -> str:
    """`` after 3 minutes``, or nothing where the API does not give the times."""
    start = operation.started_at or operation.created_at
    if start is None or operation.ended_at is None:
        return ""
    return f" after {duration((operation.ended_at - start).total_seconds())}"


def utc(epoch: float) -> str:
    """``2026-03-01 08:00:12 UTC``."""
    return datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
