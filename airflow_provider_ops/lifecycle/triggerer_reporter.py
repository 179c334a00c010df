"""Tells from a triggerer, which may hold ten thousand waits and has one supervisor that serves one call at a time.

Only what changed is told, the latest of each task, one after the other; and after each call comes a pause nine times
as long, so that whatever happens at most a tenth of the supervisor's time goes into this. What is late is only seen
late: the view reads the operation itself when its record is old.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextvars import Context
from typing import Any
from weakref import WeakKeyDictionary

from airflow_provider_ops._compat import can_push_plain_async, pull_plain_async, push_plain_async
from airflow_provider_ops.core.backoff import Backoff
from airflow_provider_ops.core.history import KEY, WaitHistory, digest
from airflow_provider_ops.core.wait_state import WaitState
from airflow_provider_ops.http.background import create_background_task
from airflow_provider_ops.http.clock import Clock

log = logging.getLogger(__name__)

#: Share of the supervisor's time that may be used, as the pause that follows each call: so many times as long.
_PAUSE_FACTOR = 9.0
_SHORTEST_PAUSE = 0.02
#: Seconds between two records of one task; changes that come faster are told together.
_PER_TASK = 3.0
#: Seconds between two records that only say that a wait goes on, of all tasks together.
_IDLE_EVERY = 2.0
#: Longest nap while the next in turn has to wait.
_LONGEST_NAP = 0.25
#: A call that takes longer is not waited for, and nothing is told until it has ended.
_PATIENCE = 20.0
#: After a failed call everything waits for as long as calls have been failing, between these bounds.
_BACKOFF = Backoff(5.0, 300.0, share=1.0)


class TriggerReporter:
    """The story of one trigger's waits, told through the queue of its event loop.

    :param ti: the task instance that waits.
    :param told: :func:`~airflow_provider_ops.core.history.mark` of what the worker has told already.
    """

    def __init__(
        self, ti: Any, story: WaitHistory, watches: Sequence[WaitState], clock: Clock, told: int | None
    ) -> None:
        self._ti = ti
        self._history = story
        self._waits = watches
        self._clock = clock
        self._queue = queue_of_loop(clock)
        # of each, so that one of hundreds that changes costs as much as one
        self._marks = {watch.operation_id: digest([watch]) for watch in watches}
        self._digest = digest(watches)
        self._last_reported_digest = told
        self._is_asked_for = False
        self._has_read = False
        self.is_over = False
        #: When it may be told again (monotonic).
        self.not_before = 0.0

    def record(self, watch: WaitState) -> None:
        """Keep what a watch knows: to be called when something has changed, and now and then."""
        try:
            self._note(watch)
        except Exception:
            # the caller is the poller of everybody
            log.debug("the progress of this wait cannot be shown", exc_info=True)

    def _note(self, watch: WaitState) -> None:
        self._history.record([watch], self._clock.time())
        if all(one.outcome for one in self._waits):
            # the end is told by the worker
            return
        before, seen = self._marks[watch.operation_id], digest([watch])
        self._marks[watch.operation_id] = seen
        self._digest ^= before ^ seen
        if before != seen:
            self._queue.offer(self)
        elif self._queue.offer_when_idle(self):
            self._is_asked_for = True

    def stop(self) -> None:
        """Tell nothing more: the wait is over, or goes on elsewhere."""
        self.is_over = True
        self._queue.forget(self)

    def end(self) -> dict[str, Any]:
        """What the event carries of the story; nothing more is told."""
        self.stop()
        self._history.record(self._waits, self._clock.time())
        return self._history.to_event()

    async def push(self) -> None:
        """Keep the story as it is now, unless it has been told."""
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
    """Tasks whose story has changed, told one after the other."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[TriggerReporter, None] = {}
        self._running: asyncio.Task[None] | None = None
        self._failing_since: float | None = None
        self._idle_pushed_at = float("-inf")

    def offer(self, report: TriggerReporter) -> None:
        """Have the latest of a task told when its turn comes."""
        self._waiting.setdefault(report)
        if self._running is None or self._running.done():
            # in a context of its own: what is logged belongs to no single task
            self._running = Context().run(create_background_task, self._run())

    def forget(self, report: TriggerReporter) -> None:
        """Have nothing more told of a task."""
        self._waiting.pop(report, None)

    def offer_when_idle(self, report: TriggerReporter) -> bool:
        """Have it told that nothing has changed, where that takes nothing from anybody; whether it will be."""
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
        """Seconds to leave after it."""
        started = self._clock.monotonic()
        call = create_background_task(report.push())
        done, _ = await asyncio.wait({call}, timeout=_PATIENCE)
        if not done:
            # never cancelled: an answer without anybody who waits for it would be taken for another's
            await asyncio.wait({call})
        error = call.exception()
        if error is None and done:
            self._failing_since = None
            return max(_SHORTEST_PAUSE, _PAUSE_FACTOR * (self._clock.monotonic() - started))
        if self._failing_since is None:
            self._failing_since = started
            log.warning("The progress of waits cannot be shown for now, the waits go on: %r", error or "no answer")
        return _BACKOFF.pause(self._clock.monotonic() - self._failing_since)


_QUEUES: WeakKeyDictionary[asyncio.AbstractEventLoop, ReportQueue] = WeakKeyDictionary()


def queue_of_loop(clock: Clock) -> ReportQueue:
    """The queue of the running event loop."""
    return _QUEUES.setdefault(asyncio.get_running_loop(), ReportQueue(clock))


def can_report() -> bool:
    """Whether triggers of this Airflow can keep anything for their tasks."""
    return can_push_plain_async()
