"""What the simulator counts and remembers about requests. No key is ever taken in."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Any, NamedTuple

from .clock import rfc3339_millis

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .network import Connection

KEPT_REQUESTS = 1000
KEPT_SECONDS = 900

CUT = 0
"""Stands for the status of a request whose connection was cut in place of an answer."""


class Seen(NamedTuple):
    """A request in the log."""

    at: float
    api: str
    method: str
    path: str
    query: str
    headers: dict[str, str]
    status: int
    fault: str | None
    resource_id: str | None = None
    """Of what the request was about, if it named that."""


class Stats:
    """Counters since the last reset."""

    def __init__(self) -> None:
        self.requests = 0
        self.connections = 0
        self.open = 0
        self.open_peak = 0
        self.in_flight = 0
        self.in_flight_peak = 0
        self.by_api: Counter[str] = Counter()
        self.by_route: Counter[str] = Counter()
        self.by_status: Counter[str] = Counter()
        self.per_second: Counter[int] = Counter()
        self.log: deque[Seen] = deque(maxlen=KEPT_REQUESTS)

    def begin(self, api: str, route: str, connection: Connection | None, now: float) -> None:
        """Count a request that came in."""
        self.requests += 1
        self.by_api[api] += 1
        self.by_route[route] += 1
        self.in_flight += 1
        self.in_flight_peak = max(self.in_flight_peak, self.in_flight)
        second = int(now)
        self.per_second[second] += 1
        if len(self.per_second) > 2 * KEPT_SECONDS:
            self.per_second = Counter({s: n for s, n in self.per_second.items() if s > second - KEPT_SECONDS})
        if connection is not None and connection.counted_in is not self:
            connection.counted_in = self
            self.connections += 1
            self.open += 1
            self.open_peak = max(self.open_peak, self.open)

    def end(self, seen: Seen) -> None:
        """Count and log how it was answered."""
        self.in_flight -= 1
        self.by_status[str(seen.status) if seen.status else "cut"] += 1
        self.log.append(seen)

    def lost(self, connection: Connection) -> None:
        """Count a connection that has ended."""
        if connection.counted_in is self:
            self.open -= 1

    def as_json(self, apis: Mapping[str, tuple[int, int]], faults: Mapping[str, int]) -> dict[str, Any]:
        """Return the statistics page; `apis` has resources created and operations started by API."""
        return {
            "requests": self.requests,
            "connections": self.connections,
            "by_api": {
                name: {"requests": self.by_api[name], "created": created, "operations": operations}
                for name, (created, operations) in apis.items()
            },
            "by_route": dict(sorted(self.by_route.items())),
            "by_status": dict(sorted(self.by_status.items())),
            "faults": dict(faults),
            "connections_open": self.open,
            "connections_open_peak": self.open_peak,
            "requests_in_flight_peak": self.in_flight_peak,
            "per_second": {str(second): n for second, n in sorted(self.per_second.items())},
        }

    def log_as_json(self, limit: int) -> list[dict[str, Any]]:
        """Return the last requests, oldest first."""
        entries = list(self.log)[-limit:] if limit else []
        return [{**seen._asdict(), "at": rfc3339_millis(seen.at)} for seen in entries]
