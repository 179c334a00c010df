"""
`make real-servers`: a second Airflow and a Prefect server, from PyPI, described by the specs of our catalogue.

A real Airflow with its scheduler, triggerer and workers runs tasks that start a run at each server, through a proxy
that loses answers. Workers are killed, tasks are marked failed; each line says what was true at the server afterwards.
Ends with 0 only when all of it was as it should be.
"""

from __future__ import annotations

import argparse
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Final

import httpx

from dev.processes import Interrupted, ProcessDied
from dev.progress_line import say
from dev.real_servers.cases import CASES
from dev.real_servers.command_line import checks
from dev.real_servers.cutting_proxy import CuttingProxy
from dev.real_servers.rows import Row
from dev.real_servers.servers import CHECKOUT, SCRATCH, OtherAirflow, PrefectServer, RealServer, connection_text
from dev.stack import SHORT_RECOVERY, AirflowStack, BrokenDag, StackOptions, StackTimeout

_ROWS_SECONDS: Final = 250.0
_TICK: Final = 1.0
_LOG_LINES: Final = 25
#: Workers here: the tasks that wait on one, and those that have just started.
_WORKERS: Final = 8


class Missing(RuntimeError):
    """A server is not installed."""


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make real-servers", description="Try specs at the servers they describe.")
    parser.add_argument("--only", default="", help="cases whose key contains this text")
    return parser.parse_args(argv)


def environment(servers: Mapping[RealServer, CuttingProxy]) -> dict[str, str]:
    """Return what the Airflow here gets: connections, good ones and some with a wrong password."""
    found = {}
    for server, proxy in servers.items():
        name = f"AIRFLOW_CONN_{server.name.upper()}"
        found[f"{name}_DEFAULT"] = connection_text(server, proxy.url)
        found[f"{name}_WRONG"] = connection_text(server, proxy.url, "wrong")
    markers = SCRATCH / "markers"
    return {**found, **SHORT_RECOVERY, "PYTHONPATH": str(CHECKOUT), "GUARANTEES_MARKERS": str(markers)}


def folders() -> None:
    """Make the folders of the Airflow here anew."""
    for name in ("dags", "markers"):
        shutil.rmtree(SCRATCH / name, ignore_errors=True)
        (SCRATCH / name).mkdir(parents=True)
    # Airflow searches for DAGs only in files that have the words airflow and dag in them.
    text = "from dev.real_servers.factory import dags\n\nglobals().update(dags())  # airflow\n"
    (SCRATCH / "dags" / "real_servers.py").write_text(text)


def play(rows: Sequence[Row], stacks: Sequence[AirflowStack]) -> None:
    """Run all rows to their ends.

    Tasks that are marked failed come last: Airflow leaves a worker some seconds for its cancel, and a server that
    starts runs on the same cores meanwhile may need more than those for its answer.
    """
    end = time.monotonic() + _ROWS_SECONDS
    for is_failed in (False, True):
        _play([row for row in rows if (row.case.act == "fail") is is_failed], stacks, end)


def _play(rows: Sequence[Row], stacks: Sequence[AirflowStack], end: float) -> None:
    waiting, started = list(rows), list[Row]()
    while time.monotonic() < end and not all(row.is_over for row in rows):
        if waiting:
            # one after the other: SQLite has one writer at a time
            started.append(waiting.pop(0))
            started[-1].start()
        time.sleep(_TICK)
        for stack in stacks:
            stack.processes.check_alive()
        there = {row.server: row.server.runs() for row in started}
        for row in started:
            row.step(there[row.server])


def verdicts(rows: Sequence[Row]) -> Iterator[bool]:
    """Print a line for each row, and yield whether it is as it should be."""
    for row in rows:
        wrong = list(row.problems()) if row.is_over else ["it is not over", *row.problems()]
        if not wrong:
            print(f"ok    {row.title}: {row.shown}")
        else:
            print(f"WRONG {row.title}: {'; '.join(wrong)}. {row.shown}")
            print("\n".join(f"        {line}" for line in row.log(_LOG_LINES)))
        yield not wrong


def run(options: argparse.Namespace) -> bool:
    """Start everything, run everything, and return whether all was as it should be."""
    for name in ("airflow", "prefect"):
        if not (SCRATCH / name / "bin" / "python").exists():
            raise Missing(f"{name} is not installed in {SCRATCH / name}: call make real-servers")
    folders()
    airflow, prefect = OtherAirflow(), PrefectServer(secrets.token_urlsafe(9))
    cases = [case for case in CASES if options.only in case.key]
    faults = {case.key: case.fault for case in cases if case.fault is not None}
    with ExitStack() as stack:
        proxies: dict[RealServer, CuttingProxy] = {
            server: stack.enter_context(CuttingProxy(server.port, faults)) for server in (airflow, prefect)
        }
        here = AirflowStack(
            StackOptions(SCRATCH / "here", SCRATCH / "dags", parallelism=_WORKERS, env=environment(proxies))
        )
        stack.enter_context(airflow.stack)
        stack.enter_context(here)
        prefect.start(here.processes, here.env)
        airflow.stack.start()
        here.start()
        airflow.wait_ready()
        prefect.wait_ready(here)
        here.wait_healthy()
        for dag in here.wait_for_dags():
            here.api.unpause(dag.dag_id)
        say(f"Airflow {airflow.version} and Prefect {prefect.version} are up")
        rows = [
            Row(case, server, proxy, here, SCRATCH / "markers") for case in cases for server, proxy in proxies.items()
        ]
        play(rows, (airflow.stack, here))
        say("all runs are over" if all(row.is_over for row in rows) else "time is up")
        good = list(verdicts(rows))
        good += list(checks(proxies, here.env))
    say(f"{sum(good)} of {len(good)} checks are ok")
    return all(good)


def main() -> int:
    """Return the exit code."""
    try:
        return 0 if run(arguments()) else 1
    except Interrupted as signal:
        say("Stopped.")
        return signal.exit_code
    except (BrokenDag, Missing, ProcessDied, StackTimeout, httpx.HTTPError, subprocess.TimeoutExpired) as error:
        say(f"error: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
