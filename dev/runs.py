"""What the demo runs, what it expects of each run, and what its numbers mean. Pure: values in, values out."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from dev.airflow_api import Dag, Event, TaskInstance
from dev.simulator import Resource

# A DAG with this parameter is run a second time with it set: the work then fails, and so should the run.
FAILING_WORK: Final = "work_fails"
# A DAG with the tag `expected:failed` should end so.
EXPECTED_TAG: Final = "expected:"
# A DAG with this tag is started by its asset; its tasks return the ids of the operations that they were told of.
EVENT_TAG: Final = "event-driven"
# What the audit log is asked for: a leg of a task begins, a leg ends in a deferral.
OBSERVED_EVENTS: Final = ("running", "deferred")

CREATE_OPERATOR: Final = re.compile(r"(Onvera|Nirvana|LakeSail|Akua)Create[A-Z]\w*Operator")
# It sends any request; in the examples a POST creates.
REQUEST_OPERATOR: Final = "OperationRequestOperator"
# What `@task.operation` makes; its function may ask for anything; in the examples one that creates is called so.
DECORATED_OPERATOR: Final = "@task.operation"
DECORATED_CREATE: Final = "create"

Key = tuple[str, int]


@dataclass(frozen=True)
class PlannedRun:
    """One run of the demo and the state it should end in."""

    dag_id: str
    expected: str = "success"
    conf: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Return what tells this run from the others."""
        return ", ".join(f"{key}={str(value).lower()}" for key, value in self.conf.items()) or "plain"


@dataclass(frozen=True)
class RunReport:
    """What one run did, as observed in Airflow."""

    planned: PlannedRun
    state: str
    seconds: float = 0.0
    tasks_deferred: int = 0
    seconds_deferred: float = 0.0
    operations: frozenset[str] = frozenset()
    created_by: Sequence[str] = ()
    retried: Sequence[str] = ()

    @property
    def as_expected(self) -> bool:
        """Whether the run ended as it should."""
        return self.state == self.planned.expected


def plan(dags: Iterable[Dag], params: Mapping[str, Mapping[str, Any]]) -> list[PlannedRun]:
    """Return the runs for all example DAGs."""
    return [run for dag in dags if EVENT_TAG not in dag.tags for run in _runs_of(dag, params.get(dag.dag_id, {}))]


def _runs_of(dag: Dag, params: Mapping[str, Any]) -> Iterator[PlannedRun]:
    tagged = [tag.removeprefix(EXPECTED_TAG) for tag in dag.tags if tag.startswith(EXPECTED_TAG)]
    yield PlannedRun(dag.dag_id, tagged[0] if tagged else "success")
    if FAILING_WORK in params:
        yield PlannedRun(dag.dag_id, "failed", {FAILING_WORK: True})


def deferrals(events: Iterable[Event], end: datetime) -> Mapping[Key, float]:
    """
    Return how many seconds each task was deferred, over all its deferrals.

    A deferral lasts from the entry `deferred` to the next `running` of the same task; one that no leg has followed
    lasts until `end`.
    """
    since: dict[Key, datetime] = {}
    seconds: defaultdict[Key, float] = defaultdict(float)
    for event in events:
        if event.task_id is None:
            continue
        key = (event.task_id, event.map_index)
        begun = since.pop(key, None)
        if begun is not None:
            seconds[key] += (event.when - begun).total_seconds()
        if event.event == "deferred":
            since[key] = event.when
    for key, begun in since.items():
        seconds[key] += max(0.0, (end - begun).total_seconds())
    return dict(seconds)


def creators(tasks: Iterable[TaskInstance], events: Iterable[Event]) -> list[str]:
    """Return the tasks that have asked for a resource: a create operator of which at least one leg has run."""
    ran = {(event.task_id, event.map_index) for event in events if event.event == "running"}
    return sorted(task.label for task in tasks if _creates(task) and (task.task_id, task.map_index) in ran)


def retried(tasks: Iterable[TaskInstance]) -> list[str]:
    """Return the tasks that needed more than one attempt."""
    return sorted(task.label for task in tasks if task.try_number > 1)


def submits(task: TaskInstance) -> bool:
    """Whether a task is of a kind that may have started an operation; sensors know those of others."""
    return "Operator" in task.operator or task.operator == DECORATED_OPERATOR


def _creates(task: TaskInstance) -> bool:
    if task.operator == REQUEST_OPERATOR:
        return task.fields.get("method") == "POST"
    if task.operator == DECORATED_OPERATOR:
        return task.task_id == DECORATED_CREATE
    return CREATE_OPERATOR.fullmatch(task.operator) is not None


@dataclass(frozen=True)
class Totals:
    """The numbers of all runs beside those of the simulator."""

    asked: int
    created: int
    strangers: Sequence[Resource]
    left: Sequence[Resource]
    operations_known: int
    operations_started: int

    @classmethod
    def of(cls, reports: Sequence[RunReport], resources: Sequence[Resource], operations_started: int) -> Totals:
        """Count. What was made by a plain call has no operation and was asked for by no operator."""
        known = frozenset[str]().union(*(report.operations for report in reports))
        by_operation = [r for r in resources if r.operation_id is not None]
        return cls(
            asked=sum(len(report.created_by) for report in reports),
            # an operation may make several things at once: a VM and its boot volume
            created=len({r.operation_id for r in by_operation}),
            strangers=[r for r in by_operation if r.operation_id not in known],
            left=[r for r in resources if not r.deleted],
            operations_known=len(known),
            operations_started=operations_started,
        )

    @property
    def agree(self) -> bool:
        """Whether Airflow and the simulator tell the same story."""
        return self.asked == self.created and not self.strangers and self.operations_known == self.operations_started


@dataclass(frozen=True)
class Told:
    """What a DAG was told that is started by events."""

    dag_id: str
    #: States of its runs.
    runs: Sequence[str]
    #: How many of its runs were told of each operation.
    operations: Mapping[str, int]
    retried: Sequence[str] = ()

    @classmethod
    def of(cls, dag_id: str, runs: Sequence[str], returned: Iterable[Any], retried: Sequence[str] = ()) -> Told:
        """Count what the tasks of its runs have returned."""
        told = Counter(operation for ids in returned if isinstance(ids, list) for operation in ids)
        return cls(dag_id, runs, told, retried)

    @property
    def problems(self) -> list[str]:
        """What went wrong, in sentences."""
        if not self.runs:
            return [f"no event started {self.dag_id}"]
        found = [f"a run of {self.dag_id} ended {state}" for state in self.runs if state != "success"]
        if not self.operations:
            found.append(f"the runs of {self.dag_id} were told of no operation")
        again = sorted(operation for operation, count in self.operations.items() if count > 1)
        return [*found, *(f"{self.dag_id} was told of {operation} more than once" for operation in again)]


def second_attempts(reports: Iterable[RunReport], told: Iterable[Told]) -> list[str]:
    """Return which tasks needed more than one attempt, in sentences."""
    retried = [(report.planned.dag_id, task) for report in reports for task in report.retried]
    retried += [(one.dag_id, task) for one in told for task in one.retried]
    return [f"{dag_id}.{task} needed a second attempt" for dag_id, task in retried]


def problems(reports: Sequence[RunReport], totals: Totals) -> list[str]:
    """Return what went wrong, in sentences; nothing when all is well."""
    found = [
        f"{r.planned.dag_id} ({r.planned.title}) ended {r.state} and should have ended {r.planned.expected}"
        for r in reports
        if not r.as_expected
    ]
    if totals.asked != totals.created:
        found.append(f"{totals.asked} tasks asked for a resource, but {totals.created} were created")
    found += [f"{_name(r)} was created by {r.operation_id}, an operation that no task knows" for r in totals.strangers]
    if totals.operations_known != totals.operations_started:
        found.append(
            f"the tasks know {totals.operations_known} operations, but {totals.operations_started} were started"
        )
    found += [f"{_name(r)} was left behind" for r in totals.left]
    return found


def _name(resource: Resource) -> str:
    return f"{resource.api} {resource.kind} {resource.id} ({resource.name})"
