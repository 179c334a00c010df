"""A thread with one event loop, on which code without a loop runs what is asynchronous.

There is one portal in a process, made when it is first asked for. Its thread never calls Airflow: what only Airflow's
own threads may do (look up a connection, write a line into the task's log) is done by the caller, which waits anyway.
Its thread is a daemon with all signals blocked, so that they interrupt the main thread, where Airflow handles them.

No locks: a signal handler may interrupt any instruction here, and call in again.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import queue
import signal
import socket
import threading
import time
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Any, Generic, TypeVar

from airflow_provider_ops.exceptions import ConfigurationError, OpsError
from airflow_provider_ops.http.guard import CallInterrupted, Guard

T = TypeVar("T")

#: Seconds for which an interrupted caller waits for its work to end.
_ACKNOWLEDGED = 1.0
#: Seconds for which the end of the process waits for the portal's.
_ENDED = 1.0
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
        if self._is_over:
            raise PortalClosed("the caller has gone")

        def step() -> None:
            try:
                value = question()
            except Exception as error:  # noqa: BLE001 - raised where it was asked for
                loop.call_soon_threadsafe(_fail, answer, error)
            else:
                loop.call_soon_threadsafe(_succeed, answer, value)

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
            _fail(answer, PortalClosed("the caller has gone"))
        self._inbox.put(None)


def _nothing() -> None:
    return None


def _succeed(answer: asyncio.Future[Any], value: object) -> None:
    if not answer.done():
        answer.set_result(value)


def _fail(answer: asyncio.Future[Any], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)


class Portal:
    """The thread and its loop."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop = _Loop()
        self.pid = os.getpid()
        self._thread = threading.Thread(target=self._run, name="operations-portal", daemon=True)
        self._is_ready = threading.Event()
        #: What is closed before the loop ends.
        self._closers: dict[int, Callable[[], Coroutine[Any, Any, None]]] = {}

    def start(self) -> None:
        """Start the thread; return when the loop runs."""
        self._thread.start()
        self._is_ready.wait()

    @property
    def is_usable(self) -> bool:
        """Return whether this is the portal of this process, and runs."""
        return self.pid == os.getpid() and self._thread.is_alive() and not self.loop.is_closed()

    def call(self, work: Callable[[PortalCall[T]], Coroutine[Any, Any, T]]) -> T:
        """Run work as :meth:`complete` does, without a way to interrupt it."""
        return self.complete(PortalCall(work))

    def complete(self, call: PortalCall[T]) -> T:
        """Return what the work of a call returns, run on the loop; interrupted, cancel it first.

        :raises ConfigurationError: the calling code runs on an event loop itself.
        """
        self._refuse_loops()
        try:
            self.loop.call_soon_threadsafe(call.start)
            return call.wait()
        except BaseException:
            call.abandon(self.loop)
            raise

    def keep(self, closer: Callable[[], Coroutine[Any, Any, None]]) -> int:
        """Have something closed before the loop ends; the number is for :meth:`close_soon`."""
        number = id(closer)
        self._closers[number] = closer
        return number

    def close_soon(self, number: int) -> None:
        """Close something now, without waiting for it. May be called from anywhere, a finalizer included."""
        if not self.is_usable:
            # after a fork the connections belong to the parent
            return
        try:
            self.loop.call_soon_threadsafe(self._close, number)
        except RuntimeError:
            return

    def stop(self) -> None:
        """End the thread; at the end of the process."""
        if self.is_usable:
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(_ENDED)

    def _close(self, number: int) -> None:
        closer = self._closers.pop(number, None)
        if closer is not None:
            task = self.loop.create_task(closer())
            # strongly referenced until it ends
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            _CLOSING.add(task)
            task.add_done_callback(_CLOSING.discard)

    def _refuse_loops(self) -> None:
        if threading.get_ident() == self._thread.ident:
            raise ConfigurationError(
                "a blocking method of a hook was called on the thread that serves all of them, which would wait for "
                "itself: call it from another thread, or await the method whose name begins with 'a' instead"
            )
        if asyncio._get_running_loop() is not None:  # noqa: SLF001 - the public one raises, which costs more
            raise ConfigurationError(
                "a blocking method of a hook was called from code that runs on an event loop, which would stand still: "
                "await the method whose name begins with 'a' instead (await hook.aget_operation(...)), or call it in a "
                "thread (await asyncio.to_thread(hook.get_operation, ...))"
            )

    def _run(self) -> None:
        # a signal that this thread takes would not interrupt what the main thread waits for
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        asyncio.set_event_loop(self.loop)
        self.loop.call_soon(self._is_ready.set)
        try:
            self.loop.run_forever()
            self.loop.run_until_complete(self._end())
        finally:
            self.loop.close()

    async def _end(self) -> None:
        for closer in tuple(self._closers.values()):
            task = asyncio.ensure_future(closer())
            await asyncio.wait([task], timeout=_ENDED / 4)
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_ENDED / 4)


_CLOSING: set[asyncio.Task[None]] = set()


class _Loop(asyncio.SelectorEventLoop):
    """Resolves host names in daemon threads: those of an executor are waited for at the end of the process."""

    async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> Any:
        found = self.create_future()

        def look_up() -> None:
            try:
                result, outcome = socket.getaddrinfo(host, port, **options), _succeed
            except Exception as error:  # noqa: BLE001 - raised where it is awaited
                result, outcome = error, _fail  # type: ignore[assignment]
            try:
                self.call_soon_threadsafe(outcome, found, result)
            except RuntimeError:
                # the loop is closed: no caller waits any more
                return

        threading.Thread(target=look_up, name="operations-resolver", daemon=True).start()
        return await found


#: By process: a fork leaves the parent's portal here, untouched and unused, so that nothing of it is ever closed.
_PORTALS: dict[int, Portal] = {}


def portal() -> Portal:
    """Return the portal of this process, making it where there is none.

    Call it before the first moment at which it may be needed in a signal handler.
    """
    found = _PORTALS.get(os.getpid())
    if found is not None and found.is_usable:
        return found
    made = Portal()
    try:
        made.start()
        if found is not None:
            _PORTALS.pop(made.pid, None)
        winner = _PORTALS.setdefault(made.pid, made)
    except BaseException:
        made.stop()
        raise
    if winner is not made:
        # a signal handler, or another thread, was faster
        made.stop()
    return winner


@atexit.register
def _stop() -> None:
    found = _PORTALS.get(os.getpid())
    if found is not None:
        found.stop()
