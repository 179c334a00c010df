"""Records the history of waits on a worker: while it waits itself, and how the wait has ended."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from airflow_provider_ops._compat import pull_plain, push_plain
from airflow_provider_ops.core.aftermath import Aftermath
from airflow_provider_ops.core.history import KEY, RECORD, WaitHistory, digest
from airflow_provider_ops.core.operation_history import OperationHistory
from airflow_provider_ops.core.timeline import Timeline
from airflow_provider_ops.core.wait_state import Outcome, WaitState
from airflow_provider_ops.core.zero_point import ZeroPoint
from airflow_provider_ops.http.clock import Clock
from airflow_provider_ops.lifecycle.earlier_tries import keep_entry
from airflow_provider_ops.operation import Operation

log = logging.getLogger(__name__)

#: Operations of a try whose ids are stored for later tries.
_MOST_OTHERS = 100
#: Phases of a try that are stored for later tries, the latest.
_MOST_PHASES = 10
#: Seconds between two records: of two hundred operations each may change on its own.
_BETWEEN = 2.0


class WorkerReporter:
    """The history of one try, stored as an XCom of its task instance.

    :param ti: the task instance.
    :param deadline: epoch seconds.
    :param on_kill: kill policy of the task, where it has one; ``on_timeout`` its timeout policy.
    :param resumes: whether an earlier leg of this try may have stored something.
    :param store: ``context["task_state_store"]``, which outlives the try; absent before Airflow 3.3.
    :param loses_xcoms: whether Airflow deletes the XComs of this try before its next leg, as of a rescheduled sensor.
    """

    def __init__(
        self,
        ti: Any,
        clock: Clock,
        *,
        api: str,
        conn_id: str,
        deadline: float | None,
        wait_for: str = "all",
        on_kill: str | None = None,
        on_timeout: str | None = None,
        resumes: bool = False,
        store: Any = None,
        loses_xcoms: bool = False,
    ) -> None:
        self._ti = ti
        self._clock = clock
        self._store = store
        self._loses_xcoms = loses_xcoms
        self._history = WaitHistory(api, conn_id, ti.try_number, "worker", wait_for, deadline, on_kill, on_timeout)
        self._digest: int | None = None
        self._pushed_at = float("-inf")
        # reading an XCom that does not exist makes Airflow write an error into its log
        self._has_read = not resumes
        self._is_paused = False
        # as the task state store has it
        self._kept: Mapping[str, Any] | None = None

    @property
    def last_reported_digest(self) -> int | None:
        """Return the digest of what was recorded last, so that the triggerer does not record it again."""
        return self._digest

    @property
    def histories(self) -> Collection[OperationHistory]:
        """Return the history of each operation, as far as it is known here."""
        return self._history.operations.values()

    def zero_point(self, operation_id: str) -> ZeroPoint | None:
        """Return what durations of an operation count from; ``None`` where nothing is known of it."""
        history = self._history.operations.get(operation_id)
        return history.zero_point if history else None

    def record(self, states: Sequence[WaitState]) -> None:
        """Record what is known while the attempt waits here, at most every two seconds."""
        self._quietly(lambda: self._record(states))

    def paused(self, states: Sequence[WaitState], *, is_over: bool) -> None:
        """Record what is known at the end of this leg.

        :param is_over: whether the wait ends with this leg.
        """
        if is_over:
            self.ended({state.operation_id: (state.outcome, state.timeline) for state in states})
        else:
            self._is_paused = True
            self._quietly(lambda: self._record(states, at_once=True))
            # while it is deferred or rescheduled, nothing else says that no worker has it
            self._quietly(self._keep_for_later_tries)

    def waits_for(self, operation_ids: Sequence[str]) -> None:
        """Store for later tries what this one waits for and has not submitted: no handle says it."""

        def work() -> None:
            for operation_id in operation_ids:
                self._history.operation(operation_id)
            self._keep_for_later_tries()

        self._quietly(work)

    def began(self, operation_id: str, submitted_at: float | None) -> None:
        """Take in the operation of this try, to be recorded with what follows: a write now would delay the first poll.

        :param submitted_at: epoch seconds; ``None`` where that is not known.
        """
        self._history.operation(operation_id).submitted_at = submitted_at

    def adopted(self, operation_id: str) -> None:
        """Take in that the task was given the operation, to be recorded with what follows."""
        self._history.operation(operation_id).adopted_at = self._clock.time()

    def left_behind(self, aftermath: Aftermath, operation: Operation | None = None) -> None:
        """Record what this try has left behind.

        :param operation: the failed operation, where more is known of it than when the wait ended.
        """
        self._history.aftermath = aftermath
        if operation is not None:
            self._history.operation(operation.id).operation = operation
        self._quietly(self._push)

    def submitted(self, operation_id: str, operation: Any) -> None:
        """Record an operation that was started and is not waited for."""

        def work() -> None:
            self._history.is_over = True
            self._history.operation(operation_id).on_started(operation, self._clock.time())
            self._push()

        self._quietly(work)

    def ended(self, waits: Mapping[str, tuple[Outcome | None, Timeline | None]], in_event: object = None) -> None:
        """Record how the wait has ended.

        :param in_event: the history in the trigger's event.
        """
        self._quietly(lambda: self._end(waits, in_event))

    def _record(self, states: Sequence[WaitState], *, at_once: bool = False) -> None:
        now = self._clock.time()
        self._history.is_over = False
        self._history.record(states, now)
        current = digest(states)
        pushed_for = self._clock.monotonic() - self._pushed_at
        if current != self._digest and (at_once or pushed_for >= _BETWEEN):
            self._push()
            self._digest, self._pushed_at = current, self._clock.monotonic()

    def _end(self, waits: Mapping[str, tuple[Outcome | None, Timeline | None]], in_event: object) -> None:
        now = self._clock.time()
        self._read_earlier()
        self._history.merge(in_event)
        for operation_id, (outcome, timeline) in waits.items():
            self._history.operation(operation_id).ended(outcome, timeline, now)
        self._history.is_over = True
        self._push()

    def _keep_for_later_tries(self) -> None:
        """Store what is known of this try in the task state store: the next try deletes the XComs.

        A success is stored as well, because a clear begins anew and leaves the earlier operation as it is.
        """
        self._read_earlier()
        histories = list(self._history.operations.values())
        if self._store is None or not histories:
            return
        decisive = next((one for one in histories if not one.has_succeeded), histories[0])
        operation, left = histories[0].operation, self._history.aftermath
        this = {
            "try_number": self._history.try_number,
            "operation_id": decisive.operation_id,
            "said": f"{decisive.summary}. {left.text}" if left else decisive.summary,
            "ended_at": round(self._clock.time(), 1) if self._history.is_over else None,
            "last_seen": decisive.operation.raw_state if decisive.operation else None,
            "phases": [phase or raw_state for _, raw_state, phase in decisive.phases[-_MOST_PHASES:]],
            # what ended a try that could not record its end: it differs after a clear, and only a worker can be lost
            "max_tries": self._ti.max_tries,
            "is_paused": self._is_paused,
            # a release without the two facts below shows the texts, which say the same as of now
            "left": left.text if left else None,
            "summary": decisive.summary,
            "deletion": left.deletion.to_dict() if left and left.deletion else None,
            # what the task has submitted comes before what it waited for afterwards
            "first": {
                "operation_id": histories[0].operation_id,
                "kind": operation.kind if operation else "",
                "resource_type": operation.resource_type if operation else None,
                "resource_id": operation.resource_id if operation else None,
                "submitted_at": histories[0].submitted_at,
                "adopted_at": histories[0].adopted_at,
            },
            "others": [one.operation_id for one in histories[1:_MOST_OTHERS]],
            "omitted": max(0, len(histories) - _MOST_OTHERS),
        }
        if this != self._kept:
            keep_entry(self._store, this)
            self._kept = this

    def _push(self) -> None:
        self._read_earlier()
        # of a process that is killed nothing comes after this
        self._quietly(self._keep_for_later_tries)
        record = self._history.to_record(self._clock.time())
        push_plain(self._ti, KEY, record)
        if self._loses_xcoms and self._store is not None:
            self._store.set(RECORD, record)

    def _read_earlier(self) -> None:
        """Continue from the record of an earlier leg of this try."""
        if not self._has_read:
            self._has_read = True
            self._history.continue_from(self._earlier_record())

    def _earlier_record(self) -> Any:
        if self._loses_xcoms:
            return None if self._store is None else self._store.get(RECORD)
        return pull_plain(self._ti, KEY)

    @staticmethod
    def _quietly(work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:
            log.debug("the progress of this wait cannot be shown", exc_info=True)
