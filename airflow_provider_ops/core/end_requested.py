"""What reads mean of an operation that we have asked its API to end, by a cancel or by deleting what it makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.exceptions import NotFound
from airflow_provider_ops.operation import Operation, OperationError, OperationState

_GONE: Final = "the API no longer knows it after it was asked to end it; its work may continue"
_GONE_OWED: Final = "the API no longer knows it, and {} of an earlier attempt may have ended it; its work may continue"
_ASKED: Final = "the API was asked to end it before, which may be the reason"


def was_asked_to_end(stored: object, operation_id: str) -> bool:
    """Return whether we have asked the API to end an operation.

    :param stored: the stored handle of the submit that has started it; anything else says nothing.
    """
    handle = stored.to_dict() if isinstance(stored, Handle) else stored
    if not isinstance(handle, Mapping) or handle.get("end_requested") is not True:
        return False
    ids = [one.get("operation_id") for one in handle.get("operations") or () if isinstance(one, Mapping)]
    return operation_id in ids


def cancelled_and_gone(
    operation_id: str, api: str, last: Operation | None = None, *, because: str = _GONE
) -> Operation:
    """Return the operation that its API no longer knows since it was asked to end it: cancelled.

    :param last: what was seen of it last.
    """
    known = last or Operation(operation_id, api, "", OperationState.UNKNOWN, "")
    return replace(known, state=OperationState.CANCELLED, raw_state="gone", error=OperationError(because))


def read_or_ended(
    read: Operation | NotFound, operation_id: str, api: str, stored: Handle | None, after: Handle | None
) -> Operation:
    """Return the operation that was read; if it is gone and we have asked to end it, or may have, as cancelled.

    :param stored: the stored handle.
    :param after: that handle once what it owed was carried out.
    :raises NotFound: the API does not know the operation, and that is not our doing.
    """
    if not isinstance(read, NotFound):
        return read
    if was_asked_to_end(after, operation_id):
        return cancelled_and_gone(operation_id, api)
    if stored is None or stored.owes is None or operation_id not in [one.operation_id for one in stored.operations]:
        raise read
    # what is owed is stored right before its request is sent, so that the process may have died at either side of it
    owed = f"on_{stored.owes_because}={stored.owes}"
    return cancelled_and_gone(operation_id, api, because=_GONE_OWED.format(owed))


def naming_the_request(operation: Operation) -> Operation:
    """Return a failed operation whose reason says that we have asked to end it; others as they are.

    Some APIs have no other word for what was cancelled.
    """
    if operation.state is not OperationState.FAILED:
        return operation
    error = operation.error or OperationError("")
    message = "; ".join(filter(None, (error.message.strip().rstrip("."), _ASKED)))
    return replace(operation, error=replace(error, message=message))
