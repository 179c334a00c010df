"""An attempt without Airflow around it, told to stop at a chosen instruction of the provider."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

import airflow_provider_ops
from airflow_provider_ops.exceptions import OpsError
from airflow_provider_ops.lifecycle.attempt import TaskAttempt
from airflow_provider_ops.lifecycle.handle_store import KEY
from airflow_provider_ops.operators.akua import AkuaCreateClusterOperator
from airflow_provider_ops.operators.base import OperationOperator
from airflow_provider_ops.operators.lakesail import LakeSailCreateSessionOperator
from airflow_provider_ops.operators.nirvana import NirvanaCreateVPCOperator
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator
from airflow_provider_ops.testing import SimulatorServer, VirtualClock

_PACKAGE = str(Path(airflow_provider_ops.__file__).parent)
#: The fake world is no part of what is interrupted.
_OUTSIDE = (f"{_PACKAGE}/simulator/", f"{_PACKAGE}/testing/")

OPERATORS: dict[str, tuple[type[OperationOperator], dict[str, Any]]] = {
    "onvera": (OnveraCreateDeploymentOperator, {"app_type": "airflow"}),
    "nirvana": (NirvanaCreateVPCOperator, {"name": "net", "region": "us-sva-2", "subnet_name": "net-subnet"}),
    "lakesail": (LakeSailCreateSessionOperator, {"body": {"name": "etl"}, "wait_for_completion": True}),
    "akua": (AkuaCreateClusterOperator, {"name": "c", "region_id": "reg_eu"}),
}


class Deferred(BaseException):
    """Stands for Airflow's own."""


class Taken(BaseException):
    """The process is gone."""


class StateStore:
    """Airflow's task state store: only the current attempt can write it."""

    def __init__(self) -> None:
        self.data: dict[str, str] = {}
        self.current: str | None = None
        self.writes = 0
        #: The process dies at the write of its handle with this number.
        self.dies_at: int | None = None
        self.dies_after: int | None = None

    def of(self, attempt: str) -> Any:
        """Return the store as one attempt sees it."""
        self.current = attempt

        def write(key: str, value: Any) -> None:
            if self.current != attempt:
                raise Refused(404)
            self.writes += key == KEY
            if key == KEY and self.writes == self.dies_at:
                raise Taken
            self.data[key] = json.dumps(value, allow_nan=False)
            if key == KEY and self.writes == self.dies_after:
                raise Taken

        def read(key: str, default: Any = None) -> Any:
            return json.loads(self.data[key]) if key in self.data else default

        return SimpleNamespace(get=read, set=write)

    def put(self, handle: Mapping[str, Any]) -> None:
        self.data[KEY] = json.dumps(handle)

    @property
    def handle(self) -> dict[str, Any]:
        handle: dict[str, Any] = json.loads(self.data[KEY])
        return handle


class Refused(Exception):
    """An answer of Airflow's API server, in the form of its own error."""

    def __init__(self, status: int) -> None:
        super().__init__(f"API server answered {status}")
        self.error = SimpleNamespace(detail={"status_code": status})


class TaskInstance:
    """What an attempt sees of itself in Airflow. A question inside of another one would deadlock."""

    def __init__(self, number: int) -> None:
        self.id = f"00000000-0000-0000-0000-{number:012d}"
        self.dag_id, self.run_id, self.task_id, self.map_index = "dag", "run", "op", -1
        self.try_number, self.max_tries = number, 9
        self.start_date = datetime.now(timezone.utc)
        self.state = "running"
        self.breaks = False
        self.xcoms: dict[str, Any] = {}
        self.task: Any = None

    def get_task_states(self, **_place: Any) -> dict[str, dict[str, str]]:
        if self.breaks:
            raise ConnectionError("the API server is away")
        return {self.run_id: {self.task_id: self.state}}

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = value

    def xcom_pull(self, *, key: str, **_place: Any) -> Any:
        return self.xcoms.get(key)


@dataclass
class Life:
    """One task run. Each attempt is made as by a new process.

    :param said: what its log has.
    """

    world: SimulatorServer
    clock: VirtualClock
    api: str = "onvera"
    arguments: Mapping[str, Any] = field(default_factory=dict)
    #: Class of its operator, and arguments that it needs; default are those of the API.
    makes: tuple[type[OperationOperator], Mapping[str, Any]] | None = None
    store: Any = field(default_factory=StateStore)
    said: list[str] = field(default_factory=list)
    tries: int = 0
    ti: TaskInstance | None = None
    operator: Any = None

    def again(self, api: str) -> Life:
        """Return another task run, in a world in which nothing has happened."""
        self.world.reset()
        return Life(self.world, self.clock, api)

    def attempt(self, leg: Callable[[TaskAttempt], Any] | None = None, **more: Any) -> Any:
        """Run one leg of a new attempt."""
        self.prepare(**more)
        return self.run(leg)

    def prepare(self, **more: Any) -> None:
        self.tries += 1
        self.ti = TaskInstance(self.tries)
        kind, arguments = self.makes or OPERATORS[self.api]
        self.operator = kind(task_id="op", **{"on_kill": "delete", **arguments, **self.arguments, **more})
        self.operator.defer = self._defer
        said = self.said

        class Log:
            """The task's log."""

            def info(self, text: str, *args: Any) -> None:
                said.append(text % args if args else text)

            warning = error = debug = exception = info

            def isEnabledFor(self, level: int) -> bool:  # noqa: ARG002, N802 - as loggers call it
                return True

        self.operator._log = self.operator._cached_logger = Log()

    def run(self, leg: Callable[[TaskAttempt], Any] | None = None) -> Any:
        assert self.ti is not None
        dag_run = SimpleNamespace(clear_number=0, start_date=self.ti.start_date)
        context: Any = {"ti": self.ti, "dag_run": dag_run, "task_state_store": self.store.of(self.ti.id)}
        return (leg or TaskAttempt.start)(self.operator._new_attempt(context))

    def clear(self) -> None:
        """What a user does."""
        assert self.ti is not None
        self.tries = max(self.tries, self.ti.max_tries)

    @staticmethod
    def _defer(**arguments: Any) -> None:
        raise Deferred(arguments)

    def entering(self, function: str) -> Callable[[FrameType], bool]:
        """Return what tells that a function of the provider begins: ``module.function``."""
        module, _, name = function.rpartition(".")
        return lambda frame: frame.f_code.co_name == name and frame.f_code.co_filename.endswith(f"/{module}.py")

    def is_waiting(self, frame: FrameType) -> bool:
        """Whether the worker waits for its operation."""
        run = self.operator._attempt
        return frame.f_code.co_name == "_next" and run is not None and run._record.doing.startswith("waiting for")

    # -- what became of it

    def created(self) -> list[dict[str, Any]]:
        return self.world.resources(self.api)

    def attempt_until_deferred(self, **more: Any) -> None:
        with contextlib.suppress(Deferred):
            self.attempt(**more)

    def requests(self, method: str) -> list[dict[str, Any]]:
        return [one for one in self.world.requests(self.api) if one["method"] == method]

    def ends(self) -> list[dict[str, Any]]:
        """The operations that delete something."""
        return [one for one in self.world.operations(self.api) if _ends(one) and one["stage"] != "cancelled"]

    def ended_ids(self) -> set[str]:
        # LakeSail closes a session without an operation
        gone = {one["id"] for one in self.created() if one["deleted"] or one["status"] == "closed"}
        return gone | {one["resource_id"] for one in self.world.operations(self.api) if _ends(one)}

    def continues(self) -> list[dict[str, Any]]:
        """What was created and is neither cancelled nor deleted nor being deleted."""
        ended = self.ended_ids()
        return [one for one in self.created() if one["id"] not in ended]

    def names(self, resource: Mapping[str, Any], text: str) -> bool:
        """Whether a text says of a resource by its id, its operation or what to look for."""
        lines = "\n".join((text, *self.said))
        return any(word and word in lines for word in (resource["id"], resource["operation_id"], self._key()))

    def _key(self) -> str:
        return self.store.handle["key"] if KEY in self.store.data else ""


def _ends(operation: Mapping[str, Any]) -> bool:
    return operation["stage"] == "cancelled" or operation["kind"].rpartition(".")[2] in ("destroy", "delete", "close")


class Interrupter:
    """Counts the lines of the provider that the main thread runs; acts right before one of them."""

    def __init__(
        self,
        act: Callable[[], None] | None = None,
        at: int | None = None,
        *,
        when: Callable[[FrameType], bool] | None = None,
    ) -> None:
        self.act, self.at, self.when = act, at, when
        self.lines = 0
        self.place = ""
        #: First and last time that a line of the source was reached.
        self.reached: dict[str, tuple[int, int]] = {}

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> Any:
        name = frame.f_code.co_filename
        if not name.startswith(_PACKAGE) or name.startswith(_OUTSIDE):
            return None
        if event == "line":
            self.lines += 1
            place = f"{name.removeprefix(_PACKAGE)}:{frame.f_lineno}"
            self.reached[place] = (self.reached.get(place, (self.lines, 0))[0], self.lines)
            if self.lines == self.at or (self.when is not None and self.when(frame)):
                self.place, self.when = place, None
                if self.act is not None:
                    self.act()
        return self

    @contextmanager
    def tracing(self) -> Iterator[Interrupter]:
        before = sys.gettrace()
        sys.settrace(self)
        try:
            yield self
        finally:
            sys.settrace(before)


@contextmanager
def sigterm_as_airflow(life: Life, becomes: str = "failed") -> Iterator[Callable[..., None]]:
    """Handle SIGTERM as Airflow's task runner does; yields what sends it for a task that a user marked failed.

    :param becomes: state of the task by then, where another process sends it.
    """

    def on_term(_number: int, _frame: FrameType | None) -> None:
        assert life.ti is not None
        life.ti.state = becomes
        life.operator.on_kill()

    def send(state: str = "failed") -> None:
        nonlocal becomes
        becomes = state
        signal.raise_signal(signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, on_term)
    try:
        yield send
    finally:
        signal.signal(signal.SIGTERM, before)


def outcome(life: Life, leg: Callable[[TaskAttempt], Any] | None) -> str:
    """Return the text with which a leg ends; empty for a result or a deferral."""
    try:
        life.run(leg)
    except Deferred:
        return ""
    except OpsError as error:
        return str(error)
    return ""


def settle_threads() -> None:
    """Wait for what a kill after the end of a leg does."""
    for thread in threading.enumerate():
        if thread.name.startswith("operations-late"):
            thread.join(10)
