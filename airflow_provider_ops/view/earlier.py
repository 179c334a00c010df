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
    known = {one["try_number"]: one for one in tries if isinstance(one, Mapping) and _is_number(one)}
    entries = kept if isinstance(kept, list) else ()
    stored = {one["try_number"]: one for one in entries if isinstance(one, Mapping) and _is_number(one)}
    waits = {number: {_first_of(one), one.get("operation_id")} for number, one in stored.items()}
    if isinstance(try_number, int):
        waits[try_number] = set(operation_ids)
    shown = []
    for number in sorted({*known, *stored} - {try_number}):
        state, entry = _ended(known.get(number, {}).get("state")), stored.get(number, {})
        followed_by = known.get(number + 1) or stored.get(number + 1) or {}
        texts = _texts(number, state, entry, waits, is_lost=_is_lost(entry, followed_by))
        facts = {name: entry.get(name) for name in ("operation_id", "ended_at")}
        shown.append({"try_number": number, "state": state, **facts, **texts})
    return shown


def _is_lost(entry: Mapping[str, Any], followed_by: Mapping[str, Any]) -> bool:
    """Return whether the worker of a try that recorded no end was lost: Airflow retried it, and a clear is no retry."""
    allowed = entry.get("max_tries")
    return isinstance(allowed, int) and allowed == followed_by.get("max_tries") and not entry.get("is_paused")


def _ended(state: str | None) -> str | None:
    """Return how a try ended: Airflow 3.4 says of one that was followed by another what it said then."""
    return "failed" if state == "up_for_retry" else state


def _texts(
    number: int,
    state: str | None,
    entry: Mapping[str, Any],
    waits: Mapping[int, Collection[object]],
    *,
    is_lost: bool,
) -> dict[str, str]:
    """Return what is said before and after the id of the operation.

    :param is_lost: whether the worker of a try without an end is known to be lost.
    """
    stated = f"{state}: " if state else ""
    if not entry:
        return {"before": stated, "after": "no operation was recorded"}
    if entry.get("ended_at") is None and "last_seen" in entry:
        # Airflow calls such a try failed, whatever ended it
        return _without_end(number, entry, waits, is_lost=is_lost)
    summary = entry.get("summary")
    said = _followed(_said(entry, "said", f"{summary}. " if summary else ""), _since(entry))
    # where the operation and its task ended alike, that is said once
    alike = state and said.casefold().startswith(_ALIKE.get(state, state))
    return {"before": "", "after": f" {said}"} if alike else {"before": stated, "after": f": {said}"}


def _without_end(
    number: int, entry: Mapping[str, Any], waits: Mapping[int, Collection[object]], *, is_lost: bool
) -> dict[str, str]:
    """Return the texts of a try that has not recorded how its wait ended."""
    operation_id = entry.get("operation_id")
    adopting = min((other for other, ids in waits.items() if other > number and operation_id in ids), default=None)
    # what a kill has left says why the try ended
    left = _said(entry, "left") if entry.get("left") else ""
    before = "" if left else "its worker was lost; " if is_lost else "" if adopting else f"{UNRECORDED}: "
    seen = _seen(entry)
    adopted = f"{',' if seen else ''} was adopted by try {adopting}" if adopting else ""
    return {"before": before, "after": _followed(f"{seen}{adopted}", left, _since(entry))}


def _seen(entry: Mapping[str, Any]) -> str:
    """Return the last state that was seen of an operation, and the phases before it."""
    state, phases = entry.get("last_seen"), entry.get("phases")
    named = [one for one in phases if isinstance(one, str)] if isinstance(phases, list) else []
    after = f" (phases: {', '.join(named)})" if set(named) - {state} else ""
    return f", last seen {state}{after}" if state else ""


def _followed(text: str, *others: str) -> str:
    """Return a text with the sentences that follow it; the text ends with a stop where there are any."""
    following = [other for other in others if other]
    return " ".join([f"{text.rstrip('.')}.", *following]) if following else text


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
    return f"At the start of try {since['try_number']}: {text}"


def _is_number(entry: Mapping[str, Any]) -> bool:
    return isinstance(entry.get("try_number"), int)


def _first_of(entry: Mapping[str, Any]) -> object:
    first = entry.get("first")
    return first.get("operation_id") if isinstance(first, Mapping) else None
