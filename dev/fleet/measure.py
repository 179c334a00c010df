"""What a fleet has done: the busiest second, how long submits waited, and the ends that were found. No I/O."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


def busiest(times: Iterable[float], seconds: float = 1.0) -> tuple[int, float]:
    """Return the most events in any window of so many seconds, and when that window began."""
    most, began = 0, 0.0
    window: deque[float] = deque()
    for at in sorted(times):
        window.append(at)
        while at - window[0] >= seconds:
            window.popleft()
        if len(window) > most:
            most, began = len(window), window[0]
    return most, began


@dataclass(frozen=True, slots=True)
class Ends:
    """Which ends were found.

    :param missing: settled, and no process has found it.
    :param twice: found by two processes, or twice by one.
    """

    found: int
    missing: list[str]
    twice: list[str]

    @classmethod
    def of(cls, lines: Iterable[Mapping[str, Any]], settled: Iterable[str]) -> Ends:
        """Read them from the journals of all processes."""
        found = Counter(line["end"] for line in lines if "end" in line)
        missing = [operation_id for operation_id in settled if operation_id not in found]
        return cls(len(found), missing, [operation_id for operation_id, count in found.items() if count > 1])


def submit_waits(lines: Iterable[Mapping[str, Any]]) -> list[float]:
    """Return the seconds that each submit took, the longest first."""
    return sorted((line["waited"] for line in lines if "submitted" in line), reverse=True)
