"""What is counted and timed, as one table; docs/reference/metrics.md shows the same, and a test compares.

No Airflow here, since the clients count too: :func:`send_to` says where it goes, and until then it goes nowhere. Names
are Airflow's kind of names. Like Airflow itself, every metric goes out under its name with tags and, for backends that
drop tags, once more with their values in the name; Airflow's option ``[metrics] legacy_names_on`` turns the latter off.
Nothing here ever has an id in it, and nothing here can break a wait.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from airflow_provider_ops.exceptions import ApiError, OpsError, TransportError

log = logging.getLogger(__name__)

#: What the backends take; a kind is the API's own word.
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]")
_LONGEST = 60
#: Seconds that a permit may take although nothing holds the request back.
_NO_WAIT = 0.05


class Sink(Protocol):
    """Airflow's ``stats``, as much of it as is used."""

    def incr(self, stat: str, count: int = ..., *, tags: dict[str, Any] | None = ...) -> None: ...  # noqa: D102
    def timing(self, stat: str, dt: Any, *, tags: dict[str, Any] | None = ...) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the table.

    :param tags: names of the tags, in the order in which their values stand in the long name.
    """

    name: str
    tags: tuple[str, ...]
    meaning: str

    def send(self, choose: Callable[[Sink], Callable[..., None]], value: object, tags: dict[str, str]) -> None:
        """Emit a value to the backend, under both names.

        :param choose: picks the backend's function; the first call may set the backend up.
        """
        if _sink is None:
            return
        try:
            way = choose(_sink)
            tags = {tag: _NOT_IN_NAMES.sub("_", tags[tag])[:_LONGEST] or "none" for tag in self.tags}
            way(self.name, value, tags=tags)
            if _long_names:
                # a dot in a value would read like another level
                way(".".join((self.name, *(tags[tag].replace(".", "__") for tag in self.tags))), value)
        except Exception as error:  # noqa: BLE001 - whatever a backend does, it is not worth a wait
            _complain(self.name, error)


@dataclass(frozen=True, slots=True)
class Counter(Metric):
    """A metric that counts."""

    def add(self, count: int = 1, **tags: str) -> None:
        """Count ``count`` more; nothing happens for 0."""
        if count:
            self.send(lambda sink: sink.incr, count, tags)


@dataclass(frozen=True, slots=True)
class Timer(Metric):
    """A metric that measures seconds; backends get milliseconds, as for all timers of Airflow."""

    def took(self, seconds: float, **tags: str) -> None:
        """Record one measurement; clocks of two machines may make it negative, which counts as zero."""
        self.send(lambda sink: sink.timing, timedelta(seconds=max(seconds, 0.0)), tags)


SETTLED = Counter("operations.settled", ("api", "kind", "state"), "operations whose end a task has seen")
UNSETTLED = Counter("operations.unsettled", ("api", "kind", "why"), "waits that ended before: `timeout` or `gave_up`")
WAIT = Timer("operations.wait", ("api", "kind"), "from the submit, or the sensor's start, to the worker that continues")
LAG = Timer("operations.resume_lag", ("api", "mode"), "from the operation's end, as the API has it, to that worker")
POLLS = Counter("operations.looks", ("api", "way"), "requests that polled operations: `read`, `hold` or `list`")
ERRORS = Counter("operations.tolerated_errors", ("api", "reason"), "polls that failed and were repeated")
BUDGET_WAIT = Timer("operations.budget_wait", ("api",), "time that a request waited for a permit, when it had to")

METRICS: tuple[Metric, ...] = (SETTLED, UNSETTLED, WAIT, LAG, POLLS, ERRORS, BUDGET_WAIT)

_sink: Sink | None = None
_long_names = True
_complained = False


def send_to(sink: Sink | None, *, long_names: bool = True) -> None:
    """Send all metrics there from now on; ``None`` for nowhere.

    :param long_names: whether metrics go out once more with the values of their tags in the name.
    """
    global _sink, _long_names
    _sink, _long_names = sink, long_names


def reason(error: OpsError) -> str:
    """Return a poll's failure as the value of a tag: the status of the answer, or why none came."""
    if isinstance(error, ApiError):
        return str(error.status)
    return error.reason if isinstance(error, TransportError) else "other"


def waited_for_permit(api: str, seconds: float) -> None:
    """Record the wait before a request; only a real wait is emitted."""
    if seconds >= _NO_WAIT:
        BUDGET_WAIT.took(seconds, api=api)


def _complain(name: str, error: Exception) -> None:
    """Log the failure of a backend once: a backend that fails does so for every metric."""
    global _complained  # noqa: PLW0603
    if not _complained:
        _complained = True
        log.warning("metrics are lost, because the backend of Airflow's stats fails (%s: %r)", name, error)
