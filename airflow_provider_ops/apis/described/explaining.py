"""What each field of a spec comes to in a real operation."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_ops.apis.calls import Call, Flow, Page, Response
from airflow_provider_ops.apis.described.api import ApiOfSpec
from airflow_provider_ops.apis.described.entries import Entries
from airflow_provider_ops.apis.described.filling import Values
from airflow_provider_ops.apis.described.reading import exchange_of
from airflow_provider_ops.apis.described.searching import EPOCH
from airflow_provider_ops.apis.described.secrets import shown, without_secrets
from airflow_provider_ops.apis.whole_lists import ListRead
from airflow_provider_ops.core.gate import one_line
from airflow_provider_ops.exceptions import ApiError, InvalidArgument, TransportError
from airflow_provider_ops.operation import Operation
from airflow_provider_ops.spec.expressions import Exchange
from airflow_provider_ops.spec.keys import KEY_LENGTH, key_text
from airflow_provider_ops.spec.sections import CallSpec, FindSpec, OperationSpec
from airflow_provider_ops.spec.values import find_all

_MOST_SHOWN = 3
#: Pages that a search is tried with.
_MOST_PAGES = 5
_WRONG = "if one of them has it, mend the pointer"
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an operation.

    :param expression: what the spec says.
    :param found: what that finds, as text; ``None`` for nothing.
    :param means: what it comes to.
    """

    field: str
    expression: str
    found: str | None
    means: str | None


def explained(api: ApiOfSpec, operation_id: str | None) -> Flow[list[Field]]:
    """Return what each field comes to in one operation.

    :param operation_id: which; without it the first that a list shows.
    :raises InvalidArgument: there is none to read.
    :raises TransportError: it, or the list, cannot be read as the spec says.
    """
    name = operation_id or (yield from _first_listed(api))
    call = api.get_operation(name)
    response: Response = yield Call(call.request, lambda answer: answer, accepts=call.accepts)
    exchange = shown(exchange_of(response), api.spec.secrets)
    body = exchange.response_body
    spec = api.spec.operation
    entries = find_all(spec.entry, exchange, body) if spec.entry else [body]
    entry = without_secrets(entries[0], api.spec.secrets, of_entry=True) if entries else None
    try:
        operation, problem = call.parse(response), None
    except TransportError as error:
        operation, problem = None, error.what
    return list(_fields(spec, exchange, entry, operation, problem))


def searched(api: ApiOfSpec) -> Flow[list[Field]]:
    """Return what each search shows where it asks for a key that nothing has."""
    found: list[Field] = []
    for call in api.spec.calls:
        find = api.spec.inherited(call, "find")
        if find is not None:
            found += yield from _searched(api, call, find)
    return found


def _searched(api: ApiOfSpec, call: CallSpec, find: FindSpec) -> Flow[list[Field]]:
    mark, short = api.spec.inherited(call, "mark"), secrets.token_hex(KEY_LENGTH // 2)
    named = {**api.variables, "kind": call.kind, "since": EPOCH}
    values = Values({**named, "mark": key_text(mark, short)} if mark else named, short)
    name = f"find of {call.request}"
    try:
        read: ListRead[Any] = yield from Entries(api.spec).read("find", find, values, most_pages=_MOST_PAGES)
    except InvalidArgument:
        # its request has a part of the submit
        return [Field(name, find.request, None, "not tried: it needs the path or the body of a submit")]
    except (ApiError, TransportError) as error:
        return [Field(name, ", ".join(find.entries) or find.request, None, f"cannot be read: {error.what}")]
    rows = read.items
    said = f"{len(rows)} entries" if find.entries else "an object" if rows else "none (404)"
    means = "complete" if read.gap is None else f"not complete: {read.gap.what}"
    parts = {"match": find.match, "operation_id": find.operation_id, "resource_id": find.resource_id}
    return [
        Field(name, ", ".join(find.entries) or find.request, said, means),
        *(_in_entries(f"{name}: {part}", texts, rows) for part, texts in parts.items() if texts and rows),
    ]


def _in_entries(name: str, texts: Sequence[str], rows: Sequence[Any]) -> Field:
    found = [one for row in rows for one in find_all(texts, Exchange(), row)[:1]]
    means = f"in {len(found)} of {len(rows)} entries"
    return Field(name, ", ".join(texts), _shown(found[0]) if found else None, means if found else f"{means}: {_WRONG}")


def _first_listed(api: ApiOfSpec) -> Flow[str]:
    cut: str | None = None
    for listed in (*api.open_operations(), *api.recent_operations()):
        page: Page[Any] = yield listed.entries.first
        if page.cut is not None:
            cut = cut or f"{listed.entries.first.request}: {page.cut}"
        for entry in page.items:
            if name := listed.id_of(entry):
                return name
    if cut is not None:
        raise TransportError(cut, reason="unreadable")
    raise InvalidArgument(f"{api.title} lists no operation now: name one with --operation-id")


def _fields(
    spec: OperationSpec, exchange: Exchange, entry: Any, operation: Operation | None, problem: str | None
) -> Iterator[Field]:
    yield _field("entry", spec.entry, exchange, entry, "there" if entry is not None else "nothing")
    yield _field("id", spec.id, exchange, entry, operation.id if operation else problem)
    yield _field("status", spec.status, exchange, entry, str(operation.state) if operation else problem)
    if spec.verdict is not None:
        yield _field("verdict.status", spec.verdict.status, exchange, entry, operation.raw_state if operation else None)
    resource, error = spec.resource, spec.error
    if resource is not None:
        yield _field("resource.type", resource.type, exchange, entry, operation and operation.resource_type)
        yield _field("resource.id", resource.id, exchange, entry, operation and operation.resource_id)
    if error is not None:
        said = operation.error if operation else None
        yield _field("error.code", error.code, exchange, entry, said and said.code)
        yield _field("error.message", error.message, exchange, entry, said and said.message)
    progress = operation.progress if operation else None
    yield _field("kind", spec.kind, exchange, entry, operation and operation.kind)
    yield _field("progress", spec.progress, exchange, entry, progress and progress.done)
    yield _field("phase", spec.phase, exchange, entry, progress and progress.phase)
    yield _field("message", spec.message, exchange, entry, progress and progress.message)
    for name in ("created_at", "started_at", "updated_at", "ended_at", "url"):
        yield _field(name, getattr(spec, name), exchange, entry, getattr(operation, name) if operation else None)


def _field(name: str, texts: Sequence[str], exchange: Exchange, entry: Any, means: object) -> Field:
    found = find_all(texts, exchange, entry) if name != "entry" else [] if entry is None else [entry]
    shown = ", ".join(_shown(one) for one in found[:_MOST_SHOWN]) or None
    return Field(name, ", ".join(texts), shown, None if means is None or means == "" else _shown(means))


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return one_line(f"an object with {', '.join(map(str, value))}")[:_LONGEST]
    return one_line(str(value).lower() if isinstance(value, bool) else str(value))[:_LONGEST]


def given(fields: Sequence[Field]) -> list[Field]:
    """Return the fields that the spec has."""
    return [one for one in fields if one.expression]
