"""From what Airflow knows of a task instance to what its page shows. No I/O.

The page is JSON for ``static/view.js``: times are epoch seconds, and every text is shown as text, never as HTML.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from airflow_provider_ops.core.handle import owed_policy
from airflow_provider_ops.core.history import MOST_OPERATIONS, OperationHistory, WaitHistory, read_record
from airflow_provider_ops.operation import Operation, web_address
from airflow_provider_ops.view.rows import is_observed, rows_of, span_of

#: States of a task instance in which nothing more comes of this try.
_OVER = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
_BEFORE = frozenset({None, "scheduled", "queued", "restarting"})
_BETWEEN = frozenset({"up_for_retry", "up_for_reschedule"})

#: Seconds between two looks of the page.
_SOON, _LATER = 4.0, 15.0

#: Open operations of a task that are read at most, and operations from which on a page is asked for less often.
_FEW_TO_LOOK_AT, _MANY = 3, 20

#: A state without an operation: title and what to make of it.
_EMPTY: Mapping[str, tuple[str, str]] = {
    "not_ours": (
        "No remote operation here",
        (
            "This task neither starts nor waits for an operation of airflow-provider-ops. Airflow shows this tab on "
            "every task."
        ),
    ),
    "not_started": ("Not started yet", "What the task submits or waits for is shown here as soon as it runs."),
    "submitting": (
        "Nothing submitted yet",
        (
            "The task is running, but has not told of an operation yet. It may be looking for what an earlier try has "
            "started; its log says what it does."
        ),
    ),
    "between": (
        "Between two tries",
        "The next try joins what this one has submitted where that still runs, and submits anew where it failed.",
    ),
    "no_operation": (
        "Ended without an operation",
        (
            "Nothing is known of an operation of this try: it ended before it submitted or found one, or Airflow has "
            "removed its XComs since. Its log says more."
        ),
    ),
}


def empty(status: str, ti: Mapping[str, Any], now: float) -> dict[str, Any]:
    """The page of a task instance of which no operation is known."""
    title, hint = _EMPTY[status]
    refresh = {"not_ours": None, "no_operation": None, "submitting": _SOON}.get(status, _LATER)
    return {"status": status, "title": title, "hint": hint, "refresh": refresh, "now": now, "task": _task(ti)}


def without_operation(ti: Mapping[str, Any], *, ours: bool) -> str:
    """Which of the states without an operation it is."""
    state = ti.get("state")
    if not ours:
        return "not_ours"
    if state in _OVER:
        return "no_operation"
    if state in _BEFORE:
        return "not_started"
    return "between" if state in _BETWEEN else "submitting"


def has_begun(ti: Mapping[str, Any]) -> bool:
    """Whether this try has begun: until then the XComs of an earlier one are still there."""
    return ti.get("state") not in _BEFORE


def is_ours(ti: Mapping[str, Any], task: Mapping[str, Any] | None) -> bool:
    """Whether a task is one of this provider's, as far as Airflow's API tells."""
    package = __name__.partition(".")[0]
    class_ref = (task or {}).get("class_ref") or {}
    names = (class_ref.get("module_path"), (ti.get("trigger") or {}).get("classpath"))
    return any(str(name or "").startswith(f"{package}.") for name in names) or "Remote resource" in (
        (task or {}).get("extra_links") or ()
    )


def history_of(ti: Mapping[str, Any], record: object) -> WaitHistory | None:
    """The story of this try, ``None`` when nothing was kept for it."""
    story = read_record(record) if has_begun(ti) else None
    return story if story is not None and story.operations and story.try_number == ti.get("try_number") else None


def history_without_record(ti: Mapping[str, Any], operation_id: object, result: object) -> WaitHistory | None:
    """What can be said from the ids and the result alone, where no progress could be kept."""
    story = WaitHistory("", str(_rendered(ti, "conn_id") or ""), int(ti.get("try_number") or 0), "unknown")
    results = result if isinstance(result, list) else [result]
    story.omitted = max(0, len(results) - MOST_OPERATIONS)
    for found in (_operation_in(one) for one in results[:MOST_OPERATIONS]):
        if found is not None:
            story.api = found.api
            chapter = story.operation(found.id)
            chapter.operation, chapter.outcome = found, "settled"
            story.is_over = True
    if not story.operations and isinstance(operation_id, str) and operation_id:
        story.operation(operation_id)
    return story if story.operations else None


def live_reference(ti: Mapping[str, Any], story: WaitHistory, now: float, *, after: float) -> list[str]:
    """The operations that are worth a look of our own: few, open, and not told of lately."""
    is_open = [name for name, chapter in story.operations.items() if not _is_settled(chapter)]
    old = now - story.written_at >= after
    return is_open if old and len(is_open) <= _FEW_TO_LOOK_AT and bool(_rendered(ti, "conn_id")) else []


def connection_of(ti: Mapping[str, Any]) -> str | None:
    """The connection that the task itself was given.

    From its rendered fields, which nobody can edit; a record could be written by whoever may write XComs.
    """
    name = _rendered(ti, "conn_id")
    return name if isinstance(name, str) and name else None


def needs_link(story: WaitHistory) -> bool:
    """Return whether Airflow's link of the task is the only one to the resource; it is known when that is there."""
    chapters = list(story.operations.values())
    operation = chapters[0].operation if len(chapters) == 1 else None
    return operation is not None and operation.state.is_terminal and web_address(operation.url) is None


def shown(
    ti: Mapping[str, Any], story: WaitHistory, now: float, *, live: Mapping[str, Any] | None, link: str | None = None
) -> dict[str, Any]:
    """The page of a task instance whose operations are known.

    :param link: address of the resource, where Airflow knows it.
    """
    over = ti.get("state") in _OVER
    seen = _Observation(over=over, written_at=story.written_at or None, live=live)
    operations = [_operation(chapter, now, seen) for chapter in story.operations.values()]
    if len(operations) == 1:
        operations[0]["resource_url"] = web_address(link)
    settled = all(_is_settled(chapter) for chapter in story.operations.values())
    status = "over" if over else "between" if ti.get("state") in _BETWEEN else "resuming" if settled else "waiting"
    return {
        "status": status,
        "now": now,
        "refresh": None if over else _LATER if len(operations) > _MANY else _SOON,
        "task": _task(ti),
        "wait": {
            "api": story.api,
            "conn_id": connection_of(ti) or story.conn_id,
            "told_by": story.where,
            "where": {"deferred": "triggerer", "running": "worker"}.get(str(ti.get("state"))),
            "wait_for": story.wait_for,
            "deadline": story.deadline,
            "told_at": story.written_at or None,
            "is_over": story.is_over or over,
            # nobody has written how the wait ended: the task was marked or cleared, or its worker was lost
            "ended_unrecorded": over and not story.is_over,
            "omitted": story.omitted,
        },
        "live": live,
        "operations": operations,
    }


def may_owe(ti: Mapping[str, Any]) -> bool:
    """Whether no process works for the task instance that would carry out what an attempt owes."""
    return ti.get("state") in _OVER | _BETWEEN


def owed(stored: object) -> str | None:
    """Return a sentence about the policy that an attempt had begun when it died, from the stored handle."""
    policy = owed_policy(stored)
    if policy is None or not isinstance(stored, Mapping):
        return None
    return (
        f"{policy} was begun for operation {stored.get('operation_id')}, and the process ended before it could store "
        "what came of it. The next attempt finishes it: clear the task, or look at the resource yourself."
    )


def earlier_tries(kept: object, try_number: object) -> list[dict[str, Any]]:
    """The tries before this one, as the task state store has them."""
    entries = kept if isinstance(kept, list) else []
    return [
        {name: entry.get(name) for name in ("try_number", "operation_id", "said", "ended_at")}
        for entry in entries
        if isinstance(entry, Mapping) and entry.get("try_number") != try_number
    ]


def _task(ti: Mapping[str, Any]) -> dict[str, Any]:
    index = ti.get("map_index", -1)
    rendered = ti.get("rendered_map_index")
    label = str(ti.get("task_display_name") or ti.get("task_id"))
    started, ended = _time(ti.get("start_date")), _time(ti.get("end_date"))
    return {
        "label": label if index is None or index < 0 else f"{label} [{rendered or index}]",
        "state": ti.get("state"),
        "try_number": ti.get("try_number"),
        "tries": (ti.get("max_tries") or 0) + 1,
        "started_at": started.timestamp() if started else None,
        "ended_at": ended.timestamp() if ended else None,
    }


class _Observation(NamedTuple):
    """Up to when something is known.

    :param over: whether nobody waits any more.
    :param written_at: when worker or triggerer last kept what they knew.
    :param live: what a read of the page itself came to.
    """

    over: bool
    written_at: float | None
    live: Mapping[str, Any] | None

    def checked_at(self, chapter: OperationHistory) -> float | None:
        """Return when an open operation that nobody waits for was last seen; ``None`` for all others."""
        if not self.over or _is_settled(chapter):
            return None
        if self.live and chapter.operation_id in self.live["read"]:
            return float(self.live["at"])
        return self.written_at

    def is_checked_now(self, chapter: OperationHistory) -> bool:
        """Return whether the page itself has read the operation."""
        return self.live is not None and chapter.operation_id in self.live["read"]


def _operation(chapter: OperationHistory, now: float, seen: _Observation) -> dict[str, Any]:
    operation, over = chapter.operation, seen.over
    progress = operation.progress if operation else None
    start, end = span_of(chapter)
    rows, title = rows_of(chapter, end)
    if over and seen.is_checked_now(chapter) and title == "Phases" and len(rows) > 1:
        # nobody looked between the last check of the wait and that of this page
        unwatched = rows[-2]
        unwatched["end"] = unwatched["end"] if unwatched["end"] <= (seen.written_at or 0.0) else None
    return {
        "id": chapter.operation_id,
        "kind": operation.kind if operation else "",
        "state": _state(chapter, over=over),
        "checked_at": seen.checked_at(chapter),
        "is_checked_now": seen.is_checked_now(chapter),
        "raw_state": operation.raw_state if operation else None,
        "phase": progress.phase if progress else None,
        "message": progress.message if progress else None,
        "done": progress.done if progress else None,
        "total": progress.total if progress else None,
        "resource": " ".join(filter(None, (operation.resource_type, operation.resource_id))) if operation else "",
        "url": web_address(operation.url if operation else None),
        "error": _error(chapter),
        "outcome": chapter.outcome,
        "started_at": start,
        "ended_at": end,
        "is_settled": _is_settled(chapter),
        "observed": is_observed(chapter),
        "rows": rows,
        "rows_title": title,
        "log": [{"at": chapter.timeline.start + at, "text": text} for at, text in chapter.timeline.entries],
        "dropped": chapter.timeline.dropped,
        "failed_looks": chapter.failed_polls,
        "last_error": chapter.last_error,
        "is_stumbling": chapter.is_failing and not over,
        "next_look": chapter.next_poll if chapter.next_poll and chapter.next_poll > now and not over else None,
        "interval": None if over or _is_settled(chapter) else chapter.interval,
    }


def _state(chapter: OperationHistory, *, over: bool) -> str:
    if chapter.operation is not None and chapter.operation.state.is_terminal:
        return str(chapter.operation.state)
    if chapter.outcome in ("timeout", "gave_up"):
        return chapter.outcome
    if over or chapter.outcome == "open":
        return "open"
    return str(chapter.operation.state) if chapter.operation else "unseen"


def _is_settled(chapter: OperationHistory) -> bool:
    return chapter.operation is not None and chapter.operation.state.is_terminal


def _error(chapter: OperationHistory) -> dict[str, Any] | None:
    error = chapter.operation.error if chapter.operation else None
    if error is not None:
        return {"message": error.message, "code": error.code, "retryable": error.retryable}
    return {"message": chapter.error, "code": None, "retryable": None} if chapter.error else None


def _operation_in(result: object) -> Operation | None:
    data = result.get("operation", result) if isinstance(result, Mapping) else None
    try:
        return Operation.from_dict(data) if isinstance(data, Mapping) and "raw_state" in data else None
    except (KeyError, TypeError, ValueError):
        return None


def _rendered(ti: Mapping[str, Any], name: str) -> Any:
    fields = ti.get("rendered_fields")
    return fields.get(name) if isinstance(fields, Mapping) else None


def _time(text: object) -> datetime | None:
    # `fromisoformat` understands the trailing Z only from Python 3.11 on
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if isinstance(text, str) and text else None
