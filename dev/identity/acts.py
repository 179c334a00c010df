"""What a user does to a row."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from dev.guarantees.apis import TASK
from dev.guarantees.model import Act, Condition
from dev.guarantees.stage import Live, Script
from dev.identity.specs import OTHER

When = Callable[[Live], Condition]

RETRIES_FILE = "retries.json"
#: Seconds that a task is waiting before something happens to it: by then its trigger runs.
_STEADY = 8.0


def ended(row: Live) -> Condition:
    """Hold when the row is over: Airflow forgets a clear that comes while its scheduler is about to end the run."""
    return lambda: row.is_over


def waiting(row: Live) -> Condition:
    """Hold when the task waits for its operation."""
    return row.waiting_for(_STEADY)


def between_tries(row: Live) -> Condition:
    """Hold when the task waits for its next try."""
    return lambda: row.state == "up_for_retry" or row.is_over


def cleared(when: When, *, retries: int | None = None, **options: bool) -> Act:
    """
    Clear the task.

    :param retries: what the DAG says from right before the clear on.
    :param options: fields of the request.
    """

    def act(row: Live) -> Script:
        yield when(row)
        yield from _changed(row, retries)
        task = row.task
        assert task is not None, "it is there since `when` holds"  # noqa: S101
        row.stage.api.clear(task.dag_id, task.run_id, TASK, **options)
        yield lambda: row.task is not None and row.task.try_number > task.try_number and row.is_over

    return act


def retried(*, retries: int | None = None, clears_other: bool = False) -> Act:
    """
    Change something while the task waits for its next try.

    :param retries: what the DAG says from then on.
    :param clears_other: whether the other task of the run is cleared.
    """

    def act(row: Live) -> Script:
        yield between_tries(row)
        yield from _changed(row, retries)
        if row.state != "up_for_retry":
            row.stage.complaints.append(f"{row.scenario.run_id}: its next try began before the change")
        if clears_other:
            row.stage.api.clear(row.scenario.dag_id, row.scenario.run_id, OTHER)
        yield ended(row)

    return act


def run_again(row: Live) -> Script:
    """Delete the run and make it again under its id."""
    yield ended(row)
    row.stage.api.delete_run(row.scenario.dag_id, row.scenario.run_id)
    yield lambda: row.task is None
    row.start()
    yield ended(row)


def _changed(row: Live, retries: int | None) -> Script:
    """Change the DAG, and wait until Airflow has it."""
    if retries is None:
        return
    file, dag_id = row.stage.markers / RETRIES_FILE, row.scenario.dag_id
    changed: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    new = file.with_suffix(".new")
    new.write_text(json.dumps({**changed, dag_id: retries}))
    # processes read it at any time
    new.replace(file)
    yield lambda: row.stage.api.retries(dag_id, TASK) == retries
