"""A worker in a process of its own, which dies between its request and the answer."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_ops.apis.described.submits import find_call
from airflow_provider_ops.specs import load
from tests.catalogue.parts import hook_of, start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ops.testing import SimulatorServer

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

    def set(self, key: str, value: Any) -> None:
        self.file.write_text(json.dumps({**self._data(), key: value}, allow_nan=False))


def attempt(name: str, base_url: str, file: str) -> None:
    """Submit the first call of a spec, as the first attempt of a task."""
    start(hook_of(load(name), base_url), FileStore(Path(file)))


@contextmanager
def _killed_by_the_api(world: SimulatorServer, name: str, process: Any) -> Iterator[None]:
    """Kill the process once the API has carried its submit out, before the answer leaves."""
    spec, died = load(name), list[int]()

    def observe(api: str, request: Any, _reply: Any) -> None:
        if not died and api == name and find_call(spec, request.method, request.path) is not None:
            died.append(process.pid)
            os.kill(process.pid, signal.SIGKILL)

    world.observe(observe)
    yield
    assert died


def dies_before_the_answer(world: SimulatorServer, name: str, file: Path) -> FileStore:
    """Run an attempt that is killed between its request and the answer; return what it has stored."""
    process = PROCESSES.Process(target=attempt, args=(name, world.base_url(name), str(file)))
    with _killed_by_the_api(world, name, process):
        process.start()
        process.join(_PATIENCE)
    assert process.exitcode == -signal.SIGKILL
    process.close()
    return FileStore(file)
