"""The time of the simulator: everything asks one clock, so that tests can bring their own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timezone
from functools import lru_cache
from typing import Protocol


class Clock(Protocol):
    """What the simulator needs of a clock; `airflow_provider_ops.testing.VirtualClock` is another one."""

    def time(self) -> float:
        """Return the time now, in seconds since the epoch."""

    async def asleep(self, seconds: float) -> None:
        """Return when that many seconds of this clock have passed."""

    def serving(self, is_awaited: Callable[[], bool]) -> AbstractContextManager[None]:
        """Declare that a sleep inside the block holds an answer back, as long as `is_awaited` says so."""


class SystemClock:
    """The machine's clock."""

    def time(self) -> float:
        """Return the time now, in seconds since the epoch."""
        return time.time()

    async def asleep(self, seconds: float) -> None:
        """Sleep in real time."""
        await asyncio.sleep(seconds)

    def serving(self, is_awaited: Callable[[], bool]) -> AbstractContextManager[None]:  # noqa: ARG002
        """Do nothing: real time passes whatever happens."""
        return nullcontext()


@lru_cache(maxsize=4096)
def _rfc3339(whole_seconds: int) -> str:
    return datetime.fromtimestamp(whole_seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339(at: float) -> str:
    """Return a time as the APIs write it: UTC, whole seconds, `2025-03-01T08:00:00Z`."""
    return _rfc3339(int(at))


def rfc3339_millis(at: float | None) -> str | None:
    """Return a time for the control pages: UTC with milliseconds, or None for what has not happened."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
