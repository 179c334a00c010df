"""The DAGs of the guarantees table: one task that creates something, in every variant that a row needs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from airflow.sdk import DAG

from dev.guarantees.apis import TASK, case
from dev.guarantees.crash import arm

MODES: Final = ("deferred", "synchronous")

_RETRIES: Final = {"retries": 2, "retry_delay": timedelta(seconds=1)}
#: Arguments of the operator, and of the DAG, by variant.
VARIANTS: Final[Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]]] = {
    # said, because the default leaves what its API cannot cancel without asking
    "plain": ({"on_kill": "cancel"}, {}),
    "delete": ({"on_kill": "delete"}, {}),
    "leave": ({"on_kill": "leave"}, {}),
    # While the API server is away, every try fails before it has begun.
    "patient": ({"on_kill": "delete", "retries": 5, "retry_delay": timedelta(seconds=12)}, {}),
    "once": ({"retries": 0}, {}),
    "no_time": ({"timeout": 20, "retries": 0}, {}),
    "no_time_delete": ({"timeout": 20, "retries": 0, "on_timeout": "delete"}, {}),
    "owes_timeout": ({"timeout": 30, "on_timeout": "delete"}, {}),
    "owes_failure": ({"on_failure": "delete"}, {}),
    "execution_timeout": ({"execution_timeout": timedelta(seconds=22), "retries": 0}, {}),
    "run_timeout": ({"on_kill": "delete"}, {"dagrun_timeout": timedelta(seconds=25)}),
}


def dag_id(api: str, mode: str, variant: str) -> str:
    """Return the id of the DAG for a row."""
    return f"{api}-{mode}-{variant}"


def dags(api: str) -> dict[str, DAG]:
    """Return all DAGs of an API, by a name for the module that defines them."""
    made = (_dag(api, mode, variant) for mode in MODES for variant in VARIANTS)
    return {dag.dag_id.replace("-", "_"): dag for dag in made}


def _dag(api: str, mode: str, variant: str) -> DAG:
    operator, run = VARIANTS[variant]
    with DAG(
        dag_id(api, mode, variant),
        schedule=None,
        start_date=datetime(2025, 1, 1, tzinfo=timezone.utc),
        max_active_runs=100,
        max_active_tasks=100,
        **run,
    ) as dag:
        arguments = {**_RETRIES, "deferrable": mode == "deferred", **case(api).arguments, **operator}
        case(api).operator_class()(task_id=TASK, pre_execute=arm, **arguments)
    return dag
