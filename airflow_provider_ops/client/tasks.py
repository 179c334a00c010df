"""Background work on an event loop that outlives the one who started it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import anyio

T = TypeVar("T")

#: The loop itself keeps only weak references to tasks.
_RUNNING: set[asyncio.Task[Any]] = set()


def spawn(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Run ``work`` as a task of its own, strongly referenced until it ends."""
    task = asyncio.get_running_loop().create_task(work)
    _RUNNING.add(task)
    task.add_done_callback(_RUNNING.discard)
    return task


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Limit what is awaited inside the block.

    Not ``asyncio.wait_for``: before Python 3.12 that forgets a cancellation which comes together with the result, and a
    task that was told to stop goes on.

    :raises asyncio.TimeoutError: it took longer.
    """
    try:
        with anyio.fail_after(seconds):
            yield
    except TimeoutError:
        # on Python 3.10 they are two
        raise asyncio.TimeoutError from None
