"""Background work on an event loop that outlives its starter."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

#: The loop itself keeps only weak references to tasks.
_RUNNING: set[asyncio.Task[Any]] = set()


def create_background_task(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Run ``work`` as a task of its own, strongly referenced until it ends."""
    task = asyncio.get_running_loop().create_task(work)
    _RUNNING.add(task)
    task.add_done_callback(_RUNNING.discard)
    return task


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Limit what is awaited inside the block.

    Not ``asyncio.wait_for``: before Python 3.12 that forgets a cancellation which comes together with the result, and a
    task that was asked to stop continues. ``asyncio.timeout`` is missing before Python 3.11.

    :raises asyncio.TimeoutError: it took longer.
    """
    if seconds is None:
        yield
        return
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("a time limit works inside a task only")
    limit = _Limit(task) if sys.version_info >= (3, 11) else _CountingLimit(task)
    timer = asyncio.get_running_loop().call_later(max(seconds, 0.0), limit.expire)
    try:
        yield
    except asyncio.CancelledError:
        if limit.is_ours():
            raise asyncio.TimeoutError from None
        raise
    finally:
        timer.cancel()
        limit.end()


class _Limit:
    """The limit of one block."""

    def __init__(self, task: Any) -> None:
        self._task = task
        self._has_expired = False
        self._others: int = task.cancelling()

    def expire(self) -> None:
        """End what the block awaits."""
        self._has_expired = True
        self._task.cancel()

    def is_ours(self) -> bool:
        """Return whether only this limit has cancelled the block."""
        return self._has_expired and bool(self._task.uncancel() <= self._others)

    def end(self) -> None:
        """Do nothing: the task counts by itself who has cancelled it."""


class _CountingLimit:
    """The same before Python 3.11, where a task does not count who has cancelled it."""

    def __init__(self, task: Any) -> None:
        self._task = task
        self._has_expired = False
        self._others = 0
        around = task.cancel
        #: What counts for the limit around this one.
        self._around = around if isinstance(around.__self__, _CountingLimit) else None
        task.cancel = self._count

    def _count(self, msg: Any = None) -> bool:
        self._others += 1
        return bool(self._around(msg=msg) if self._around else type(self._task).cancel(self._task, msg=msg))

    def expire(self) -> None:
        """End what the block awaits."""
        if not self._others:
            self._has_expired = True
            # not a cancellation by others for the limits around this one
            type(self._task).cancel(self._task)

    def is_ours(self) -> bool:
        """Return whether only this limit has cancelled the block."""
        return self._has_expired and not self._others

    def end(self) -> None:
        """Count no more."""
        if self._around is None:
            del self._task.cancel
        else:
            self._task.cancel = self._around
