"""One piece of work that a caller without an event loop hands to the portal, and what they say to each other meanwhile.

No locks: a signal handler may interrupt any instruction here, and call in again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import time
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Any, Generic, TypeVar

from airflow_provider_ops.exceptions import OpsError
from airflow_provider_ops.http.guard import CallInterrupted, Guard

T = TypeVar("T")

#: Seconds for which an interrupted caller waits for its work to end.
_ACKNOWLEDGED = 1.0
#: Seconds of waiting between two questions to the guard.
_CHECKED_EVERY = 1.0


class PortalClosed(OpsError):
    """The process, or the caller, is ending; what was asked for is not done."""


class PortalCall(Generic[T]):
    """One piece of work for the loop. It exists before it is handed over, so that it can be cancelled at any moment.

    :param work: makes the coroutine, on the loop.
    :param guard: decides how long the caller waits.
    """

    def __init__(self, work: Callable[[PortalCall[T]], Coroutine[Any, Any, T]], guard: Guard | None = None) -> None:
        self._work = work
        self._guard = guard
        self._pid = os.getpid()
        self._is_interrupted = False
        self._check_at = 0.0
        self._context = copy_context()
        #: What the caller is to do next; ``None`` when the work is over.
        self._inbox: queue.SimpleQueue[tuple[Callable[[], None], Callable[[], None]] | None] = queue.SimpleQueue()
        self._is_cancelled = False
        self._is_over = False
        self._task: asyncio.Task[T] | None = None
        self._asked: set[asyncio.Future[Any]] = set()

    # -- in the caller's thread

    def wait(self) -> T:
        """Return the result; meanwhile do what the work asks of the caller.

        :raises CallInterrupted: :meth:`interrupt` was called, and the guard waits no longer.
        """
        while (step := self._next()) is not None:
            step[0]()
        if self._task is None or self._task.cancelled():
            raise PortalClosed("the process is ending")
        return self._task.result()

    def interrupt(self) -> None:
        """Have the caller stop waiting; may be called from a signal handler."""
        self._is_interrupted = True
        self._inbox.put((_nothing, _nothing))

    def _next(self) -> tuple[Callable[[], None], Callable[[], None]] | None:
        if self._guard is None:
            return self._inbox.get()
        while True:
            seconds = _CHECKED_EVERY
            if self._is_interrupted:
                seconds = min(seconds, self._guard.seconds_to_linger())
                if seconds <= 0:
                    raise CallInterrupted
            if (now := time.monotonic()) >= self._check_at:
                self._check_at = now + _CHECKED_EVERY
                self._guard.check()
            with contextlib.suppress(queue.Empty):
                return self._inbox.get(timeout=seconds)

    def abandon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Cancel, and wait for a moment until the work has ended: its sockets are closed then."""
        self._is_cancelled = True
        if self._is_over:
            return
        try:
            loop.call_soon_threadsafe(self.cancel)
            while (step := self._inbox.get(timeout=_ACKNOWLEDGED)) is not None:
                step[1]()
        except (queue.Empty, RuntimeError):
            # not acknowledged in time, or the loop is closed
            return

    # -- on the loop

    def start(self) -> None:
        """Begin, unless the caller has gone already."""
        if self._is_cancelled:
            self._finish()
            return
        self._task = self._context.run(asyncio.get_running_loop().create_task, self._work(self))
        self._task.add_done_callback(self._finish)

    def cancel(self) -> None:
        """Cancel the work; nothing more is asked of the caller."""
        if self._task is not None:
            self._task.cancel()

    def post(self, step: Callable[[], None], dropped: Callable[[], None]) -> None:
        """Let the caller do something, in the order of the calls, without waiting for it.

        :param dropped: called instead when the caller has gone.
        """
        if self._is_cancelled or self._is_over:
            dropped()
        else:
            self._inbox.put((step, dropped))

    async def ask(self, question: Callable[[], Any]) -> Any:
        """Return what ``question`` returns in the caller's thread.

        :raises PortalClosed: the caller has gone.
        """
        loop = asyncio.get_running_loop()
        answer = loop.create_future()
        # a fork leaves the calls of other threads to a child that has none of these threads
        if self._is_over or self._pid != os.getpid():
            raise PortalClosed("the caller has gone")

        def step() -> None:
            try:
                value = question()
            except Exception as error:  # noqa: BLE001 - raised where it was asked for
                loop.call_soon_threadsafe(fail, answer, error)
            else:
                loop.call_soon_threadsafe(succeed, answer, value)

        self._asked.add(answer)
        answer.add_done_callback(self._asked.discard)
        self._inbox.put((step, lambda: None))
        return await answer

    def _finish(self, task: asyncio.Task[T] | None = None) -> None:
        self._is_over = True
        if task is not None and not task.cancelled():
            # read here in case the caller has gone: for an error that is never read the loop writes to the task's log
            task.exception()
        for answer in tuple(self._asked):
            fail(answer, PortalClosed("the caller has gone"))
        self._inbox.put(None)


def _nothing() -> None:
    return None


def succeed(answer: asyncio.Future[Any], value: object) -> None:
    """Answer, unless that has happened."""
    if not answer.done():
        answer.set_result(value)


def fail(answer: asyncio.Future[Any], error: Exception) -> None:
    """Let the wait for an answer raise, unless there is one."""
    if not answer.done():
        answer.set_exception(error)
