"""The history of a wait in a few lines, small enough to travel in an event."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from airflow_provider_ops.core.gate import one_line, whole_rows

#: More changes than this keep the first and the latest; an event must stay small.
_KEEP_FIRST, _KEEP_LAST = 10, 20
#: Bytes.
_LONGEST_LINE = 300


class Timeline:
    """Lines with the second at which each happened, counted from the start of the wait."""

    __slots__ = ("dropped", "entries", "start")

    def __init__(self, start: float, entries: Iterable[Sequence[Any]] = (), dropped: int = 0) -> None:
        self.start = start
        self.entries = [(float(at), str(text)) for at, text in entries] if entries else []
        self.dropped = dropped

    def add(self, now: float, text: str) -> None:
        """Record what happened at ``now`` (epoch seconds)."""
        self.entries.append((round(now - self.start, 1), one_line(text, limit=_LONGEST_LINE)))
        if len(self.entries) > _KEEP_FIRST + _KEEP_LAST:
            del self.entries[_KEEP_FIRST]
            self.dropped += 1

    def lines(self, zero: float | None = None) -> list[str]:
        """Return the changes, a line each: ``+12 s running (provisioning_db)``.

        :param zero: epoch seconds to count from; default is the start of the wait.
        """
        shift = 0.0 if zero is None else self.start - zero
        # two clocks may differ
        shown = [f"+{max(round(at + shift), 0)} s {text}" for at, text in self.entries]
        if self.dropped:
            shown.insert(_KEEP_FIRST, f"({self.dropped} more changes)")
        return shown

    def to_dict(self) -> dict[str, Any]:
        """Return the timeline as JSON values for an event."""
        return {"start": self.start, "entries": [list(entry) for entry in self.entries], "dropped": self.dropped}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Timeline:
        """Read what :meth:`to_dict` has written."""
        return cls(data.get("start", 0.0), whole_rows(data.get("entries"), 2), data.get("dropped", 0))
