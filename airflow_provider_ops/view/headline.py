"""The headline of the page: in a few words what the wait came to, or where it is now. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from airflow_provider_ops.core.history import WaitHistory
from airflow_provider_ops.core.operation_history import STARTED, OperationHistory

#: State of an operation on the page -> its tone, and what it is called.
_STATES: Mapping[str, tuple[str, str]] = {
    "pending": ("pending", "Queued"),
    "running": ("running", "Running"),
    "succeeded": ("done", "Succeeded"),
    "failed": ("failed", "Failed"),
    "cancelled": ("skipped", "Cancelled"),
    "unknown": ("unknown", "Unknown state"),
    "unseen": ("pending", "Not seen yet"),
    "timeout": ("unknown", "Deadline passed"),
    "gave_up": ("unknown", "Cannot be read"),
    "open": ("unknown", "No longer waited for"),
    STARTED: ("pending", "Started"),
}
#: Failures of one of several, the gravest first, and what is said of those that failed so.
_BAD: Mapping[str, str] = {"failed": "failed", "cancelled": "cancelled", "gave_up": "cannot be read"}
#: Policies that end an operation.
_ENDING = ("cancel", "delete")


class Headline(NamedTuple):
    """A headline.

    :param tone: which sign and colour it has.
    :param at: epoch seconds at which that was, where it is said.
    """

    tone: str
    text: str
    at: float | None = None


def word_of(state: str) -> str:
    """Return what a state of the page is called."""
    return _STATES[state][1] if state in _STATES else state


def tone_of(state: str) -> str:
    """Return the tone of a state of the page."""
    return _STATES[state][0] if state in _STATES else "unknown"


def headline_of(
    wait: WaitHistory, history: OperationHistory, state: str, status: str, *, ended_at: float | None, continued: bool
) -> Headline:
    """Return the headline of a task that waits for one operation.

    :param state: of the operation, as the page has it.
    :param status: of the page.
    :param continued: whether the operation settled only after the task had been killed.
    """
    if policy := ended_by(wait, history, state, continued=continued):
        lead = "Deadline passed; cancelled" if history.outcome == "timeout" else "Cancelled"
        return Headline("unknown" if history.outcome == "timeout" else "skipped", f"{lead} by {policy}", ended_at)
    became = "was cancelled" if state == "cancelled" else word_of(state).lower()
    if continued:
        return Headline("unknown", f"Continued after the task ended, and {became}", ended_at)
    if history.outcome == "timeout":
        return _after_deadline(wait, state, became, ended_at)
    return _of_state(history, state, status)


def _of_state(history: OperationHistory, state: str, status: str) -> Headline:
    tone, word = tone_of(state), word_of(state)
    if history.outcome == STARTED and not history.is_settled:
        return Headline(tone, f"{word}; the task does not wait for it")
    if state == "succeeded" and status in _SUCCEEDED:
        return Headline(tone, _SUCCEEDED[status])
    if state == "unknown" and history.operation is not None:
        return Headline(tone, history.operation.raw_state or word)
    if status == "between":
        return Headline(tone, f"{word}; a retry follows")
    if state == "open" and history.operation is None:
        return Headline(tone, "Never seen")
    return Headline(tone, word)


_SUCCEEDED = {"resuming": "Succeeded; the task resumes", "settled": "Succeeded; the task is finishing"}


def ended_by(wait: WaitHistory, history: OperationHistory, state: str, *, continued: bool) -> str | None:
    """Return the policy of the task that has ended an operation, like ``on_kill=delete``; ``None`` for no such."""
    if state != "cancelled":
        return None
    if history.outcome == "timeout":
        return f"on_timeout={wait.on_timeout}" if wait.on_timeout in _ENDING else None
    return f"on_kill={wait.on_kill}" if continued and wait.on_kill in _ENDING else None


def _after_deadline(wait: WaitHistory, state: str, became: str, ended_at: float | None) -> Headline:
    if state != "timeout":
        return Headline("unknown", f"Deadline passed; the operation {became} since", ended_at)
    # what a policy came to is recorded once it was carried out
    acted = wait.on_timeout in _ENDING and wait.aftermath is not None
    return Headline("unknown", f"Deadline passed; then on_timeout={wait.on_timeout}" if acted else "Deadline passed")


def headline_of_many(wait: WaitHistory, operations: Sequence[Mapping[str, Any]], *, over: bool) -> Headline:
    """Return the headline of a task that waits for several operations: what has decided the wait, or how far it is.

    :param operations: as the page shows them.
    :param over: whether the task no longer waits.
    """
    number, is_any = len(operations) + wait.omitted, wait.wait_for == "any"
    late = [one for one in operations if one["outcome"] == "timeout"]
    # what was read after the wait has not decided it
    decided = [one for one in operations if one["outcome"] not in ("timeout", "open") and not one["continued"]]
    counts = Counter(str(one["state"]) for one in decided)
    good, bad = counts["succeeded"], next((state for state in _BAD if counts[state]), None)
    if is_any and good:
        return Headline("done", "The first success ended the wait")
    if bad and not is_any:
        return Headline(tone_of(bad), f"{counts[bad]} of {number} {_BAD[bad]}")
    if late:
        return Headline("unknown", f"Deadline passed: {_still(late, number)}")
    if good == len(operations):
        return Headline("done", f"{good} shown, all succeeded" if wait.omitted else "All succeeded")
    if bad and sum(counts[state] for state in _BAD) == number:
        return Headline("failed", f"None of {number} succeeded")
    if over:
        return Headline("unknown", f"No longer waited for; {good} of {number} succeeded")
    return Headline("running", f"{good} of {number} succeeded")


def _still(late: Sequence[Mapping[str, Any]], number: int) -> str:
    open_ones = [one for one in late if not one["is_settled"]]
    if not open_ones:
        return "all have settled since"
    seen = any(one["raw_state"] is not None for one in open_ones)
    return f"{len(open_ones)} of {number} {'still running' if seen else 'never seen'}"
