"""What Airflow's own records say a task has submitted and waited for: handle, XComs, progress and the tries before."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from airflow_provider_ops.cli.tables import TaskRow
from airflow_provider_ops.core.handle import owed_policy
from airflow_provider_ops.core.history import KEY as PROGRESS
from airflow_provider_ops.core.history import RECORD, TRIES, WaitHistory, read_record
from airflow_provider_ops.decorators.operation import AWAITED
from airflow_provider_ops.lifecycle.handle_store import KEY as STORED_HANDLE
from airflow_provider_ops.lifecycle.legs import OPERATION_HANDLE

#: XComs that say what a task has submitted or waited for.
XCOM_KEYS = ("operation_id", "resource_id", OPERATION_HANDLE, AWAITED, PROGRESS)
_AN_ID = re.compile(r"[\w.:~-]+")
#: Facts about an operation that several records may have.
_FACTS = ("kind", "resource_type", "resource_id")


@dataclass(frozen=True, slots=True)
class Recorded:
    """An operation that a task has submitted or waited for, as far as Airflow's records show it.

    :param creates: whether it makes a new resource; ``None`` where only its kind shows that.
    :param owes: the policy that an attempt had begun when it died, as in ``on_kill=delete``.
    :param is_adopted: whether the task was given it, or found it as made by another.
    """

    operation_id: str
    kind: str = ""
    resource_type: str | None = None
    resource_id: str | None = None
    creates: bool | None = None
    owes: str | None = None
    created_at: datetime | None = None
    is_adopted: bool = False

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
            created_at=self.created_at or facts.get("created_at"),
        )


@dataclass(slots=True)
class TaskRecord:
    """What the records of one task instance come to.

    :param api: name of the API, where a record has it.
    :param conn_id: the connection, where a record has it.
    :param kind: of its last submit, where a handle has it.
    :param submitted: in the order of the tries.
    :param awaited: operations that it only waited for, because others have started them.
    :param omitted: how many operations it waited for beyond those that are recorded.
    :param has_history: whether there is a record of what its last try waited for.
    :param unanswered: its last submit was sent, and what it started was never recorded.
    :param generations: how many submits may have made a resource each, as its handle counts them.
    """

    api: str | None = None
    conn_id: str | None = None
    kind: str = ""
    submitted: dict[str, Recorded] = field(default_factory=dict)
    awaited: dict[str, Recorded] = field(default_factory=dict)
    omitted: int = 0
    has_history: bool = False
    unanswered: bool = False
    generations: int = 0
    recorded_tries: set[int] = field(default_factory=set)

    def add(self, operation_id: object, **facts: Any) -> None:
        """Add facts about an operation that the task has submitted or waited for."""
        if isinstance(operation_id, str) and operation_id:
            kept = self.awaited if operation_id in self.awaited else self.submitted
            kept[operation_id] = kept.get(operation_id, Recorded(operation_id)).with_facts(facts)


class _Claims:
    """What the records say of each operation, until it is certain whether the task has submitted it.

    One that a try has submitted stays the task's own, also where a later try was given it. What may be another's
    is not deleted, so that an id without more counts only where no record says that the task was given it.
    """

    def __init__(self) -> None:
        self._facts: dict[str, Recorded] = {}
        self._submitted: set[str] = set()
        self._adopted: set[str] = set()
        self._probable: set[str] = set()

    def add(self, operation_id: object, **facts: Any) -> None:
        if isinstance(operation_id, str) and operation_id:
            self._facts[operation_id] = self._facts.get(operation_id, Recorded(operation_id)).with_facts(facts)

    def submitted(self, operation_id: object, **facts: Any) -> None:
        self._claim(self._submitted, operation_id, facts)

    def adopted(self, operation_id: object, **facts: Any) -> None:
        self._claim(self._adopted, operation_id, facts)

    def probably_submitted(self, operation_id: object, **facts: Any) -> None:
        self._claim(self._probable, operation_id, facts)

    def _claim(self, claimed: set[str], operation_id: object, facts: Mapping[str, Any]) -> None:
        self.add(operation_id, **facts)
        if isinstance(operation_id, str) and operation_id:
            claimed.add(operation_id)

    def conclude(self, found: TaskRecord) -> None:
        own = self._submitted | (self._probable - self._adopted)
        found.submitted = {name: one for name, one in self._facts.items() if name in own}
        found.awaited = {
            name: replace(one, is_adopted=name in self._adopted) for name, one in self._facts.items() if name not in own
        }


def read_task(row: TaskRow) -> TaskRecord:
    """Return what the records of a task instance say. Records that this release cannot read say nothing."""
    histories = [one for one in map(read_record, (row.xcoms.get(PROGRESS), row.store.get(RECORD))) if one is not None]
    handles = [
        one for one in (row.xcoms.get(OPERATION_HANDLE), row.store.get(STORED_HANDLE)) if isinstance(one, Mapping)
    ]
    found = TaskRecord(
        api=_text(next((one.get("api") for one in handles), None))
        or next((one.api for one in histories), None)
        or None,
        conn_id=_text((row.fields or {}).get("conn_id")) or next((one.conn_id for one in histories), None) or None,
        has_history=bool(histories),
    )
    claims = _Claims()
    _add_tries(found, claims, row, submits=bool(handles))
    for handle in handles:
        _add_handle(found, claims, handle)
    if AWAITED in row.xcoms:
        for operation_id in _texts(row.xcoms[AWAITED]):
            claims.add(operation_id)
    else:
        claims.probably_submitted(row.xcoms.get("operation_id"), resource_id=row.xcoms.get("resource_id"))
    for history in histories:
        _add_history(claims, history)
    if AWAITED not in row.xcoms:
        found.omitted += max((one.omitted for one in histories), default=0)
    claims.conclude(found)
    return found


def add_result(found: TaskRecord, result: object) -> None:
    """Add what the task has returned to what is known of its operations."""
    for one in result if isinstance(result, list) else [result]:
        if isinstance(one, Mapping):
            _add_returned(found, one)


def add_rendered(found: TaskRecord, row: TaskRow) -> None:
    """Add what a sensor was given that has recorded nothing: it may have ended before it could."""
    given = list(_texts((row.fields or {}).get("operation_id")))
    # what is no id is the text that Airflow has made of something else, or has cut
    if not found.has_history and all(map(_AN_ID.fullmatch, given)):
        for operation_id in given:
            found.awaited.setdefault(operation_id, Recorded(operation_id))


def _add_returned(found: TaskRecord, result: Mapping[str, Any]) -> None:
    operation = result.get("operation")
    facts = operation if isinstance(operation, Mapping) else {}
    # a sensor returns the operation itself
    operation_id = result.get("operation_id") or result.get("id")
    if found.omitted and isinstance(operation_id, str) and operation_id not in {*found.submitted, *found.awaited}:
        found.awaited[operation_id] = Recorded(operation_id)
        found.omitted -= 1
    if operation_id in found.submitted or operation_id in found.awaited:
        found.add(operation_id, resource_id=result.get("resource_id"))
        found.add(operation_id, **{name: facts.get(name) for name in _FACTS})
        found.api = found.api or _text(facts.get("api"))


def _add_tries(found: TaskRecord, claims: _Claims, row: TaskRow, *, submits: bool) -> None:
    for entry in _entries(row.store.get(TRIES)):
        first = entry.get("first")
        first = first if isinstance(first, Mapping) else entry
        facts = {name: first.get(name) for name in _FACTS}
        if first.get("submitted_at"):
            claims.submitted(first.get("operation_id"), **facts)
        elif first.get("adopted_at"):
            claims.adopted(first.get("operation_id"), **facts)
        elif submits and "adopted_at" not in first:
            # a release before has stored neither
            claims.probably_submitted(first.get("operation_id"), **facts)
        else:
            claims.add(first.get("operation_id"), **facts)
        for operation_id in (entry.get("operation_id"), *_texts(entry.get("others"))):
            claims.add(operation_id)
        omitted = entry.get("omitted")
        found.omitted = max(found.omitted, omitted if isinstance(omitted, int) else 0)
        if isinstance(entry.get("try_number"), int):
            found.recorded_tries.add(entry["try_number"])


def _add_handle(found: TaskRecord, claims: _Claims, handle: Mapping[str, Any]) -> None:
    is_answered = bool(handle.get("operation_id") or handle.get("operations"))
    found.kind = _text(handle.get("kind")) or found.kind
    made_nothing = not is_answered and bool(handle.get("refused") or handle.get("not_sent"))
    generation = handle.get("generation")
    if isinstance(generation, int):
        found.generations = max(found.generations, generation - made_nothing)
    # what no try of this task has sent carries no key
    is_own = handle.get("key") != ""
    about = {name: handle.get(name) for name in (("kind", "creates") if is_own else ("kind",))}
    claim = claims.submitted if is_own else claims.adopted
    # a handle names one operation by itself, and all of them in a list where there may be several
    for operation in (handle, *_entries(handle.get("operations"))):
        facts = {name: operation.get(name) for name in ("resource_type", "resource_id")}
        claim(operation.get("operation_id"), **about, **facts)
    if handle.get("operation_id"):
        claims.add(handle["operation_id"], owes=owed_policy(handle))
    found.unanswered = not (is_answered or made_nothing)


def _add_history(claims: _Claims, history: WaitHistory) -> None:
    for operation_id, one in history.operations.items():
        operation = one.operation
        facts = {} if operation is None else {name: getattr(operation, name) for name in (*_FACTS, "created_at")}
        claims.add(operation_id, **facts)
        if one.submitted_at is not None:
            claims.submitted(operation_id)
        elif one.adopted_at is not None:
            claims.adopted(operation_id)


def _entries(kept: object) -> Iterator[Mapping[str, Any]]:
    yield from (entry for entry in (kept if isinstance(kept, list) else ()) if isinstance(entry, Mapping))


def _texts(kept: object) -> Iterator[str]:
    yield from (one for one in (kept if isinstance(kept, list) else [kept]) if isinstance(one, str))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
