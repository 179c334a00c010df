"""Read-only queries of Airflow's metadata database: runs, task instances, and what is kept of them.

Airflow has no command that shows XComs or the task state store, so ``sweep`` reads the tables. All of them exist since
Airflow 3.1, but for the task state store (3.3).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.renderedtifields import RenderedTaskInstanceFields
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.models.taskinstancehistory import TaskInstanceHistory
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import select

from airflow_provider_ops.links import OperationLink

try:
    from airflow.models.task_state_store import TaskStateStoreModel as _Store
except ImportError:  # before 3.3
    _Store = None  # type: ignore[assignment,misc]

#: Whether this Airflow has a task state store.
HAS_STORE = _Store is not None
#: Runs whose tasks are read with one query.
_AT_ONCE = 200
_PACKAGE = __name__.partition(".")[0]


class Place(NamedTuple):
    """Where a task instance stands in its DAG."""

    run_id: str
    task_id: str
    map_index: int


@dataclass(slots=True)
class TaskRow:
    """A task instance, and what Airflow keeps of it.

    :param fields: rendered template fields; ``None`` when Airflow has none of this task instance any more.
    :param tries: state of each earlier try, by its number.
    """

    place: Place
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
    found: dict[Place, TaskRow] = {}
    for start in range(0, len(run_ids), _AT_ONCE):
        these = _Runs(dag_id, run_ids[start : start + _AT_ONCE])
        for place, state, number, started in these.read(TaskInstance, "state", "try_number", "start_date"):
            found[place] = TaskRow(place, None if state is None else str(state), number, started is not None)
        _add_kept(found, these, xcom_keys)
    return list(found.values())


def read_results(dag_id: str, places: Collection[Place]) -> dict[Place, Any]:
    """Return what some tasks have returned; asked for these only, because what others return may be large."""
    found: dict[Place, Any] = {}
    wanted = sorted(places)
    for start in range(0, len(wanted), _AT_ONCE):
        chunk = wanted[start : start + _AT_ONCE]
        these = _Runs(dag_id, list({place.run_id for place in chunk}))
        only = (XComModel.key == "return_value", XComModel.task_id.in_({place.task_id for place in chunk}))
        found |= {place: value for place, value in these.read(XComModel, "value", only=only) if place in set(chunk)}
    return found


def submitting_tasks(dag_id: str) -> dict[str, str]:
    """Return the tasks of the latest version of a DAG that submit operations, with the module of their class."""
    try:
        dag = SerializedDagModel.get_dag(dag_id)
        tasks = {} if dag is None else dict(dag.task_dict)
    except Exception:  # noqa: BLE001 - a DAG of another release: what its runs have recorded is still known
        return {}
    return {name: module for name, task in tasks.items() if (module := _module(task)) is not None}


def _module(task: Any) -> str | None:
    module = str(getattr(task, "_task_module", None) or "")
    ours = module.startswith(f"{_PACKAGE}.") or OperationLink.name in (getattr(task, "extra_links", None) or ())
    return module if ours and not module.startswith((f"{_PACKAGE}.sensors.", f"{_PACKAGE}.decorators.")) else None


def _add_kept(found: Mapping[Place, TaskRow], these: _Runs, xcom_keys: Collection[str]) -> None:
    # for rows of a task instance that is gone since they were read
    nothing = TaskRow(Place("", "", -1), None, 0, has_started=False)
    for place, key, value in these.read(XComModel, "key", "value", only=(XComModel.key.in_(xcom_keys),)):
        found.get(place, nothing).xcoms[key] = value
    for place, key, value in these.read(_Store, "key", "value") if HAS_STORE else ():
        found.get(place, nothing).store[key] = _parsed(value)
    for place, fields in these.read(RenderedTaskInstanceFields, "rendered_fields"):
        found.get(place, nothing).fields = fields or {}
    for place, number, state in these.read(TaskInstanceHistory, "try_number", "state"):
        found.get(place, nothing).tries[number] = state


class _Runs(NamedTuple):
    """Some runs of a DAG, of which rows are read."""

    dag_id: str
    run_ids: Sequence[str]

    def read(self, model: Any, *columns: str, only: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Read columns of a table that has a row for each task instance, or several."""
        key = (model.run_id, model.task_id, model.map_index)
        query = select(*key, *(getattr(model, name) for name in columns))
        for row in _rows(query.where(model.dag_id == self.dag_id, model.run_id.in_(self.run_ids), *only)):
            yield Place(*row[:3]), *row[3:]


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _rows(query: Any) -> list[Any]:
    with create_session() as session:
        return list(session.execute(query).all())
