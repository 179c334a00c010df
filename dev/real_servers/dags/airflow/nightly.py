"""The DAG of the other Airflow."""

from __future__ import annotations

import time
from typing import Any

from airflow.sdk import dag, task


@dag(schedule=None)
def nightly() -> None:
    """Work for some seconds, then fail if asked to."""

    @task
    def work(**context: Any) -> None:
        conf = context["dag_run"].conf
        time.sleep(conf["seconds"])
        if conf["fails"]:
            raise RuntimeError("no rows today")

    work()


nightly()
