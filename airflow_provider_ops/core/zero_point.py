"""The moment that every duration of an operation counts from: in logs, in messages and in the tab."""

from __future__ import annotations

from typing import Final, NamedTuple

from airflow_provider_ops.operation import Operation

STARTED: Final = "started"
SUBMITTED: Final = "submitted"
FIRST_SEEN: Final = "first seen"

_COUNTED_FROM: Final = {
    STARTED: "",
    SUBMITTED: ", counted from its submit",
    FIRST_SEEN: ", counted from its first poll",
}


class ZeroPoint(NamedTuple):
    """A moment, and what happened then.

    :param at: epoch seconds.
    :param event: ``started``, ``submitted`` or ``first seen``.
    """

    at: float
    event: str

    @property
    def label(self) -> str:
        """Return how a line of a log says what it counts from; nothing where that is the operation's own start."""
        return _COUNTED_FROM[self.event]


def zero_point(
    operation: Operation | None, submitted_at: float | None = None, first_seen: float | None = None
) -> ZeroPoint | None:
    """Return the operation's own begin, else its submit, else when the wait has first seen it; ``None`` for neither.

    The time in a queue is part of what an operation takes.

    :param submitted_at: epoch seconds just before the submit, where the task has sent it.
    :param first_seen: epoch seconds.
    """
    own = [at.timestamp() for at in (operation.created_at, operation.started_at) if at] if operation else []
    if own:
        return ZeroPoint(min(own), STARTED)
    if submitted_at:
        return ZeroPoint(submitted_at, SUBMITTED)
    return ZeroPoint(first_seen, FIRST_SEEN) if first_seen else None
