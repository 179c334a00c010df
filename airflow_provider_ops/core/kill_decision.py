"""Whether a kill is meant for the operation: Airflow kills for users, for restarts, and where it lost track.

Only the state of the task distinguishes them. After the end of a task nothing polls its operation any more, so the
kill policy is carried out at once. While the task continues, its next try decides, because only that knows whether a
user cleared the task: it adopts the operation or ends it (:func:`~airflow_provider_ops.core.submit_decision.decide`).
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final, NamedTuple

#: How a task instance is described that no longer exists.
GONE: Final = "removed"

_OVER: Final = frozenset({"success", "failed", "skipped", "upstream_failed", GONE})
#: Only in these states does it matter which operation the task has pushed.
AT_WORK: Final = frozenset({"running", "deferred"})
#: What Airflow makes of a running task that a user clears.
_CLEARED_WHILE_RUNNING: Final = "restarting"


class Kill(Enum):
    """What to do about a kill now."""

    END = auto()
    LEAVE = auto()
    ASK_AGAIN = auto()


def is_meant_on_worker(state: str | None) -> bool:
    """Return whether a worker that is asked to stop must end the operation: only when the task itself was ended.

    ``running`` means that this worker is stopped; a state in which the task waits for its next try means that Airflow
    took it away from this worker (a new scheduler, a heartbeat that came too late), and that try adopts the operation.
    """
    return state in _OVER or state == _CLEARED_WHILE_RUNNING


class Awaited(NamedTuple):
    """What an attempt has pushed of itself, or waits for.

    :param operation_id: of what it waits for.
    :param ti_id: id of the task instance, another one for each attempt; ``None`` where its release did not push it.
    """

    operation_id: str | None = None
    ti_id: str | None = None


def meant_in_trigger(state: str | None, awaited: Awaited, ours: Awaited, *, last_time: bool) -> Kill:
    """Return what a trigger that is asked to stop must do about its operation.

    :param state: of the task instance now; ``None`` when it was cleared and not scheduled yet.
    :param awaited: what the latest attempt of the task has pushed.
    :param ours: the attempt that has deferred on this trigger.
    :param last_time: whether there is no time left to ask again.
    """
    if state in _OVER:
        return Kill.END
    if state in AT_WORK and awaited.operation_id not in (None, ours.operation_id):
        # a user cleared the task, and its new try has an operation of its own
        return Kill.END
    if state in AT_WORK and None not in (awaited.ti_id, ours.ti_id) and awaited.ti_id != ours.ti_id:
        # another attempt continues with the same operation and decides what becomes of it
        return Kill.LEAVE
    if state == "deferred" and awaited.operation_id == ours.operation_id:
        return Kill.LEAVE
    # The next try may not have begun, or not have wiped what the one before it had pushed.
    if not last_time:
        return Kill.ASK_AGAIN
    # cleared in a DAG that is paused: no later try ends the operation
    return Kill.END if state is None else Kill.LEAVE
