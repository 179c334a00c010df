"""What is done to a task, and what must be true at the server afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from dev.real_servers.cutting_proxy import Fault

State = Literal["succeeded", "failed", "cancelled"]


@dataclass(frozen=True)
class Case:
    """
    One task, and one run there.

    :param seconds: for which the run there works.
    :param fails: whether it fails then.
    :param fault: what happens to the answer to the request that starts it.
    :param act: what is done to the task: `kill` its worker while the answer is held back, or mark it failed as a user
        (`fail`) while it waits.
    :param task: state in which the task ends.
    :param there: how the run there ends.
    """

    key: str
    title: str
    seconds: float = 8.0
    fails: bool = False
    fault: Fault | None = None
    act: Literal["kill", "fail"] | None = None
    deferrable: bool = True
    task: Literal["success", "failed"] = "success"
    there: State = "succeeded"
    tries: int = 1

    @property
    def parameters(self) -> dict[str, Any]:
        """Return what the run there gets."""
        return {"case": self.key, "seconds": self.seconds, "fails": self.fails}


#: Longer than anything here takes.
_LONG: Final = 900.0
#: Longer than Airflow needs to see that a worker is gone, so that the next attempt has to wait as well.
_AFTER_KILL: Final = 40.0

#: The longest first.
CASES: Final = (
    Case(
        "worker-killed",
        "SIGKILL to the worker between request and answer",
        seconds=_AFTER_KILL,
        fault="hold",
        act="kill",
        tries=2,
    ),
    Case("plain", "one run, and the wait is deferred"),
    Case("answer-lost", "the connection is cut after the server has accepted", fault="cut"),
    Case("run-fails", "the run there fails", fails=True, task="failed", there="failed"),
    Case(
        "killed-deferred",
        "marked failed while deferred: the run there is cancelled",
        seconds=_LONG,
        act="fail",
        task="failed",
        there="cancelled",
    ),
    Case(
        "killed-on-worker",
        "marked failed while a worker waits: the run there is cancelled",
        seconds=_LONG,
        act="fail",
        deferrable=False,
        task="failed",
        there="cancelled",
    ),
)
