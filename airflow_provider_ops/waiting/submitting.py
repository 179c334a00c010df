"""What a task may do about its submit, decided from what it finds at its start.

The handle is what is stored about a submitted operation so that any later process can go on. It is
written twice: as an intent before the submit, and with the operation's id after the answer. Between
the two lies the only moment whose outcome nobody knows, and :attr:`Next.FIND_OUT` is for that.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import Enum, auto
from typing import Any

from airflow_provider_ops.operation import Operation, OperationState

#: Layout of the stored handle; older layouts stay readable.
VERSION = 1

#: Seconds between looks for what a lost answer may have started. Together they outlast an API that was still
#: working on the request when we lost it, and lists that lag behind.
FIND_OUT_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)
#: The same when the API itself answered with an error, so that nothing is being worked on any more.
FIND_OUT_PAUSES_ANSWERED = (1.0, 2.0, 4.0)
#: Generations, tries and values of ``max_tries`` of one task run whose marks can be told from those of others.
MOST_MARKS = 40


#: Stands before the id in the fingerprint of an operation that the task was given.
_ADOPTED = "operation "
_MARK = re.compile(r"airflow-[0-9a-f]{24}")


@dataclass(frozen=True, slots=True)
class Handle:
    """What is stored about one submit.

    :param key: our mark in the request: idempotency key, tag or derived name.
    :param generation: counts the resources this task run was meant to have; 1 is the first.
    :param fingerprint: hash of the request, to notice that a retry asks for something else.
    :param max_tries: ``ti.max_tries`` at the time; it changes when a user clears the task, not on a retry.
    :param at: epoch seconds just before the submit.
    :param operation_id: ``None`` while only the intent is known.
    :param refused: the request was certainly not carried out.
    :param killed: the kill policy was carried out on it, which may take a moment to show.
    :param removed: the operation had succeeded, but a policy of the task has removed what it made.
    :param creates: whether the resource is what it makes, so that a policy may delete it.
    """

    api: str
    kind: str
    key: str
    generation: int
    fingerprint: str
    max_tries: int
    try_number: int
    at: float
    operation_id: str | None = None
    resource_type: str | None = None
    resource_id: str | None = None
    operation_url: str | None = None
    refused: bool = False
    killed: bool = False
    removed: bool = False
    creates: bool = True
    version: int = VERSION

    @property
    def adopted(self) -> bool:
        """Whether the task was given the operation and has not submitted it."""
        return self.fingerprint.startswith(_ADOPTED)

    def to_dict(self) -> dict[str, Any]:
        """JSON values for the task state store."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Handle:
        """Back from :meth:`to_dict`; fields of a newer release are ignored."""
        known = {item.name for item in fields(cls)}
        return cls(**{name: value for name, value in data.items() if name in known})

    @classmethod
    def placeholder(cls, kind: str, *, api: str = "", **facts: str | None) -> Handle:
        """A handle for an operation whose submit is not (or no longer) known."""
        return cls(api, kind, "", 0, "", 0, 0, 0.0, **facts)  # type: ignore[arg-type]

    @classmethod
    def of_existing(cls, operation: Operation, **facts: Any) -> Handle:
        """A handle for an operation that the task was given; no policy may delete what that made."""
        found = cls.placeholder(
            operation.kind,
            api=operation.api,
            operation_id=operation.id,
            resource_type=operation.resource_type,
            resource_id=operation.resource_id,
            operation_url=operation.url,
        )
        # not the hash of a request: no submit of a later try may pass for this one
        return replace(found, fingerprint=f"{_ADOPTED}{operation.id}", creates=False, **facts)

    def answered(self, operation_id: str, **facts: str | None) -> Handle:
        """The handle once the operation is known."""
        return replace(self, operation_id=operation_id, **facts)  # type: ignore[arg-type]


class Next(Enum):
    """What to do now."""

    SUBMIT = auto()
    FIND_OUT = auto()
    JOIN = auto()
    FINISH = auto()
    REFUSE_DIFFERENT = auto()
    REFUSE_LOST = auto()


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, for which generation, and the sentence that tells the user.

    :param end_first: whether the operation of the earlier generation is running and has to be ended before.
    """

    next: Next
    generation: int
    why: str
    end_first: bool = False

    @property
    def sentence(self) -> str:
        """Why and what, for the log."""
        does = {
            Next.SUBMIT: f"submitting a new one (generation {self.generation})",
            Next.FIND_OUT: "looking for what it started before anything else",
            Next.JOIN: "joining it, nothing is submitted",
            Next.FINISH: "finishing with its result, nothing is submitted",
        }.get(self.next, "nothing is submitted")
        return f"{self.why}: {does}"


@dataclass(frozen=True, slots=True)
class Today:
    """What holds at the start of this try.

    :param kill_ends_it: whether the kill policy ends a running operation when a user clears the task.
    """

    fingerprint: str
    max_tries: int
    kill_ends_it: bool


def decide(found: Handle | None, operation: Operation | None, today: Today) -> Decision:
    """The next step of the submit protocol.

    :param found: the stored handle.
    :param operation: the handle's operation as the API shows it now; ``None`` when the handle has none
        or the API no longer knows it.
    """
    if found is None:
        return Decision(Next.SUBMIT, 1, "nothing was submitted for this task run before")
    generation = found.generation
    if found.refused:
        return Decision(Next.SUBMIT, generation, "the request of an earlier try was refused and started nothing")
    cleared = found.max_tries != today.max_tries
    if found.operation_id is None:
        return _without_answer(found, today, cleared=cleared)
    if operation is None:
        if cleared:
            return Decision(Next.SUBMIT, generation + 1, "the task was cleared and its earlier operation is gone")
        return Decision(Next.REFUSE_LOST, generation, "the API no longer knows the operation of this task run")
    if operation.state.is_terminal:
        same = found.fingerprint == today.fingerprint
        return _after_the_end(operation, generation, cleared=cleared, removed=found.removed, same=same)
    return _while_running(found, today, cleared=cleared)


def _without_answer(found: Handle, today: Today, *, cleared: bool) -> Decision:
    why = "an earlier try ended between sending the request and storing its answer"
    if found.fingerprint == today.fingerprint:
        return Decision(Next.FIND_OUT, found.generation, why)
    # names and marks of another request cannot be told from today's, so what it started would not be found
    why += ", and the request is another one now"
    if cleared:
        return Decision(Next.SUBMIT, found.generation + 1, f"{why}; the task was cleared since")
    return Decision(Next.REFUSE_DIFFERENT, found.generation, why)


def _after_the_end(operation: Operation, generation: int, *, cleared: bool, removed: bool, same: bool) -> Decision:
    if cleared:
        return Decision(Next.SUBMIT, generation + 1, f"the task was cleared after its operation {operation.raw_state}")
    if removed:
        return Decision(Next.SUBMIT, generation + 1, f"an earlier try has removed what operation {operation.id} made")
    if operation.state is not OperationState.SUCCEEDED:
        return Decision(Next.SUBMIT, generation + 1, f"the earlier operation {operation.id} {operation.raw_state}")
    if not same:
        return Decision(
            Next.SUBMIT, generation + 1, "the earlier operation succeeded, but the request is another one now"
        )
    return Decision(Next.FINISH, generation, f"the earlier operation {operation.id} has succeeded")


def _while_running(found: Handle, today: Today, *, cleared: bool) -> Decision:
    if found.killed:
        why = f"operation {found.operation_id} of an earlier try was killed and is ending"
        return Decision(Next.SUBMIT, found.generation + 1, why, end_first=True)
    if cleared and today.kill_ends_it:
        why = f"the task was cleared, and clearing ends its operation {found.operation_id}"
        return Decision(Next.SUBMIT, found.generation + 1, why, end_first=True)
    if found.fingerprint != today.fingerprint:
        why = f"operation {found.operation_id} is still running and was started by another request"
        return Decision(Next.REFUSE_DIFFERENT, found.generation, why)
    if cleared:
        why = f"the task was cleared, but nothing ends its operation {found.operation_id}, so it is still ours"
        return Decision(Next.JOIN, found.generation, why)
    return Decision(Next.JOIN, found.generation, f"operation {found.operation_id} of an earlier try is still running")


def find_out_pauses(age: float) -> tuple[float, ...]:
    """Seconds to leave before each look for what a submit has started whose answer was lost ``age`` seconds ago.

    The looks end no earlier than ``sum(FIND_OUT_PAUSES)`` seconds after the loss.
    """
    left = sum(FIND_OUT_PAUSES) - age
    pauses = []
    for pause in FIND_OUT_PAUSES:
        if left <= 0:
            break
        pauses.append(min(pause, left))
        left -= pause
    return tuple(pauses) or (0.0,)


def submission_key(dag_id: str, run_id: str, task_id: str, map_index: int, generation: int | str) -> str:
    """Our mark for one generation of one task run: the same in every try, 32 characters that any API takes."""
    # NUL cannot occur in an id, so no two identities join to the same text
    identity = "\0".join((dag_id, run_id, task_id, str(map_index), str(generation)))
    return f"airflow-{hashlib.sha256(identity.encode()).hexdigest()[:24]}"


def beginning(max_tries: int | None, try_number: int | None) -> str:
    """What stands before the generation in the identity of a submit, and so makes generations begin anew.

    :param max_tries: where nothing stores generations, because it is what tells a clear from a retry.
    :param try_number: where every try stands alone.
    """
    cleared = "" if max_tries is None else f"{max_tries} "
    return cleared if try_number is None else f"{cleared}try {try_number} "


def marks(dag_id: str, run_id: str, task_id: str, map_index: int) -> Iterator[str]:
    """The marks that the submits of one task run may carry, the likely ones first; see :data:`MOST_MARKS`."""
    counts = range(1, MOST_MARKS + 1)
    begins = [(beginning(None, None), counts)]
    begins += [(beginning(max_tries, None), counts) for max_tries in (0, *counts)]
    begins += [(beginning(max_tries, number), range(1, 2)) for max_tries in (0, *counts) for number in counts]
    for begin, generations in begins:
        for generation in generations:
            yield submission_key(dag_id, run_id, task_id, map_index, f"{begin}{generation}")


def is_mark(text: object) -> bool:
    """Whether a text has the form of our marks."""
    return isinstance(text, str) and _MARK.fullmatch(text) is not None


def fingerprint(method: str, path: str, query: Mapping[str, Any], body: Any) -> str:
    """Hash of a request as the user gave it, without our mark."""
    text = json.dumps([method, path, dict(query), body], sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
