"""Defer a task so that its trigger does not resume it before Airflow's scheduler is done with the leg that defers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from airflow_provider_ops._compat import airflow_version, conf, has_scheduler
from airflow_provider_ops.core.event_hold import (
    AUTO,
    HEARTBEAT_INTERVAL,
    executors_of,
    guard_seconds,
    parse_event_hold,
)
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.http.clock import Clock
from airflow_provider_ops.lifecycle.options import DeferredWait

#: Seconds by which Airflow's own deferral timeout comes later than the last event; only a missing triggerer meets it.
BACKSTOP: Final = 120.0


def defer(
    task_defer: Callable[..., Any],
    trigger: DeferredWait,
    *,
    method_name: str,
    deadline: float,
    ti: Any,
    clock: Clock,
    warn: Callable[[str], None],
) -> None:
    """Defer the task until the trigger fires; returns only where ``task_defer`` does.

    :param task_defer: the task's own ``defer``.
    :param method_name: of the task, for the leg after the trigger.
    :param deadline: epoch seconds at which the trigger gives up.
    :param ti: the task instance.
    """
    guard = event_guard(ti, warn)
    now = clock.time()
    if guard:
        trigger.not_before, trigger.guard = now + guard, guard
    seconds = max(0.0, deadline - now) + guard + BACKSTOP
    task_defer(trigger=trigger, method_name=method_name, timeout=timedelta(seconds=seconds))


def event_guard(ti: Any, warn: Callable[[str], None]) -> float:
    """Return how many seconds after the end of this leg the next may begin at the earliest, 0 where it does not matter.

    :param ti: the task instance.
    """
    if not has_scheduler():
        return 0.0
    try:
        setting = parse_event_hold(conf.get("operations", "event_hold", fallback=AUTO))
    except InvalidArgument as error:
        warn(f"{error}. {AUTO!r} is used instead.")
        setting = None
    return guard_seconds(
        setting,
        executors=executors_of(conf.get("core", "executor", fallback=""), getattr(ti.task, "executor", None)),
        airflow_version=airflow_version(),
        heartbeat_interval=_heartbeat_interval(),
    )


def _heartbeat_interval() -> float:
    try:
        return float(conf.get("workers", "min_heartbeat_interval", fallback=HEARTBEAT_INTERVAL))
    except ValueError:
        # Airflow's own worker refuses to start with such a value, and names it
        return HEARTBEAT_INTERVAL
