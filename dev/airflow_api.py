"""Airflow's REST API, as much of it as watching and steering runs needs."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Final
from urllib.parse import quote

import httpx
import stamina
from typing_extensions import Self

PAGE: Final = 100
RUN_ENDED: Final = frozenset({"success", "failed"})


def _time(text: str | None) -> datetime | None:
    # `fromisoformat` understands the trailing Z only from Python 3.11 on.
    return None if text is None else datetime.fromisoformat(text.replace("Z", "+00:00"))


@dataclass(frozen=True, slots=True)
class Dag:
    """A DAG that Airflow has parsed."""

    dag_id: str
    tags: frozenset[str]
    file: str

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Dag:
        """Read it from the API's JSON."""
        return cls(data["dag_id"], frozenset(tag["name"] for tag in data["tags"]), data["fileloc"])


@dataclass(frozen=True, slots=True)
class Run:
    """A DAG run."""

    dag_id: str
    run_id: str
    state: str
    started: datetime | None
    ended: datetime | None

    @property
    def is_over(self) -> bool:
        """Whether the state is final."""
        return self.state in RUN_ENDED

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Run:
        """Read it from the API's JSON."""
        return cls(
            data["dag_id"], data["dag_run_id"], data["state"], _time(data["start_date"]), _time(data["end_date"])
        )


@dataclass(frozen=True, slots=True)
class TaskInstance:
    """A task instance in its latest try."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    state: str | None
    operator: str
    try_number: int
    started: datetime | None
    fields: Mapping[str, Any] = field(default_factory=dict)
    """The templated fields as they were rendered."""

    @property
    def label(self) -> str:
        """Task id, with the map index where it has one."""
        return self.task_id if self.map_index < 0 else f"{self.task_id}[{self.map_index}]"

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> TaskInstance:
        """Read it from the API's JSON."""
        return cls(
            dag_id=data["dag_id"],
            run_id=data["dag_run_id"],
            task_id=data["task_id"],
            map_index=data["map_index"],
            state=data["state"],
            operator=data["operator_name"] or data["operator"] or "",
            try_number=data["try_number"],
            started=_time(data["start_date"]),
            fields=data.get("rendered_fields") or {},
        )


@dataclass(frozen=True, slots=True)
class Event:
    """An entry of the audit log: among others, one for each state that a worker reports for a task."""

    when: datetime
    event: str
    task_id: str | None
    map_index: int
    try_number: int | None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Event:
        """Read it from the API's JSON."""
        when = _time(data["when"])
        assert when is not None, "the audit log always has a time"  # noqa: S101
        map_index = data["map_index"]
        return cls(when, data["event"], data["task_id"], -1 if map_index is None else map_index, data["try_number"])


class AirflowApi:
    """A client of one Airflow; logs in when it is first used."""

    def __init__(self, base_url: str, user: str, password: str) -> None:
        self.base_url = base_url
        self._credentials = {"username": user, "password": password}
        # Only ever talks to the loopback interface: no proxies from the environment.
        self._http = httpx.Client(
            base_url=base_url, timeout=30, trust_env=False, transport=httpx.HTTPTransport(retries=2)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def _login(self) -> None:
        answer = self._http.post("/auth/token", json=self._credentials).raise_for_status()
        self._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def request(self, method: str, path: str, *, repeatable: bool = False, **kwargs: Any) -> Any:
        """
        Send one request to `/api/v2<path>` and return the JSON of the answer; raises on error statuses.

        :param repeatable: whether it may be sent again, as reads always may.
        """
        if "Authorization" not in self._http.headers:
            self._login()
        may_repeat = repeatable or method == "GET"
        for attempt in stamina.retry_context(on=lambda error: may_repeat and is_transient(error), attempts=4):
            with attempt:
                return self._send(method, path, **kwargs)
        raise AssertionError  # pragma: no cover - the last attempt returns or raises

    def _send(self, method: str, path: str, **kwargs: Any) -> Any:
        answer = self._http.request(method, f"/api/v2{path}", **kwargs)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            # the token has ended
            self._login()
            answer = self._http.request(method, f"/api/v2{path}", **kwargs)
        if answer.is_error:
            raise httpx.HTTPStatusError(
                f"{method} {path}: {answer.status_code} {answer.text[:500]}", request=answer.request, response=answer
            )
        return answer.json() if answer.content else None

    def _pages(self, path: str, key: str, **params: Any) -> Iterator[Mapping[str, Any]]:
        offset = 0
        while True:
            page = self.request("GET", path, params={"limit": PAGE, "offset": offset, **params})
            yield from page[key]
            offset += PAGE
            if offset >= page["total_entries"]:
                return

    def health(self) -> Mapping[str, Any]:
        """Return the health of each component, or nothing while the API does not answer."""
        try:
            answer = self._http.get("/api/v2/monitor/health", timeout=5)
        except httpx.TransportError:
            return {}
        return dict(answer.json()) if answer.is_success else {}

    def dags(self) -> list[Dag]:
        """Return all DAGs that were parsed."""
        return [Dag.of(data) for data in self._pages("/dags", "dags", order_by="dag_id")]

    def params(self, dag_id: str) -> Mapping[str, Any]:
        """Return the parameters that a DAG declares."""
        return dict(self.request("GET", f"/dags/{dag_id}/details")["params"] or {})

    def import_errors(self) -> dict[str, str]:
        """Return the errors of DAG files, by file name."""
        return {e["filename"]: e["stack_trace"] for e in self._pages("/importErrors", "import_errors")}

    def unpause(self, dag_id: str) -> None:
        """Let the scheduler run a DAG."""
        self.request("PATCH", f"/dags/{dag_id}", repeatable=True, json={"is_paused": False})

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None, run_id: str | None = None) -> Run:
        """Start a run."""
        # with an id of its own the request starts no second run when it is sent again
        body = {"logical_date": None, "conf": dict(conf or {}), "dag_run_id": run_id or f"manual__{uuid.uuid4()}"}
        return Run.of(self.request("POST", f"/dags/{dag_id}/dagRuns", repeatable=True, json=body))

    def run(self, dag_id: str, run_id: str) -> Run:
        """Return the present state of a run."""
        return Run.of(self.request("GET", f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}"))

    def runs(self, dag_id: str = "~") -> list[Run]:
        """Return all runs, of one DAG or of all."""
        return [Run.of(data) for data in self._pages(f"/dags/{dag_id}/dagRuns", "dag_runs")]

    def task_instances(self, dag_id: str = "~", run_id: str = "~") -> list[TaskInstance]:
        """Return all task instances, of one run or of all."""
        path = f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='~')}/taskInstances"
        return [TaskInstance.of(data) for data in self._pages(path, "task_instances", order_by="id")]

    def events(self, dag_id: str, run_id: str, *names: str) -> list[Event]:
        """Return what the audit log says about a run, in order of time."""
        params = {"dag_id": dag_id, "run_id": run_id, "included_events": list(names), "order_by": "event_log_id"}
        return [Event.of(data) for data in self._pages("/eventLogs", "event_logs", **params)]

    def watches_all_assets(self) -> bool:
        """Whether each asset with a watcher has the watermark that its first look makes."""
        watched = [asset for asset in self._pages("/assets", "assets") if asset["watchers"]]
        return all(self.request("GET", f"/assets/{one['id']}/state-store")["total_entries"] for one in watched)

    def xcom(self, task: TaskInstance, key: str = "return_value") -> Any:
        """Return a value that a task has pushed, or nothing where it has not."""
        path = f"{self._task_path(task)}/xcomEntries/{key}"
        try:
            found = self.request("GET", path, params={"map_index": task.map_index, "deserialize": True})
        except httpx.HTTPStatusError as error:
            if error.response.status_code == httpx.codes.NOT_FOUND:
                return None
            raise
        return found["value"]

    def log(self, task: TaskInstance, try_number: int | None = None) -> list[str]:
        """Return the lines of a task's log, of its latest try or of another one."""
        path = f"{self._task_path(task)}/logs/{try_number or max(task.try_number, 1)}"
        answer = self.request(
            "GET",
            path,
            params={"map_index": task.map_index, "full_content": True},
            headers={"Accept": "application/json"},
        )
        return [line if isinstance(line, str) else _log_line(line) for line in answer["content"]]

    def set_state(self, task: TaskInstance, state: str) -> None:
        """Mark a task instance, as a user does in the grid."""
        path = self._task_path(task) + ("" if task.map_index < 0 else f"/{task.map_index}")
        self.request("PATCH", path, repeatable=True, json={"new_state": state})

    def delete_run(self, dag_id: str, run_id: str) -> None:
        """Delete a run with its task instances."""
        self.request("DELETE", f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}")

    def retries(self, dag_id: str, task_id: str) -> int:
        """Return the retries of a task in the latest version of its DAG."""
        return int(self.request("GET", f"/dags/{dag_id}/tasks/{task_id}")["retries"])

    def clear(self, dag_id: str, run_id: str, *task_ids: str, **options: bool) -> None:
        """Clear tasks of a run, whatever their state; `options` are fields of the request."""
        body = {"dry_run": False, "dag_run_id": run_id, "task_ids": list(task_ids), "only_failed": False, **options}
        self.request("POST", f"/dags/{dag_id}/clearTaskInstances", json=body)

    @staticmethod
    def _task_path(task: TaskInstance) -> str:
        return f"/dags/{task.dag_id}/dagRuns/{quote(task.run_id, safe='')}/taskInstances/{task.task_id}"


def is_transient(error: Exception) -> bool:
    """Return whether a server that shares two cores with everything else may answer when asked again."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.is_server_error
    return isinstance(error, httpx.TransportError)


def _log_line(message: Mapping[str, Any]) -> str:
    """Return a structured message as one line of text, an exception with it."""
    at = (message.get("timestamp") or "")[11:19]
    line = " ".join(part for part in (at, (message.get("level") or "").upper(), message["event"]) if part)
    for error in message.get("error_detail") or ():
        line += f" {error.get('exc_type')}: {error.get('exc_value')}"
    return line
