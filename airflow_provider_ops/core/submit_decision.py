"""What a task may do about its submit, decided from what it finds at its start.

The handle is what is stored about a submitted operation so that any later process can continue with it. It is
written twice: as an intent before the submit, and with the operation's id after the answer. Only between
the two is the outcome of the submit unknown, and :attr:`Action.RECONCILE` is for that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from airflow_provider_ops.core.clear_or_retry import Attempt, Cause, clear_or_retry
from airflow_provider_ops.core.handle import ARGUMENTS_VERSION, Handle
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.operation import Operation, OperationState

#: Seconds between searches for what a submit with a lost answer may have started. Together they outlast an API that
#: was still working on the request when the answer was lost, and lists that lag behind.
RECONCILE_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)
#: The same when the API itself answered with an error, so that nothing is being worked on any more.
RECONCILE_PAUSES_ANSWERED = (1.0, 2.0, 4.0)


class Action(Enum):
    """What to do now."""

    SUBMIT = auto()
    RECONCILE = auto()
    ADOPT = auto()
    FINISH = auto()
    REFUSE_DIFFERENT = auto()
    REFUSE_LOST = auto()


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, for which generation, and why.

    :param why: the reason, as the log says it to the user.
    :param cancel_previous_first: whether the operation of the earlier generation is running and has to be ended before.
    :param cause: why this try has begun, as far as that is known.
    """

    action: Action
    generation: int
    why: str
    cancel_previous_first: bool = False
    cause: Cause = Cause.RETRY

    @property
    def sentence(self) -> str:
        """Return why and what, for the log."""
        does = {
            Action.SUBMIT: "submitting a new one" if self.generation > 1 else "submitting",
            Action.RECONCILE: "searching for what it started before anything else",
            Action.ADOPT: "adopting it, nothing is submitted",
            Action.FINISH: "finishing with its result, nothing is submitted",
        }.get(self.action, "nothing is submitted")
        return f"{self.why}: {does}"

    @property
    def warning(self) -> str | None:
        """Return what the user must know where a clear could not be distinguished from a retry."""
        if self.cause is not Cause.UNKNOWN:
            return None
        return (
            "Airflow does not show whether this task was cleared or is retried (its `retries` seem to have changed), "
            "so it continues with what it had started. If you cleared it to get a new one, clear it again"
        )


@dataclass(frozen=True, slots=True)
class AttemptContext:
    """What holds at the start of this try.

    :param api: name of the API that the connection leads to.
    :param arguments: fingerprint of the user's arguments, see :func:`arguments_fingerprint`.
    :param kill_policy_terminates: whether the kill policy ends a running operation when a user clears the task.
    """

    api: str
    arguments: str
    attempt: Attempt
    kill_policy_terminates: bool


def decide(found: Handle | None, operation: Operation | None, today: AttemptContext) -> Decision:
    """Return the next step of the submit protocol.

    :param found: the stored handle.
    :param operation: the handle's operation as the API shows it now; ``None`` when the handle has none
        or the API no longer knows it.
    """
    if found is None:
        return Decision(Action.SUBMIT, 1, "nothing was submitted for this task run before")
    has_succeeded = operation is not None and operation.state is OperationState.SUCCEEDED
    cause = clear_or_retry(found.stamp, today.attempt, has_succeeded=has_succeeded)
    decision = _decide(found, operation, today, cleared=cause is Cause.CLEARED)
    return Decision(decision.action, decision.generation, decision.why, decision.cancel_previous_first, cause)


def _decide(found: Handle, operation: Operation | None, today: AttemptContext, *, cleared: bool) -> Decision:
    generation = found.generation
    if found.refused or found.not_sent:
        return Decision(Action.SUBMIT, generation, "the request of an earlier try started nothing")
    if found.api != today.api:
        return _elsewhere(found, today, cleared=cleared)
    if found.operation_id is None:
        return _without_answer(found, today, cleared=cleared)
    if operation is None:
        return _when_gone(found, cleared=cleared)
    if operation.state.is_terminal:
        return _after_the_end(found, operation, today, cleared=cleared)
    return _while_running(found, today, cleared=cleared)


def _when_gone(found: Handle, *, cleared: bool) -> Decision:
    generation = found.generation
    if cleared:
        return Decision(Action.SUBMIT, generation + 1, "the task was cleared and its earlier operation is gone")
    if found.removed:
        why = f"an earlier try has removed what operation {found.operation_id} made, and that operation is gone"
        return Decision(Action.SUBMIT, generation + 1, why)
    if found.killed or found.end_requested:
        ended = "killed" if found.killed else "asked to end"
        why = f"operation {found.operation_id} of an earlier try was {ended} and is gone; its work may continue"
        return Decision(Action.SUBMIT, generation + 1, why)
    return Decision(Action.REFUSE_LOST, generation, "the API no longer knows the operation of this task run")


def _elsewhere(found: Handle, today: AttemptContext, *, cleared: bool) -> Decision:
    started = f"operation {found.operation_id}" if found.operation_id else f"the request with key {found.key!r}"
    why = f"an earlier try sent {started} to {found.api}, and the connection now leads to {today.api}"
    if cleared:
        why += "; the task was cleared since, and whatever that started is left as it is"
        return Decision(Action.SUBMIT, found.generation + 1, why)
    return Decision(Action.REFUSE_DIFFERENT, found.generation, why)


def _without_answer(found: Handle, today: AttemptContext, *, cleared: bool) -> Decision:
    why = "an earlier try ended between sending the request and storing its answer"
    if is_same_request(found, today):
        return Decision(Action.RECONCILE, found.generation, why)
    # names and keys differ between requests, so a search with those of this request would not find what it started
    why += ", and the request is another one now"
    if cleared:
        return Decision(Action.SUBMIT, found.generation + 1, f"{why}; the task was cleared since")
    return Decision(Action.REFUSE_DIFFERENT, found.generation, why)


def _after_the_end(found: Handle, operation: Operation, today: AttemptContext, *, cleared: bool) -> Decision:
    generation = found.generation
    if cleared:
        why = f"the task was cleared after its operation {operation.id} {operation.raw_state}"
        return Decision(Action.SUBMIT, generation + 1, f"{why}{_what_remains(found, operation)}")
    if operation.state is OperationState.SUCCEEDED and found.removed:
        return Decision(Action.SUBMIT, generation + 1, f"an earlier try has removed what operation {operation.id} made")
    if operation.state is not OperationState.SUCCEEDED:
        why = f"the earlier operation {operation.id} {operation.raw_state}"
        if found.removed:
            why += ", and the deletion of what it left was asked for"
        elif (found.killed or found.end_requested) and operation.state is OperationState.FAILED:
            # some APIs have no other word for what was cancelled
            why += f", which may be because {'the kill of ' if found.killed else ''}this task asked to cancel it"
        return Decision(Action.SUBMIT, generation + 1, why)
    if not is_same_request(found, today):
        why = f"the earlier operation {operation.id} succeeded, but the request is another one now"
        return Decision(Action.SUBMIT, generation + 1, f"{why}{_what_remains(found, operation)}")
    return Decision(Action.FINISH, generation, f"the earlier operation {operation.id} has succeeded")


def _what_remains(found: Handle, operation: Operation) -> str:
    """Return what a new submit leaves as it is; whether it still exists is not known here."""
    resource_id = found.resource_id or operation.resource_id
    if not (found.creates and resource_id) or found.removed:
        return ""
    made = f"{found.resource_type or operation.resource_type or 'resource'} {resource_id}"
    return f"; {made}, which it made, remains unless it was deleted since (`airflow operations sweep` lists it)"


def _while_running(found: Handle, today: AttemptContext, *, cleared: bool) -> Decision:
    if found.killed:
        why = f"operation {found.operation_id} of an earlier try was killed and is ending"
        return Decision(Action.SUBMIT, found.generation + 1, why, cancel_previous_first=True)
    if cleared and today.kill_policy_terminates:
        why = f"the task was cleared, and clearing ends its operation {found.operation_id}"
        return Decision(Action.SUBMIT, found.generation + 1, why, cancel_previous_first=True)
    if not is_same_request(found, today):
        why = f"operation {found.operation_id} is still running and was started by another request"
        return Decision(Action.REFUSE_DIFFERENT, found.generation, why)
    if cleared:
        why = f"the task was cleared, but nothing ends its operation {found.operation_id}, so it is still ours"
        return Decision(Action.ADOPT, found.generation, why)
    return Decision(
        Action.ADOPT, found.generation, f"operation {found.operation_id} of an earlier try is still running"
    )


def is_same_request(found: Handle, today: AttemptContext) -> bool:
    """Return whether the user asks for what the handle was submitted for; what cannot be compared is the same."""
    before, now = found.arguments or "", today.arguments
    is_comparable = before.partition(":")[0] == now.partition(":")[0]
    return before == now or not is_comparable


def fingerprint(method: str, path: str, query: Mapping[str, Any], body: Any) -> str:
    """Return the hash of a request without our key, as release 0.1.0 compares it."""
    return _hash([method, path, dict(query), body])


def arguments_fingerprint(arguments: Mapping[str, Any]) -> str:
    """Return the fingerprint of what the user asks for, with its version; what was left out counts like ``None``."""
    given = {name: value for name, value in arguments.items() if value is not None}
    return f"{ARGUMENTS_VERSION}:{_hash(given)}"


def check_body(request: str, body: Any) -> None:
    """Make sure that a body can be sent, before anything is stored about it.

    :raises InvalidArgument: it is no JSON.
    """
    try:
        json.dumps(body, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgument(f"{request}: the body cannot be sent as JSON: {error}") from None


def _hash(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    # what other tasks have pushed comes as sequences of Airflow's own
    return list(value) if isinstance(value, Sequence) else str(value)
