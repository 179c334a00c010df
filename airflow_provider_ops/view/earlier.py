"""The tries before the one that the page shows, from what the task state store has kept of them. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from airflow_provider_ops.core.aftermath import Deletion
from airflow_provider_ops.core.operation_history import UNRECORDED

_AS_OF_THEN = " (as of the end of that try)"
#: State of a task instance -> how what is said of an operation that ended alike begins.
_ALIKE = {"success": "succe"}


def earlier_tries(
    kept: object, tries: Sequence[object], try_number: object, operation_ids: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Return the tries before this one: each that Airflow knows, with what the task state store has of it.

    :param tries: as Airflow's API lists them.
    :param operation_ids: what this try waits for.
    """
    states = {one.get("try_number"): _ended(one.get("state")) for one in tries if isinstance(one, Mapping)}
    entries = kept if isinstance(kept, list) else ()
    stored = {one["try_number"]: one for one in entries if isinstance(one, Mapping) and _is_number(one)}
    waits = {number: {_first_of(one), one.get("operation_id")} for number, one in stored.items()}
    if isinstance(try_number, int):
        waits[try_number] = set(operation_ids)
    numbers = {number for number in (*states, *stored) if isinstance(number, int) and number != try_number}
    return [
        {
            "try_number": number,
            "state": states.get(number),
            "operation_id": stored.get(number, {}).get("operation_id"),
            "ended_at": stored.get(number, {}).get("ended_at"),
            **_texts(number, states.get(number), stored.get(number), waits),
        }
        for number in sorted(numbers)
    ]


def _ended(state: str | None) -> str | None:
    """Return how a try ended: Airflow 3.4 says of one that was followed by another what it said then."""
    return "failed" if state == "up_for_retry" else state


def _texts(
    number: int, state: str | None, entry: Mapping[str, Any] | None, waits: Mapping[int, Collection[object]]
) -> dict[str, str]:
    """Return what is said before and after the id of the operation."""
    stated = f"{state}: " if state else ""
    if entry is None:
        return {"before": stated, "after": "no operation was recorded"}
    summary = entry.get("summary")
    said = f"{_said(entry, 'said', f'{summary}. ' if summary else '')}{_since(entry)}"
    if entry.get("ended_at") is not None or "last_seen" not in entry:
        # where the operation and its task ended alike, that is said once
        alike = state and said.casefold().startswith(_ALIKE.get(state, state))
        return {"before": "", "after": f" {said}"} if alike else {"before": stated, "after": f": {said}"}
    # Airflow calls such a try failed, whatever ended it
    seen = f", last seen {entry['last_seen']}" if entry["last_seen"] else ""
    operation_id = entry.get("operation_id")
    adopting = min((other for other, ids in waits.items() if other > number and operation_id in ids), default=None)
    if adopting is not None:
        return {"before": "", "after": f" was adopted by try {adopting}"}
    if entry.get("left"):
        return {"before": "", "after": f"{seen}. {_said(entry, 'left')}{_since(entry)}"}
    return {"before": f"{UNRECORDED}: ", "after": f"{seen}{_since(entry)}"}


def _said(entry: Mapping[str, Any], name: str, lead: str = "") -> str:
    """Return a stored text, with the sentence about a deletion made of its facts: it is not under way for ever.

    :param lead: what comes before that sentence.
    """
    deletion = Deletion.from_dict(entry.get("deletion"))
    if deletion is not None:
        return f"{lead}{deletion.in_retrospect}"
    # an earlier release has stored no facts
    return f"{entry.get(name) or ''}{_AS_OF_THEN if entry.get('left') and 'deletion' not in entry else ''}"


def _since(entry: Mapping[str, Any]) -> str:
    """Return what a later try has done about the operation, as it was at that time."""
    since = entry.get("since")
    if not isinstance(since, Mapping) or not _is_number(since):
        return ""
    deletion = Deletion.from_dict(since.get("deletion"))
    text = deletion.in_retrospect if deletion else f"{str(since.get('text') or '').rstrip('.')}."
    return f" At the start of try {since['try_number']}: {text}"


def _is_number(entry: Mapping[str, Any]) -> bool:
    return isinstance(entry.get("try_number"), int)


def _first_of(entry: Mapping[str, Any]) -> object:
    first = entry.get("first")
    return first.get("operation_id") if isinstance(first, Mapping) else None
