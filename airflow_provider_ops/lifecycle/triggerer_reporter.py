"""Records the history of waits in a triggerer, which may hold ten thousand and has one supervisor.

The supervisor serves one call at a time. Only what changed is recorded, the latest of each task, one after the other;
and after each call comes a pause nine times as long, so that at most a tenth of the supervisor's time is used for
this. A late record does no harm: the view reads the operation itself when its record is old.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextvars import Context
from typing import Any
from weakref import WeakKeyDictionary

from airflow_provider_ops._compat import can_push_plain_async, pull_plain_async, push_plain_async
from airflow_provider_ops.core.aftermath import Aftermath
from airflow_provider_ops.core.backoff import Backoff
from airflow_provider_ops.core.history import KEY, WaitHistory, digest, read_record
from airflow_provider_ops.core.wait_state import WaitState
from airflow_provider_ops.http.background import create_background_task
from airflow_provider_ops.http.clock import Clock

log = logging.getLogger(__name__)

#: Share of the supervisor's time that may be used, as the pause that follows each call: so many times as long.
_PAUSE_FACTOR = 9.0
_SHORTEST_PAUSE = 0.02
#: Seconds between two records of one task; changes that come faster are recorded together.
_PER_TASK = 3.0
#: Seconds between two records that only say that a wait is still running, of all tasks together.
_IDLE_EVERY = 2.0
#: Longest pause, in seconds, while the next task in the queue has to wait.
_LONGEST_NAP = 0.25
#: Seconds after which a call counts as failed; nothing is recorded until it has ended.
_PATIENCE = 20.0
#: After a failed call everything waits for as long as calls have been failing, between these bounds.
_BACKOFF = Backoff(5.0, 300.0, share=1.0)


class TriggerReporter:
    """The history of one trigger's waits, recorded through the queue of its event loop.

    :param ti: the task instance that waits.
    :param last_reported_digest: :func:`~airflow_provider_ops.core.history.digest` of what the worker has recorded.
    """

    def __init__(
        self,
        ti: Any,
        history: WaitHistory,
        states: Sequence[WaitState],
        clock: Clock,
        last_reported_digest: int | None,
    ) -> None:
        self._ti = ti
        self._history = history
        self._waits = states
        self._clock = clock
        self._queue = queue_of_loop(clock)
        # of each, so that one of hundreds that changes costs as much as one
        self._marks = {state.operation_id: digest([state]) for state in states}
        self._digest = digest(states)
        self._last_reported_digest = last_reported_digest
        self._is_asked_for = False
        self._has_read = False
        self.is_over = False
        #: When it may be recorded again (monotonic).
        self.not_before = 0.0

    def record(self, state: WaitState) -> None:
        """Record the state of a wait: to be called when something has changed, and now and then."""
        try:
            self._note(state)
        except Exception:
            # the caller is the poller that all waits share
            log.debug("the progress of this wait cannot be shown", exc_info=True)

    def _note(self, state: WaitState) -> None:
        self._history.record([state], self._clock.time())
        if all(one.outcome for one in self._waits):
            # the worker records the end
            return
        before, now = self._marks[state.operation_id], digest([state])
        self._marks[state.operation_id] = now
        self._digest ^= before ^ now
        if before != now:
            self._queue.offer(self)
        elif self._queue.offer_when_idle(self):
            self._is_asked_for = True

    def stop(self) -> None:
        """Record nothing more: the wait is over, or continues elsewhere."""
        self.is_over = True
        self._queue.forget(self)

    def end(self) -> dict[str, Any]:
        """Return the history for the trigger's event; record nothing more."""
        self.stop()
        self._history.record(self._waits, self._clock.time())
        return self._history.to_event()

    async def push(self) -> None:
        """Store the history as it is now, unless that is stored already."""
        if self._digest == self._last_reported_digest and not self._is_asked_for:
            return
        if not self._has_read:
            earlier = await pull_plain_async(self._ti, KEY)
            self._has_read = True
            self._history.continue_from(earlier)
        if self.is_over:
            return
        now = self._clock.time()
        self._history.record(self._waits, now)
        self.not_before = self._clock.monotonic() + _PER_TASK
        self._last_reported_digest, self._is_asked_for = self._digest, False
        try:
            await push_plain_async(self._ti, KEY, self._history.to_record(now))
        except BaseException:
            self._last_reported_digest = None
            raise


class ReportQueue:
    """Tasks whose history has changed, recorded one after the other."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[TriggerReporter, None] = {}
        self._running: asyncio.Task[None] | None = None
        self._failing_since: float | None = None
        self._idle_pushed_at = float("-inf")

    def offer(self, report: TriggerReporter) -> None:
        """Record the latest history of a task when its turn comes."""
        self._waiting.setdefault(report)
        if self._running is None or self._running.done():
            # in a context of its own: what is logged belongs to no single task
            self._running = Context().run(create_background_task, self._run())

    def forget(self, report: TriggerReporter) -> None:
        """Record nothing more of a task."""
        self._waiting.pop(report, None)

    def offer_when_idle(self, report: TriggerReporter) -> bool:
        """Record that nothing has changed, if no other task waits for its turn; return whether that will be done."""
        now = self._clock.monotonic()
        is_idle = not self._waiting and now - self._idle_pushed_at >= _IDLE_EVERY
        if is_idle:
            self._idle_pushed_at = now
            self.offer(report)
        return is_idle

    async def _run(self) -> None:
        while self._waiting:
            report = next(iter(self._waiting))
            del self._waiting[report]
            early = report.not_before - self._clock.monotonic()
            if early > 0:
                self._waiting[report] = None
                await self._clock.asleep(min(early, _LONGEST_NAP))
                continue
            await self._clock.asleep(await self._log_failure(report))

    async def _log_failure(self, report: TriggerReporter) -> float:
        """Store the history of a task and warn of the first failure; return the seconds to pause afterwards."""
        started = self._clock.monotonic()
        call = create_background_task(report.push())
        done, _ = await asyncio.wait({call}, timeout=_PATIENCE)
        if not done:
            # never cancelled: its answer would then be taken for that of the next call
            await asyncio.wait({call})
        error = call.exception()
        if error is None and done:
            self._failing_since = None
            return max(_SHORTEST_PAUSE, _PAUSE_FACTOR * (self._clock.monotonic() - started))
        if self._failing_since is None:
            self._failing_since = started
            log.warning("The progress of waits cannot be shown for now, the waits continue: %r", error or "no answer")
        return _BACKOFF.pause(self._clock.monotonic() - self._failing_since)


async def record_aftermath(ti: Any, aftermath: Aftermath) -> None:
    """Add what a kill has left behind to the record of the killed try, if that is still there."""
    history = read_record(await pull_plain_async(ti, KEY))
    if history is None or history.try_number != ti.try_number:
        # a user cleared the task, and its new try has a record of its own
        return
    history.aftermath = aftermath
    # nothing new is known of the operation since the last record
    await push_plain_async(ti, KEY, history.to_record(history.written_at))


_QUEUES: WeakKeyDictionary[asyncio.AbstractEventLoop, ReportQueue] = WeakKeyDictionary()


def queue_of_loop(clock: Clock) -> ReportQueue:
    """Return the queue of the running event loop."""
    return _QUEUES.setdefault(asyncio.get_running_loop(), ReportQueue(clock))


def can_report() -> bool:
    """Return whether triggers of this Airflow can store anything for their tasks."""
    return can_push_plain_async()
