"""Whether a retry of the task can help, for every error that a task can end with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from airflow_provider_ops.exceptions import (
    AmbiguousSubmission,
    ApiError,
    AuthenticationError,
    CancelNotSupported,
    ConnectionMissing,
    DifferentRequest,
    InvalidArgument,
    InvalidConnection,
    InvalidRequest,
    OperationCancelled,
    OperationFailed,
    PermissionDenied,
    RateLimited,
)
from airflow_provider_ops.operation import Operation

#: Seconds; an API that asks for more than an hour means something a task cannot wait for.
LONGEST_DELAY = 3600.0
#: Seconds below which an API says "at once", which is the task's own delay's business.
_SHORTEST_DELAY = 1.0
#: Other answers that say something about the request itself, which will be the same next time.
_REFUSED_FOR_GOOD = frozenset({402, 405, 406, 411, 413, 414, 415, 431, 451, 501})

#: Errors after which a retry would end in the same way, and what has to happen first.
_FINAL: tuple[tuple[type[Exception], str], ...] = (
    (InvalidArgument, "an argument cannot work; a retry would be refused in the same way"),
    (InvalidConnection, "the connection cannot be used; correct it, then clear the task"),
    (AuthenticationError, "the API key is refused; correct the connection, then clear the task"),
    (PermissionDenied, "the API key may not do this; give it the right, then clear the task"),
    (InvalidRequest, "the API refuses the request as it is; a retry would send the same"),
    (CancelNotSupported, "the API has no call that cancels"),
    (AmbiguousSubmission, "a retry would stop here again; search for what was started, then clear the task"),
    # once the running one has settled, a retry would quietly make a second resource
    (DifferentRequest, "a retry could make a second resource; check the running operation, then clear the task"),
)


@dataclass(frozen=True, slots=True)
class Advice:
    """Whether to try again.

    :param should_retry: ``False`` where a retry cannot help.
    :param delay: seconds until then; ``None`` for the task's own delay.
    :param reason: for the log and the task instance's history.
    :param passes: the API refuses only for now, and nothing was started: the task may wait without using up a retry.
    """

    should_retry: bool
    reason: str
    delay: float | None = None
    passes: bool = False

    @property
    def pause(self) -> timedelta | None:
        """Return the delay as Airflow takes it."""
        return None if self.delay is None else timedelta(seconds=self.delay)


def advise(error: BaseException, *, starts_anew: bool = True) -> Advice | None:
    """Return what to do after ``error``; ``None`` leaves it to Airflow, which retries as often as the task says.

    :param starts_anew: whether a retry starts another operation; a sensor's would find the same one again.
    """
    if isinstance(error, (OperationFailed, OperationCancelled)):
        return _after_the_end(error.operation, starts_anew=starts_anew)
    # a secrets backend that does not answer raises the same, and nothing was sent: a retry costs nothing
    if isinstance(error, ConnectionMissing):
        return None
    if isinstance(error, ApiError) and error.is_temporary:
        return _refused_for_now(error)
    for kind, reason in _FINAL:
        if isinstance(error, kind):
            return Advice(should_retry=False, reason=reason)
    return _after_an_answer(error) if isinstance(error, ApiError) else None


def _after_the_end(operation: Operation | None, *, starts_anew: bool) -> Advice | None:
    name = f"operation {operation.id}" if operation else "the operation"
    if not starts_anew:
        return Advice(should_retry=False, reason=f"{name} has settled; a retry would find it in the same state")
    said = operation.error if operation else None
    if said is None:
        return None
    if said.retryable is False:
        return Advice(should_retry=False, reason=f"{name}: the API says that trying again cannot help ({said})")
    delay = _bounded(said.retry_after)
    if said.retryable is None and delay is None:
        return None
    return Advice(should_retry=True, reason=f"{name}: the API says to try again{_in(delay)} ({said})", delay=delay)


def _after_an_answer(error: ApiError) -> Advice | None:
    if error.status in _REFUSED_FOR_GOOD:
        return Advice(should_retry=False, reason=f"the API refuses the request for good ({error.status})")
    if isinstance(error, RateLimited) or _bounded(error.retry_after) is not None:
        return _refused_for_now(error)
    return None


def _refused_for_now(error: ApiError) -> Advice:
    delay = _bounded(error.retry_after)
    said = "refuses it for now" if delay is None else f"says to try again{_in(delay)}"
    return Advice(should_retry=True, reason=f"the API answered {error.status} and {said}", delay=delay, passes=True)


def _bounded(seconds: float | None) -> float | None:
    return None if seconds is None or not seconds >= _SHORTEST_DELAY else min(seconds, LONGEST_DELAY)


def _in(delay: float | None) -> str:
    return "" if delay is None else f" in {delay:.0f} s"
