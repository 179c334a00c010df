"""The search of ``sweep``: by Airflow's own records and by the APIs' marks, and what neither can show."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from airflow_provider_ops.apis.submits import OwnedResources
from airflow_provider_ops.cli.connections import default_connections
from airflow_provider_ops.cli.existing import Checker
from airflow_provider_ops.cli.left import Left
from airflow_provider_ops.cli.records import XCOM_KEYS, TaskRecord, add_result, read_task
from airflow_provider_ops.cli.runs import ScannedRun, ScannedTask, is_at_work, owners
from airflow_provider_ops.cli.tables import HAS_STORE, TaskPlace, TaskRow, read_results, read_tasks, submitting_tasks
from airflow_provider_ops.exceptions import OpsError
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.hooks.lookup import hook_for
from airflow_provider_ops.lifecycle.legs import OPERATION_HANDLE
from airflow_provider_ops.provider_info import connection_types

Found = dict[tuple[str, str, str], Left]


class ResourceSearch:
    """Find what runs that are over have made.

    :param conn_ids: connections to search; empty for the default ones and those that the runs have used.
    """

    def __init__(self, conn_ids: Sequence[str]) -> None:
        self._only = list(dict.fromkeys(conn_ids))
        self._hooks: dict[str, OperationsHook | None] = {}
        self._checker = Checker(self._unknown)
        #: What was not searched, a sentence each.
        self.not_searched: dict[str, None] = {}
        #: Runs that were left alone, because a task of theirs is still at work.
        self.at_work: list[ScannedRun] = []
        #: Connections that the runs have used and ``conn_ids`` does not name.
        self.left_out: set[str] = set()

    def find(self, runs: Sequence[ScannedRun]) -> list[Left]:
        """Return what the runs have made and that still exists."""
        rows = self._rows(runs)
        records = {
            (run, row.place): (row, read_task(row)) for run, tasks in rows.items() for row in tasks if row.has_started
        }
        self._add_results(records)
        found: Found = {}
        for hook in self._searched(record for _, record in records.values()):
            for left in self._marked(hook, rows):
                found.setdefault(left.identity, left)
        modules = {dag_id: submitting_tasks(dag_id) for dag_id in {run.dag_id for run in rows}}
        waiting = {(run, place) for (run, place), (_, record) in records.items() if record.awaited}
        handed_on = _HandedOn(waiting)
        for (run, place), (row, record) in records.items():
            for left in self._recorded(run, ScannedTask.of(run, place), record, handed_on):
                before = found.setdefault(left.identity, left)
                # a mark shows neither
                operation_id, owes = before.operation_id or left.operation_id, left.owes or before.owes
                found[left.identity] = replace(before, operation_id=operation_id, owes=owes)
            module = modules[run.dag_id].get(place.task_id)
            self._say_gaps(ScannedTask.of(run, place), row, record, module)
        return list(found.values())

    def _unknown(self, sentence: str) -> None:
        self.not_searched[sentence] = None

    def _rows(self, runs: Sequence[ScannedRun]) -> dict[ScannedRun, list[TaskRow]]:
        found: dict[ScannedRun, list[TaskRow]] = {}
        for dag_id in dict.fromkeys(run.dag_id for run in runs):
            mine = {run.run_id: run for run in runs if run.dag_id == dag_id}
            for row in read_tasks(dag_id, list(mine), XCOM_KEYS):
                found.setdefault(mine[row.place.run_id], []).append(row)
        self.at_work = [run for run, rows in found.items() if any(map(is_at_work, rows))]
        return {run: rows for run, rows in found.items() if run not in self.at_work}

    @staticmethod
    def _add_results(records: Mapping[tuple[ScannedRun, TaskPlace], tuple[TaskRow, TaskRecord]]) -> None:
        wanted: dict[str, dict[TaskPlace, list[TaskRecord]]] = {}
        for (run, place), (_, record) in records.items():
            if any(not (one.kind and one.resource_id) for one in record.submitted.values()):
                wanted.setdefault(run.dag_id, {}).setdefault(place, []).append(record)
        for dag_id, places in wanted.items():
            for place, result in read_results(dag_id, places).items():
                for record in places[place]:
                    add_result(record, result)

    def _searched(self, records: Iterator[TaskRecord]) -> list[OperationsHook]:
        """Return the hooks of the connections whose marks are searched."""
        used = {conn_id for record in records if (conn_id := _connection(record)) is not None}
        if self._only:
            self.left_out = used - set(self._only)
            # one that was named and is wrong is an error
            named = {name: hook_for(name) for name in self._only}
            self._hooks |= named
            return list(named.values())
        names = [*default_connections(needed=not used), *sorted(used)]
        return [hook for name in dict.fromkeys(names) if (hook := self._hook(name)) is not None]

    def _hook(self, conn_id: str) -> OperationsHook | None:
        if conn_id not in self._hooks:
            try:
                self._hooks[conn_id] = hook_for(conn_id)
            except OpsError as error:
                self._unknown(f"what the runs made over the connection {conn_id}: {error}")
                self._hooks[conn_id] = None
        return self._hooks[conn_id]

    def _marked(self, hook: OperationsHook, rows: Mapping[ScannedRun, Sequence[TaskRow]]) -> Iterator[Left]:
        title = f"{hook.api.title} ({hook.conn_id})"
        try:
            flow = hook.api.list_owned()
            answer = OwnedResources() if flow is None else hook.run(flow)
        except OpsError as error:
            self._unknown(f"{title}: could not be asked, so what is left there is not known: {error}")
            return
        for problem in answer.problems:
            self._unknown(f"{title}: {problem}")
        made_by = owners(rows, answer.found)
        yield from (Left(hook, one, made_by[one.key], "mark") for one in answer.found if one.key in made_by)

    def _recorded(self, run: ScannedRun, task: ScannedTask, record: TaskRecord, handed_on: _HandedOn) -> Iterator[Left]:
        conn_id = _connection(record)
        if conn_id is None or conn_id in self.left_out or not (record.submitted or record.awaited):
            return
        hook = self._hook(conn_id)
        if hook is None:
            return
        checks = [self._checker.check(hook, run, task, one) for one in record.submitted.values()]
        # an operation that no task of this run has handed on was started elsewhere
        mine = [one for one in record.awaited if handed_on.has(run, one)]
        checks += [self._checker.check_awaited(hook, run, task, one) for one in mine]
        yield from filter(None, checks)

    def _say_gaps(self, task: ScannedTask, row: TaskRow, record: TaskRecord, module: str | None) -> None:
        """Say what the task may have made that neither records nor marks show."""
        conn_id = _connection(record)
        if conn_id in self.left_out or (module is None and not record.generations and not record.submitted):
            return
        kind = next((one.kind for one in record.submitted.values() if one.kind), "")
        hook = self._hook(conn_id) if conn_id else None
        if hook is not None and (
            hook.api.shows_created(kind or record.kind, row.fields) or (kind and not hook.api.creates(kind))
        ):
            return
        why = _gap(row, record)
        if why:
            title = f"{hook.api.title} ({hook.conn_id})" if hook else module or "an API"
            unmarked = hook.api.why_not_shown(kind or record.kind) if hook else "there is no mark to find it by"
            self._unknown(f"{title}: what task {task} of run {task.run_id} has made: {why}, and {unmarked}")


def _gap(row: TaskRow, record: TaskRecord) -> str | None:
    if record.unanswered:
        return "its last request was sent, but the answer was never recorded"
    if record.generations > len(record.submitted):
        return f"it submitted {record.generations} times, {len(record.submitted)} of which are recorded"
    if not record.submitted and not HAS_STORE and row.state == "failed":
        return "it failed, and nothing is recorded of it"
    if OPERATION_HANDLE in row.xcoms and row.tries:
        return f"nothing is recorded of its {len(row.tries)} earlier tries"
    lost = [number for number, state in row.tries.items() if state == "success" and number not in record.recorded_tries]
    if lost and record.generations <= 1:
        return f"it was cleared after try {', '.join(map(str, sorted(lost)))}, of which nothing is recorded"
    return None


def _connection(record: TaskRecord) -> str | None:
    if record.conn_id:
        return record.conn_id
    return f"{record.api}_default" if record.api in connection_types() else None


class _HandedOn:
    """Which ids the tasks of a run have returned.

    :param waiting: task instances that wait for operations, and so return those of others.
    """

    def __init__(self, waiting: Collection[tuple[ScannedRun, TaskPlace]]) -> None:
        self._waiting = waiting
        self._returned: dict[ScannedRun, set[str]] = {}

    def has(self, run: ScannedRun, operation_id: str) -> bool:
        """Return whether a task of the run has returned this id, by itself or inside of a list or an object."""
        if run not in self._returned:
            rows = read_tasks(run.dag_id, [run.run_id], ())
            values = read_results(run.dag_id, [row.place for row in rows if (run, row.place) not in self._waiting])
            self._returned[run] = {text for value in values.values() for text in _texts(value)}
        return operation_id in self._returned[run]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        yield from (one for one in value if isinstance(one, str))
    elif isinstance(value, Mapping):
        yield from (one for one in value.values() if isinstance(one, str))
