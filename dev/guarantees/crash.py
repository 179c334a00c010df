"""
Ends a task's process at an exact instruction of the provider, once per DAG run.

The DAGs of the guarantees table pass `arm` as `pre_execute`, which Airflow calls in the task's process right before the
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

from dev.guarantees import window

MARKERS: Final = "GUARANTEES_MARKERS"
CONF: Final = "crash"
_HOLD_SECONDS: Final = 150.0
#: Seconds for which a process that got SIGTERM is still held, so that it continues when its task is over.
_HELD_AFTER_SIGTERM: Final = 1.0
#: One entry for each SIGTERM that this process got.
_SIGTERMS: Final[list[int]] = []


@dataclass(frozen=True, slots=True)
class Crash:
    """
    Where a process ends, or stands still.

    :param at: `Class.method`, or `module.function`; in the main thread.
    :param on: when it is entered or left.
    :param do: `kill` the task's process and the worker above it, or its process alone (`die`); `hold` it until the
        runner lets it continue, without its worker (`orphan`), or until it is asked to stop (`slow`); `stop` both with
        SIGSTOP; or only `note` that the place was reached.
    :param nth: how many times the place may be reached before.
    :param by: name of the function that must be the caller.
    """

    at: str
    on: Literal["enter", "leave"] = "enter"
    do: Literal["kill", "die", "hold", "orphan", "slow", "stop", "note"] = "kill"
    nth: int = 1
    by: str = ""


def conf_of(*crashes: Crash | None) -> dict[str, Any]:
    """Return what travels in the conf of a run: one place for each attempt that reaches the one before."""
    return {CONF: [asdict(crash) for crash in crashes if crash is not None]}


@dataclass(frozen=True, slots=True)
class Markers:
    """Files through which the task's process and the runner know of each other."""

    folder: Path
    run_id: str

    @property
    def pids(self) -> Path:
        """Ids of the latest process of the task and of the worker above it."""
        return self.folder / f"{self.run_id}.pids"

    def reached(self, number: int = 1) -> Path:
        """Return the file that exists once a process reached the place with this number; it has the process's ids."""
        return self.folder / f"{self.run_id}.reached{number}"

    @property
    def go(self) -> Path:
        """Return the file that the runner makes to let a held process continue."""
        return self.folder / f"{self.run_id}.go"


def arm(context: Mapping[str, Any]) -> None:
    """Note the ids of this process, and wait for the place to be reached."""
    run = context["dag_run"]
    markers = Markers(Path(os.environ[MARKERS]), run.run_id)
    markers.pids.write_text(_ids())
    window.measure(markers.folder)
    for number, spec in enumerate((run.conf or {}).get(CONF, ()), start=1):
        if not markers.reached(number).exists():
            _listen(Crash(**spec), markers, number)
            return


def _listen(crash: Crash, markers: Markers, number: int) -> None:
    left = crash.nth
    if crash.do == "slow":
        # before the place is reached: the runner sends it as soon as that is known
        _note_sigterm()

    def profile(frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal left
        if not _is_there(crash, frame, event):
            return
        left -= 1
        if left:
            return
        sys.setprofile(None)
        markers.reached(number).write_text(_ids())
        _ACTIONS[crash.do](markers)

    sys.setprofile(profile)


def _is_there(crash: Crash, frame: FrameType, event: str) -> bool:
    owner, function = crash.at.split(".")
    if event != ("call" if crash.on == "enter" else "return") or frame.f_code.co_name != function:
        return False
    if crash.by and (frame.f_back is None or frame.f_back.f_code.co_name != crash.by):
        return False
    names = {one.__name__ for one in type(frame.f_locals.get("self")).__mro__}
    return owner in names or str(frame.f_globals.get("__name__")).endswith(f".{owner}")


def _ids() -> str:
    return f"{os.getpid()} {os.getppid()}"


def _kill(_markers: Markers) -> None:
    # The worker first: it would report the death of its task, which would not happen if the machine were lost.
    os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def _die(_markers: Markers) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _hold(markers: Markers) -> None:
    _stand_still(markers.go.exists)


def _orphan(markers: Markers) -> None:
    os.kill(os.getppid(), signal.SIGKILL)
    _hold(markers)


def _note_sigterm() -> None:
    before = signal.getsignal(signal.SIGTERM)

    def on_term(number: int, frame: FrameType | None) -> None:
        if callable(before):
            before(number, frame)
        _SIGTERMS.append(number)

    signal.signal(signal.SIGTERM, on_term)


def _slow(_markers: Markers) -> None:
    _stand_still(lambda: bool(_SIGTERMS))
    time.sleep(_HELD_AFTER_SIGTERM)


def _stop(_markers: Markers) -> None:
    # in this order: a running worker would report to Airflow that its task lives
    os.kill(os.getppid(), signal.SIGSTOP)
    os.kill(os.getpid(), signal.SIGSTOP)


def _stand_still(until: Callable[[], bool]) -> None:
    end = time.monotonic() + _HOLD_SECONDS
    while not until() and time.monotonic() < end:
        time.sleep(0.1)


_ACTIONS: Final[Mapping[str, Callable[[Markers], None]]] = {
    "kill": _kill,
    "die": _die,
    "hold": _hold,
    "orphan": _orphan,
    "slow": _slow,
    "stop": _stop,
    "note": lambda _markers: None,
}
