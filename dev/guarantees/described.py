"""What a spec says about its rows: what is started, and what may be expected of it."""

from __future__ import annotations

from typing import Final, Literal

from airflow_provider_ops.simulator.described.bodies import word_of
from airflow_provider_ops.simulator.described.requests import OPERATIONS
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.spec.promises import exactly_once, is_idempotent
from airflow_provider_ops.spec.requests import parse_line
from airflow_provider_ops.spec.sections import CallSpec
from dev.guarantees.api_case import UNKNOWN_STATUS, ApiCase

_RUN: Final = "{{ run_id }}"
#: Specs with all rows: with search and cancel, with search and deletion, with nothing. The rest is one code for all.
_WHOLE: Final = ("airflow", "hetzner", "exports")


def case_of(spec: ApiSpec) -> ApiCase:
    """Return what is known of the first call of a spec, whose body and path have the run id wherever they can."""
    call = spec.calls[0]
    line, mark = parse_line(call.request), spec.inherited(call, "mark")
    cancel, delete = spec.inherited(call, "cancel"), spec.inherited(call, "delete")
    ending = cancel or (delete if call.creates else None)
    get = spec.operation.get
    # a name of the user's own would take the place of our key
    is_named_by_us = mark is not None and (mark.in_, mark.name) == ("body", "/name")
    return ApiCase(
        spec.name,
        ("operation", "OperationRequestOperator"),
        {
            "conn_id": f"{spec.name}_default",
            "method": line.method,
            "path": "".join(part if isinstance(part, str) else _RUN for part in line.path.parts),
            "json": {} if is_named_by_us else {"name": _RUN},
        },
        create=line.route,
        method=line.method,
        finds=_finds(spec, call),
        can_cancel=cancel is not None,
        can_delete=bool(call.creates) and delete is not None,
        ending=_place(ending.request) if ending is not None else None,
        derives_name=is_named_by_us,
        is_described=True,
        # a request that may be repeated makes what its path names, by however many operations
        makes_resources=bool(call.creates) or is_idempotent(spec, call),
        has_all_rows=spec.name in _WHOLE,
        reads=parse_line(get.request).route if get is not None else f"{OPERATIONS}/{{operation_id}}",
        status=_status(spec),
    )


def _finds(spec: ApiSpec, call: CallSpec) -> Literal["search", "key", "no"]:
    promise = exactly_once(spec, call)
    if "AmbiguousSubmission" in promise:
        return "no"
    return "key" if promise.startswith("repeated") else "search"


def _place(request: str) -> tuple[str, str]:
    line = parse_line(request)
    # an id that keeps its slashes is matched as such
    return line.method, line.path.text


def _status(spec: ApiSpec) -> str:
    """Return a word of an operation that takes longer: a known one, where any other would be the end of it."""
    words = spec.operation.states.lists()
    known = word_of(words, "running") or word_of(words, "pending")
    takes_any = any("*" in listed for listed in words.values())
    return known if takes_any and known else UNKNOWN_STATUS
