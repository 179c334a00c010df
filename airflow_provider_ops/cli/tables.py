"""Read-only queries of Airflow's metadata database: runs, task instances, and what is kept of them.

Airflow has no command that shows XComs or the task state store, so ``sweep`` reads the tables. All of them exist since
Airflow 3.1, but for the task state store (3.3). From Airflow 3.4 on each try of a task is a row of its own, and the
iterations of a loop differ by their region.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.renderedtifields import RenderedTaskInstanceFields
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import literal, select

from airflow_provider_ops.links import OperationLink

try:
    from airflow.models.task_state_store import TaskStateStoreModel as _Store
except ImportError:  # before 3.3
    _Store = None  # type: ignore[assignment,misc]

try:
    from airflow.models.taskinstancehistory import TaskInstanceHistory as _History
except ImportError:  # from 3.4 on
    _History = None  # type: ignore[assignment,misc]

#: Whether this Airflow has a task state store.
HAS_STORE = _Store is not None
#: Whether what a task has stored there is still there after it was cleared.
STORE_OUTLIVES_CLEARS = HAS_STORE and _History is not None
#: Runs whose tasks are read with one query.
_AT_ONCE = 200
_PACKAGE = __name__.partition(".")[0]


class TaskPlace(NamedTuple):
    """Where a task instance stands in its DAG.

    :param region: of an iteration of a loop, or of a mapped task; empty before Airflow 3.4.
    """

    run_id: str
    task_id: str
    map_index: int
    region: str = ""


@dataclass(slots=True)
class TaskRow:
    """A task instance, and what Airflow keeps of it.

    :param fields: rendered template fields; ``None`` when Airflow has none of this task instance any more.
    :param tries: state of each earlier try, by its number.
    """

    place: TaskPlace
    state: str | None
    try_number: int
    has_started: bool
    xcoms: dict[str, Any] = field(default_factory=dict)
    store: dict[str, Any] = field(default_factory=dict)
    fields: Mapping[str, Any] | None = None
    tries: dict[int, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run of a DAG; ``run_after`` is when it could begin at the earliest."""

    dag_id: str
    run_id: str
    state: str
    run_after: datetime | None
    end_date: datetime | None


def read_runs(
    dag_ids: Collection[str] | None, since: datetime | None = None, until: datetime | None = None
) -> list[RunRow]:
    """Return the runs of some DAGs, or of all, newest first.

    :param since: only runs that could begin at this time or later; ``until``: only those before.
    """
    query = select(DagRun.dag_id, DagRun.run_id, DagRun._state, DagRun.run_after, DagRun.end_date)  # noqa: SLF001
    if dag_ids is not None:
        query = query.where(DagRun.dag_id.in_(dag_ids))
    if since is not None:
        query = query.where(DagRun.run_after >= since)
    if until is not None:
        query = query.where(DagRun.run_after < until)
    rows = _rows(query.order_by(DagRun.run_after.desc()))
    return [RunRow(dag_id, run_id, str(state), after, end) for dag_id, run_id, state, after, end in rows]


def has_dag(dag_id: str) -> bool:
    """Return whether Airflow knows a DAG."""
    return bool(_rows(select(DagModel.dag_id).where(DagModel.dag_id == dag_id)))


def read_tasks(dag_id: str, run_ids: Sequence[str], xcom_keys: Collection[str]) -> list[TaskRow]:
    """Return the task instances of some runs, with XComs of these keys and all that is kept beside them."""
    found: dict[TaskPlace, TaskRow] = {}
    for start in range(0, len(run_ids), _AT_ONCE):
        these = _Runs(dag_id, run_ids[start : start + _AT_ONCE])
        for place, state, number, started in these.read(TaskInstance, "state", "try_number", "start_date"):
            # what was skipped, or whose upstream failed, has a start and no try
            has_started = started is not None and number > 0
            found[place] = TaskRow(place, None if state is None else str(state), number, has_started)
        _add_kept(found, these, xcom_keys)
    return list(found.values())


def read_results(dag_id: str, places: Collection[TaskPlace]) -> dict[TaskPlace, Any]:
    """Return what some tasks have returned; asked for these only, because what others return may be large."""
    found: dict[TaskPlace, Any] = {}
    wanted = sorted(places)
    for start in range(0, len(wanted), _AT_ONCE):
        chunk = wanted[start : start + _AT_ONCE]
        these = _Runs(dag_id, list({place.run_id for place in chunk}))
        only = (XComModel.key == "return_value", XComModel.task_id.in_({place.task_id for place in chunk}))
        found |= {place: value for place, value in these.read(XComModel, "value", only=only) if place in set(chunk)}
    return found


def read_pushed(dag_id: str, run_id: str, task_id: str, key: str) -> dict[int, Any]:
    """Return what the instances of a task have pushed with a key in a run, by map index."""
    only = (XComModel.key == key, XComModel.task_id == task_id)
    rows = _Runs(dag_id, [run_id]).read(XComModel, "timestamp", "value", only=only)
    # the latest last: 3.4 keeps those of earlier tries as well
    return {place.map_index: value for place, _, value in sorted(rows, key=lambda row: row[1])}


def provider_tasks(dag_id: str) -> dict[str, str]:
    """Return the tasks of the latest version of a DAG that are of this provider, with the module of their class."""
    try:
        dag = SerializedDagModel.get_dag(dag_id)
        tasks = {} if dag is None else dict(dag.task_dict)
    except Exception:  # noqa: BLE001 - a DAG of another release: what its runs have recorded is still known
        return {}
    return {name: module for name, task in tasks.items() if (module := _module(task)) is not None}


def _module(task: Any) -> str | None:
    module = str(getattr(task, "_task_module", None) or "")
    ours = module.startswith(f"{_PACKAGE}.") or OperationLink.name in (getattr(task, "extra_links", None) or ())
    return module if ours else None


def is_sensor(module: str | None) -> bool:
    """Return whether a class of this module only waits for what others have started."""
    return module is not None and module.startswith(f"{_PACKAGE}.sensors.")


def submits(module: str | None) -> bool:
    """Return whether a class of this module submits operations, whatever its task is given."""
    return module is not None and not is_sensor(module) and not module.startswith(f"{_PACKAGE}.decorators.")


def _add_kept(found: Mapping[TaskPlace, TaskRow], these: _Runs, xcom_keys: Collection[str]) -> None:
    # for rows of a task instance that is gone since they were read
    nothing = TaskRow(TaskPlace("", "", -1), None, 0, has_started=False)
    # the latest last: 3.4 keeps those of earlier tries as well
    for place, _, key, value in sorted(
        these.read(XComModel, "timestamp", "key", "value", only=(XComModel.key.in_(xcom_keys),)), key=lambda row: row[1]
    ):
        found.get(place, nothing).xcoms[key] = value
    for place, key, value in these.read(_Store, "key", "value") if HAS_STORE else ():
        found.get(place, nothing).store[key] = _parsed(value)
    for place, fields in these.read(RenderedTaskInstanceFields, "rendered_fields"):
        found.get(place, nothing).fields = fields or {}
    for place, number, state in these.read_tries():
        found.get(place, nothing).tries[number] = state


class _Runs(NamedTuple):
    """Some runs of a DAG, of which rows are read."""

    dag_id: str
    run_ids: Sequence[str]

    def read(self, model: Any, *columns: str, only: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Read columns of a table that has a row for each task instance, or several."""
        # a row that belongs to one try has no place of its own
        owner = model if hasattr(model, "run_id") else TaskInstance
        query = select(*_place(owner), *(getattr(model, name) for name in columns))
        if owner is not model:
            query = query.join_from(model, owner, owner.id == model.task_instance_id)
        yield from self._placed(query.where(*only), owner)

    def read_tries(self) -> Iterator[tuple[Any, ...]]:
        """Read number and state of each earlier try."""
        if _History is not None:
            yield from self.read(_History, "try_number", "state")
            return
        query = select(*_place(TaskInstance), TaskInstance.try_number, TaskInstance.state)
        earlier = query.where(TaskInstance.working_set.is_(None)).execution_options(include_all_attempts=True)
        yield from self._placed(earlier, TaskInstance)

    def _placed(self, query: Any, owner: Any) -> Iterator[tuple[Any, ...]]:
        for row in _rows(query.where(owner.dag_id == self.dag_id, owner.run_id.in_(self.run_ids))):
            run_id, task_id, index, region, *values = row
            yield TaskPlace(run_id, task_id, index, _named(region)), *values


def _place(model: Any) -> tuple[Any, ...]:
    index = model.map_index if hasattr(model, "map_index") else model.region_index
    return model.run_id, model.task_id, index, model.region_id if hasattr(model, "region_id") else literal(None)


def _named(region: UUID | str | None) -> str:
    """Return the name of a region; a task outside of all regions has one of zeros, which has no name."""
    return "" if region is None or UUID(str(region)).int == 0 else str(region)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _rows(query: Any) -> list[Any]:
    with create_session() as session:
        return list(session.execute(query).all())
