"""A real triggerer: runner and supervisor as Airflow runs them, a thousand waits, SQLite and PostgreSQL.

What is written down by hand are the deferred tasks; from there on everything is Airflow's: the triggerer takes the
triggers from the database fifty at a time, its runner asks the supervisor for the connection, and events are stored.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy
from typing_extensions import Self

from benchmarks.noting import NOTES
from benchmarks.run import ask, ending, line_of, start
from benchmarks.subjects import INTERVAL
from dev.guarantees import postgres
from dev.processes import Component, Processes
from dev.stack import AirflowStack, StackOptions

ROOT = Path(__file__).resolve().parent.parent
#: Seconds: until a triggerer that runs has loaded everything, for which nothing happens, for everything else.
_SETTLING, _QUIET, _PATIENCE = 5.0, 20.0, 1200.0
_RUNNING = "SELECT count(*) FROM job WHERE job_type = 'TriggererJob' AND state = 'running'"
_STORED = "SELECT count(*) FROM task_instance WHERE state = 'scheduled'"
_LONG = 3600.0
_HEAD = (
    "| database | waits | all watched after s | runner CPU s | supervisor CPU s | runner then | supervisor then | "
    "both MiB | known p50 s | known last s | stored p50 s | stored last s | stored |"
)


@dataclass(frozen=True)
class Found:
    """What a triggerer with so many waits cost and how soon it knew (CPU in seconds)."""

    database: str
    waits: int
    #: Seconds, and CPU, from the moment at which the deferred tasks are in the database to the first look at the last.
    watched: float
    runner_start: float
    supervisor_start: float
    #: Of a core, while nothing happens.
    runner_quiet: float
    supervisor_quiet: float
    #: Memory of both in MiB, as far as it is their own.
    memory: float
    #: All end at once: seconds until the trigger knew, and until the event was stored.
    known_p50: float
    known_last: float
    stored_p50: float
    stored_last: float
    stored: int

    def as_json(self) -> dict[str, Any]:
        """For the file of raw results."""
        return asdict(self)


class _Cpu:
    """CPU seconds of the two processes of a triggerer."""

    def __init__(self, pid: int) -> None:
        self._supervisor = psutil.Process(pid)

    def used(self) -> tuple[float, float]:
        """Runner and supervisor. Beside the runner there is a process that serves logs, which is idle."""
        children = [_seconds(child) for child in self._supervisor.children()]
        return max(children, default=0.0), _seconds(self._supervisor)

    def memory(self) -> float:
        """MiB of the supervisor and of what it has started."""
        processes = [self._supervisor, *self._supervisor.children()]
        return sum(process.memory_full_info().uss for process in processes) / 2**20


def _seconds(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.Error):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


class _Notes:
    """What the triggers noted: the moment of each, by what it was."""

    def __init__(self, file: Path) -> None:
        self.file = file
        file.touch()

    def of(self, what: str) -> list[float]:
        lines = (line.split() for line in self.file.read_text(encoding="utf-8").splitlines())
        return sorted(float(parts[2]) for parts in lines if parts[0] == what)


async def measure(database: str, waits: int) -> Found:
    """One triggerer on one database. In a process of its own, which ends whatever it started.

    :raises RuntimeError: it ended without a result; what it wrote to stderr says why.
    """
    server = await start("benchmarks.server")
    try:
        own = await start("benchmarks.triggerer", database, str(waits), await line_of(server), errors=None)
        try:
            return Found(**json.loads(await line_of(own, 3 * _PATIENCE)))
        finally:
            await ending(own)
    finally:
        await ending(server)


def main() -> None:
    """Measure, print the result as a line of JSON."""
    database, waits, url = sys.argv[1:]
    ids = ask(f"{url}/_bench/start?api=onvera&count={waits}&low={_LONG:g}&high={_LONG:g}", None, post=True)
    sys.stdout.write(json.dumps(_run(database, ids, url).as_json()) + "\n")


def _run(database: str, ids: Sequence[str], url: str) -> Found:
    with tempfile.TemporaryDirectory() as folder, _address(database, Path(folder)) as address:
        place = Path(folder)
        (place / "dags").mkdir()
        (place / "ids.json").write_text(json.dumps(ids), encoding="utf-8")
        notes = _Notes(place / "notes.txt")
        env = {
            "PYTHONPATH": str(ROOT),
            NOTES: str(notes.file),
            "AIRFLOW__TRIGGERER__CAPACITY": str(len(ids)),
            **({"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": address} if address else {}),
        }
        with AirflowStack(StackOptions(home=place / "home", dags_folder=place / "dags", env=env)) as stack:
            stack.migrate()
            with _Database(stack.env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]) as tables:
                options = ["--ids", str(place / "ids.json"), "--url", url, "--interval", f"{INTERVAL:g}"]
                defer = [sys.executable, "-m", "benchmarks.deferred", *options]
                return _observe(database, len(ids), url, stack, tables, notes, defer)


def _observe(
    database: str, waits: int, url: str, stack: AirflowStack, tables: _Database, notes: _Notes, defer: Sequence[str]
) -> Found:
    triggerer = stack.start_service("triggerer")
    cpu = _Cpu(triggerer.pid)
    _until(lambda: tables.count(_RUNNING) > 0, "the triggerer to run")
    time.sleep(_SETTLING)
    before = cpu.used()
    stack.processes.run("deferred", defer, stack.env, cwd=stack.options.home, timeout=_PATIENCE)
    _watched(notes, triggerer, waits)
    begun, since = cpu.used(), time.time()
    time.sleep(_QUIET)
    quiet, seconds, memory = cpu.used(), time.time() - since, cpu.memory()
    over = ask(f"{url}/_bench/later?seconds={_LONG + 60:g}", None, post=True)
    stored = _stored(tables, waits)
    known = notes.of("known")
    return Found(
        database=database,
        waits=waits,
        watched=notes.of("watched")[-1] - notes.of("written")[0],
        runner_start=begun[0] - before[0],
        supervisor_start=begun[1] - before[1],
        runner_quiet=(quiet[0] - begun[0]) / seconds,
        supervisor_quiet=(quiet[1] - begun[1]) / seconds,
        memory=memory,
        known_p50=known[len(known) // 2] - over,
        known_last=known[-1] - over,
        stored_p50=stored[len(stored) // 2] - over,
        stored_last=stored[-1] - over,
        stored=len(stored),
    )


@contextlib.contextmanager
def _address(database: str, folder: Path) -> Iterator[str | None]:
    """Return the address of a database, ``None`` for the one that every stack has."""
    if database == "SQLite":
        yield None
        return
    with Processes(folder / "postgres") as processes, postgres.server(processes, dict(os.environ)) as address:
        _until(lambda: postgres.answers(address), "PostgreSQL to answer")
        yield address


class _Database:
    """Looks into the database of that Airflow."""

    def __init__(self, address: str) -> None:
        self._engine = sqlalchemy.create_engine(address)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.dispose()

    def count(self, query: str) -> int:
        with self._engine.connect() as connection:
            return int(connection.execute(sqlalchemy.text(query)).scalar_one())


def _stored(tables: _Database, waits: int) -> list[float]:
    """When each event was stored, as far as looking four times a second tells."""
    at: list[float] = []

    def look() -> bool:
        at.extend([time.time()] * (tables.count(_STORED) - len(at)))
        return len(at) >= waits

    _until(look, "all events to be stored")
    return at


def _watched(notes: _Notes, triggerer: Component, waits: int) -> None:
    try:
        _until(lambda: len(notes.of("watched")) >= waits, "the waits to be watched")
    except TimeoutError as error:
        # its files go with the folder, so this is the last chance to see them
        said = f"{error}: {len(notes.of('watched'))} of {waits} are; the triggerer said\n{triggerer.log_tail()}"
        raise TimeoutError(said) from None


def _until(there: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + _PATIENCE
    while not there():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {_PATIENCE:.0f} s for {what}")
        time.sleep(0.25)


def render(rows: Sequence[Found]) -> str:
    """Return the table as Markdown."""
    lines = [
        _HEAD,
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
        *(
            f"| {row.database} | {row.waits:,} | {row.watched:.1f} | {row.runner_start:.1f} | "
            f"{row.supervisor_start:.1f} | {row.runner_quiet:.1%} | {row.supervisor_quiet:.1%} | {row.memory:.0f} | "
            f"{row.known_p50:.1f} | {row.known_last:.1f} | {row.stored_p50:.1f} | {row.stored_last:.1f} | "
            f"{row.stored:,} |"
            for row in rows
        ),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
