"""What a fleet has done: the busiest second, how long submits waited, and the ends that were found. No I/O."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

#: Seconds that a process must have lived to be compared with others.
_LONG_ENOUGH: Final = 15.0


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


def spread_of(journals: Iterable[Iterable[Mapping[str, Any]]]) -> tuple[float, float]:
    """Return the requests per second of the slowest and of the fastest process that lived long enough."""
    rates = []
    for lines in journals:
        sent = [line["sent"] for line in lines if "sent" in line]
        if len(sent) > 1 and (lived := sent[-1] - sent[0]) > _LONG_ENOUGH:
            rates.append(len(sent) / lived)
    return (min(rates), max(rates)) if rates else (0.0, 0.0)
