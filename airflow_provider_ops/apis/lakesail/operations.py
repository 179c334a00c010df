"""LakeSail's operation, from the wire to :class:`Operation`, and which answers name one [tags/operations]."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from airflow_provider_ops.apis.calls import Response
from airflow_provider_ops.apis.lakesail.models import read_time
from airflow_provider_ops.apis.lakesail.schemas import (
    ErrorDetails,
    LakeSailError,
    LakeSailOperation,
    LakeSailProgress,
    ProgressResource,
    ProgressSummary,
)
from airflow_provider_ops.apis.lenient import Lenient
from airflow_provider_ops.apis.submits import Submitted
from airflow_provider_ops.apis.wire_models import read
from airflow_provider_ops.exceptions import TransportError
from airflow_provider_ops.operation import Operation, OperationError, OperationState, Progress, Step

NAME = "lakesail"

# LakeSail documents neither the words of `status` nor which of them are final. What is documented is `completedAt`
# and `error`. So: words that mean one thing in every API we know decide alone. Words that only say "over" decide
# together with `error`. Any other word (a missing one and `active` too, which may mean "usable" as well as "running")
# decides together with `completedAt`: without it the operation is UNKNOWN, which never ends a wait; with it the
# operation failed when `error` or a failed resource is there, and succeeded otherwise. The price of a guess that is
# too careful is a longer wait, the price of the other kind is a wrong verdict.
_PENDING = "pending queued waiting accepted created scheduled submitted requested"
_RUNNING = (
    "running in_progress processing started starting working executing provisioning deploying creating updating "
    "deleting destroying cancelling canceling retrying rolling_back"
)
_SUCCEEDED = "succeeded success successful"
_OVER = "completed complete done finished ended"
_FAILED = "failed failure error errored rejected timed_out timeout expired crashed rolled_back"
_CANCELLED = "cancelled canceled aborted stopped terminated killed"

STATES: Mapping[str, OperationState] = {
    **dict.fromkeys(_PENDING.split(), OperationState.PENDING),
    **dict.fromkeys(_RUNNING.split(), OperationState.RUNNING),
    **dict.fromkeys(_SUCCEEDED.split(), OperationState.SUCCEEDED),
    **dict.fromkeys(_FAILED.split(), OperationState.FAILED),
    **dict.fromkeys(_CANCELLED.split(), OperationState.CANCELLED),
}
OVER = frozenset(_OVER.split())

#: No count of resources and no pause is near these; the numbers come from a server.
_MOST = 1_000_000
_LONGEST_RETRY_AFTER = 3600.0
_DETAILS = ("error_type", "retry_after", "field_errors", "request_id", "caused_by")


def word(status: str | None) -> str:
    """Return a status as our tables write it: ``In-Progress`` is ``in_progress``, ``inProgress`` too."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", (status or "").strip())
    return re.sub(r"[\s\-]+", "_", text).lower()


_READ = Lenient(LakeSailOperation, "id", "status")


def to_operation(data: Any) -> Operation:
    """Return an Operation object of the API as ours."""
    wire = _read(data)
    error = _to_error(wire.error)
    progress = _to_progress(wire.progress) if wire.progress else None
    return Operation(
        id=wire.id,
        api=NAME,
        kind=wire.operation or "",
        state=_state(wire, error, completed=_is_set(data.get("completedAt"))),
        raw_state=wire.status or "missing",
        resource_type=wire.resource_type,
        resource_id=wire.resource_id,
        progress=progress,
        error=error,
        result=data["result"] if isinstance(data.get("result"), dict) else None,
        created_at=wire.created_at,
        started_at=wire.started_at,
        updated_at=wire.updated_at,
        ended_at=wire.completed_at,
        raw=data,
    )


def _read(data: Any) -> LakeSailOperation:
    # a word that decides alone needs nothing beside it; any other is decided with what would be left out
    alone = isinstance(data, dict) and isinstance(data.get("status"), str) and word(data["status"]) in STATES
    return _READ(data) if alone else read(LakeSailOperation, data)


def _is_set(time: object) -> bool:
    """Return whether a time is given at all, in whatever format."""
    return bool(time) and (read_time(time) is not None or not str(time).startswith("0001-01-01"))


def _state(wire: LakeSailOperation, error: OperationError | None, *, completed: bool) -> OperationState:
    status = word(wire.status)
    if status in STATES:
        return STATES[status]
    if not completed and status not in OVER:
        return OperationState.UNKNOWN
    broken = wire.progress is not None and wire.progress.summary is not None and wire.progress.summary.failed
    return OperationState.FAILED if error or broken else OperationState.SUCCEEDED


def _to_error(error: LakeSailError | str | None) -> OperationError | None:
    if isinstance(error, str):
        return OperationError(message=error) if error else None
    # an empty object may well mean "no error"
    if error is None or not (error.code or error.message or error.error_type):
        return None
    details = error.details or ErrorDetails()
    pause = _pause(details.retry_after)
    said = {"error_type": error.error_type, **details.model_dump()}
    if pause is None:
        # no number that JSON or a person could use
        said["retry_after"] = None
    return OperationError(
        message=_with_fields(error.message or error.error_type or "", details.field_errors or {}),
        code=error.code,
        retryable=details.retryable,
        retry_after=pause,
        details={name: said[name] for name in _DETAILS if said[name]},
    )


def _with_fields(message: str, field_errors: Mapping[str, str | None]) -> str:
    fields = "; ".join(f"{name}: {problem}" for name, problem in sorted(field_errors.items()))
    return f"{message} ({fields})" if fields else message


def _pause(retry_after: float | None) -> float | None:
    """Return ``retryAfter`` as seconds. Its unit is not documented: milliseconds and epochs end at the bound."""
    if retry_after is None or not math.isfinite(retry_after) or retry_after < 0:
        return None
    return min(retry_after, _LONGEST_RETRY_AFTER)


def _to_progress(progress: LakeSailProgress) -> Progress:
    summary = progress.summary or ProgressSummary()
    total = _count(summary.total)
    return Progress(
        phase=progress.stage or None,
        message=progress.message or None,
        steps=tuple(_to_step(resource) for resource in progress.resources or ()),
        done=_count((summary.succeeded or 0) + (summary.unchanged or 0)) if total is not None else None,
        total=total,
    )


def _to_step(resource: ProgressResource) -> Step:
    took = f"duration {resource.duration:g} (unit not documented)" if resource.duration else None
    facts = (resource.operation, resource.type, resource.urn, took)
    return Step(
        name=resource.name or resource.urn or "",
        state=resource.status or "",
        message=", ".join(fact for fact in facts if fact) or None,
    )


def _count(value: int | None) -> int | None:
    return None if value is None else min(max(value, 0), _MOST)


#: An object with an ``id`` and other fields than these is a resource, and its ``id`` is no operation's.
_OPERATION_FIELDS = frozenset(field.alias or name for name, field in LakeSailOperation.model_fields.items())
_OPERATION_PATH = re.compile(r"/operations/([A-Za-z0-9]+)/?(?:\?.*)?$")


def submitted(response: Response, kind: str, collection: str | None, subject: str | None) -> Submitted:
    """Read an answer to a provisioning call. The shape of these answers is not documented, so all are tried.

    In this order: ``operationId`` (a cluster carries it beside its own ``id``), an object ``operation``, the answer
    being an operation, ``Location`` ending in ``/operations/<id>``, a bare ``id``.

    :param collection: from the path, ``clusters``; names the resource where the answer does not.
    :param subject: id of the resource in the path, if there is one.
    :raises TransportError: reason ``unreadable`` when the answer names no operation; it may have started one.
    """
    body = _object(response)
    operation = _operation_in(body)
    named = body.get("operationId") or operation.get("id") or _from_location(response)
    operation_id = named or (body.get("id") if set(body) <= _OPERATION_FIELDS else None)
    if not isinstance(operation_id, str):
        msg = (
            f"the answer (HTTP {response.status}) names no operation: searched for operationId, operation.id, an "
            "operation itself, and Location ending in /operations/<id>"
        )
        raise TransportError(msg, reason="unreadable")
    whole = _readable(operation) if operation.get("id") == operation_id and operation.get("status") else None
    own_id = body.get("id") if operation is not body and named else None
    return Submitted(
        operation_id,
        kind or (whole.kind if whole else ""),
        (whole.resource_type if whole else None) or (collection.removesuffix("s") if collection else None),
        (whole.resource_id if whole else None) or (own_id if isinstance(own_id, str) else None) or subject,
        whole,
    )


def _object(response: Response) -> dict[str, Any]:
    try:
        body = response.json()
    except TransportError:
        return {}
    return body if isinstance(body, dict) else {}


def _readable(operation: dict[str, Any]) -> Operation | None:
    try:
        return to_operation(operation)
    except TransportError:
        # its id is known, and the next poll may be readable
        return None


def _operation_in(body: dict[str, Any]) -> dict[str, Any]:
    inner = body.get("operation")
    if isinstance(inner, dict):
        return inner
    # an operation has its kind there; a cluster has an operationId instead
    is_one = (isinstance(inner, str) or "resourceType" in body) and "operationId" not in body
    return body if is_one else {}


def _from_location(response: Response) -> str | None:
    match = _OPERATION_PATH.search(response.headers.get("location", ""))
    return match[1] if match else None
