"""When to poll an operation, as a plain value that can cross into a trigger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

#: How far a user-given interval is spread, so that waits started together do not poll together.
_SPREAD = 0.1
#: Seconds for which a worker waits itself after the trigger has failed. A triggerer that cannot run the trigger at all,
#: of another release for example, would else be asked every few seconds.
RECHECK_SECONDS = 30.0
#: Seconds, at most a tenth of ``execution_timeout``, by which our own deadline comes before it.
_BEFORE_EXECUTION_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class PollPolicy:
    """Seconds between polls: ``first``, then growing by ``factor`` up to ``cap``, each spread by ``jitter``.

    :param jitter: share of the interval, 0.1 means plus or minus 10 %.
    """

    first: float = 1.0
    factor: float = 1.5
    cap: float = 10.0
    jitter: float = _SPREAD

    @classmethod
    @lru_cache(maxsize=64)
    def every(cls, seconds: float) -> PollPolicy:
        """Return the policy of a steady interval."""
        return cls(first=seconds, factor=1.0, cap=seconds)

    def interval(self, polls: int, spread: float) -> float:
        """Return the seconds until the next poll after ``polls`` polls.

        :param spread: from -1 to 1: the place within the jitter.
        """
        # beyond 64 steps every factor has reached its cap, and a float power would overflow
        plain = min(self.cap, self.first * self.factor ** min(polls, 64))
        return plain * (1.0 + self.jitter * spread)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """For how many seconds in a row an answer that may be permanent is taken for a passing one.

    Errors that say nothing about the operation (5xx, 429, transport) are tolerated until the deadline.

    :param refused: 401 and 403; keys rotate and permissions propagate.
    :param missing: 404; a fresh operation may not be readable at once, and lists and reads may disagree.
    :param invalid: other 4xx.
    :param longest_pause: seconds between polls while errors continue, or three intervals where that is more.
    """

    refused: float = 120.0
    missing: float = 60.0
    invalid: float = 60.0
    longest_pause: float = 10.0


def seconds_to_wait(timeout: float, execution_timeout: timedelta | None) -> float:
    """Return the seconds a try may wait: ``timeout``, or a little less than a shorter ``execution_timeout``.

    Airflow ends a running leg hard at ``execution_timeout``. Our own deadline comes earlier, so that the timeout policy
    is carried out and the task ends with the same error as after ``timeout``.
    """
    if execution_timeout is None:
        return timeout
    hard = execution_timeout.total_seconds()
    return min(timeout, hard - min(_BEFORE_EXECUTION_TIMEOUT, hard / 10))


def shorter_limit(timeout: float, execution_timeout: timedelta | None) -> str:
    """Return the argument that bounds how long a try may wait: ``timeout`` or ``execution_timeout``."""
    return "execution_timeout" if seconds_to_wait(timeout, execution_timeout) < timeout else "timeout"
