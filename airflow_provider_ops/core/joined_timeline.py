"""One timeline of those of several legs of a wait."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_ops.core.timeline import Timeline
from airflow_provider_ops.core.wait_state import (
    CAN_POLL_AGAIN,
    COULD_NOT_POLL,
    DEADLINE_REACHED,
    FAILED_POLLS,
    GIVING_UP,
)

#: Beginnings of timeline lines that report no new state of the operation, those of earlier releases included.
_TROUBLE = (COULD_NOT_POLL, CAN_POLL_AGAIN, FAILED_POLLS, GIVING_UP, "could not look", "can look again")
_STEP = "step "
#: The same, and the line about the deadline: none of them was written when the operation was seen.
NOT_SEEN = (*_TROUBLE, DEADLINE_REACHED)


def without_end(timeline: Timeline) -> Timeline:
    """Return a timeline without the line about the deadline."""
    entries = [entry for entry in timeline.entries if entry[1] != DEADLINE_REACHED]
    return Timeline(timeline.start, entries, timeline.dropped)


def joined(before: Timeline, after: Timeline) -> Timeline:
    """Return one timeline of two: what happened before the second began, then what was new in the second.

    Each leg of a wait begins with what it finds, which the leg before has noted already.
    """
    if not before.entries or after.start == before.start:
        return after if after.entries or not before.entries else before
    earlier = [(at, text) for at, text in before.entries if before.start + at < after.start]
    shift = after.start - before.start
    joined = Timeline(before.start, earlier, before.dropped + after.dropped)
    noted = [text for _, text in earlier]
    for at, text in after.entries:
        if not _is_noted(text, noted):
            joined.add(before.start + shift + at, text)
            noted.append(text)
    return joined


def _is_noted(text: str, noted: Sequence[str]) -> bool:
    """Return whether a line adds nothing to the lines before it."""
    if text.startswith(_TROUBLE):
        return bool(noted) and noted[-1] == text
    if text.startswith(_STEP):
        return text in noted
    return next((line == text for line in reversed(noted) if not line.startswith((*_TROUBLE, _STEP))), False)
