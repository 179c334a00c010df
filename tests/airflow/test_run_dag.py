"""What a run of a DAG in the test session leaves to the session."""

from __future__ import annotations

import signal
from typing import Any

from airflow.sdk import task


def test_a_signal_that_ends_the_session_is_no_kill_of_a_task(a_dag: Any, run_dag: Any) -> None:
    """Airflow's task runner takes SIGTERM for the kill of its task, in whatever process it is."""
    before, during = signal.getsignal(signal.SIGTERM), list[Any]()
    with a_dag() as dag:

        @task
        def seen() -> None:
            during.append(signal.getsignal(signal.SIGTERM))

        seen()
    assert run_dag(dag).states == {"seen": "success"}
    assert [*during, signal.getsignal(signal.SIGTERM)] == [before, before]


def test_a_task_without_errors_has_an_empty_list_of_them(a_dag: Any, run_dag: Any) -> None:
    with a_dag() as dag:

        @task
        def nothing() -> None:
            pass

        nothing()
    assert run_dag(dag).errors["nothing"] == []
