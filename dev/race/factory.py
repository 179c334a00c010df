"""The DAG of the race: deployments that take 1 to 20 seconds, each by a task with one attempt."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Final

from airflow.sdk import DAG

from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator

DAG_ID: Final = "race"
TASK_ID: Final = "create"


def race(names: list[str]) -> DAG:
    """Return a DAG with one mapped task for each name; a run adds its own id to the names."""
    with DAG(DAG_ID, schedule=None, start_date=datetime(2025, 1, 1, tzinfo=timezone.utc), max_active_tasks=1000) as dag:
        OnveraCreateDeploymentOperator.partial(task_id=TASK_ID, app_type="airflow", retries=0).expand(
            name=[f"{name}-{{{{ run_id }}}}" for name in names]
        )
    return dag
