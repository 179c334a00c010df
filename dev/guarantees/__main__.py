"""`make guarantees`: prints the guarantees table and writes it into the docs."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Final

import httpx
from stamina.instrumentation import set_on_retry_hooks

from dev.guarantees import poison, window
from dev.guarantees.acts import SPARE
from dev.guarantees.apis import APIS
from dev.guarantees.model import Phase
from dev.guarantees.observe import observe
from dev.guarantees.report import Result, complaints, document, table
from dev.guarantees.scenarios import is_quick, phases
from dev.guarantees.stage import CHECKOUT, Live, Stage, after, opened
from dev.processes import Interrupted, ProcessDied, free_ports
from dev.progress_line import say, seconds_since_start
from dev.simulator import BadFaults, Simulator
from dev.stack import SHORT_RECOVERY, AirflowStack, BrokenDag, StackOptions, StackTimeout

SCRATCH: Final = CHECKOUT / ".cache" / "guarantees"
DOCUMENT: Final = CHECKOUT / "docs" / "explanation" / "guarantees.md"
_OPERATION_SECONDS: Final = 10.0
#: Longest time for a phase, and what each row adds to it.
_PHASE_SECONDS: Final = 240.0
_ROW_SECONDS: Final = 4.0
#: What the last kill policies may still need after the last run has ended.
_QUIET_SECONDS: Final = 12.0


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make guarantees", description="Kill everything, and count what is left.")
    parser.add_argument("--quick", action="store_true", help="the rows that CI runs")
    parser.add_argument(
        "--only",
        default="",
        help="rows whose run id contains one of these texts, separated by commas; the docs stay as they are",
    )
    parser.add_argument("--sqlite", action="store_true", help="do not use PostgreSQL; its rows are not run")
    parser.add_argument("--workers", type=int, default=8 * (os.cpu_count() or 2), help="of LocalExecutor")
    return parser.parse_args(argv)


def chosen(options: argparse.Namespace) -> list[Phase]:
    """Return the phases and rows to run."""
    found, only = [], options.only.split(",")
    for phase in phases():
        rows = tuple(
            row
            for row in phase.scenarios
            if any(text in row.run_id for text in only) and (is_quick(row) or not options.quick)
        )
        if rows:
            found.append(replace(phase, scenarios=rows))
    return found


def stage_for(options: argparse.Namespace, plan: Sequence[Phase]) -> AbstractContextManager[tuple[Stage, str | None]]:
    """Bring everything up inside the block. The text says why there is no PostgreSQL, where there is none."""
    home, folder, markers = SCRATCH / "airflow", SCRATCH / "dags", SCRATCH / "markers"
    for path in (folder, markers):
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
    for api in {row.api.name for phase in plan for row in phase.scenarios}:
        # Airflow searches for DAGs only in files that have the words airflow and dag in them.
        text = f'from dev.guarantees.factory import dags\n\nglobals().update(dags("{api}"))  # airflow\n'
        (folder / f"guarantees_{api}.py").write_text(text)
    described = tuple(api.spec for api in APIS if api.spec is not None)
    simulator = Simulator(free_ports(1)[0], duration=_OPERATION_SECONDS, described=described)
    connections = simulator.connections(poison.KEY)
    env = {**connections, **SHORT_RECOVERY, "PYTHONPATH": str(CHECKOUT), "GUARANTEES_MARKERS": str(markers)}
    stack = AirflowStack(StackOptions(home, dags_folder=folder, parallelism=options.workers, env=env))
    return opened(stack, simulator, markers, say, wants_postgres=not options.sqlite)


def play(stage: Stage, plan: Sequence[Phase], why_not: str | None) -> list[Result]:
    """Run all phases, then check all rows at once: operations that continue remotely have had their time by then."""
    logs = stage.stack.options.home / "logs"
    rows: list[Live] = []
    left_out: list[Result] = []
    for phase in plan:
        if phase.needs_postgres and why_not is not None:
            left_out += [Result(scenario, None, why_not) for scenario in phase.scenarios]
            continue
        say(f"{phase.title}: {len(phase.scenarios)} rows")
        if why_not is None and phase.two_triggerers and SPARE not in stage.stack.processes.components:
            stage.stack.start_triggerer(SPARE)
        stage.stack.wait_healthy()
        done = stage.run(phase, _PHASE_SECONDS + _ROW_SECONDS * len(phase.scenarios))
        rows += done
        results = [Result.of(row.scenario, observe(row, logs)) for row in done]
        bad = [result.scenario.run_id for result in results if not result.good]
        say(f"    {len(results) - len(bad)} as expected" + (f", not (yet): {', '.join(bad)}" if bad else ""))
    quiet = after(_QUIET_SECONDS)
    while not quiet():
        stage.refresh()
        time.sleep(1)
    address = stage.stack.env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    stage.complaints += poison.leaks(address, stage.stack.options.home)
    return [Result.of(row.scenario, observe(row, logs)) for row in rows] + left_out


def main() -> int:
    """Make the table and return the exit code."""
    options = arguments()
    plan = chosen(options)
    # rows take the API server away, so that requests to it that are sent again are no news
    set_on_retry_hooks([])
    say(f"{sum(len(phase.scenarios) for phase in plan)} rows in {len(plan)} phases; starting Airflow")
    try:
        with stage_for(options, plan) as (stage, why_not):
            results = play(stage, plan, why_not)
            complaints_of_stack = stage.complaints
            seconds = seconds_since_start()
    except Interrupted as signal:
        say("Stopped.")
        return signal.exit_code
    except (BadFaults, BrokenDag, ProcessDied, StackTimeout, httpx.HTTPError) as error:
        say(f"error: {error}")
        return 1
    database = "SQLite" if why_not else "PostgreSQL, two triggerers"
    between = window.described(window.measured(SCRATCH / "markers"))
    print(table(results))
    say(between)
    bad = [*complaints(results), *complaints_of_stack]
    if not options.only and not options.quick:
        DOCUMENT.write_text(document(results, seconds, database, between))
        say(f"written to {DOCUMENT.relative_to(CHECKOUT)}")
    for complaint in bad:
        print(f"\n{complaint}")
    say(f"{sum(result.good for result in results)} of {len(results)} rows are as expected")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
