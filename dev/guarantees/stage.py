"""The stack on which the rows run: Airflow, the simulator, and one loop that watches all rows and does what is due."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import httpx
import psutil
import sqlalchemy

from dev.airflow_api import AirflowApi, Run, TaskInstance
from dev.guarantees import postgres
from dev.guarantees.apis import TASK
from dev.guarantees.crash import Markers, conf_of
from dev.guarantees.model import Condition, Phase, Scenario
from dev.simulator import Simulator
from dev.stack import AirflowStack

Script = Generator[Condition, None, None]

CHECKOUT: Final = Path(__file__).resolve().parent.parent.parent
_TICK: Final = 0.5
#: As many rows as the cores can carry without Airflow missing its own heartbeats.
_AT_ONCE: Final = 11 * (os.cpu_count() or 2)
#: More requests than come between two refreshes.
_REQUESTS: Final = 300
_RUN_ENDED: Final = ("success", "failed")


@contextmanager
def opened(
    stack: AirflowStack, simulator: Simulator, markers: Path, say: Callable[[str], None], *, wants_postgres: bool
) -> Iterator[tuple[Stage, str | None]]:
    """Bring everything up inside the block. The text says why there is no PostgreSQL, where there is none."""
    # In this order: PostgreSQL's files must be there until it has been stopped with the rest of the stack.
    with ExitStack() as resources, stack:
        why_not = None
        try:
            resources.enter_context(postgres.database_of(stack, wanted=wants_postgres))
        except postgres.NoPostgres as error:
            why_not = f"no PostgreSQL: {error}"
            say(why_not)
        stack.processes.start("simulator", simulator.command, stack.env, cwd=CHECKOUT)
        stack.wait_until(simulator.answers, "the simulator", timeout=60)
        stack.start()
        stack.wait_healthy()
        for dag in stack.wait_for_dags():
            stack.api.unpause(dag.dag_id)
        yield Stage(stack, simulator, markers, say), why_not


class Stage:
    """Everything that rows and disturbances can see and touch."""

    def __init__(self, stack: AirflowStack, simulator: Simulator, markers: Path, say: Callable[[str], None]) -> None:
        self.stack = stack
        #: Rows that run at the same time.
        self.at_once = _AT_ONCE
        self.simulator = simulator
        self.markers = markers
        self.say = say
        #: What is wrong with the stack itself, a sentence each.
        self.complaints: list[str] = []
        self.tasks: dict[str, TaskInstance] = {}
        self.runs: dict[str, Run] = {}
        self.resources: list[Mapping[str, Any]] = []
        self.operations: list[Mapping[str, Any]] = []
        #: Calls that change something; the simulator forgets its oldest requests.
        self.changes: dict[tuple[str, str, str], Mapping[str, Any]] = {}

    @property
    def api(self) -> AirflowApi:
        """Return the client of Airflow's REST API."""
        return self.stack.api

    def refresh(self) -> None:
        """Read what both sides show now; Airflow's part stays as it was while its API is away."""
        self.read_simulator()
        try:
            self.tasks = {task.run_id: task for task in self.api.task_instances() if task.task_id == TASK}
            self.runs = {run.run_id: run for run in self.api.runs()}
        except httpx.HTTPError:
            return

    def read_simulator(self) -> None:
        """Read what was created, and the requests that change something."""
        self.resources = self.simulator.control("resources")
        self.operations = self.simulator.control("operations")
        for request in self.simulator.control(f"requests?limit={_REQUESTS}"):
            if request["method"] != "GET":
                self.changes[request["at"], request["method"], request["path"]] = request

    @staticmethod
    def signal(pids: Iterable[int], number: int) -> None:
        """Send a signal to processes, whichever of them are left."""
        _signal(pids, number)

    def expire_deferral(self, run_id: str) -> None:
        """Let Airflow's timeout of a deferral be over: only its time is moved, the scheduler does the rest."""
        engine = sqlalchemy.create_engine(self.stack.env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
        past = datetime.now(timezone.utc) - timedelta(minutes=1)
        change = sqlalchemy.text("UPDATE task_instance SET trigger_timeout = :past WHERE run_id = :run_id")
        with engine.begin() as connection:
            connection.execute(change, {"past": past, "run_id": run_id})
        engine.dispose()

    def set_rules(self, rows: Iterable[Scenario]) -> None:
        """Let the simulator do to the requests of rows what they say."""
        self.simulator.set_rules(
            [made for row in rows for rule in row.rules for made in row.api.rules(row.dag_id, row.run_id, rule)]
        )

    def run(self, phase: Phase, timeout: float) -> list[Live]:
        """Run the rows of a phase to their ends, and what disturbs them."""
        self.set_rules(phase.scenarios)
        rows = [Live(self, scenario) for scenario in phase.scenarios]
        waiting: dict[Script, Condition] = {}
        for act in [self._start_in_turn(rows), *(row.acts() for row in rows)]:
            _advance(act, waiting)
        if phase.disturb is not None:
            _advance(phase.disturb(self, rows), waiting)
        end = time.monotonic() + timeout
        while time.monotonic() < end and (waiting or not all(row.is_over for row in rows)):
            time.sleep(_TICK)
            self.refresh()
            self.stack.processes.check_alive()
            for act, condition in list(waiting.items()):
                if condition():
                    del waiting[act]
                    _advance(act, waiting)
        for row in rows:
            if not row.is_over:
                self.say(f"{row.scenario.run_id} is not over after {timeout:.0f} s")
        return rows

    def _start_in_turn(self, rows: Sequence[Live]) -> Script:
        """Start all rows, so many at once."""
        for number, row in enumerate(rows):
            yield lambda number=number: sum(other.is_at_work for other in rows[:number]) < self.at_once  # type: ignore[misc]
            row.start()


@dataclass
class Live:
    """A row while it runs."""

    stage: Stage
    scenario: Scenario
    acted_at: float | None = None
    _seen: dict[str, float] = field(default_factory=dict)

    @property
    def markers(self) -> Markers:
        """Return the files by which its process is known."""
        return Markers(self.stage.markers, self.scenario.run_id)

    @property
    def task(self) -> TaskInstance | None:
        """Return its task instance."""
        return self.stage.tasks.get(self.scenario.run_id)

    @property
    def state(self) -> str | None:
        """Return the state of its task instance."""
        return self.task.state if self.task else None

    @property
    def is_over(self) -> bool:
        """Return whether its DAG run has ended."""
        run = self.stage.runs.get(self.scenario.run_id)
        return run is not None and run.state in _RUN_ENDED

    @property
    def resources(self) -> list[Mapping[str, Any]]:
        """Return what it has created, deleted or not, oldest first."""
        api = self.scenario.api
        name = api.name_of(self.scenario.dag_id, self.scenario.run_id)
        if not api.makes_resources:
            return self._started(name)
        mine = [one for one in self.stage.resources if one["api"] == api.name and fnmatchcase(one["name"] or "", name)]
        return sorted((item for item in mine if item["operation_id"]), key=lambda item: str(item["created_at"]))

    def _started(self, name: str) -> list[Mapping[str, Any]]:
        """Return what it has started on something that was there, as if each operation were a resource."""
        api = self.scenario.api.name
        mine = [one for one in self.stage.operations if one["api"] == api and fnmatchcase(one["resource_name"], name)]
        made = [{**one, "operation_id": one["id"], "deleted": False} for one in mine]
        return sorted(made, key=lambda item: str(item["created_at"]))

    @property
    def operations(self) -> list[Mapping[str, Any]]:
        """Return the operations that created its resources."""
        ids = {item["operation_id"] for item in self.resources}
        return [operation for operation in self.stage.operations if operation["id"] in ids]

    @property
    def endings(self) -> list[Mapping[str, Any]]:
        """Return the calls that cancelled or deleted something of it."""
        ids = {str(item[key]).rpartition("_")[2] for item in self.resources for key in ("id", "operation_id")}
        about = {operation["resource_id"] for operation in self.operations} - {None}
        return [
            request
            for request in self.stage.changes.values()
            if request["api"] == self.scenario.api.name
            and self.scenario.api.is_ending(request["method"], request["path"])
            # where the id of the operation is in its body, the simulator knows what it was about
            and (any(name in request["path"] for name in ids) or request["resource_id"] in about)
        ]

    @property
    def is_at_work(self) -> bool:
        """Return whether it needs a core: its run is not over, and its task is not deferred."""
        return not (self.is_over or self.state == "deferred")

    @property
    def is_waiting(self) -> bool:
        """Return whether its task waits for a running operation, deferred or on a worker."""
        state = "deferred" if self.scenario.mode == "deferred" else "running"
        running = any(operation["stage"] == "running" for operation in self.operations)
        return self.state == state and running

    def has_reached(self, number: int = 1) -> bool:
        """Return whether its process reached the place with this number."""
        return self.markers.reached(number).exists()

    def start(self) -> None:
        """Start its DAG run."""
        scenario = self.scenario
        self.stage.api.trigger(scenario.dag_id, conf_of(scenario.crash, scenario.again), scenario.run_id)

    def acts(self) -> Script:
        """Do to it what its scenario says."""
        if self.scenario.act is not None:
            yield from self.scenario.act(self)

    def waiting_for(self, seconds: float) -> Condition:
        """Return a condition: it has been waiting for its operation for so long without a break."""

        def steady() -> bool:
            if self.is_over:
                # it will never wait, and the table will say so
                return True
            if not self.is_waiting:
                self._seen.pop("waiting", None)
                return False
            return time.monotonic() - self._seen.setdefault("waiting", time.monotonic()) >= seconds

        return steady

    def act_as_user(self, do: Callable[[AirflowApi, TaskInstance], None]) -> None:
        """Do something with its task instance, and note when."""
        assert self.task is not None, "acts wait for the task first"  # noqa: S101
        self.acted_at = time.time()
        do(self.stage.api, self.task)

    def signal_worker(self, number: int) -> None:
        """Send a signal to the worker above its task."""
        _signal([self._pids()[1]], number)

    def kill_worker(self) -> None:
        """Kill the worker above its task, then the task's process."""
        pid, parent = self._pids()
        _signal([parent, pid], signal.SIGKILL)

    def kill_supervisor(self) -> int:
        """Kill the worker above its task alone, and return the id of the task's process."""
        pid, parent = self._pids()
        _signal([parent], signal.SIGKILL)
        return pid

    def continue_stopped(self) -> None:
        """Let the processes continue that have reached its first place."""
        pid, parent = self.markers.reached().read_text().split()
        _signal([int(parent), int(pid)], signal.SIGCONT)

    def _pids(self) -> tuple[int, int]:
        pid, parent = self.markers.pids.read_text().split()
        return int(pid), int(parent)


def _advance(act: Script, waiting: dict[Script, Condition]) -> None:
    """Run an act up to the next condition that it waits for, if there is one."""
    condition = next(act, None)
    if condition is not None:
        waiting[act] = condition


def after(seconds: float) -> Condition:
    """Return a condition that holds from so many seconds after now on."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


def descendants(pid: int) -> list[int]:
    """Return all processes below one."""
    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def _signal(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def kill_all(pids: Iterable[int]) -> None:
    """Kill processes, whichever of them are left."""
    _signal(pids, signal.SIGKILL)
