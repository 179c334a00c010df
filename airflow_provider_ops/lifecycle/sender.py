"""Sends a submit, and makes sure that what comes back is its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from airflow_provider_ops.apis.submits import SubmitCall, Submitted
from airflow_provider_ops.apis.window import Dated
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.core.wording import utc
from airflow_provider_ops.exceptions import (
    AmbiguousSubmission,
    ApiError,
    InvalidArgument,
    NotFound,
    OpsError,
    RateLimited,
    TransportError,
    UnreadableHandle,
)
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.lifecycle.handle_store import KEY
from airflow_provider_ops.lifecycle.replays import began_before, is_of_another_key
from airflow_provider_ops.operation import Operation, OperationState

Log = Callable[[str], None]

#: Seconds for which a submit that was certainly not carried out (refused connection, 429) is sent again.
_REFUSED_PATIENCE = 300.0
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
#: Seconds after a submit during which "not found" may still mean "not readable yet".
_FRESH = 120.0


class ReplayedAnswer(AmbiguousSubmission):
    """The answer to a new request was one that another request had received before; nothing was started."""


class Sender:
    """Send submits of one task.

    :param deadline: epoch seconds after which no further attempt is made.
    """

    def __init__(self, hook: OperationsHook, *, deadline: float, log: Log, warn: Log) -> None:
        self._hook = hook
        self._api = hook.api
        self._clock = hook.clock
        self._deadline = deadline
        self._log = log
        self._warn = warn

    @property
    def is_over(self) -> bool:
        """Return whether the deadline has passed."""
        return self._clock.time() >= self._deadline

    def send_first(self, marked: SubmitCall, handle: Handle, began: float | None) -> Submitted:
        """Send a request whose answer must not be an old one.

        :param began: monotonic time just before a new key was first sent; ``None`` where the answer may be old.
        :raises ReplayedAnswer: it is.
        """
        if began is None:
            return self.send(marked)
        dated = Dated()
        submitted = self.send(replace(marked, parse=dated.noting(marked.parse)))
        if is_of_another_key(submitted, handle.key):
            raise self._replayed(marked, handle, submitted, f"it carries the key {submitted.key!r}")
        if began_before(submitted.operation, dated.at, self._clock.monotonic() - began):
            self._check_age(marked, handle, submitted)
        return submitted

    def send(self, marked: SubmitCall) -> Submitted:
        """Send a request until the API takes it or refuses it for good."""
        said = None
        give_up = min(self._deadline, self._clock.time() + _REFUSED_PATIENCE)
        pause = _FIRST_PAUSE
        while True:
            try:
                return self._hook.run(self._api.submit_flow(marked))
            except OpsError as error:
                limit = self._deadline if self._api.is_busy(error, marked) else give_up
                asked = error.retry_after if isinstance(error, ApiError) else None
                if not self._was_refused(error, marked):
                    raise
                if isinstance(error, ApiError):
                    error.is_temporary = True
                if self._clock.time() + max(pause, asked or 0.0) > limit:
                    raise
                text = f"nothing was started yet ({error.without_advice}); trying until {utc(limit)}"
                if text != said:
                    said = text
                    self._warn(text)
            self._hook.pause(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _was_refused(self, error: OpsError, marked: SubmitCall) -> bool:
        """Return whether the request was certainly not carried out and may be accepted later."""
        if isinstance(error, TransportError):
            return not error.maybe_executed and error.reason == "connect"
        return isinstance(error, RateLimited) or self._api.is_busy(error, marked)

    def _check_age(self, marked: SubmitCall, handle: Handle, submitted: Submitted) -> None:
        """Check an operation older than the request; one that still runs is accepted, since an API's clocks may differ.

        :raises ReplayedAnswer: it has ended, or is not known any more.
        """
        operation = read_operation(self._hook, handle_from(replace(handle, submitted_at=0.0), submitted))
        if operation is None or operation.state.is_terminal:
            when = submitted.operation.created_at if submitted.operation else None
            raise self._replayed(marked, handle, submitted, f"it began at {when}, before this request, and has ended")
        self._warn(f"operation {submitted.operation_id} began before it was asked for, by the clock of the API")

    def _replayed(self, marked: SubmitCall, handle: Handle, submitted: Submitted, why: str) -> ReplayedAnswer:
        return ReplayedAnswer(
            f"{marked.request} was answered with operation {submitted.operation_id}, but {why}: this is "
            f"an old answer given again, and nothing new was started. Search for objects with the key {handle.key!r}; "
            "if there are none, clear this task to submit again.",
            [f"operation {submitted.operation_id}"],
        )


def read_operation(hook: OperationsHook, handle: Handle) -> Operation | None:
    """Return the operation of a stored handle as it is now; ``None`` when it has none, or the API forgot it."""
    if handle.operation_id is None:
        return None
    try:
        return hook.get_operation(handle.operation_id)
    except InvalidArgument as error:
        why = error.what.partition(";")[0]
        raise UnreadableHandle(
            f"what is stored about the submit of this task run names no operation: {why}. Nothing was submitted. "
            f"Search for what it started, delete the key {KEY} of the task state store, then clear this task."
        ) from None
    except NotFound:
        if hook.clock.time() - handle.submitted_at > _FRESH:
            return None
        # a fresh operation may not be readable everywhere yet
        return Operation(handle.operation_id, handle.api, handle.kind, OperationState.UNKNOWN, "not readable yet")


def handle_from(handle: Handle, submitted: Submitted) -> Handle:
    """Return the handle of a submit once its answer is known."""
    return handle.answered(
        submitted.operation_id,
        *submitted.others,
        resource_type=submitted.resource_type,
        resource_id=submitted.resource_id,
        operation_url=submitted.operation_url,
        result_path=submitted.result_path,
    )
