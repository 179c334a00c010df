"""A case at a server while it runs, and what was wrong with it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from dev.airflow_api import Run, TaskInstance
from dev.guarantees.crash import Markers
from dev.real_servers.cases import Case
from dev.real_servers.cutting_proxy import CuttingProxy
from dev.real_servers.factory import dag_id
from dev.real_servers.servers import RealServer, RunThere
from dev.stack import AirflowStack

#: Polls of a waiting task before it is marked failed: a deferred one is then with the triggerer.
_POLLS: Final = 2


@dataclass
class Row:
    """One case at one server."""

    case: Case
    server: RealServer
    proxy: CuttingProxy
    here: AirflowStack
    markers: Path
    run: Run | None = None
    tasks: list[TaskInstance] = field(default_factory=list)
    there: list[RunThere] = field(default_factory=list)
    _sent_before: int | None = None
    _acted: bool = False

    @property
    def title(self) -> str:
        """Return what it shows."""
        return f"{self.server.name}: {self.case.title}"

    @property
    def task(self) -> TaskInstance | None:
        """Return its task instance."""
        return next(iter(self.tasks), None)

    def start(self) -> None:
        """Start its DAG run."""
        if self.case.act == "kill":
            self.proxy.on_hold[self.case.key] = self._kill_worker
        conf = {"path": self.server.path}
        name = dag_id(self.server.name, self.case)
        # the markers of a run are found by its id alone
        self.run = self.here.api.trigger(name, conf, run_id=name)

    def step(self, there: list[RunThere]) -> None:
        """Read what both sides show, and do to the task what is due."""
        assert self.run is not None, "it has started"  # noqa: S101
        self.run = self.here.api.run(self.run.dag_id, self.run.run_id)
        self.tasks = self.here.api.task_instances(self.run.dag_id, self.run.run_id)
        self.there = [one for one in there if one.case == self.case.key]
        if self.case.act == "fail" and not self._acted and self.there and self._is_waiting():
            self._acted = True
            self.here.api.set_state(self.tasks[0], "failed")

    def _kill_worker(self) -> None:
        """Kill the worker whose task waits for an answer."""
        self._acted = True
        pid, parent = Markers(self.markers, dag_id(self.server.name, self.case)).pids.read_text().split()
        # the worker first: it would report the death of its task
        for one in (parent, pid):
            with suppress(ProcessLookupError):
                os.kill(int(one), signal.SIGKILL)

    def _is_waiting(self) -> bool:
        state = "deferred" if self.case.deferrable else "running"
        if self.task is None or self.task.state != state or self.there[0].state.lower() != "running":
            self._sent_before = None
            return False
        polls = len(self.proxy.mentions(self.there[0].id))
        if self._sent_before is None:
            self._sent_before = polls
        return polls - self._sent_before >= _POLLS

    @property
    def is_over(self) -> bool:
        """Return whether its DAG run has ended, and what it has started as well."""
        ends = set(self.server.words.values())
        return self.run is not None and self.run.is_over and all(one.state in ends for one in self.there)

    def problems(self) -> Iterator[str]:
        """Yield what was wrong, in sentences."""
        case, run, task = self.case, self.run, self.task
        if run is None or task is None:
            yield "its task did not start"
            return
        if case.fault is not None and case.key not in self.proxy.withheld:
            yield "no answer was lost"
        if case.act is not None and not self._acted:
            yield "it never was where something should have been done to it"
        if task.state != case.task or task.try_number != case.tries:
            yield f"the task ended {task.state} in attempt {task.try_number}, not {case.task} in attempt {case.tries}"
        # the second attempt may come when the run there is over
        if case.deferrable and case.act != "kill" and not self.here.api.events(run.dag_id, run.run_id, "deferred"):
            yield "the task was never deferred"
        yield from self._problems_there(self.here.api.xcom(task, "operation_id"))

    def _problems_there(self, operation_id: str | None) -> Iterator[str]:
        if len(self.there) != 1:
            yield f"{len(self.there)} runs were started, not 1"
        word = self.server.words[self.case.there]
        for one in self.there:
            if one.state != word:
                yield f"run {one.id} there ended {one.state}, not {word}"
            if not str(operation_id).endswith(one.id):
                yield f"the task knows operation {operation_id}, not {one.id}"

    @property
    def _creates(self) -> list[object]:
        return [one for one in self.proxy.mentions(f'"{self.case.key}"') if one.line.startswith("POST ")]

    @property
    def shown(self) -> str:
        """Return in numbers what happened."""
        tries = self.task.try_number if self.task else 0
        words = ", ".join(one.state for one in self.there)
        return f"{len(self.there)} run ({words}), start sent {len(self._creates)}x, attempts {tries}"

    def log(self, lines: int) -> list[str]:
        """Return the end of the task's log."""
        return self.here.api.log(self.task)[-lines:] if self.task else []
