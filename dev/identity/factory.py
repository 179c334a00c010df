"""The DAGs of the rows. Each row has one of its own: some rows change their DAG."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, task_group

from dev.guarantees.apis import TASK, case
from dev.guarantees.crash import arm
from dev.guarantees.expected import D
from dev.identity.specs import ITERATIONS, OTHER, RETRIES, SPECS, Spec, has_loops, row_id


def dags() -> dict[str, DAG]:
    """Return all DAGs that this Airflow can have, by a name for the module that defines them."""
    file = Path(os.environ[RETRIES])
    changed: Mapping[str, int] = json.loads(file.read_text()) if file.exists() else {}
    found = {}
    for key, spec in SPECS.items():
        for api, mode in spec.apis:
            dag_id = row_id(api, mode, key)
            if not spec.loops or has_loops():
                found[dag_id.replace("-", "_")] = _dag(dag_id, api, mode, spec, changed.get(dag_id, spec.retries))
    return found


def _dag(dag_id: str, api: str, mode: str, spec: Spec, retries: int) -> DAG:
    arguments: dict[str, Any] = {
        **case(api).arguments,
        "deferrable": mode == D,
        "retries": retries,
        "retry_delay": timedelta(seconds=spec.pause),
        "on_kill": _ending_policy(api) if spec.ends else "leave",
    }

    def operator() -> None:
        case(api).operator_class()(task_id=TASK, pre_execute=arm, **arguments)

    with DAG(dag_id, schedule=None, start_date=datetime(2026, 1, 1, tzinfo=timezone.utc)) as dag:
        if spec.has_other:
            EmptyOperator(task_id=OTHER)
        if spec.loops:
            group: Any = task_group(group_id="iteration", prefix_group_id=False)(operator)
            group.loop(max_iterations=ITERATIONS)
        else:
            operator()
    return dag


def _ending_policy(api: str) -> str:
    return "cancel" if case(api).can_cancel else "delete"
