"""Real Airflow and the simulator, with the DAGs of the scenes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from airflow_provider_ops.core.handle import owed_policy
from airflow_provider_ops.lifecycle.handle_store import KEY
from dev.airflow_api import Run, TaskInstance
from dev.browser import crowd
from dev.browser.visitors import VISITOR, Visitors
from dev.processes import free_ports
from dev.simulator import Simulator
from dev.stack import AirflowStack, StackOptions

CHECKOUT: Final = Path(__file__).resolve().parents[2]
DAGS: Final = Path(__file__).resolve().parent / "dags"
SCRATCH: Final = CHECKOUT / ".demo" / "browser"
#: Searched for afterwards in what the browser was given.
API_KEY: Final = "sk-leak-canary"
DURATION: Final = 40.0
#: Seconds that a busy machine is given for each step.
PATIENCE: Final = 420.0
#: What an API might say one day: it has to arrive on the page as text.
NASTY: Final = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
OUTAGE: Final = "the database is being moved"
FAULTS: Final[list[dict[str, Any]]] = [
    {"fault": "operation_fails", "name": "doomed", "reason": "Quota of region reg_eu exceeded"},
    {"fault": "operation_fails", "name": "doomed crowd", "reason": "Quota of NAT gateways exceeded"},
    {"fault": "operation_fails", "name": "nasty", "reason": NASTY},
    {"fault": "operation_fails", "name": "second try", "count": 1, "reason": "No capacity in zone a"},
    {"fault": "operation_fails", "name": "many 7", "reason": "Database tenant could not be created"},
    {"fault": "endless", "name": "many 1?"},
    # however slow the machine is, these are running when they are checked
    {"fault": "endless", "name": "shop"},
    {"fault": "endless", "name": "Team BI *"},
    {"fault": "endless", "name": "crowd"},
    {"fault": "endless", "name": "killed *"},
    {"fault": "endless", "name": "late *"},
    {"fault": "endless", "name": "owed *"},
    {"fault": "status", "status": 409, "message": "a backup is running", "method": "DELETE", "name": "owed *"},
    # an API that has been read some times, and then cannot be
    {"fault": "endless", "name": "troubled"},
    {"fault": "status", "status": 503, "message": OUTAGE, "method": "GET", "name": "troubled", "skip": 4},
]


@dataclass(frozen=True)
class Stage:
    """What the scenes play on."""

    stack: AirflowStack
    simulator: Simulator

    def start(self, dag_id: str) -> Run:
        """Start a run of a scene."""
        self.stack.api.unpause(dag_id)
        return self.stack.api.trigger(dag_id)

    def task(self, run: Run, task_id: str, map_index: int = -1) -> TaskInstance | None:
        """Return a task instance of a run."""
        tasks = self.stack.api.task_instances(run.dag_id, run.run_id)
        return next((t for t in tasks if (t.task_id, t.map_index) == (task_id, map_index)), None)

    def mark_failed(self, run: Run, task_id: str) -> None:
        """Mark a task instance failed, as a user does."""

        def is_marked() -> bool:
            task = self.task(run, task_id)
            if task is None:
                return False
            try:
                self.stack.api.set_state(task, "failed")
            except httpx.HTTPStatusError as error:
                # SQLite was busy
                if not error.response.is_server_error:
                    raise
                return False
            return True

        self.stack.wait_until(is_marked, f"{run.dag_id}.{task_id} to be marked", PATIENCE)

    def wait_for(self, run: Run, task_id: str, state: str, map_index: int = -1, timeout: float = PATIENCE) -> None:
        """Wait until a task instance is in a state."""

        def there() -> bool:
            task = self.task(run, task_id, map_index)
            return task is not None and task.state == state

        self.stack.wait_until(there, f"{run.dag_id}.{task_id} to be {state}", timeout)

    def record(self, run: Run, task_id: str, map_index: int = -1) -> Mapping[str, Any] | None:
        """Return what was kept of a wait."""
        task = self.task(run, task_id, map_index)
        path = f"/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/{task_id}/xcomEntries"
        found = self.stack.api.request("GET", path, params={"map_index": map_index}) if task else {"xcom_entries": []}
        if not any(entry["key"] == "operation_progress" for entry in found["xcom_entries"]):
            return None
        value = self.stack.api.request("GET", f"{path}/operation_progress", params={"map_index": map_index})["value"]
        record: Mapping[str, Any] = _parsed(value)
        return record

    def owes(self, run: Run, task_id: str) -> bool:
        """Return whether the stored handle of a task says that an attempt owes a policy."""
        path = f"/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/{task_id}/state-store"
        kept = self.stack.api.request("GET", path)["task_state_store"]
        return any(entry["key"] == KEY and owed_policy(_parsed(entry["value"])) for entry in kept)


def _parsed(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def path_of(run: Run, task_id: str, map_index: int = -1) -> str:
    """Return the address of a task instance in Airflow's UI."""
    mapped = f"/mapped/{map_index}" if map_index >= 0 else ""
    return f"/dags/{run.dag_id}/runs/{run.run_id}/tasks/{task_id}{mapped}"


@contextmanager
def stage(dags: Path = DAGS, duration: float = DURATION, env: Mapping[str, str] | None = None) -> Iterator[Stage]:
    """Bring everything up, and everything down in the end."""
    simulator = Simulator(free_ports(1)[0], duration=duration)
    options = StackOptions(
        SCRATCH / "airflow",
        dags_folder=dags,
        visitors=(VISITOR,),
        env={
            **simulator.connections(API_KEY),
            "AIRFLOW__CORE__AUTH_MANAGER": f"{Visitors.__module__}.{Visitors.__name__}",
            "PYTHONPATH": str(CHECKOUT),
            **(env or {}),
        },
    )
    with AirflowStack(options) as stack:
        command = [crowd.__name__ if part == crowd.STANDS_IN_FOR else part for part in simulator.command]
        stack.processes.start("simulator", command, stack.env, cwd=CHECKOUT)
        stack.migrate()
        stack.wait_until(simulator.answers, "the simulator", timeout=60)
        simulator.set_rules(FAULTS)
        stack.start_services()
        stack.wait_healthy()
        stack.wait_for_dags()
        yield Stage(stack, simulator)
