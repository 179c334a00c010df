"""What Airflow knows of the runs of a DAG, asked through its own commands, so that no table of it is touched."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from airflow_provider_ops.apis.base import Marked
from airflow_provider_ops.cli.output import CommandError, quiet
from airflow_provider_ops.core.identity import marks, run_prefix, run_prefix_of

_OVER = frozenset({"success", "failed"})
#: States of a task instance in which nothing of it is at work or will be; "" has never been scheduled.
_IDLE = frozenset({"", "None", "success", "failed", "skipped", "upstream_failed", "removed"})
#: A worker may submit after its run was marked as over, and clocks differ.
_SKEW = timedelta(hours=1)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a DAG.

    :param began: when it could begin at the earliest.
    """

    dag_id: str
    run_id: str
    state: str
    began: datetime | None
    ended: datetime | None

    @property
    def is_over(self) -> bool:
        """Whether its state is final."""
        return self.state in _OVER

    def may_have_made(self, one: Marked) -> bool:
        """Whether the times allow it."""
        at = one.created_at
        if at is None or at.tzinfo is None:
            return True
        after = self.began is None or at >= self.began - _SKEW
        return after and (self.ended is None or at <= self.ended + _SKEW)


@dataclass(frozen=True, slots=True)
class Task:
    """A task instance."""

    run_id: str
    task_id: str
    map_index: int

    def __str__(self) -> str:
        return self.task_id if self.map_index < 0 else f"{self.task_id}[{self.map_index}]"


def runs_of(dag_id: str, run_ids: Collection[str] | None = None) -> list[Run]:
    """The runs of a DAG, newest first.

    :raises CommandError: Airflow knows no such DAG or run.
    """
    rows = _airflow("dags", "list-runs", dag_id)
    runs = [_run(row) for row in rows if not run_ids or row["run_id"] in run_ids]
    if unknown := set(run_ids or ()) - {run.run_id for run in runs}:
        raise CommandError(
            f"Airflow knows no run {', '.join(sorted(unknown))} of DAG {dag_id}. What runs made that are deleted from "
            "Airflow can no longer be told from what others made."
        )
    return runs


def owners(runs: Sequence[Run], found: Collection[Marked]) -> tuple[dict[str, Task], list[Run]]:
    """Which tasks of these runs made what was found, by mark, and the runs in which a task is still at work.

    A mark is a hash: that of a task can be told from all others, but nothing can be read from it.
    """
    wanted = {one.key: one for one in found}
    made_by: dict[str, Task] = {}
    at_work: list[Run] = []
    for run in runs:
        possible = {key for key, one in wanted.items() if key not in made_by and run.may_have_made(one)}
        if not possible:
            continue
        tasks, busy = _tasks(run)
        if busy:
            at_work.append(run)
            continue
        for task in tasks:
            if keys := _keys_of(run.dag_id, task, possible):
                made_by.update(dict.fromkeys(keys, task))
                possible -= keys
            if not possible:
                break
    return made_by, at_work


def _keys_of(dag_id: str, task: Task, keys: Collection[str]) -> set[str]:
    coordinates = (dag_id, task.run_id, task.task_id, task.map_index)
    beginning = run_prefix(*coordinates)
    return {key for key in keys if run_prefix_of(key) == beginning}.union(set(keys).intersection(marks(*coordinates)))


def _tasks(run: Run) -> tuple[list[Task], bool]:
    rows = _airflow("tasks", "states-for-dag-run", run.dag_id, run.run_id)
    tasks = [Task(run.run_id, row["task_id"], int(row.get("map_index") or -1)) for row in rows]
    return tasks, any(str(row["state"]) not in _IDLE for row in rows)


def _run(row: Mapping[str, Any]) -> Run:
    return Run(
        row["dag_id"],
        row["run_id"],
        row["state"],
        # not its start, which moves when it is cleared
        _time(row.get("run_after")),
        _time(row.get("end_date")),
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _airflow(*arguments: str) -> list[dict[str, Any]]:
    """What one of Airflow's own commands prints as JSON, run in this process."""
    from airflow.cli.cli_parser import get_parser  # noqa: PLC0415 - takes seconds, and only this command needs it

    printed = io.StringIO()
    try:
        args = get_parser().parse_args([*arguments, "--output", "json"])
        # afterwards, because it ends by letting everything log again
        with quiet(), redirect_stdout(printed):
            args.func(args)
        rows: list[dict[str, Any]] = json.loads(_COLOUR.sub("", printed.getvalue()) or "[]")
    except SystemExit as end:
        raise CommandError(f"`airflow {' '.join(arguments)}` says: {end}") from None
    except Exception as error:
        raise CommandError(f"`airflow {' '.join(arguments)}` failed: {type(error).__name__}: {error}") from error
    return rows
