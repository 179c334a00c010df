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
#: Distinguishes our cancellation from that of others before Python 3.11, which counts them.
_EXPIRED = "the time limit of a block has passed"


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
    limit = _Limit(task)
    timer = asyncio.get_running_loop().call_later(max(seconds, 0.0), limit.expire)
    try:
        yield
    except asyncio.CancelledError as error:
        if limit.is_ours(error):
            raise asyncio.TimeoutError from None
        raise
    finally:
        timer.cancel()


class _Limit:
    """The limit of one block."""

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self._task = task
        self._has_expired = False
        self._others = task.cancelling() if sys.version_info >= (3, 11) else 0

    def expire(self) -> None:
        """End what the block awaits."""
        if sys.version_info < (3, 11) and _is_being_cancelled(self._task):
            return
        self._has_expired = True
        self._task.cancel(_EXPIRED)

    def is_ours(self, error: asyncio.CancelledError) -> bool:
        """Return whether only this limit has cancelled the block."""
        if not self._has_expired:
            return False
        if sys.version_info < (3, 11):
            return error.args == (_EXPIRED,)
        return self._task.uncancel() <= self._others


def _is_being_cancelled(task: Any) -> bool:
    waits_for = task._fut_waiter  # noqa: SLF001 - before Python 3.11 nothing else shows it
    return bool(task._must_cancel or (waits_for is not None and waits_for.cancelled()))  # noqa: SLF001
