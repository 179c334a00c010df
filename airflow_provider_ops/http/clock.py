"""Time, injectable: the wall clock for deadlines, the monotonic clock for everything that lasts."""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Clock(Protocol):
    """Source of time; tests advance it instead of sleeping."""

    def time(self) -> float:
        """Return epoch seconds: for deadlines and other instants that other machines read."""

    def monotonic(self) -> float:
        """Return seconds that never step: for intervals, pauses and windows."""

    def sleep(self, seconds: float) -> None:
        """Block the caller."""

    async def asleep(self, seconds: float) -> None:
        """Suspend the caller."""

    def busy(self) -> AbstractContextManager[None]:
        """Keep virtual time from passing inside the block: something real is under way."""

    def from_wall(self, at: float) -> float:
        """Return what this clock showed when the machine's clock showed ``at``; both in epoch seconds."""


class SystemClock:
    """Real time."""

    def time(self) -> float:
        """Return epoch seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds that never step."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block the caller."""
        time.sleep(seconds)

    async def asleep(self, seconds: float) -> None:
        """Suspend the caller."""
        await asyncio.sleep(seconds)

    def busy(self) -> AbstractContextManager[None]:
        """Do nothing: real time passes whatever happens."""
        return _NOTHING

    def from_wall(self, at: float) -> float:
        """Return ``at``."""
        return at


_NOTHING = nullcontext()


def on_wall_clock(clock: Clock, moment: float | None) -> float | None:
    """Return when a monotonic moment comes, in epoch seconds as the wall clock counts them now."""
    return None if moment is None else clock.time() + moment - clock.monotonic()
