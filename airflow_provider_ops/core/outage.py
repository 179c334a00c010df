"""Whether a whole connection fails, and when to probe it next. No clock, no I/O."""

from __future__ import annotations

from airflow_provider_ops.core.backoff import Backoff
from airflow_provider_ops.exceptions import ApiError, AuthenticationError, OpsError, RateLimited, ServerError

#: Longest pause between two probes: so many intervals, or so many seconds where that is more.
_MOST_INTERVALS, _MOST_SECONDS = 3.0, 10.0


def concerns_connection(error: OpsError) -> bool:
    """Return whether an error may meet every request of the connection, and not one operation only."""
    if isinstance(error, RateLimited):
        # one that says when to come back is obeyed by the rate limiter
        return error.retry_after is None
    return isinstance(error, (ServerError, AuthenticationError)) or not isinstance(error, ApiError)


class Outage:
    """The state of one connection: either it answers, or it has been failing for some time and is probed now and then.

    Times are seconds of one monotonic clock.
    """

    def __init__(self) -> None:
        self._since: float | None = None
        self._suspect: tuple[str, float] | None = None
        #: When to probe next, while everything fails.
        self.next_probe = 0.0

    @property
    def is_on(self) -> bool:
        """Return whether everything is taken to fail."""
        return self._since is not None

    def failed(self, operation_id: str, now: float, interval: float, *, is_certain: bool = False) -> bool:
        """Take in a failure that may concern the connection; return whether everything is taken to fail.

        One operation that cannot be read says nothing about others, two of them with no answer in between do.

        :param is_certain: whether it is known to be no fault of the one operation.
        """
        if self._since is None:
            if self._suspect is None:
                self._suspect = (operation_id, now)
            if not is_certain and self._suspect[0] == operation_id:
                return False
            self._since, self.next_probe = self._suspect[1], now
        if now >= self.next_probe:
            backoff = Backoff(interval, max(_MOST_INTERVALS * interval, _MOST_SECONDS))
            self.next_probe = now + backoff.pause(now - self._since)
        return True

    def answered(self) -> bool:
        """Take in an answer; return whether it ends an outage."""
        was_on, self._since, self._suspect = self.is_on, None, None
        return was_on
