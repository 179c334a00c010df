"""Measures how long after the last question whether it may a request that changes something leaves."""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, Final

from airflow_provider_ops.lifecycle.fence import Fence

_FILE: Final = "window.txt"


def measure(folder: Path, asks: Callable[..., Any] = Fence.before_send) -> None:
    """Note the seconds of each such request from now on, in threads that begin from now on.

    From the return of the fence until the kernel has taken the first byte. The event loop of the provider's client runs
    in a thread of its own, which begins with the first request.

    :param asks: the last check whether the request may leave.
    """
    asked: float | None = None

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal asked
        if event == "return":
            if frame.f_code is asks.__code__:
                asked = time.perf_counter()
            elif frame.f_code.co_name == "write":
                # a request that was held back has none
                asked = None
        elif asked is not None and event == "c_return" and _sends(argument):
            seconds, asked = time.perf_counter() - asked, None
            with (folder / _FILE).open("a") as file:
                file.write(f"{seconds:.6f}\n")

    threading.setprofile(profile)


def _sends(function: Any) -> bool:
    return getattr(function, "__name__", "") == "send" and isinstance(function.__self__, socket.socket)


def measured(folder: Path) -> list[float]:
    """Return what all processes have noted, in seconds."""
    file = folder / _FILE
    return [float(line) for line in file.read_text().split()] if file.exists() else []


def described(seconds: Sequence[float]) -> str:
    """Return a sentence for people."""
    if not seconds:
        return "No request that changes something was measured."
    p99 = sorted(seconds)[math.ceil(0.99 * len(seconds)) - 1]
    return (
        f"Between the last question whether an attempt may change something and the first byte of its request: "
        f"{p99 * 1000:.2f} ms (p99 of {len(seconds)} requests), {max(seconds) * 1000:.2f} ms at most."
    )
