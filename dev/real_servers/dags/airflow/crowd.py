"""The DAG of the other Airflow whose runs wait: it stays paused."""

from __future__ import annotations

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

with DAG("crowd", schedule=None):
    EmptyOperator(task_id="nothing")
