"""One wait for one operation: what each poll means, when to poll next, when the wait is over.

A :class:`WaitState` has neither clock nor I/O. Its driver (worker, trigger, a poller that serves
thousands) passes in what a poll returned and when; the state then has the time of the next poll, lines worth
logging, and, in the end, an outcome. So every driver reaches the same verdict.

Only the deadline is a wall-clock time. A driver that counts in a monotonic clock calls :meth:`WaitState.use_clock`
once, and from then on no step of the wall clock changes anything.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from airflow_provider_ops.core.backoff import Backoff
from airflow_provider_ops.core.changes import WarningLine, describe, describe_new_human_steps, unknown_state
from airflow_provider_ops.core.poll_interval import PollPolicy, Tolerance
from airflow_provider_ops.core.timeline import Timeline
from airflow_provider_ops.exceptions import (
    ApiError,
    AuthenticationError,
    NotFound,
    OpsError,
    PermissionDenied,
    RateLimited,
    ServerError,
)
from airflow_provider_ops.operation import Operation, OperationState

#: Seconds without any change after which one line says that the wait continues.
HEARTBEAT = 300.0
#: Failures that last this many seconds are always logged. Shorter ones are logged once per heartbeat: an API that
#: fails now and then must not fill the log.
FAILURE_INTERVAL = 60.0
#: Beginnings of lines about errors.
COULD_NOT_POLL, CAN_POLL_AGAIN = "could not poll", "can poll again"
GIVING_UP, FAILED_POLLS = "giving up", "failed polls"
#: Most intervals between two polls while errors continue; ``Tolerance.longest_pause`` applies where it is longer.
_MOST_INTERVALS = 3.0
DEADLINE_REACHED = "deadline reached"
_TOLERANCE = Tolerance()


@dataclass(frozen=True, slots=True)
class Settled:
    """The API said that the operation is over.

    :param is_cut: whether the operation came in an event, which had no room for all that the API said.
    """

    operation: Operation
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The deadline passed; ``operation`` is what was last seen, ``error`` why the last poll failed."""

    operation: Operation | None
    error: OpsError | None


@dataclass(frozen=True, slots=True)
class Unobservable:
    """Polls were refused for longer than a passing fault can last."""

    operation: Operation | None
    error: OpsError


Outcome = Settled | TimedOut | Unobservable


class StateWords(Protocol):
    """Explain states that stand for none of ours; every ``Api`` does."""

    def explain_unknown_state(self, operation: Operation, *, listed: bool) -> str:
        """Return a line about an operation in such a state, a :class:`WarningLine` where a person has to act."""


class WaitState:
    """The state of one wait.

    Methods take ``now`` as the driver counts it: in epoch seconds, unless :meth:`use_clock` was called.

    :param now: when the wait begins (epoch seconds).
    :param deadline: when to stop (epoch seconds); ``None`` waits for ever (the caller decides that, never a default).
    """

    # ten thousand are held at once
    __slots__ = (
        "_draw",
        "_errors_in_row",
        "_errors_since",
        "_failure_logged_at",
        "_has_logged_this_failure",
        "_logged",
        "_logged_at",
        "_offset",
        "_polls",
        "_refused_since",
        "_unlisted",
        "_warned",
        "deadline",
        "failed_polls",
        "if_missing",
        "last_error",
        "next_poll",
        "operation",
        "operation_id",
        "outcome",
        "policy",
        "timeline",
        "tolerance",
        "words",
    )

    def __init__(
        self,
        operation_id: str,
        *,
        now: float,
        policy: PollPolicy,
        deadline: float | None = None,
        tolerance: Tolerance | None = None,
        timeline: Timeline | None = None,
    ) -> None:
        self.operation_id = operation_id
        self.policy = policy
        self.deadline = deadline
        self.tolerance = tolerance or _TOLERANCE
        self.timeline = timeline or Timeline(start=now)
        self.operation: Operation | None = None
        self.outcome: Outcome | None = None
        #: What it is once the API no longer knows it; ``None`` where that says nothing.
        self.if_missing: Callable[[Operation | None], Operation] | None = None
        #: Explains states that are not known; ``None`` says nothing but that.
        self.words: StateWords | None = None
        #: Polls that failed in all, and the error of the last of them.
        self.failed_polls = 0
        self.last_error: str | None = None
        #: When to poll next, as the driver counts.
        self.next_poll = now
        #: Epoch seconds minus the driver's clock.
        self._offset = 0.0
        self._polls = 0
        self._errors_in_row = 0
        #: Failed polls that no line counts.
        self._unlisted = 0
        self._errors_since = now
        self._failure_logged_at: float | None = None
        self._has_logged_this_failure = False
        self._refused_since: tuple[float, float] | None = None
        self._logged_at = now
        #: What was said of the operation last.
        self._logged = ""
        self._warned = ""
        # from the id: the same wait behaves the same everywhere, different waits spread out
        self._draw = zlib.crc32(operation_id.encode())

    def use_clock(self, offset: float) -> None:
        """Count in another clock from now on, which reads epoch seconds minus ``offset`` at this moment.

        This translates the deadline for good: a step of the wall clock that comes later does not move it.
        """
        shift, self._offset = self._offset - offset, offset
        self.next_poll += shift
        self._errors_since += shift
        self._logged_at += shift
        if self._failure_logged_at is not None:
            self._failure_logged_at += shift
        if self._refused_since is not None:
            self._refused_since = (self._refused_since[0] + shift, self._refused_since[1])

    @property
    def next_poll_at(self) -> float:
        """Return when to poll next, in epoch seconds."""
        return self.next_poll + self._offset

    @property
    def ends_at(self) -> float | None:
        """Return the deadline as the driver counts."""
        return None if self.deadline is None else self.deadline - self._offset

    def on_result(self, operation: Operation, now: float, *, waited: float = 0.0, listed: bool = False) -> list[str]:
        """Take in the result of a successful poll.

        :param waited: seconds for which the API held the answer back to wait for a change; they count
            as part of the interval, so a long poll follows the last at once and an API that answers
            without waiting is still not flooded.
        :param listed: whether a list showed it. Lists lag, so that none ends a wait at its deadline.
        :return: lines worth logging.
        """
        lines = self._recovered(now) if self._errors_in_row else []
        if operation.state.is_terminal:
            lines += self._list_all(now)
        if changed := self._describe_change(operation, listed=listed):
            lines += changed
            for line in changed:
                self._log_line(now, line)
        elif now - self._logged_at >= HEARTBEAT:
            lines.append(f"still {describe(operation)}; next check in {self._first_check():.0f} s")
        if lines:
            self._logged_at = now
        self.operation = operation
        if operation.state.is_terminal:
            self.outcome = Settled(operation)
            return lines
        return lines + self._schedule(now, max(self._interval() - waited, 0.0), is_final=not listed)

    def on_unchanged(self, now: float) -> list[str]:
        """Take in a list that showed exactly what was known; cheap, for lists of thousands.

        :return: lines worth logging.
        """
        if self.operation is not None and (self._errors_in_row or now - self._logged_at >= HEARTBEAT):
            return self.on_result(self.operation, now, listed=True)
        self._schedule(now, self._interval(), is_final=False)
        return []

    @property
    def suppress_until(self) -> float:
        """Return until when an unchanged result need not be reported: the next heartbeat, or the deadline."""
        if self._errors_in_row or self.operation is None:
            return 0.0
        heartbeat = self._logged_at + HEARTBEAT
        return heartbeat if self.deadline is None else min(heartbeat, self.deadline - self._offset)

    @property
    def is_failing(self) -> bool:
        """Return whether the last poll failed."""
        return self._errors_in_row > 0

    @property
    def interval(self) -> float:
        """Return the seconds between polls as things are now, without the spread."""
        return self._first_check()

    @property
    def is_refused(self) -> bool:
        """Return whether the last poll failed with an answer that becomes final when it is repeated for too long."""
        return self._refused_since is not None

    def on_error(self, error: OpsError, now: float) -> list[str]:
        """Take in a poll that failed.

        :return: lines worth logging.
        """
        if self.if_missing is not None and isinstance(error, NotFound):
            return self.on_result(self.if_missing(self.operation), now)
        if self._errors_in_row == 0:
            self._errors_since, self._has_logged_this_failure = now, False
        self._errors_in_row += 1
        self.failed_polls += 1
        # the text only: an exception keeps the frames of its traceback alive
        self.last_error = error.what
        lines = self._describe_failure(error, now)
        if self._refused_too_long(error, now):
            self.outcome = Unobservable(self.operation, error)
            gave_up = f"{GIVING_UP} after {_failed_polls(self._errors_in_row)}"
            self._log_line(now, gave_up)
            # counted by that line
            self._errors_in_row = 0
            return [*lines, *self._list_all(now), f"{gave_up}: {error.what}"]
        return lines + self._schedule(now, self._error_pause(error, now), error=error)

    def _describe_change(self, operation: Operation, *, listed: bool) -> list[str]:
        before, shown = self.operation, describe(operation)
        has_changed, self._logged = before is None or shown != self._logged, shown
        if operation.state is OperationState.UNKNOWN and (before is None or before.raw_state != operation.raw_state):
            return self._explain_unknown(operation, listed=listed)
        return [shown, *describe_new_human_steps(operation, before)] if has_changed else []

    def _explain_unknown(self, operation: Operation, *, listed: bool) -> list[str]:
        if self.words is None:
            return [unknown_state(operation)]
        line = self.words.explain_unknown_state(operation, listed=listed)
        if isinstance(line, WarningLine):
            if self._warned == operation.raw_state:
                return []
            self._warned = operation.raw_state
        return [line]

    def _describe_failure(self, error: OpsError, now: float) -> list[str]:
        if self._has_logged_this_failure:
            if now - self._logged_at < HEARTBEAT:
                return []
            self._logged_at = now
            return [f"still cannot poll ({self._errors_in_row} times in a row): {error.without_advice}"]
        was_logged_lately = self._failure_logged_at is not None and now - self._failure_logged_at < HEARTBEAT
        if was_logged_lately and now - self._errors_since < FAILURE_INTERVAL:
            return []
        self._has_logged_this_failure, self._failure_logged_at, self._logged_at = True, now, now
        self._log_line(now, f"{COULD_NOT_POLL}: {error.what}")
        limit = self._limit(error)
        # of an operation that the API refuses to show, or does not know, nothing is known
        until = "the operation is not affected" if limit is None else f"for up to {limit:g} s, in case this passes"
        return [f"{COULD_NOT_POLL}: {error.without_advice}; trying again, {until}"]

    def _recovered(self, now: float) -> list[str]:
        errors, self._errors_in_row, self._refused_since = self._errors_in_row, 0, None
        if not self._has_logged_this_failure:
            self._unlisted += errors
            return []
        line = f"{CAN_POLL_AGAIN} after {_failed_polls(errors)}"
        self._log_line(now, line)
        return [line]

    def _list_all(self, now: float) -> list[str]:
        """Return lines for the end of the wait that count the failed polls that no other line counts."""
        lines, unlisted, self._unlisted = [], self._unlisted, 0
        if self._errors_in_row and self._has_logged_this_failure:
            lines.append(f"{FAILED_POLLS} up to here: {self._errors_in_row}")
        else:
            unlisted += self._errors_in_row
        if unlisted:
            lines.append(f"{FAILED_POLLS} not listed above: {unlisted}")
        for line in lines:
            self._log_line(now, line)
        return lines

    def _refused_too_long(self, error: OpsError, now: float) -> bool:
        limit = self._limit(error)
        if limit is None:
            self._refused_since = None
            return False
        if self._refused_since is None or self._refused_since[1] != limit:
            self._refused_since = (now, limit)
        return now - self._refused_since[0] >= limit

    def _limit(self, error: OpsError) -> float | None:
        if isinstance(error, (AuthenticationError, PermissionDenied)):
            return self.tolerance.refused
        if isinstance(error, NotFound):
            return self.tolerance.missing
        if isinstance(error, (RateLimited, ServerError)) or not isinstance(error, ApiError):
            return None
        return self.tolerance.invalid

    def _error_pause(self, error: OpsError, now: float) -> float:
        asked = (error.retry_after if isinstance(error, ApiError) else None) or 0.0
        interval = self._first_check()
        # never more often than asked for; with the spread it stays below a quarter of what was lost
        backoff = Backoff(interval, max(_MOST_INTERVALS * interval, self.tolerance.longest_pause), share=0.22)
        spread = 1.0 + self.policy.jitter * self._spread()
        return max(asked, backoff.pause(now - self._errors_since) * spread)

    def _schedule(self, now: float, pause: float, *, is_final: bool = True, error: OpsError | None = None) -> list[str]:
        """Set the next poll, or the outcome where the deadline has passed.

        :return: lines worth logging.
        """
        ends_at = self.ends_at
        if ends_at is None:
            self.next_poll = now + pause
        elif now >= ends_at and is_final:
            self.outcome = TimedOut(self.operation, error)
            lines = self._list_all(now)
            self._log_line(now, DEADLINE_REACHED)
            return lines
        else:
            # the last poll falls on the deadline itself, so that an end just before it still counts
            self.next_poll = min(now + pause, ends_at)
        return []

    def _log_line(self, now: float, line: str) -> None:
        self.timeline.add(now + self._offset, str(line))

    def _spread(self) -> float:
        """Return the next of a sequence of numbers in -1..1; a ``Random`` for each wait would cost 2.5 kB."""
        self._draw = (self._draw * 1664525 + 1013904223) % 2**32
        return self._draw / 2**31 - 1.0

    def _first_check(self) -> float:
        return self.policy.interval(self._polls, 0.0)

    def _interval(self) -> float:
        interval = self.policy.interval(self._polls, self._spread())
        self._polls += 1
        return interval


def _failed_polls(count: int) -> str:
    return f"{count} failed {'poll' if count == 1 else 'polls'}"
