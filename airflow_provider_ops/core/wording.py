"""Texts for people: errors and log lines that brief the person on call."""

from __future__ import annotations

from datetime import datetime, timezone

import pendulum

from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.core.zero_point import STARTED, zero_point
from airflow_provider_ops.exceptions import NotFound, OperationCancelled, OperationFailed, OpsError, WaitTimeout
from airflow_provider_ops.operation import Operation, OperationState


def duration(seconds: float) -> str:
    """Return a duration in words, like ``3 minutes 20 seconds``."""
    return pendulum.duration(seconds=max(1, round(seconds))).in_words(locale="en")


def settled_badly(
    operation: Operation, *, handle: Handle | None = None, what_exists: str = "", next_try: str = ""
) -> OpsError:
    """Return the error for a failed or cancelled operation: the API's words, how long it took, what is left.

    :param handle: of the operation, where the task has submitted it: it names what the operation does not.
    :param what_exists: a sentence about what is left.
    """
    verb = "was cancelled" if operation.state is OperationState.CANCELLED else "failed"
    name = named(operation.id, operation, handle=handle, kind=True)
    took = elapsed(operation, handle.known_submit if handle else None)
    what = f"{name} {verb}{took}: {_reason(operation)}."
    cls = OperationCancelled if operation.state is OperationState.CANCELLED else OperationFailed
    see = "" if operation.url and operation.url in what_exists else link(operation.url)
    return cls(" ".join(part for part in (what, what_exists, see, next_try) if part), operation)


def timed_out(
    name: str, operation: Operation | None, *, waited: float, error: OpsError | None, consequence: str
) -> WaitTimeout:
    """Return the error for a passed deadline: last state, why the last poll failed, what continues.

    :param name: of the operation, as :func:`named` gives it.
    """
    state = f"last state {_state(operation)}" if operation else "never read"
    failed = f"The last poll failed: {error.what.rstrip('.')}." if error else ""
    parts = (f"{name} did not settle within {duration(waited)}; {state}.", failed, consequence)
    return WaitTimeout(" ".join(part for part in parts if part), operation)


def still_running(operation: Operation | None, what_next: str = "", *, error: OpsError | str | None = None) -> str:
    """Return what a passed deadline means for an operation that the task did not start.

    :param operation: what was last seen of it; one that never was may not exist.
    :param error: of the last poll, where that failed.
    :param what_next: what to do where it does.
    """
    if operation is None:
        known = "The API does not know it" if isinstance(error, NotFound) else "Whether it exists is not known"
        return f"{known}: check the id and the connection."
    see = f" {link(operation.url)}" if operation.url else ""
    return f"{'Whether it still runs is not known' if error else 'It continues remotely'}{what_next}.{see}"


def named(
    operation_id: str, operation: Operation | None = None, *, handle: Handle | None = None, kind: bool = False
) -> str:
    """Return an operation's name for the beginning of a message: its id, kind and resource.

    :param handle: names what the operation itself does not.
    """
    known = [one for one in (operation, handle) if one is not None]
    resource_id = next((one.resource_id for one in known if one.resource_id), None)
    of_it = (one.resource_type for one in known if one.resource_type and one.resource_id == resource_id)
    facts = [one.kind for one in known if kind and one.kind][:1]
    facts += [f"{next(of_it, 'resource')} {resource_id}"] if resource_id else []
    return f"operation {operation_id} ({', '.join(facts)})" if facts else f"operation {operation_id}"


def link(url: str | None) -> str:
    """Return the sentence that leads to a page for people; nothing where there is none."""
    return f"See {url} ." if url else ""


def _reason(operation: Operation) -> str:
    if operation.error and operation.error.message.strip():
        return str(operation.error).rstrip(".")
    progress = str(operation.progress) if operation.progress else ""
    return f"the API gives no reason; last progress: {progress}" if progress else "the API gives no reason"


def _state(operation: Operation) -> str:
    progress = str(operation.progress) if operation.progress else ""
    return f"{operation.raw_state} ({progress})" if progress else operation.raw_state


def elapsed(operation: Operation, submitted_at: float | None = None) -> str:
    """Return how long an operation took, like `` after 3 minutes``; nothing where that is not known.

    :param submitted_at: epoch seconds of its submit, from which it counts where the API does not say when it began.
    """
    zero = zero_point(operation, submitted_at)
    if zero is None or operation.ended_at is None:
        return ""
    seconds = operation.ended_at.timestamp() - zero.at
    if zero.event == STARTED:
        return f" after {duration(seconds)}"
    # two clocks may differ
    return f" {duration(seconds)} after its submit" if seconds >= 0 else ""


def utc(epoch: float) -> str:
    """Return a time in UTC, like ``2026-03-01 08:00:12 UTC``."""
    return datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def described(error: Exception) -> str:
    """Return an error's text, with its class only where that is not one of this package."""
    text = str(error) if isinstance(error, (OpsError, TimeoutError)) else ""
    return text or repr(error)
