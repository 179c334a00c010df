"""The requests of one event loop that wait for their turn."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
from contextvars import Context

from airflow_provider_ops.http.background import create_background_task
from airflow_provider_ops.http.clock import Clock
from airflow_provider_ops.http.rate_limiter import STALE, Priority, RateLimiter
from airflow_provider_ops.http.shared_budget import SharedBudget


class PauseTooLong(Exception):
    """The API asked for a pause that ends after the request's deadline; nothing was sent.

    :param seconds: what is left of the pause.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


_Waiting = list[tuple[Priority, int, float, asyncio.Future[float]]]


class RequestQueue:
    """The requests of one event loop that wait for a permit, by priority and then in the order they came.

    Pages of lists wait in a row of their own; the two take turns.

    :param shared: what the processes of a deployment share; a request needs a permit of both.
    """

    def __init__(self, limiter: RateLimiter, clock: Clock, shared: SharedBudget | None = None) -> None:
        self._limiter = limiter
        self._clock = clock
        self._shared = shared
        self._is_asking = False
        self._order = itertools.count()
        self._queue: _Waiting = []
        self._pages: _Waiting = []
        self._was_page = False
        self._task: asyncio.Task[None] | None = None

    async def acquire(self, priority: Priority, within: float = math.inf) -> float:
        """Wait for a permit; return when it was granted, for :meth:`RateLimiter.complete`.

        :param within: seconds after which no pause that the API asked for is waited for.
        :raises PauseTooLong: the pause takes longer.
        """
        until = self._clock.monotonic() + within
        while True:
            granted = await self._next(priority, until)
            if not self._limiter.has_budget or self._clock.monotonic() - granted <= STALE:
                return granted
            self._limiter.release(granted)

    async def _next(self, priority: Priority, until: float) -> float:
        now = self._clock.monotonic()
        if self._shared is None and self._goes_first(priority) and not self._limiter.try_acquire(now, priority):
            return now
        self._check(priority, until, now)
        permit: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        queue = self._pages if priority is Priority.PAGE else self._queue
        heapq.heappush(queue, (priority, next(self._order), until, permit))
        if queue[0][-1] is permit and self._task is not None and not self._is_asking:
            # it may sleep through a pause that the new first one need not wait for
            self._task.cancel()
            self._task = None
        if self._task is None or self._task.done():
            self._task = Context().run(create_background_task, self._serve())
        try:
            return await permit
        except asyncio.CancelledError:
            if permit.done() and not permit.cancelled() and permit.exception() is None:
                self._limiter.release(permit.result())
            raise

    def on_response(self, now: float, status: int, retry_after: float | None) -> None:
        """Take in what an answer says about the rate, and let the other processes know."""
        pause = self._limiter.on_response(now, status, retry_after)
        if self._shared is not None and pause:
            Context().run(create_background_task, self._shared.publish_pause(status, pause))

    async def aclose(self) -> None:
        """End the work in the background. No request waits any more."""
        if self._task is not None:
            self._task.cancel()
        if self._shared is not None:
            if self._task is not None:
                # it may be asking, and what it asks with is closed next
                await asyncio.wait([self._task])
            await self._shared.aclose()

    def _check(self, priority: Priority, until: float, now: float) -> None:
        paused = 0.0 if priority is Priority.KILL else self._limiter.paused(now)
        if paused and now + paused > until:
            raise PauseTooLong(paused)

    async def _serve(self) -> None:
        while True:
            now = self._clock.monotonic()
            self._refuse_some(now)
            if not (queue := self._next_row()):
                return
            priority = queue[0][0]
            delay = self._limiter.delay(now, priority)
            if not delay and self._shared is not None:
                delay = await self._ask(self._shared, priority)
                now = self._clock.monotonic()
                if not (queue := self._next_row()):
                    return
                if delay and queue[0][0] < priority:
                    # it came meanwhile, and need not wait for what this one waits for
                    continue
            if delay := delay or self._limiter.try_acquire(now, queue[0][0]):
                await self._clock.asleep(delay)
                continue
            if self._shared is not None:
                self._shared.use()
            self._was_page = queue is self._pages
            heapq.heappop(queue)[-1].set_result(now)
            # one at a time, so that each knows how old its own is
            await asyncio.sleep(0)

    async def _ask(self, shared: SharedBudget, priority: Priority) -> float:
        # a permit that is on its way must not be lost when another request comes
        self._is_asking = True
        try:
            with self._clock.busy():
                return await shared.lease(priority, len(self._queue) + len(self._pages))
        finally:
            self._is_asking = False

    def _goes_first(self, priority: Priority) -> bool:
        """Return whether a new request goes before all that wait."""
        if self._pages and priority is not Priority.KILL:
            return False
        return not self._queue or priority < self._queue[0][0]

    def _next_row(self) -> _Waiting:
        """Return the queue whose first request is next; an empty one when no request waits."""
        for row in (self._queue, self._pages):
            while row and row[0][-1].done():
                heapq.heappop(row)
        if not (self._queue and self._pages):
            return self._queue or self._pages
        return self._queue if self._was_page or self._queue[0][0] is Priority.KILL else self._pages

    def _refuse_some(self, now: float) -> None:
        """Refuse those whose pause has begun, or grown, while they wait."""
        for priority, _, until, permit in (*self._queue, *self._pages):
            if not permit.done():
                try:
                    self._check(priority, until, now)
                except PauseTooLong as error:
                    permit.set_exception(error)
