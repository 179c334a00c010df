"""Operations of Akua as they come over the wire, and how they become ours [sections 2 and 3]; shared call shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from airflow_provider_ops.apis.akua.metadata import Metadata
from airflow_provider_ops.apis.akua.results import Result
from airflow_provider_ops.apis.akua.times import Time
from airflow_provider_ops.apis.calls import Call, Page, Paged, Request, Response, path
from airflow_provider_ops.apis.lenient import Lenient
from airflow_provider_ops.apis.wire_models import WireModel, read
from airflow_provider_ops.exceptions import InvalidArgument, TransportError
from airflow_provider_ops.operation import Operation, OperationError, OperationState, Progress, Step

M = TypeVar("M", bound=WireModel)
T = TypeVar("T")

API = "akua"
#: The documented maximum of ``limit``.
_LIMIT = 100
_NO_LIST = "the answer has no list 'data'"

OwnerType = Literal["install", "repository_change_request", "repository", "workspace", "machine", "cluster", "package"]

#: There is no pending or queued state [section 3].
_STATES = {
    "RUNNING": OperationState.RUNNING,
    "SUCCEEDED": OperationState.SUCCEEDED,
    "FAILED": OperationState.FAILED,
    "CANCELLED": OperationState.CANCELLED,
}
_FINISHED_STEP = frozenset({"completed", "failed", "skipped"})
_BY_PEOPLE = frozenset({"user", "approval"})


class AkuaError(WireModel):
    """``error`` or ``last_error`` of an operation; there is no code."""

    message: str | None = None
    step_name: str | None = None


class AkuaStep(WireModel):
    """A step; ``execution_type`` ``user`` and ``approval`` wait for a person."""

    name: str | None = None
    status: str | None = None
    execution_type: str | None = None
    started_at: Time = None
    completed_at: Time = None
    error_message: str | None = None
    retryable: bool | None = None
    skippable: bool | None = None


class AkuaOperation(WireModel):
    """An operation as Akua shows it, with typed ``metadata`` and ``response``. Lists leave out ``steps``.

    ``operation_id`` is an alias of ``id`` that only machine calls send.
    """

    id: str
    operation_id: str | None = None
    workspace_id: str | None = None
    organization_id: str | None = None
    owner_type: str | None = None
    owner_id: str | None = None
    parent_operation_id: str | None = None
    state: str | None = None
    done: bool | None = None
    html_url: str | None = None
    metadata: Metadata | None = None
    response: Result | None = None
    error: AkuaError | None = None
    last_error: AkuaError | None = None
    started_at: Time = None
    completed_at: Time = None
    steps: Sequence[AkuaStep] | None = None


# what it was asked for is what a lost submit is found by
_READ = Lenient(AkuaOperation, "id", "state", "metadata", "response")


class OperationEnvelope(WireModel):
    """The answer that is nothing but an id."""

    operation_id: str


def to_operation(data: Any) -> Operation:
    """Return an operation of Akua as one of ours."""
    wire = _READ(data)
    raw_state = wire.state or "missing"
    metadata, response = data.get("metadata"), data.get("response")
    return Operation(
        id=wire.id,
        api=API,
        kind=str((metadata or {}).get("type") or ""),
        state=_STATES.get(raw_state, OperationState.UNKNOWN),
        raw_state=raw_state,
        resource_type=wire.owner_type,
        resource_id=wire.owner_id,
        progress=_progress(wire),
        error=_error(wire),
        result=response,
        url=wire.html_url,
        created_at=wire.started_at,
        started_at=wire.started_at,
        ended_at=wire.completed_at,
        raw=data,
    )


def key_of(operation: Operation) -> str | None:
    """Return the caller's idempotency key, where the operation shows it."""
    metadata = operation.raw.get("metadata")
    key = metadata.get("idempotency_key") if isinstance(metadata, Mapping) else None
    return key if isinstance(key, str) else None


def started(response: Response) -> Operation:
    """Return the operation in an answer of any of the four shapes.

    Where only its id is known it is ``PENDING`` with the raw state ``accepted``.
    """
    body = body_of(response)
    if "state" in body:
        return to_operation({"id": body.get("operation_id"), **body})
    envelope = read(OperationEnvelope, {"operation_id": body.get("id"), **body})
    return Operation(envelope.operation_id, API, "", OperationState.PENDING, "accepted", raw=body)


def _progress(wire: AkuaOperation) -> Progress | None:
    steps = wire.steps or ()
    over = _STATES.get(wire.state or "", OperationState.UNKNOWN).is_terminal
    # of what is over it is the error
    last = None if over or wire.last_error is None else wire.last_error.message
    trouble = f"last error: {last}" if last else None
    if not steps:
        return Progress(message=trouble) if trouble else None
    shown = tuple(_step(step, steps[:at]) for at, step in enumerate(steps))
    current = None if over else next((step for step in shown if step.state not in _FINISHED_STEP), None)
    waiting = "waits for a person" if current and current.needs_human else None
    return Progress(
        phase=current.name if current else None,
        message="; ".join(filter(None, (waiting, trouble))) or None,
        steps=shown,
        done=sum(step.state in _FINISHED_STEP for step in shown),
        total=len(shown),
    )


def _step(step: AkuaStep, before: Sequence[AkuaStep]) -> Step:
    open_for_people = step.execution_type in _BY_PEOPLE and step.status not in _FINISHED_STEP
    return Step(
        name=step.name or "unnamed",
        state=step.status or "missing",
        started_at=step.started_at,
        ended_at=step.completed_at,
        message=step.error_message,
        # no person is needed before its turn has come
        needs_human=open_for_people and all(earlier.status in _FINISHED_STEP for earlier in before),
    )


def _error(wire: AkuaOperation) -> OperationError | None:
    if _STATES.get(wire.state or "") not in (OperationState.FAILED, OperationState.CANCELLED):
        return None
    failed = next((step for step in wire.steps or () if step.error_message), None)
    last = wire.last_error
    where = (last.step_name if last else None) or (failed.name if failed else None)
    said = (wire.error.message if wire.error else None) or (last.message if last else None)
    said = said or (failed.error_message if failed else None)
    if said is None:
        return None
    return OperationError(f"{said} (step {where!r})" if where else said, details={"step": where} if where else {})


def body_of(response: Response) -> dict[str, Any]:
    """Return the body of an answer that must be an object."""
    body = response.json()
    if not isinstance(body, dict):
        msg = f"the answer (HTTP {response.status}) is no JSON object"
        raise TransportError(msg, reason="unreadable")
    return body


def reading(route: str, model: type[M], query: Mapping[str, Any] | None = None, **ids: str) -> Call[M]:
    """Return the call that reads one object."""
    return Call(
        Request("GET", path(route, **ids), route, query=query or {}),
        lambda response: read(model, body_of(response)),
    )


def listing(route: str, to_item: Callable[[Any], T], query: Mapping[str, Any] | None = None, **ids: str) -> Paged[T]:
    """Return a list; all have ``cursor`` and ``limit`` [section 8]."""
    where = path(route, **ids)

    def page(cursor: str | None) -> Call[Page[T]]:
        def parse(response: Response) -> Page[T]:
            body = body_of(response)
            items, following = [to_item(row) for row in _rows(body)], body.get("next_cursor")
            if not isinstance(following, str) or not following:
                return Page(items, cut=None if "data" in body else _NO_LIST)
            if following == cursor:
                # it would be read for ever
                return Page(items, cut="the cursor of the next page is the same as that of this page")
            return Page(items, page(following))

        asked = {**(query or {}), "limit": _LIMIT, **({"cursor": cursor} if cursor else {})}
        return Call(Request("GET", where, route, query=asked), parse)

    return Paged(page(None))


def listing_models(route: str, model: type[M], query: Mapping[str, Any] | None = None, **ids: str) -> Paged[M]:
    """Return a list of objects of one model."""
    return listing(route, lambda item: read(model, item), query, **ids)


def unpaged_models(route: str, model: type[M], query: Mapping[str, Any] | None = None, **ids: str) -> Paged[M]:
    """Return a list that comes whole: the contract declares neither ``cursor`` nor ``limit`` for it."""

    def parse(response: Response) -> Page[M]:
        body = body_of(response)
        return Page([read(model, row) for row in _rows(body)], cut=None if "data" in body else _NO_LIST)

    return Paged(Call(Request("GET", path(route, **ids), route, query=query or {}), parse))


def _rows(body: Mapping[str, Any]) -> Sequence[Any]:
    rows = body.get("data") or ()
    if not isinstance(rows, (list, tuple)):
        raise TransportError("the answer's 'data' is no list", reason="unreadable")
    return rows


def is_header(value: str) -> bool:
    """Return whether a text can be sent in a header."""
    return bool(value) and value.isascii() and value.isprintable()


def check_header(name: str, value: str | None, longest: int) -> None:
    """Refuse what cannot be sent in a header of a bounded length.

    :raises InvalidArgument: names the argument and what is allowed.
    """
    check_length(name, value, longest)
    if value is not None and not is_header(value):
        raise InvalidArgument(f"{name} must have printable ASCII characters only: {value!r}")


def check_length(name: str, value: str | None, longest: int, shortest: int = 1) -> None:
    """Refuse a text that the sheet bounds.

    :raises InvalidArgument: names the argument and the bounds.
    """
    if value is not None and not shortest <= len(value) <= longest:
        msg = f"{name} must have {shortest} to {longest} characters, not {len(value)}: {value!r}"
        raise InvalidArgument(msg)
