"""Puts tasks that wait on our trigger into the database of a scratch Airflow, as a scheduler would have left them.

A thousand real tasks would keep two cores busy for ten minutes before the first of them waits. What is measured here
begins where they wait, so they are written down. Runs in the environment of that Airflow.
"""

from __future__ import annotations

import argparse
import json
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

DAG_ID, TASK_ID, CONN_ID = "bench", "wait", "onvera_bench"
_A_LONG_TIME = 7200.0


def _register() -> None:
    from airflow.dag_processing.bundles.manager import DagBundlesManager  # noqa: PLC0415
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db  # noqa: PLC0415
    from airflow.providers.standard.operators.empty import EmptyOperator  # noqa: PLC0415
    from airflow.sdk import DAG  # noqa: PLC0415
    from airflow.utils.session import create_session  # noqa: PLC0415

    with DAG(DAG_ID, schedule=None, start_date=datetime(2025, 1, 1, tzinfo=timezone.utc)) as dag:
        EmptyOperator(task_id=TASK_ID)
    with create_session() as session:
        DagBundlesManager().sync_bundles_to_db(session=session)  # type: ignore[no-untyped-call]
    bag = DagBag(dag_folder="/dev/null")
    bag.bag_dag(dag)
    sync_bag_to_db(bag, "dags-folder", None)


def _connection(url: str) -> Any:
    from airflow.models.connection import Connection  # noqa: PLC0415

    return Connection(conn_id=CONN_ID, conn_type="onvera", host=f"{url}/onvera/api/v1", password="bench")  # noqa: S106


def defer(ids: list[str], url: str, interval: float) -> None:
    """Write a connection, a run, and a deferred task per operation."""
    from airflow.models.serialized_dag import SerializedDagModel  # noqa: PLC0415
    from airflow.models.taskinstance import TaskInstance  # noqa: PLC0415
    from airflow.models.trigger import Trigger  # noqa: PLC0415
    from airflow.utils.session import create_session  # noqa: PLC0415
    from airflow.utils.state import DagRunState, TaskInstanceState  # noqa: PLC0415
    from airflow.utils.types import DagRunTriggeredByType, DagRunType  # noqa: PLC0415

    from benchmarks.noting import NotingTrigger, note  # noqa: PLC0415

    _register()
    now = datetime.now(timezone.utc)
    with create_session() as session:
        session.add(_connection(url))
        dag = SerializedDagModel.get_dag(DAG_ID, session=session)
        assert dag is not None  # noqa: S101 - it was registered above
        run = dag.create_dagrun(
            run_id="bench",
            run_after=now,
            run_type=DagRunType.MANUAL,
            triggered_by=DagRunTriggeredByType.TEST,
            state=DagRunState.RUNNING,
            start_date=now,
            session=session,
        )
        (first,) = run.task_instances
        version = first.dag_version_id
        for index, operation_id in enumerate(ids):
            until = time.time() + _A_LONG_TIME
            waiting = NotingTrigger(CONN_ID, [operation_id], poll_interval=interval, deadline=until, api="onvera")
            trigger = Trigger.from_object(waiting)
            session.add(trigger)
            task = TaskInstance(dag.get_task(TASK_ID), version, "bench", TaskInstanceState.DEFERRED, index)
            task.trigger, task.next_method, task.next_kwargs, task.start_date = trigger, "execute_complete", {}, now
            session.add(task)
        session.delete(first)
    note("written", DAG_ID)


def main() -> None:
    """Read the options and do it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--ids", type=Path, required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--interval", type=float, required=True)
    options = parser.parse_args()
    defer(json.loads(options.ids.read_text(encoding="utf-8")), options.url, options.interval)


if __name__ == "__main__":
    main()
