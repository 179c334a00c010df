"""What the outcomes of several waits mean together, and how they travel in an event."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from airflow_provider_ops.core.gate import Limits, clean, fit, ids_in, share
from airflow_provider_ops.core.timeline import Timeline
from airflow_provider_ops.core.wait_state import Outcome, Settled, TimedOut, Unobservable, WaitState
from airflow_provider_ops.exceptions import ApiError, InvalidArgument, OpsError, TransportError, error_class, reworded
from airflow_provider_ops.operation import Operation, OperationState

WaitFor = Literal["all", "any"]

#: Format of events. Raised when an older release would misread it; older formats stay readable.
VERSION = 1


def check_wait_for(value: str) -> WaitFor:
    """Return ``value`` when it is allowed.

    :raises InvalidArgument: it is not.
    """
    if value in get_args(WaitFor):
        return value  # type: ignore[return-value]
    msg = f"wait_for {value!r} is not known: use 'all' or 'any'"
    raise InvalidArgument(msg)


def succeeded(outcome: Outcome | None) -> bool:
    """Return whether a wait ended with success."""
    return isinstance(outcome, Settled) and outcome.operation.state is OperationState.SUCCEEDED


def is_decided(wait_for: WaitFor, outcomes: Sequence[Outcome | None]) -> bool:
    """Return whether further polls cannot change the verdict.

    ``all`` is decided by the first failure, ``any`` by the first success; running out of time never
    ends a wait whose siblings may still decide it.
    """
    if len(outcomes) == 1:
        return outcomes[0] is not None
    open_waits = any(outcome is None for outcome in outcomes)
    if wait_for == "any":
        return not open_waits or any(succeeded(outcome) for outcome in outcomes)
    return not open_waits or any(_end(outcome) == "failed" for outcome in outcomes)


def to_event(watches: Sequence[WaitState], wait_for: WaitFor = "all") -> dict[str, Any]:
    """Return the payload of a trigger's event: everything the worker needs, JSON only, no secrets."""
    limits = share(len(watches))
    return {
        "version": VERSION,
        "status": _status(wait_for, [watch.outcome for watch in watches]),
        "operation_ids": [watch.operation_id for watch in watches],
        "waits": {watch.operation_id: _write(watch, limits) for watch in watches},
    }


def _write(watch: WaitState, limits: Limits) -> dict[str, Any]:
    wait = {**_encode(watch.outcome, watch.operation), "timeline": watch.timeline.to_dict()}
    written, is_cut = fit(wait, limits, ids_in(wait["operation"]))
    return {**written, "is_cut": True} if is_cut else written


def from_event(event: object) -> dict[str, tuple[Outcome | None, Timeline]]:
    """Return the outcomes and timelines that an event carries, by operation id.

    What cannot be read (the event of a newer release) has no outcome, so that the task polls by itself.
    """
    if not isinstance(event, Mapping) or is_newer(event.get("version")):
        return {}
    # one that an earlier release has stored is cleaned here
    waits = clean(event.get("waits"))
    return {str(name): _read(data) for name, data in waits.items()} if isinstance(waits, Mapping) else {}


def is_newer(version: object, known: int = VERSION) -> bool:
    """Return whether a stored version is one that only a newer release knows; what is no version is none."""
    return isinstance(version, int) and version > known


def why_no_outcome(event: object) -> str:
    """Return why an event says nothing about its operations, for the log."""
    if not isinstance(event, Mapping):
        return f"it is a {type(event).__name__}"
    if is_newer(event.get("version")):
        return f"a newer release has written it, in format {event['version']}, and this one reads up to {VERSION}"
    error = event.get("error")
    return error if isinstance(error, str) else "no reason given"


def awaited_ids(event: object) -> list[str]:
    """Return the ids of the operations that an event is about."""
    ids = event.get("operation_ids") if isinstance(event, Mapping) else None
    return [one for one in ids if isinstance(one, str)] if isinstance(ids, (list, tuple)) else []


def _read(data: Any) -> tuple[Outcome | None, Timeline]:
    timeline, outcome = Timeline(0.0), None
    # without an outcome the task polls again, which is right for every unknown layout
    with contextlib.suppress(Exception):
        timeline = Timeline.from_dict(data.get("timeline") or {})
    with contextlib.suppress(Exception):
        outcome = _decode(data)
    return outcome, timeline


def _status(wait_for: WaitFor, outcomes: Sequence[Outcome | None]) -> str:
    ends = {_end(outcome) for outcome in outcomes}
    if wait_for == "any" and "succeeded" in ends:
        return "succeeded"
    # of several waits for any, one that is still running may yet succeed, so the failures of others decide nothing
    if "failed" in ends and not (wait_for == "any" and "timeout" in ends):
        return "failed"
    return "timeout" if "timeout" in ends else "succeeded"


def _end(outcome: Outcome | None) -> str:
    if isinstance(outcome, Settled):
        return "succeeded" if succeeded(outcome) else "failed"
    if outcome is None:
        return "open"
    return "timeout" if isinstance(outcome, TimedOut) else "failed"


def _encode(outcome: Outcome | None, last: Operation | None) -> dict[str, Any]:
    if isinstance(outcome, Settled):
        return {"outcome": "settled", "operation": outcome.operation.to_dict()}
    operation = last.to_dict() if last else None
    match outcome:
        case TimedOut():
            return {"outcome": "timeout", "operation": operation, "error": _encode_error(outcome.error)}
        case Unobservable():
            return {"outcome": "gave_up", "operation": operation, "error": _encode_error(outcome.error)}
        case None:
            return {"outcome": "open", "operation": operation}


def _decode(data: Mapping[str, Any]) -> Outcome | None:
    operation = Operation.from_dict(data["operation"]) if data.get("operation") else None
    error = _decode_error(data.get("error"))
    match data.get("outcome"):
        case "settled" if operation is not None and operation.state.is_terminal:
            return Settled(operation, is_cut=bool(data.get("is_cut")))
        case "timeout":
            return TimedOut(operation, error)
        case "gave_up":
            return Unobservable(
                operation,
                error or OpsError("the trigger gave up without saying why; check the log of the triggerer"),
            )
        case _:
            return None


def _encode_error(error: OpsError | None) -> dict[str, Any] | None:
    if error is None:
        return None
    if isinstance(error, ApiError):
        return {
            "status": error.status,
            "code": error.code,
            "message": error.message,
            "request_id": error.request_id,
            "what": error.what,
        }
    return {"message": error.what, "reason": getattr(error, "reason", None)}


def _decode_error(data: Mapping[str, Any] | None) -> OpsError | None:
    if data is None:
        return None
    if data.get("status"):
        status = int(data["status"])
        error = error_class(status)(status, data.get("code"), data.get("message", ""), data.get("request_id"))
        return reworded(error, data["what"]) if data.get("what") else error
    if data.get("reason"):
        return TransportError(data.get("message", ""), reason=data["reason"])
    return OpsError(data.get("message", ""))
