"""A thread with one event loop, on which code without a loop runs what is asynchronous.

There is one portal in a process, made when it is first asked for. Its thread never calls Airflow: what only Airflow's
own threads may do (look up a connection, write a line into the task's log) is done by the caller, which waits anyway.
Its thread is a daemon with all signals blocked, so that they interrupt the main thread, where Airflow handles them.

No locks: a signal handler may interrupt any instruction here, and call in again.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import signal
import socket
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from airflow_provider_ops.exceptions import ConfigurationError
from airflow_provider_ops.http.portal_call import PortalCall, fail, succeed

T = TypeVar("T")

#: Seconds for which the end of the process waits for the portal's.
_ENDED = 1.0


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
    """Resolve host names in daemon threads: those of an executor are waited for at the end of the process."""

    async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> Any:
        found = self.create_future()

        def look_up() -> None:
            try:
                result, outcome = socket.getaddrinfo(host, port, **options), succeed
            except Exception as error:  # noqa: BLE001 - raised where it is awaited
                result, outcome = error, fail  # type: ignore[assignment]
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
