"""For how long an event waits for the scheduler, by executor, release and configuration."""

from __future__ import annotations

import pytest

from airflow_provider_ops.core.event_hold import executors_of, guard_seconds, parse_event_hold
from airflow_provider_ops.exceptions import InvalidArgument

LOCAL = "airflow.executors.local_executor.LocalExecutor"
CELERY = "airflow.providers.celery.executors.celery_executor.CeleryExecutor"
KUBERNETES = "airflow.providers.cncf.kubernetes.executors.kubernetes_executor.KubernetesExecutor"


def guard(configured: str, version: str, task_executor: str | None = None, interval: float = 5.0) -> float:
    return guard_seconds(
        None,
        executors=executors_of(configured, task_executor),
        airflow_version=version,
        heartbeat_interval=interval,
    )


@pytest.mark.parametrize(
    ("configured", "version", "seconds"),
    [
        ("LocalExecutor", "3.1.8", 10),
        ("LocalExecutor", "3.3.2", 10),
        ("LocalExecutor", "3.4.0b2", 0),
        ("LocalExecutor", "3.10.0", 0),
        ("LocalExecutor", "4.0.0", 0),
        ("LocalExecutor", "", 10),
        ("LocalExecutor", "main", 10),
        (LOCAL, "3.3.2", 10),
        (LOCAL, "3.4.0", 0),
        ("CeleryExecutor", "3.1.0", 0),
        (CELERY, "3.3.2", 0),
        ("KubernetesExecutor", "3.3.2", 10),
        (KUBERNETES, "3.4.0", 0),
        ("my.module.FancyExecutor", "3.3.2", 10),
        ("my.module.FancyExecutor", "3.4.0", 10),
        ("my.module.CeleryExecutor", "3.3.2", 10),
        ("", "3.3.2", 10),
    ],
)
def test_the_race_is_waited_out_where_it_is_possible_or_unknown(configured: str, version: str, seconds: float) -> None:
    assert guard(configured, version) == seconds


@pytest.mark.parametrize(
    ("configured", "task_executor", "seconds"),
    [
        ("CeleryExecutor, LocalExecutor", None, 0),
        ("LocalExecutor,CeleryExecutor", None, 10),
        ("LocalExecutor,CeleryExecutor", "CeleryExecutor", 0),
        ("CeleryExecutor,LocalExecutor", LOCAL, 10),
        ("LocalExecutor,far:CeleryExecutor", "far", 0),
        (f"LocalExecutor,far:{CELERY}", "far", 0),
        (f"LocalExecutor,far:{CELERY}", "CeleryExecutor", 0),
        (f"near:{LOCAL},far:{CELERY}", None, 10),
        # the worker's own configuration need not name what the scheduler's does
        ("LocalExecutor", "CeleryExecutor", 0),
        ("CeleryExecutor", "elsewhere", 10),
        # a worker does not know its team
        ("CeleryExecutor;red=LocalExecutor", None, 10),
        ("CeleryExecutor;red=CeleryExecutor,LocalExecutor", None, 0),
        ("CeleryExecutor;red=CeleryExecutor,LocalExecutor", "LocalExecutor", 10),
    ],
)
def test_of_several_executors_the_one_of_the_task_counts(
    configured: str, task_executor: str | None, seconds: float
) -> None:
    assert guard(configured, "3.3.2", task_executor) == seconds


@pytest.mark.parametrize(
    ("interval", "seconds"), [(1, 6), (0, 5), (20, 25), (-1, 10), (float("nan"), 10), (float("inf"), 10)]
)
def test_it_lasts_as_long_as_a_worker_may_be_late(interval: float, seconds: float) -> None:
    assert guard("LocalExecutor", "3.3.2", interval=interval) == seconds


@pytest.mark.parametrize(
    ("text", "setting"), [("auto", None), (" AUTO ", None), ("", None), ("0", 0), ("7.5", 7.5), ("3600", 3600)]
)
def test_the_user_may_choose(text: str, setting: float | None) -> None:
    assert parse_event_hold(text) == setting


@pytest.mark.parametrize("setting", [0, 18])
@pytest.mark.parametrize("executor", [CELERY, LOCAL])
def test_what_the_user_chose_holds_for_each_executor(setting: float, executor: str) -> None:
    chosen = guard_seconds(setting, executors={executor}, airflow_version="3.3.2", heartbeat_interval=5)
    assert chosen == setting


@pytest.mark.parametrize("text", ["-1", "3601", "nan", "inf", "10s", "1e999", "true", "None", "٣x"])
def test_nonsense_is_named(text: str) -> None:
    with pytest.raises(InvalidArgument, match="event_hold"):
        parse_event_hold(text)
