"""
Real Airflow under a scratch home: database, API server, scheduler, DAG processor, triggerer, each a process of its own.

    with AirflowStack(StackOptions(home=..., dags_folder=...)) as stack:
        stack.start()
        stack.wait_healthy()
        stack.api.unpause("my_dag")
        run = stack.api.trigger("my_dag")
        stack.wait_for_run(run, timeout=120)

It knows nothing of what the DAGs do. Everything it starts ends with the `with` block.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final

from typing_extensions import Self

from dev.airflow_api import AirflowApi, Dag, Run
from dev.processes import GRACE_SECONDS, Component, Processes, free_ports

USER: Final = "admin"
SERVICES: Final = ("api-server", "scheduler", "dag-processor", "triggerer")
#: Services that report a heartbeat, and their keys in the answer.
HEALTH_KEYS: Final = {name: name.replace("-", "_") for name in SERVICES if name != "api-server"}

#: On a machine that is too slow, workers give the API server up (5 s), and a scheduler takes itself for dead and starts
#: its tasks anew (30 s). Both cost tasks an attempt that nothing else is to blame for.
PATIENCE: Final = {
    "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "600",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "600",
}

#: Airflow's patience, shortened so that recovery takes seconds; none of it changes what recovery does.
SHORT_RECOVERY: Final = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "24",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "45",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "2",
    "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "2",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "8",
    "AIRFLOW__SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL": "3",
    # What a worker could not start while the API server was away stays queued until then.
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "45",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "10",
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "12",
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "3",
    "AIRFLOW__WORKERS__EXECUTION_API_RETRY_WAIT_MAX": "4",
    # All tasks of a check run at once.
    "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG": "100",
}


class StackTimeout(RuntimeError):
    """Something that was waited for did not come."""


class BrokenDag(RuntimeError):
    """A DAG file cannot be imported."""


@dataclass(frozen=True)
class StackOptions:
    """
    Where the stack lives and what it is told; `env` has the last word over the defaults below.

    `visitors` can sign in beside the admin, with the same password. `services` are the components that are started.
    """

    home: Path
    dags_folder: Path
    parallelism: int = 4
    visitors: tuple[str, ...] = ()
    services: tuple[str, ...] = SERVICES
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of one stack, all chosen freely."""

    api: int
    worker_log: int
    trigger_log: int


class AirflowStack:
    """One Airflow. A context manager: enter, `start()`, use, leave."""

    def __init__(self, options: StackOptions) -> None:
        self.options = options
        self.ports = Ports(*free_ports(3))
        self.password = secrets.token_urlsafe(9)
        self.url = f"http://127.0.0.1:{self.ports.api}"
        self.api = AirflowApi(self.url, USER, self.password)
        self.processes = Processes(options.home / "logs" / "components")
        self.env = self._environment()
        #: Interpreter of what is started from now on; another environment has another release of the provider.
        self.python = sys.executable

    def __enter__(self) -> Self:
        # What an earlier stack left would come back as its runs and triggers.
        shutil.rmtree(self.options.home, ignore_errors=True)
        self.options.home.mkdir(parents=True)
        users = (USER, *self.options.visitors)
        self._passwords.write_text(json.dumps(dict.fromkeys(users, self.password)))
        self._passwords.chmod(0o600)
        self.processes.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.processes.__exit__(kind, error, trace)
        finally:
            self.api.__exit__(kind, error, trace)

    @property
    def _passwords(self) -> Path:
        return self.options.home / "passwords.json"

    def _environment(self) -> dict[str, str]:
        home = self.options.home
        # The user's own Airflow settings must not reach this one.
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW")}
        loopback = ",".join(
            filter(None, [inherited.get("NO_PROXY") or inherited.get("no_proxy"), "127.0.0.1,localhost"])
        )
        return {
            **inherited,
            "NO_PROXY": loopback,
            "no_proxy": loopback,
            "PYTHONUNBUFFERED": "1",
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.options.dags_folder),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            # The default of 32 would fork 32 idle workers.
            "AIRFLOW__CORE__PARALLELISM": str(self.options.parallelism),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(
                f"{user}:admin" for user in (USER, *self.options.visitors)
            ),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self._passwords),
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.ports.api),
            "AIRFLOW__API__BASE_URL": self.url,
            # Known to all components from the start, where each would otherwise wait for, or invent, its own.
            "AIRFLOW__API__SECRET_KEY": secrets.token_hex(16),
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(self.ports.worker_log),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(self.ports.trigger_log),
            # New DAG files are found soon (default 300 s), known ones are not parsed over and over.
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "60",
            # A worker's exit is reported up to this much late, and triggers wait for it (default 5 s).
            "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            # installed for the tests; without a transport it would write its events into the task logs
            "AIRFLOW__OPENLINEAGE__DISABLED": "True",
            **self.options.env,
        }

    def _airflow(self, *arguments: str) -> list[str]:
        return [self.python, "-m", "airflow", *arguments]

    def migrate(self) -> None:
        """Make the metadata database."""
        self.processes.run("db-migrate", self._airflow("db", "migrate"), self.env, cwd=self.options.home, timeout=180)

    def start(self) -> None:
        """Make the database, then start all components."""
        self.migrate()
        self.start_services()

    def start_services(self) -> None:
        """Start all components at the same time; `wait_healthy` says when they are there."""
        for name in self.options.services:
            self.start_service(name)

    def start_service(self, name: str) -> Component:
        """Start one component, for the first time or again after it was killed."""
        return self.processes.start(name, self._airflow(name), self.env, cwd=self.options.home)

    def start_triggerer(self, name: str) -> Component:
        """Start another triggerer beside the first, with a log server of its own."""
        (log_port,) = free_ports(1)
        env = {**self.env, "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(log_port)}
        return self.processes.start(name, self._airflow("triggerer"), env, cwd=self.options.home)

    def kill(self, name: str, number: int, patience: float = GRACE_SECONDS * 2) -> None:
        """Send a signal that ends a component, and wait until it has ended."""
        self.processes.signal(name, number)
        self.processes.forget(name, patience)

    def healthy(self) -> bool:
        """Whether every component reports a fresh heartbeat."""
        health = self.api.health()
        keys = ["metadatabase", *(HEALTH_KEYS[name] for name in self.options.services if name in HEALTH_KEYS)]
        return all((health.get(key) or {}).get("status") == "healthy" for key in keys)

    def wait_healthy(self, timeout: float = 180) -> None:
        """Wait until all components are up."""
        self.wait_until(self.healthy, "Airflow's components to be healthy", timeout)

    def wait_for_dags(self, timeout: float = 60) -> list[Dag]:
        """Wait until every file of the DAGs folder is parsed; a file that cannot be imported ends the wait."""
        files = {str(file.resolve()) for file in self.options.dags_folder.glob("[!_.]*.py")}
        dags: list[Dag] = []

        def parsed() -> bool:
            for file, error in self.api.import_errors().items():
                raise BrokenDag(f"{file} cannot be imported:\n{error}")
            dags[:] = self.api.dags()
            return files <= {str(Path(dag.file).resolve()) for dag in dags}

        self.wait_until(parsed, f"a DAG in each of {', '.join(sorted(Path(file).name for file in files))}", timeout)
        return dags

    def wait_for_run(self, run: Run, timeout: float) -> Run:
        """Wait for the end of a run and return it as it is then."""
        latest = run

        def over() -> bool:
            nonlocal latest
            latest = self.api.run(run.dag_id, run.run_id)
            return latest.is_over

        self.wait_until(over, f"the run {run.run_id} of {run.dag_id}", timeout)
        return latest

    def wait_until(self, there: Callable[[], bool], what: str, timeout: float, interval: float = 0.5) -> None:
        """Ask again and again; raises `StackTimeout`, or `ProcessDied` as soon as a component is gone."""
        end = time.monotonic() + timeout
        while not there():
            self.processes.check_alive()
            if time.monotonic() > end:
                raise StackTimeout(f"waited {timeout:.0f} s for {what}; see {self.processes.log_dir}")
            time.sleep(interval)
