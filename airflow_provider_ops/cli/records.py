"""What Airflow's own records say a task has submitted: handle, XComs, progress and the tries before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from airflow_provider_ops.cli.tables import TaskRow
from airflow_provider_ops.core.handle import owed_policy
from airflow_provider_ops.core.history import KEY as PROGRESS
from airflow_provider_ops.core.history import TRIES, WaitHistory, read_record
from airflow_provider_ops.decorators.operation import AWAITED
from airflow_provider_ops.lifecycle.handle_store import KEY as STORED_HANDLE
from airflow_provider_ops.lifecycle.legs import OPERATION_HANDLE

#: XComs that say what a task has submitted or waited for.
XCOM_KEYS = ("operation_id", "resource_id", OPERATION_HANDLE, AWAITED, PROGRESS)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An operation that a task has submitted, as far as Airflow's records show it.

    :param creates: whether it makes a new resource; ``None`` where only its kind shows that.
    :param owes: the policy that an attempt had begun when it died, as in ``on_kill=delete``.
    """

    operation_id: str
    kind: str = ""
    resource_type: str | None = None
    resource_id: str | None = None
    creates: bool | None = None
    owes: str | None = None

    def with_facts(self, facts: Mapping[str, Any]) -> Recorded:
        """Add what another record knows of the same operation."""
        creates = facts.get("creates") if self.creates is None else self.creates
        return replace(
            self,
            # what the API calls it, where a record has that
            kind=self.kind if "." in self.kind else _text(facts.get("kind")) or self.kind,
            resource_type=self.resource_type or _text(facts.get("resource_type")),
            resource_id=self.resource_id or _text(facts.get("resource_id")),
            creates=creates if isinstance(creates, bool) else None,
            owes=self.owes or _text(facts.get("owes")),
        )


@dataclass(slots=True)
class TaskRecord:
    """What the records of one task instance come to.

    :param api: name of the API, where a record has it.
    :param conn_id: the connection, where a record has it.
    :param kind: of its last submit, where a handle has it.
    :param submitted: in the order of the tries.
    :param awaited: ids of operations that it only waited for.
    :param unanswered: its last submit was sent, and what it started was never recorded.
    :param generations: how many submits may have made a resource each, as its handle counts them.
    """

    api: str | None = None
    conn_id: str | None = None
    kind: str = ""
    submitted: dict[str, Recorded] = field(default_factory=dict)
    awaited: list[str] = field(default_factory=list)
    unanswered: bool = False
    generations: int = 0
    recorded_tries: set[int] = field(default_factory=set)

    def add(self, operation_id: object, **facts: Any) -> None:
        """Note an operation that the task has submitted."""
        if isinstance(operation_id, str) and operation_id:
            before = self.submitted.get(operation_id, Recorded(operation_id))
            self.submitted[operation_id] = before.with_facts(facts)


def read_task(row: TaskRow) -> TaskRecord:
    """Return what the records of a task instance say. Records that this release cannot read say nothing."""
    history = read_record(row.xcoms.get(PROGRESS))
    handles = [
        one for one in (row.xcoms.get(OPERATION_HANDLE), row.store.get(STORED_HANDLE)) if isinstance(one, Mapping)
    ]
    found = TaskRecord(
        api=_text(next((one.get("api") for one in handles), None)) or (history.api if history else None) or None,
        conn_id=_text((row.fields or {}).get("conn_id")) or (history.conn_id if history else None) or None,
    )
    _add_tries(found, row, submits=bool(handles))
    for handle in handles:
        _add_handle(found, handle)
    if AWAITED not in row.xcoms:
        found.add(row.xcoms.get("operation_id"), resource_id=row.xcoms.get("resource_id"))
    if history is not None:
        _add_history(found, history)
    return found


def add_result(found: TaskRecord, result: object) -> None:
    """Add what the task has returned to what is known of the operations that it submitted."""
    if not isinstance(result, Mapping):
        return
    operation = result.get("operation")
    facts = operation if isinstance(operation, Mapping) else {}
    if result.get("operation_id") in found.submitted:
        found.add(result["operation_id"], resource_id=result.get("resource_id"))
        found.add(
            result["operation_id"], **{name: facts.get(name) for name in ("kind", "resource_type", "resource_id")}
        )
        found.api = found.api or _text(facts.get("api"))


def _add_tries(found: TaskRecord, row: TaskRow, *, submits: bool) -> None:
    for entry in _entries(row.store.get(TRIES)):
        first = entry.get("first")
        first = first if isinstance(first, Mapping) else entry
        if submits:
            facts = {name: first.get(name) for name in ("kind", "resource_type", "resource_id")}
            found.add(first.get("operation_id"), **facts)
        if isinstance(entry.get("try_number"), int):
            found.recorded_tries.add(entry["try_number"])


def _add_handle(found: TaskRecord, handle: Mapping[str, Any]) -> None:
    is_answered = bool(handle.get("operation_id") or handle.get("operations"))
    found.kind = _text(handle.get("kind")) or found.kind
    made_nothing = not is_answered and bool(handle.get("refused") or handle.get("not_sent"))
    generation = handle.get("generation")
    if isinstance(generation, int):
        found.generations = max(found.generations, generation - made_nothing)
    about = {name: handle.get(name) for name in ("kind", "creates")}
    # a handle names one operation by itself, and all of them in a list where there may be several
    for operation in (handle, *_entries(handle.get("operations"))):
        facts = {name: operation.get(name) for name in ("resource_type", "resource_id")}
        found.add(operation.get("operation_id"), **about, **facts)
    if handle.get("operation_id"):
        found.add(handle["operation_id"], owes=owed_policy(handle))
    found.unanswered = not (is_answered or made_nothing)


def _add_history(found: TaskRecord, history: WaitHistory) -> None:
    for operation_id, one in history.operations.items():
        operation = one.operation
        if operation_id not in found.submitted:
            found.awaited.append(operation_id)
        elif operation is not None:
            facts = {name: getattr(operation, name) for name in ("kind", "resource_type", "resource_id")}
            found.add(operation_id, **facts)


def _entries(kept: object) -> Iterator[Mapping[str, Any]]:
    yield from (entry for entry in (kept if isinstance(kept, list) else ()) if isinstance(entry, Mapping))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
