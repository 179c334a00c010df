"""Decide for how long a trigger holds its event back, so that the scheduler is done with the leg that deferred.

A scheduler that reads the exit of that leg after it has queued the next one takes the exit for the end of the next one
and fails the task. Workers report an exit up to one heartbeat interval late, so no event may come before that.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from typing import Final

from airflow_provider_ops.exceptions import InvalidArgument

#: Value of ``[operations] event_hold`` that leaves the decision to :func:`guard_seconds`.
AUTO: Final = "auto"
#: Default of ``[workers] min_heartbeat_interval``, seconds.
HEARTBEAT_INTERVAL: Final = 5.0
#: Seconds that a loaded scheduler needs from a leg's exit until it has processed it.
_MARGIN: Final = 5.0
#: A longer hold is a mistake, for example milliseconds.
_LONGEST: Final = 3600.0

_LOCAL: Final = "airflow.executors.local_executor.LocalExecutor"
_CELERY: Final = "airflow.providers.celery.executors.celery_executor.CeleryExecutor"
_KUBERNETES: Final = "airflow.providers.cncf.kubernetes.executors.kubernetes_executor.KubernetesExecutor"
#: The names that Airflow allows in place of a class path.
_BY_NAME: Final = {path.rpartition(".")[2]: path for path in (_LOCAL, _CELERY, _KUBERNETES)}
#: First release whose scheduler keeps the legs of a task apart, for executors of which that is known.
_MENDED_IN: Final[dict[str, tuple[int, int]]] = {_CELERY: (0, 0), _LOCAL: (3, 4), _KUBERNETES: (3, 4)}


def parse_event_hold(text: str) -> float | None:
    """Return the seconds that ``[operations] event_hold`` names, ``None`` for ``auto``.

    :raises InvalidArgument: it is neither ``auto`` nor a number of seconds from 0 to 3600.
    """
    setting = text.strip().lower()
    if setting in ("", AUTO):
        return None
    try:
        seconds = float(setting)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= _LONGEST:
        msg = f"[operations] event_hold is {text!r}: use auto, or seconds from 0 to {_LONGEST:.0f}"
        raise InvalidArgument(msg)
    return seconds


def guard_seconds(
    setting: float | None, *, executors: Collection[str], airflow_version: str, heartbeat_interval: float
) -> float:
    """Return how many seconds after its deferral a task may be resumed at the earliest; 0 where it does not matter.

    :param setting: seconds that the user has chosen, ``None`` for ``auto``.
    :param executors: class paths of the executors that may run the task.
    :param heartbeat_interval: ``[workers] min_heartbeat_interval``, seconds.
    """
    if setting is not None:
        return setting
    if not any(_races(path, airflow_version) for path in executors):
        return 0.0
    is_usable = math.isfinite(heartbeat_interval) and heartbeat_interval >= 0
    return (heartbeat_interval if is_usable else HEARTBEAT_INTERVAL) + _MARGIN


def executors_of(configured: str, task_executor: str | None) -> set[str]:
    """Return the class paths of the executors that may run a task, an empty one where none is known.

    Several only where each team has executors of its own, since a worker does not know its team.

    :param configured: ``[core] executor``, for example ``LocalExecutor,far:my.module.MyExecutor``.
    :param task_executor: the task's own ``executor``: a name, an alias or a class path.
    """
    teams = [list(_entries(team.rpartition("=")[2])) for team in configured.split(";")]
    if not task_executor:
        return {team[0][1] for team in teams if team} or {""}
    wanted = task_executor.strip()
    found = {path for team in teams for alias, path in team if wanted in (alias, path, path.rpartition(".")[2])}
    return found or {_BY_NAME.get(wanted, wanted)}


def _entries(names: str) -> Iterator[tuple[str, str]]:
    """Yield alias (empty where there is none) and class path of each executor in a list."""
    for name in filter(None, (one.strip() for one in names.split(","))):
        alias, _, target = name.rpartition(":")
        yield alias.strip(), _BY_NAME.get(target.strip(), target.strip())


def _races(path: str, airflow_version: str) -> bool:
    # nothing is known of other executors, and a hold costs seconds where the race costs the task
    return path not in _MENDED_IN or _release(airflow_version) < _MENDED_IN[path]


def _release(version: str) -> tuple[int, int]:
    """Return major and minor of a version such as ``3.4.0b2``; an unreadable one counts as the oldest."""
    major, minor, *_ = [*version.split("."), "", ""]
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else (0, 0)
