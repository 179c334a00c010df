"""
Ends a task's process at an exact instruction of the provider, once per DAG run.

The DAGs of the kill table pass `arm` as `pre_execute`, which Airflow calls in the task's process right before the
operator. It listens to the calls of this process (`sys.setprofile`) and acts when the function named in the conf of
the run is entered or left. The provider itself is untouched and knows nothing of it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final, Literal

MARKERS: Final = "GUARANTEES_MARKERS"
CONF: Final = "crash"
_HOLD_SECONDS: Final = 90.0


@dataclass(frozen=True, slots=True)
class Crash:
    """
    Where a process ends.

    :param at: `Class.method`.
    :param on: when the method is entered or left.
    :param do: `kill` the task's process and the worker above it, or `hold` it until the runner lets it go on.
    :param nth: how many times the method may be reached before.
    """

    at: str
    on: Literal["enter", "leave"] = "enter"
    do: Literal["kill", "hold"] = "kill"
    nth: int = 1

    def conf(self) -> dict[str, Any]:
        """As it travels in the conf of a run."""
        return {CONF: asdict(self)}


@dataclass(frozen=True, slots=True)
class Markers:
    """Files through which the task's process and the runner know of each other."""

    folder: Path
    run_id: str

    @property
    def pids(self) -> Path:
        """Ids of the latest process of the task and of the worker above it."""
        return self.folder / f"{self.run_id}.pids"

    @property
    def reached(self) -> Path:
        """Exists once the place was reached."""
        return self.folder / f"{self.run_id}.reached"

    @property
    def go(self) -> Path:
        """Made by the runner to let a held process go on."""
        return self.folder / f"{self.run_id}.go"


def arm(context: Mapping[str, Any]) -> None:
    """Note the ids of this process, and wait for the place to be reached."""
    run = context["dag_run"]
    markers = Markers(Path(os.environ[MARKERS]), run.run_id)
    markers.pids.write_text(f"{os.getpid()} {os.getppid()}")
    spec = (run.conf or {}).get(CONF)
    if spec and not markers.reached.exists():
        _listen(Crash(**spec), markers)


def _listen(crash: Crash, markers: Markers) -> None:
    owner, method = crash.at.split(".")
    wanted = "call" if crash.on == "enter" else "return"
    left = crash.nth

    def profile(frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal left
        if event != wanted or frame.f_code.co_name != method:
            return
        if type(frame.f_locals.get("self")).__name__ != owner:
            return
        left -= 1
        if left:
            return
        sys.setprofile(None)
        markers.reached.touch()
        _ACTIONS[crash.do](markers)

    sys.setprofile(profile)


def _kill(_markers: Markers) -> None:
    # The worker first: it would report the death of its task, as nobody would if the machine were lost.
    os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def _hold(markers: Markers) -> None:
    end = time.monotonic() + _HOLD_SECONDS
    while not markers.go.exists() and time.monotonic() < end:
        time.sleep(0.1)


_ACTIONS: Final[Mapping[str, Callable[[Markers], None]]] = {"kill": _kill, "hold": _hold}
