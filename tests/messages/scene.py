"""What the rows play with: connections, hooks, tasks and commands, all against the simulator in virtual time."""

from __future__ import annotations

import contextlib
import io
import json
import socket
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from airflow_provider_ops.hooks.lookup import _hook_class
from airflow_provider_ops.http.blocking_client import BlockingClient
from airflow_provider_ops.retry_policy import enforce_retry_policy
from tests.lifecycle.submission.parts import Task
from tests.played import Played, reply

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from airflow_provider_ops.apis.calls import Call
    from airflow_provider_ops.hooks.base import OperationsHook
    from airflow_provider_ops.testing import SimulatorServer, VirtualClock


@dataclass
class Scene:
    """Played anew for each row."""

    world: SimulatorServer
    clock: VirtualClock
    patch: pytest.MonkeyPatch
    run_dag: Callable[..., Any]
    a_dag: Callable[..., Any]
    opened: list[Any] = field(default_factory=list)
    #: What a command has ended with.
    ended_by: BaseException | None = None

    def connection(self, conn_id: str = "onvera_default", **fields: Any) -> str:
        """Define a connection; what is not named is as it should be."""
        kind = fields.get("conn_type") or conn_id.partition("_")[0]
        good = json.loads(self.world.connection_json(kind)) if kind in self.world.apis else {"conn_type": kind}
        self.patch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps({**good, **fields}))
        return conn_id

    def hook(self, api: str = "onvera", **fields: Any) -> Any:
        """Return a hook, for a connection with these fields."""
        conn_id = self.connection(f"{api}_default", **fields)
        cls = _hook_class(api)
        assert cls is not None
        made: OperationsHook = cls(conn_id=conn_id, clock=self.clock)
        self.opened.append(made)
        return made

    def answered(self, api: Any, call: Callable[[Any], Call[Any]], body: Any = None, **how: Any) -> object:
        """Return what a call comes to whose answer is ``body``; ``answer`` is one as bytes, ``status`` its status.

        :param api: its name, or a hook.
        """
        answer = how.pop("answer", None) or reply(how.pop("status", 200), body, **how)
        hook = self.hook(api) if isinstance(api, str) else api
        client = BlockingClient(hook.api, hook.settings(), self.clock, backend=Played(lambda _request: answer))
        self.opened.append(client)
        return client.send_once(call(hook.api))

    def task(self, api: str = "onvera", **options: Any) -> Task:
        """Return a task run whose tries submit."""
        return Task(self.hook(api), self.clock, **options)

    def attempt(self, task: Task) -> object:
        """Make one try of a task."""
        return self.as_task(task.hook, task.attempt)

    def as_task(self, hook: OperationsHook, work: Callable[[], object]) -> object:
        """Do something as a task does it: its errors say where they belong."""
        with enforce_retry_policy(SimpleNamespace(_hook=hook)):
            return work()

    def silent_server(self) -> str:
        """Return the address of a server that takes connections and never answers."""
        listening = socket.create_server(("127.0.0.1", 0))
        self.opened.append(listening)
        return f"http://127.0.0.1:{listening.getsockname()[1]}/onvera/api/v1"

    def failed(self, make: Callable[[], Any], **arguments: Any) -> object:
        """Run a DAG with one task, and raise what that has failed with."""
        with self.a_dag(**arguments) as dag:
            make()
        ran = self.run_dag(dag)
        raise next(iter(ran.errors.values()))[0]

    def command(self, *arguments: str) -> str:
        """Return what a command prints that cannot do what it should."""
        from airflow_provider_ops.cli.__main__ import main  # noqa: PLC0415 - takes a second

        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            try:
                main(arguments)
            except SystemExit as end:
                self.ended_by = end
        assert self.ended_by is not None, "the command says that all is well"
        return said.getvalue()

    def close(self) -> None:
        """Close what was opened."""
        for one in self.opened:
            one.close()
        self.opened.clear()
