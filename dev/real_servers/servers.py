"""The servers: how each is started, and what it says about its runs. None of it uses the provider."""

from __future__ import annotations

import json
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import stamina

from dev.airflow_api import is_transient
from dev.processes import Processes, free_ports
from dev.real_servers.cases import State
from dev.stack import PATIENCE, USER, AirflowStack, StackOptions

CHECKOUT: Final = Path(__file__).resolve().parent.parent.parent
SCRATCH: Final = CHECKOUT / ".cache" / "real-servers"
_DAGS: Final = Path(__file__).parent / "dags"
#: Seconds for which a token of the other Airflow is good: it ends while tasks wait.
_TOKEN_SECONDS: Final = 20
_MOST: Final = 100
#: A run there is a process that sleeps.
_WORKERS: Final = 6
_DEPLOYMENT: Final = "/deployments/name/nightly/real"


@dataclass(frozen=True, slots=True)
class RunThere:
    """A run, as the server shows it."""

    id: str
    case: str
    state: str


class RealServer(ABC):
    """
    A server that a spec of the catalogue describes.

    :cvar words: how it names the ends of runs.
    """

    name: str
    words: Mapping[State, str]
    port: int

    @property
    @abstractmethod
    def version(self) -> str:
        """Return its release."""

    @property
    @abstractmethod
    def path(self) -> str:
        """Return where a run is started, below the base URL of the spec."""

    @abstractmethod
    def connection(self, origin: str, password: str | None = None) -> dict[str, Any]:
        """Return the connection of type `operations` to it."""

    @abstractmethod
    def runs(self) -> list[RunThere]:
        """Return all its runs."""

    @abstractmethod
    def start_crowd(self, count: int) -> list[str]:
        """Start runs that wait, and return the ids that their operations have for the provider."""

    @abstractmethod
    def end(self, operation_id: str) -> None:
        """Let a run that waits succeed."""


class OtherAirflow(RealServer):
    """A second Airflow with a home, a database and an environment of its own."""

    name = "airflow"
    words: Mapping[State, str] = {"succeeded": "success", "failed": "failed", "cancelled": "failed"}
    path = "/api/v2/dags/nightly/dagRuns"

    def __init__(self) -> None:
        options = StackOptions(
            SCRATCH / "other-airflow",
            dags_folder=_DAGS / "airflow",
            parallelism=_WORKERS,
            services=("api-server", "scheduler", "dag-processor"),
            env={**PATIENCE, "AIRFLOW__API_AUTH__JWT_EXPIRATION_TIME": str(_TOKEN_SECONDS)},
        )
        self.stack = AirflowStack(options)
        self.stack.python = str(SCRATCH / "airflow" / "bin" / "python")
        self.port = self.stack.ports.api

    @property
    def version(self) -> str:
        """Return its release."""
        return str(self.stack.api.request("GET", "/version")["version"])

    def connection(self, origin: str, password: str | None = None) -> dict[str, Any]:
        """Return the connection: the user's own login and password, for which Airflow gives a token."""
        return {"host": origin, "login": USER, "password": password or self.stack.password}

    def wait_ready(self) -> None:
        """Wait until it takes runs."""
        self.stack.wait_healthy()
        self.stack.wait_for_dags()
        self.stack.api.unpause("nightly")

    def runs(self) -> list[RunThere]:
        """Return all runs of its DAG."""
        found = self.stack.api.request("GET", f"/dags/nightly/dagRuns?limit={_MOST}")["dag_runs"]
        return [RunThere(one["dag_run_id"], one["conf"]["case"], one["state"]) for one in found]

    def start_crowd(self, count: int) -> list[str]:
        """Start runs of a DAG that is paused."""
        runs = [self.stack.api.trigger("crowd", run_id=f"crowd-{number}") for number in range(count)]
        return [f"dags/crowd/dagRuns/{run.run_id}" for run in runs]

    def end(self, operation_id: str) -> None:
        """Mark a run, as a user does."""
        self.stack.api.request("PATCH", f"/{operation_id}", repeatable=True, json={"state": self.words["succeeded"]})


class PrefectServer(RealServer):
    """A Prefect server with a password, and a process that runs its flow."""

    name = "prefect"
    words: Mapping[State, str] = {"succeeded": "COMPLETED", "failed": "FAILED", "cancelled": "CANCELLED"}

    def __init__(self, password: str) -> None:
        (self.port,) = free_ports(1)
        self.password = password
        self._venv = SCRATCH / "prefect" / "bin"
        self._url = f"http://127.0.0.1:{self.port}/api"
        self._http = httpx.Client(base_url=self._url, auth=(USER, password), timeout=30, trust_env=False)
        self._home = SCRATCH / "prefect-home"

    def start(self, processes: Processes, env: Mapping[str, str]) -> None:
        """Start the server; `wait_ready` starts the process that runs the flow."""
        shutil.rmtree(self._home, ignore_errors=True)
        self._home.mkdir(parents=True)
        inherited = {name: value for name, value in env.items() if not name.startswith(("AIRFLOW", "PYTHONPATH"))}
        auth = f"{USER}:{self.password}"
        mine = {
            **inherited,
            "PREFECT_HOME": str(self._home),
            "PREFECT_API_URL": self._url,
            "PREFECT_API_AUTH_STRING": auth,
            "PREFECT_SERVER_API_AUTH_STRING": auth,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_UI_ENABLED": "false",
            "PREFECT_RUNNER_POLL_FREQUENCY": "2",
            "PATH": f"{self._venv}:{os.environ['PATH']}",
        }
        self._env, self._processes = mine, processes
        self._start("prefect", "server", "start", "--host", "127.0.0.1", "--port", str(self.port))

    def _start(self, program: str, *arguments: str) -> None:
        name = f"prefect-{program}"
        self._processes.start(name, [str(self._venv / program), *arguments], self._env, cwd=self._home)

    def answers(self) -> bool:
        """Return whether it is up."""
        try:
            return self._http.get("/health", timeout=5).is_success
        except httpx.TransportError:
            return False

    def wait_ready(self, stack: AirflowStack) -> None:
        """Wait until it takes runs."""
        stack.wait_until(self.answers, "the Prefect server", timeout=120)
        self._start("python", str(_DAGS / "prefect" / "nightly.py"))
        stack.wait_until(lambda: self._deployment().is_success, "Prefect's deployment of the flow", timeout=120)

    def _deployment(self) -> httpx.Response:
        return self._http.get(_DEPLOYMENT)

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON of the answer to a request that may be sent again: its SQLite is locked at times (503)."""
        for attempt in stamina.retry_context(on=is_transient, attempts=4):
            with attempt:
                answer = self._http.request(method, path, json=body).raise_for_status()
        return answer.json() if answer.content else None

    @property
    def version(self) -> str:
        """Return its release."""
        return str(self._request("GET", "/admin/version"))

    @property
    def path(self) -> str:
        """Return where a run is started."""
        return f"/deployments/{self._request('GET', _DEPLOYMENT)['id']}/create_flow_run"

    def connection(self, origin: str, password: str | None = None) -> dict[str, Any]:
        """Return the connection: HTTP basic, as a server with `server.api.auth_string` wants it."""
        secret = password or self.password
        return {"host": f"{origin}/api", "login": USER, "password": secret, "extra": {"auth": "http_basic"}}

    def runs(self) -> list[RunThere]:
        """Return all runs of its flow."""
        found = self._request("POST", "/flow_runs/filter", {"limit": _MOST})
        return [RunThere(one["id"], one["parameters"]["case"], one["state_type"]) for one in found]

    def start_crowd(self, count: int) -> list[str]:
        """Start runs whose time is far away."""
        late = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2100-01-01T00:00:00Z"}}
        parameters = {"case": "crowd", "seconds": 1, "fails": False}
        body = {"parameters": parameters, "state": late}
        path = self.path
        # with a key of its own each is made once, be it sent again
        keys = [f"crowd-{number}" for number in range(count)]
        return [self._request("POST", path, {**body, "idempotency_key": key})["id"] for key in keys]

    def end(self, operation_id: str) -> None:
        """Set the state of a run, as its process does."""
        body = {"state": {"type": self.words["succeeded"]}, "force": True}
        self._request("POST", f"/flow_runs/{operation_id}/set_state", body)


def connection_text(server: RealServer, origin: str, password: str | None = None) -> str:
    """Return a connection as an environment variable has it."""
    made = server.connection(origin, password)
    extra = {"api": server.name, **made.get("extra", {})}
    return json.dumps({"conn_type": "operations", **made, "extra": extra})
