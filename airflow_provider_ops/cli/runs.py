"""Which runs of which DAGs are swept, and whose marks are whose."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from airflow_provider_ops.apis.submits import OwnedResource
from airflow_provider_ops.cli.output import CommandError
from airflow_provider_ops.cli.tables import RunRow, TaskPlace, TaskRow, has_dag, read_runs
from airflow_provider_ops.core.identity import is_short_of, possible_keys, run_prefix, run_prefix_of

_OVER = frozenset({"success", "failed"})
#: States of a task instance in which nothing of it is at work or will be; ``None`` has never been scheduled.
_IDLE = frozenset({None, "success", "failed", "skipped", "upstream_failed", "removed"})
#: A worker may submit after its run was marked as over, and clocks differ.
_SKEW = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ScannedRun:
    """A run of a DAG.

    :param began: when it could begin at the earliest.
    """

    dag_id: str
    run_id: str
    state: str
    began: datetime | None
    ended: datetime | None

    @classmethod
    def of(cls, row: RunRow) -> ScannedRun:
        """Return the run in a row."""
        # not its start, which moves when it is cleared
        return cls(row.dag_id, row.run_id, row.state, row.run_after, row.end_date)

    @property
    def is_over(self) -> bool:
        """Return whether its state is final."""
        return self.state in _OVER

    def may_have_made(self, one: OwnedResource) -> bool:
        """Return whether the times allow it."""
        at = one.created_at
        if at is None or at.tzinfo is None:
            return True
        after = self.began is None or at >= self.began - _SKEW
        return after and (self.ended is None or at <= self.ended + _SKEW)


@dataclass(frozen=True, slots=True)
class ScannedTask:
    """A task instance."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int

    @classmethod
    def of(cls, run: ScannedRun, place: TaskPlace) -> ScannedTask:
        """Return the task instance at a place in a run."""
        return cls(run.dag_id, run.run_id, place.task_id, place.map_index)

    def __str__(self) -> str:
        return self.task_id if self.map_index < 0 else f"{self.task_id}[{self.map_index}]"


@dataclass(frozen=True, slots=True)
class Scope:
    """The runs that are asked for.

    :param dag_ids: DAGs; empty for all.
    :param run_ids: runs of one DAG; empty for all.
    :param since: runs that could begin at this time or later; ``until``: runs before.
    """

    dag_ids: Sequence[str] = ()
    run_ids: Collection[str] = ()
    since: datetime | None = None
    until: datetime | None = None

    def runs(self) -> list[ScannedRun]:
        """Return the runs, newest first.

        :raises CommandError: Airflow knows no such DAG or run.
        """
        runs = [ScannedRun.of(row) for row in read_runs(self.dag_ids or None, self.since, self.until)]
        known = {run.dag_id for run in runs}
        if unknown := [name for name in self.dag_ids if name not in known and not has_dag(name)]:
            raise CommandError(f"Airflow knows no DAG {', '.join(unknown)}: `airflow dags list` shows those it knows.")
        if unknown := sorted(set(self.run_ids) - {run.run_id for run in runs}):
            raise CommandError(
                f"Airflow knows no run {', '.join(unknown)} of DAG {self.dag_ids[0]}: `airflow dags list-runs` shows "
                "those it knows. What runs made that are deleted "
                "from Airflow can no longer be distinguished from what others made."
            )
        return [run for run in runs if not self.run_ids or run.run_id in self.run_ids]


def is_at_work(row: TaskRow) -> bool:
    """Return whether a task instance is at work, or will be."""
    return row.state not in _IDLE


def owners(runs: Mapping[ScannedRun, Sequence[TaskRow]], found: Collection[OwnedResource]) -> dict[str, ScannedTask]:
    """Return which tasks of these runs made what was found, by mark.

    A mark is a hash: that of a task differs from all others, but nothing can be read from it.
    """
    wanted = {one.key: one for one in found}
    made_by: dict[str, ScannedTask] = {}
    for run, rows in runs.items():
        possible = {key for key, one in wanted.items() if key not in made_by and run.may_have_made(one)}
        for row in rows:
            if not possible:
                break
            if keys := _keys_of(run.dag_id, row.place, possible):
                made_by.update(dict.fromkeys(keys, ScannedTask.of(run, row.place)))
                possible -= keys
    return made_by


def _keys_of(dag_id: str, place: TaskPlace, keys: Collection[str]) -> set[str]:
    """Return which of the keys belong to a task run, those of release 0.1.0 as well."""
    run_id, task_id, index, region = place
    # an iteration of a loop knows itself as not mapped
    runs = [(dag_id, run_id, task_id, one) for one in ({index, -1} if region else {index})]
    beginnings = {run_prefix(*one) for one in runs}
    earlier = set(keys).intersection(mark for one in runs for mark in possible_keys(*one))
    short = {key for key in keys for one in beginnings if is_short_of(key, one)}
    return {key for key in keys if run_prefix_of(key) in beginnings} | short | earlier
