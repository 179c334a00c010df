"""What a spec says of an API as a whole, and which values may come into its requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from airflow_provider_ops.apis.base import by_kind, table
from airflow_provider_ops.apis.calls import check_id
from airflow_provider_ops.core.gate import cut_text, why_no_id
from airflow_provider_ops.core.poll_interval import PollPolicy
from airflow_provider_ops.core.values import is_list_text
from airflow_provider_ops.exceptions import ApiError, InvalidArgument
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.spec.sections import PollSpec, Refusal
from airflow_provider_ops.spec.templates import parse_template

#: Seconds to wait for an operation where the spec does not say.
_TIMEOUT = 3600.0
_GROWTH = 1.5
#: Bytes of an id that is none, in the error about it.
_SHOWN_ID = 200

V = TypeVar("V")


def checked_id(operation_id: object) -> str:
    """Return an id that may be one of an operation.

    :raises InvalidArgument: it cannot.
    """
    if operation_id == "None" or (isinstance(operation_id, str) and is_list_text(operation_id)):
        # the same in every API
        return check_id("operation_id", operation_id)
    why = why_no_id(operation_id) if isinstance(operation_id, str) else f"is {type(operation_id).__name__}, not text"
    if not isinstance(operation_id, str) or why is not None or operation_id != operation_id.strip():
        why = why or "begins or ends with a space"
        shown = cut_text(operation_id, _SHOWN_ID) if isinstance(operation_id, str) else operation_id
        raise InvalidArgument(f"operation_id {shown!r} cannot be an id: it {why}; pass it exactly as the API gave it")
    return operation_id


def variables_of(spec: ApiSpec, given: Mapping[str, str]) -> dict[str, str]:
    """Return a value for each variable of a spec, as given or its default.

    :raises InvalidArgument: one is unknown, or has neither value nor default.
    """
    unknown = sorted(set(given) - set(spec.variables))
    if unknown:
        known = ", ".join(spec.variables) or "none"
        raise InvalidArgument(
            f"variables has {unknown[0]!r}, which the spec of {spec.shown_title} lacks; known: {known}"
        )
    values = {name: given.get(name, one.default) for name, one in spec.variables.items()}
    missing = [name for name, value in values.items() if value is None]
    if missing:
        raise InvalidArgument(
            f"variables must give {missing[0]!r}: the spec of {spec.shown_title} has no default for it"
        )
    return {name: str(value) for name, value in values.items()}


def facts_of(spec: ApiSpec, variables: Mapping[str, str]) -> dict[str, Any]:
    """Return the attributes of an :class:`Api` that a spec gives."""
    polls = {call.kind: _policy(call.poll) for call in spec.calls if call.poll}
    timeouts = {call.kind: call.timeout for call in spec.calls if call.timeout is not None}
    kinds = [call.kind for call in spec.calls]
    cancels = [spec.cancel, *(call.cancel for call in spec.calls)]
    return {
        "name": spec.name,
        "title": spec.shown_title,
        "base_url": parse_template(spec.base_url).fill(lambda one: variables.get(one.name)),
        "timeouts": _of_calls({"": _TIMEOUT, **spec.timeouts}, timeouts, kinds),
        "polls": _of_calls({"": _policy(spec.poll)}, polls, kinds),
        "can_cancel": any(one is not None for one in cancels),
        "lists_operations": bool(spec.lists and spec.lists.open),
        "budget_headers": _budget_headers(spec),
        "ids_per_request": spec.lists.by_ids.max if spec.lists and spec.lists.by_ids else 0,
        "longest_poll": spec.wait.max if spec.wait else 0.0,
        "requests_per_second": spec.budget.requests_per_second if spec.budget else None,
    }


def _budget_headers(spec: ApiSpec) -> tuple[str, str] | None:
    remaining = spec.budget.ratelimit_remaining_header if spec.budget else None
    reset = spec.budget.ratelimit_reset_header if spec.budget else None
    return (remaining.lower(), reset.lower()) if remaining and reset else None


def _of_calls(of_all: Mapping[str, V], own: Mapping[str, V], kinds: Sequence[str]) -> Mapping[str, V]:
    """Return a table by kind in which what a call says is its own, although another kind may begin like its kind.

    :param of_all: what the spec says of kinds, which counts before what a call says of the same kind.
    :param kinds: of all calls.
    """
    found = {**own, **of_all}
    for kind in kinds:
        if kind not in found and by_kind(found, kind) != by_kind(of_all, kind):
            found[kind] = by_kind(of_all, kind)
    return table(found)


def _policy(poll: PollSpec) -> PollPolicy:
    first = poll.delay or poll.min or min(1.0, poll.max or 1.0)
    cap = poll.max or max(first, 10.0)
    return PollPolicy(first=first, factor=_GROWTH, cap=max(cap, first))


def is_meant(refusal: Refusal | None, error: ApiError) -> bool:
    """Return whether an error is one of those that a spec means."""
    if refusal is None or not (refusal.status or refusal.code):
        return False
    return (not refusal.status or error.status in refusal.status) and (not refusal.code or error.code in refusal.code)
