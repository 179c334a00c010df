"""Progress lines of long checks, with the seconds since their start."""

from __future__ import annotations

import time
from typing import Final

_STARTED: Final = time.monotonic()


def seconds_since_start() -> float:
    """Return the seconds since this module was imported."""
    return time.monotonic() - _STARTED


def say(text: str) -> None:
    """Print a line with the seconds since the start."""
    print(f"{seconds_since_start():5.0f} s  {text}", flush=True)
