"""Why a task begins again: a user's clear asks for something new, an automatic retry for the same.

Airflow does not say which. What it shows at the start of a try is compared with what the try that submitted has stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Cause(Enum):
    """Why a try has begun."""

    SAME_TRY = auto()
    RETRY = auto()
    CLEARED = auto()
    #: It may have been cleared: to adopt costs another clear at most, to submit could leave a second resource.
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Attempt:
    """What Airflow shows of one try.

    :param ti_id: id of the task instance; new for every retry and every clear, the same in all legs of a try.
    :param max_tries: try after which Airflow stops retrying; a clear raises it by the tries that were used.
    :param clear_number: clears of the whole run, of whichever of its tasks; ``None`` where it is not known.
    :param retries: what the DAG says now.
    """

    ti_id: str | None
    max_tries: int
    clear_number: int | None
    try_number: int
    retries: int

    @property
    def has_full_budget(self) -> bool:
        """Return whether all retries of the DAG are left, as for a first try and right after a clear."""
        return self.max_tries - (self.try_number - 1) == self.retries

    @property
    def may_follow_another(self) -> bool:
        """Return whether an earlier try may have submitted something."""
        return self.try_number > 1 or bool(self.clear_number)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the try that submitted has stored of itself; ``None`` where its release did not.

    :param has_finished: it has returned its result.
    """

    ti_id: str | None
    max_tries: int
    clear_number: int | None
    has_finished: bool = False


def clear_or_retry(stored: Stamp, now: Attempt, *, has_succeeded: bool = False) -> Cause:
    """Return why this try has begun.

    ``max_tries`` stays equal in a clear when ``retries`` was lowered by just the tries that were used; then all
    retries are left. They also seem to be left when ``retries`` was lowered without a clear.

    :param has_succeeded: the stored operation has: a wrong submit would leave two resources.
    """
    if stored.ti_id is not None and stored.ti_id == now.ti_id:
        return Cause.SAME_TRY
    if stored.max_tries != now.max_tries:
        return Cause.CLEARED
    if not now.has_full_budget:
        # whatever was cleared was another task of the run
        return Cause.RETRY
    if stored.clear_number is None or now.clear_number is None or stored.clear_number == now.clear_number:
        # cleared with reset_dag_runs=false, or retried after ``retries`` was lowered
        return Cause.UNKNOWN
    if has_succeeded and not stored.has_finished:
        # another task of the run may have been cleared
        return Cause.UNKNOWN
    return Cause.CLEARED


def cause_without_handle(now: Attempt) -> Cause:
    """Return why a try has begun for which nothing is stored."""
    return Cause.CLEARED if now.has_full_budget else Cause.RETRY
