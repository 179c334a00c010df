"""What rows have in common: how operations run, and what is expected of them."""

from __future__ import annotations

from typing import Final

from dev.guarantees.api_case import UNKNOWN_STATUS
from dev.guarantees.apis import ApiCase
from dev.guarantees.model import Expect

D: Final = "deferred"
S: Final = "synchronous"
BOTH: Final = (D, S)

#: Long enough for all rows of a phase to be waiting at the same time, on a machine that is busy.
LONG: Final = ({"fault": "unknown_status", "word": UNKNOWN_STATUS, "seconds": 25},)
#: Outlasts what Airflow needs to notice that a worker is gone, or to start the next try of a cleared task.
WORKER_LONG: Final = ({"fault": "unknown_status", "word": UNKNOWN_STATUS, "seconds": 45},)
#: Outlasts a pause of a minute and what goes before it, which is the start of all rows of the phase.
LONGER: Final = ({"fault": "unknown_status", "word": UNKNOWN_STATUS, "seconds": 170},)
#: Outlasts that start, and ends within the pause.
WITHIN_PAUSE: Final = ({"fault": "unknown_status", "word": UNKNOWN_STATUS, "seconds": 75},)
ENDLESS: Final = ({"fault": "endless"},)

ADOPTED: Final = "of an earlier try is still running: adopting it"
FINISHED: Final = "has succeeded: finishing with its result"
#: A retry sees the operation running, or already over.
ADOPTED_OR_FINISHED: Final = f"({ADOPTED}|{FINISHED})"
SUCCEEDED: Final = r"operation \S+ \(.*\) succeeded"
SEARCHING: Final = "searching for what it started before anything else"
UNKNOWN: Final = "(?i)the outcome of .* is unknown"


def found_out(api: ApiCase, key: str, *, accepted: bool) -> Expect:
    """Return what is expected after a submit whose answer was lost, or whose process died."""
    tries = (1, 3) if key in ("answer-lost", "request-lost") else (2, 3)
    if api.finds == "no":
        made = int(accepted)
        settled = "1 succeeded" if accepted else "none"
        # a plain retry would stop at the same point, so there is none
        last = (1, 1) if key in ("answer-lost", "request-lost") else (2, 2)
        return Expect(UNKNOWN, created=made, settled=settled, state="failed", tries=last)
    if api.finds == "key":
        # the same key again, by the client or by the next try: the API itself says what it has started
        return Expect(SEARCHING, tries=tries, or_else=SUCCEEDED if tries[0] == 1 else "")
    found = r"found operation \S+: continuing with it" if accepted else "started nothing|nothing was started by then"
    return Expect(found, tries=tries)


def after_kill(api: ApiCase, policy: str) -> Expect:
    """Return what is expected after a kill; an outcome after the task's log was closed is only begun in that log."""
    begun = f"(?i)asked to stop.*on_kill={policy}"
    if policy == "cancel" and api.can_cancel:
        return Expect(
            "was asked to cancel", settled="1 cancelled", state="failed", endings=(1, 2), tries=(1, 1), or_else=begun
        )
    if policy == "delete" and api.can_delete:
        # what drains for longer than a worker's kill may take is owed, and the task says so
        owed = "still exists: the deletion was refused .* a clear of the task finishes it"
        return Expect(
            "is being deleted",
            settled="1 cancelled",
            state="failed",
            endings=(1, 10),
            tries=(1, 1),
            or_else=f"{begun}|{owed}",
        )
    return Expect(
        "continues remotely, because|made nothing that could be deleted",
        state="failed",
        tries=(1, 1),
        or_else=begun,
    )


def after_clear(api: ApiCase, policy: str) -> Expect:
    """Return what is expected after a clear."""
    ended = after_kill(api, policy)
    if not ended.endings[1]:
        # of a task that still runs, Airflow does not always distinguish a clear from a retry; both adopt
        return Expect("nothing ends its operation .* still ours: adopting it", tries=(2, 3), or_else=ADOPTED)
    stage = ended.settled.split()[1]
    return Expect(
        "submitting a new one",
        created=2,
        settled=f"1 {stage}, 1 succeeded",
        # one every half second until what is being made can be deleted, by the kill and by the next try
        endings=(1, 13),
        tries=(2, 3),
    )
