"""A worker in a process of its own, which is killed, or told to stop, at a request."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_ops.apis.described.submits import find_call
from airflow_provider_ops.lifecycle import fence, worker_kill
from airflow_provider_ops.lifecycle.attempt import TaskAttempt
from airflow_provider_ops.operators.operation import OperationRequestOperator
from airflow_provider_ops.specs import load
from tests.catalogue.parts import connection_json, has_deletion, hook_of, request_of, start
from tests.lifecycle.kills.parts import Life, outcome, sigterm_as_airflow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ops.spec import ApiSpec
    from airflow_provider_ops.testing import SimulatorServer

#: Key of the text with which an attempt has ended.
SAID = "said"
#: Seconds in which a process must have sent its request, on a machine with much else to do.
_PATIENCE = 60.0
#: Brings the imports once; each worker is a fork of that process, which has no threads.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([__name__])


class FileStore:
    """Airflow's task state store, outside of the process that uses it."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def _data(self) -> dict[str, Any]:
        return json.loads(self.file.read_text()) if self.file.exists() else {}

    def get(self, key: str, default: Any = None) -> Any:
        return self._data().get(key, default)

    def of(self, _attempt: str) -> FileStore:
        """Return the store as one attempt sees it."""
        return self

    def set(self, key: str, value: Any) -> None:
        self.file.write_text(json.dumps({**self._data(), key: value}, allow_nan=False))


def attempt(name: str, base_url: str, file: str) -> None:
    """Submit the first call of a spec, as the first attempt of a task."""
    start(hook_of(load(name), base_url), FileStore(Path(file)))


def life_of(spec: ApiSpec, store: FileStore, *, tries: int = 0) -> Life:
    """Return a task run whose operator sends the first call of a spec, and whose kill ends what it can.

    :param tries: attempts that came before.
    """
    method, path = request_of(spec)
    policy = "delete" if has_deletion(spec) else "cancel"
    # as often as is allowed, since the process is told to stop at a poll
    facts = {"conn_id": spec.name, "method": method, "path": path, "json": {}, "on_kill": policy, "poll_interval": 1}
    nowhere: Any = None
    return Life(nowhere, nowhere, spec.name, makes=(OperationRequestOperator, facts), store=store, tries=tries)


def killed_attempt(name: str, connection: str, file: str, becomes: str) -> None:
    """Run the first attempt of a task up to a SIGTERM, and store the text with which it ends."""
    os.environ[f"AIRFLOW_CONN_{name.upper()}"] = connection
    # on a machine with much else to do, what is tried takes longer than Airflow leaves
    worker_kill._KILL_SECONDS = worker_kill._QUESTION = fence._LINGER = _PATIENCE
    store = FileStore(Path(file))
    life = life_of(load(name), store)
    life.prepare(deferrable=False)
    with sigterm_as_airflow(life, becomes):
        store.set(SAID, outcome(life, TaskAttempt.start))


@contextmanager
def _signalled(world: SimulatorServer, name: str, process: Any, number: int, *, after: int = 0) -> Iterator[None]:
    """Send a signal to the process once the API has carried its submit out, before the answer leaves.

    :param after: requests after the submit at which it is sent instead.
    """
    spec, sent, seen = load(name), list[int](), list[Any]()

    def observe(api: str, request: Any, _reply: Any) -> None:
        if api == name and (seen or find_call(spec, request.method, request.path) is not None):
            seen.append(request)
            if len(seen) > after and not sent:
                sent.append(process.pid)
                os.kill(process.pid, number)

    world.observe(observe)
    yield
    assert sent


def _run(world: SimulatorServer, name: str, number: int, target: Any, *args: Any, after: int = 0) -> int | None:
    process = PROCESSES.Process(target=target, args=(name, *args))
    with _signalled(world, name, process, number, after=after):
        process.start()
        process.join(_PATIENCE)
    code = process.exitcode
    process.close()
    return code


def dies_before_the_answer(world: SimulatorServer, name: str, file: Path) -> FileStore:
    """Run an attempt that is killed between its request and the answer; return what it has stored."""
    assert _run(world, name, signal.SIGKILL, attempt, world.base_url(name), str(file)) == -signal.SIGKILL
    return FileStore(file)


def told_to_stop(world: SimulatorServer, name: str, file: Path, *, becomes: str, after: int = 0) -> FileStore:
    """Run an attempt that gets SIGTERM; return what it has stored.

    :param becomes: state of the task by then.
    :param after: requests after the submit at which the signal comes; at 0 its answer is still under way.
    """
    connection = connection_json(world, load(name))
    assert _run(world, name, signal.SIGTERM, killed_attempt, connection, str(file), becomes, after=after) == 0
    return FileStore(file)
