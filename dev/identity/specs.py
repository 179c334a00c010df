"""What the rows are about: ids, retries and policies of their tasks. Has nothing of Airflow in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

from dev.guarantees.expected import D, S

OTHER: Final = "other"
ITERATIONS: Final = 3
#: Names the file that rows change: `retries` by DAG id, in place of the spec's.
RETRIES: Final = "IDENTITY_RETRIES"
#: Long enough to change a DAG between two tries.
_UNHURRIED: Final = 60.0


@dataclass(frozen=True)
class Spec:
    """
    The task of one row, for some of the APIs.

    :param apis: name and mode of each.
    :param ends: whether the kill policy ends what is running.
    :param pause: seconds between two tries.
    :param has_other: whether the DAG has a second task.
    :param loops: whether the task is in a loop.
    """

    apis: tuple[tuple[str, str], ...] = (("onvera", D),)
    retries: int = 1
    ends: bool = True
    pause: float = 1.0
    has_other: bool = False
    loops: bool = False


_EACH: Final = (("onvera", D), ("akua", S), ("nirvana", S))
_WORKERS: Final = (("onvera", S), ("akua", S), ("nirvana", S))

SPECS: Final[Mapping[str, Spec]] = {
    "success": Spec(_EACH),
    "success-kept": Spec(),
    "failure": Spec(_EACH, retries=0),
    "failure-kept": Spec(retries=0),
    "deferred": Spec(),
    "deferred-kept": Spec(),
    "deferred-leave": Spec(ends=False),
    "deferred-leave-kept": Spec(ends=False),
    "running": Spec(_WORKERS),
    "running-kept": Spec((("nirvana", S),)),
    "running-leave": Spec((("nirvana", S),), ends=False),
    "lowered-retry": Spec(retries=2, pause=_UNHURRIED),
    "lowered-exactly": Spec(retries=2, pause=_UNHURRIED),
    "lowered-success": Spec(),
    "lowered-deferred": Spec(),
    "lowered-leave": Spec(ends=False),
    "lowered-unreset": Spec(ends=False),
    "raised-success": Spec(retries=0),
    "raised-retry": Spec(pause=_UNHURRIED),
    "other": Spec(pause=_UNHURRIED / 3, has_other=True),
    "other-lowered": Spec(retries=2, ends=False, pause=_UNHURRIED, has_other=True),
    "again": Spec(_EACH),
    "loop": Spec(loops=True),
    "loop-cleared": Spec(loops=True),
    "retry": Spec(_EACH),
    "refused": Spec(),
}


def row_id(api: str, mode: str, key: str) -> str:
    """Return the id of a row, which is also that of its DAG and run, and the name of what it creates."""
    return f"{api}-{mode[0]}-{key}"


def minor() -> str:
    """Return the minor version of the Airflow that is installed."""
    return ".".join(version("apache-airflow").split(".")[:2])


def has_loops() -> bool:
    """Return whether this Airflow has loops, and discards what is stored of a task that is cleared."""
    return tuple(int(part) for part in minor().split(".")) >= (3, 4)
