"""The search of ``sweep``: by Airflow's own records and by the APIs' marks, and what neither can show."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from airflow_provider_ops.apis.submits import OwnedResources
from airflow_provider_ops.cli.connections import default_connections
from airflow_provider_ops.cli.existing import Checker
from airflow_provider_ops.cli.left import Left
from airflow_provider_ops.cli.records import XCOM_KEYS, TaskRecord, add_rendered, add_result, read_task
from airflow_provider_ops.cli.runs import ScannedRun, ScannedTask, is_at_work, owners
from airflow_provider_ops.cli.tables import (
    HAS_STORE,
    STORE_OUTLIVES_CLEARS,
    TaskPlace,
    TaskRow,
    is_sensor,
    provider_tasks,
    read_results,
    read_tasks,
    submits,
)
from airflow_provider_ops.exceptions import OpsError
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.hooks.lookup import hook_for
from airflow_provider_ops.lifecycle.legs import OPERATION_HANDLE
from airflow_provider_ops.provider_info import connection_types

Found = dict[tuple[str, str, str], Left]
Records = Mapping[tuple[ScannedRun, TaskPlace], tuple[TaskRow, TaskRecord]]
#: By DAG and task, the modules of the classes of this provider.
Modules = Mapping[str, Mapping[str, str]]


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
        modules = {dag_id: provider_tasks(dag_id) for dag_id in {run.dag_id for run in rows}}
        records = _read(rows, modules)
        found: Found = {}
        for hook in self._searched(record for _, record in records.values()):
            for left in self._marked(hook, rows):
                found.setdefault(left.identity, left)
        for (run, place), (row, record) in records.items():
            for left in self._recorded(run, ScannedTask.of(run, place), record):
                _add(found, left)
            module = modules[run.dag_id].get(place.task_id)
            self._say_gaps(ScannedTask.of(run, place), row, record, module)
        # last: what the runs have made is theirs, also where another of their tasks has waited for it
        self._add_awaited(found, records, modules)
        return list(found.values())

    def _add_awaited(self, found: Found, records: Records, modules: Modules) -> None:
        own = {(_connection(record), name) for _, record in records.values() for name in record.submitted}
        begun_again = _begun_again(records)
        for (run, place), (row, record) in records.items():
            for left in self._awaited(run, ScannedTask.of(run, place), record, own):
                _add(found, left)
            module = modules[run.dag_id].get(place.task_id)
            may_differ = run in begun_again or not is_sensor(module)
            self._say_lost_waits(ScannedTask.of(run, place), row, record, module, may_differ=may_differ)

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

    def _recorded(self, run: ScannedRun, task: ScannedTask, record: TaskRecord) -> Iterator[Left]:
        hook = self._hook_of(task, record)
        if hook is not None:
            checks = [self._checker.check(hook, run, task, one) for one in record.submitted.values()]
            yield from filter(None, checks)

    def _awaited(
        self, run: ScannedRun, task: ScannedTask, record: TaskRecord, own: Collection[tuple[str | None, str]]
    ) -> Iterator[Left]:
        hook = self._hook_of(task, record)
        if hook is not None:
            others = [one for name, one in record.awaited.items() if (hook.conn_id, name) not in own]
            yield from filter(None, [self._checker.check_awaited(hook, run, task, one) for one in others])

    def _hook_of(self, task: ScannedTask, record: TaskRecord) -> OperationsHook | None:
        conn_id = _connection(record)
        if conn_id in self.left_out or not (record.submitted or record.awaited):
            return None
        if conn_id is not None:
            return self._hook(conn_id)
        if record.api is not None:
            self._unknown(f"what task {task} of run {task.run_id} has made: nothing says over which connection")
        return None

    def _say_lost_waits(
        self, task: ScannedTask, row: TaskRow, record: TaskRecord, module: str | None, *, may_differ: bool
    ) -> None:
        """Say what the task may have waited for that is not recorded.

        :param may_differ: whether earlier tries may have waited for other operations than the last.
        """
        if _connection(record) in self.left_out or not (record.awaited or is_sensor(module)):
            return
        why = _lost_wait(row, record, may_differ=may_differ)
        if why:
            self._unknown(f"what task {task} of run {task.run_id} waited for: {why}")

    def _say_gaps(self, task: ScannedTask, row: TaskRow, record: TaskRecord, module: str | None) -> None:
        """Say what the task may have made that neither records nor marks show."""
        conn_id = _connection(record)
        if conn_id in self.left_out or not (submits(module) or record.generations or record.submitted):
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
            made = f"{title}: what task {task} of run {task.run_id} has made"
            self._unknown(f"{made}: {why}, and {unmarked}{_adopted_since(record)}")


def _read(rows: Mapping[ScannedRun, Sequence[TaskRow]], modules: Modules) -> Records:
    started = {(run, row.place): row for run, tasks in rows.items() for row in tasks if row.has_started}
    records = {where: (row, read_task(row)) for where, row in started.items()}
    for (run, place), (row, record) in records.items():
        if is_sensor(modules[run.dag_id].get(place.task_id)):
            add_rendered(record, row)
    _add_results(records)
    return records


def _add_results(records: Records) -> None:
    wanted: dict[str, dict[TaskPlace, list[TaskRecord]]] = {}
    for (run, place), (_, record) in records.items():
        if record.omitted or any(not (one.kind and one.resource_id) for one in record.submitted.values()):
            wanted.setdefault(run.dag_id, {}).setdefault(place, []).append(record)
    for dag_id, places in wanted.items():
        for place, result in read_results(dag_id, places).items():
            for record in places[place]:
                add_result(record, result)


def _gap(row: TaskRow, record: TaskRecord) -> str | None:
    if record.unanswered:
        return "its last request was sent, but the answer was never recorded"
    if record.generations > len(record.submitted):
        unrecorded = record.generations - len(record.submitted)
        if record.generations == 1:
            return "it sent 1 request, and what it started is not recorded"
        return f"it sent {record.generations} requests, and what {unrecorded} of them started is not recorded"
    if not (record.submitted or record.awaited) and not HAS_STORE and row.state == "failed":
        return "it failed, and nothing is recorded of it"
    if OPERATION_HANDLE in row.xcoms and row.tries:
        return f"nothing is recorded of its {len(row.tries)} earlier tries"
    lost = [number for number, state in row.tries.items() if state == "success" and number not in record.recorded_tries]
    if lost and record.generations <= 1:
        return f"it was cleared after try {', '.join(map(str, sorted(lost)))}, of which nothing is recorded"
    return None


def _adopted_since(record: TaskRecord) -> str:
    """Say what the task has adopted since its answer was lost: it may be what was lost, but no record proves it."""
    adopted = [one.operation_id for one in record.awaited.values() if one.is_adopted]
    if not adopted or record.generations <= len(record.submitted):
        return ""
    return (
        f". It adopted operation {', '.join(adopted)} since: if that is what was started, nothing else is missing, but "
        "no record proves it, so that each sweep of this run says so"
    )


def _lost_wait(row: TaskRow, record: TaskRecord, *, may_differ: bool) -> str | None:
    if record.omitted:
        return f"{record.omitted} operations, beyond those that are recorded"
    if not (record.has_history or record.awaited):
        return "nothing is recorded of it"
    # where the store outlives clears, a try that stored nothing has waited for nothing
    lost = [
        number
        for number, state in row.tries.items()
        if number not in record.recorded_tries and (state == "success" or not STORE_OUTLIVES_CLEARS)
    ]
    if lost and may_differ:
        return f"nothing is recorded of try {', '.join(map(str, sorted(lost)))}"
    return None


def _begun_again(records: Records) -> set[ScannedRun]:
    """Return the runs in which a task has run again that may have started what others waited for."""
    again = [(run, record) for (run, _), (row, record) in records.items() if row.tries]
    return {run for run, record in again if not (record.awaited or record.has_history)}


def _add(found: Found, left: Left) -> None:
    before = found.get(left.identity, left)
    if before.is_older and not left.is_older:
        before, left = left, before
    # a mark shows neither
    operation_id, owes = before.operation_id or left.operation_id, left.owes or before.owes
    found[left.identity] = replace(before, operation_id=operation_id, owes=owes)


def _connection(record: TaskRecord) -> str | None:
    if record.conn_id:
        return record.conn_id
    return f"{record.api}_default" if record.api in connection_types() else None
