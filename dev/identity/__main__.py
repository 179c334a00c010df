"""
`make identity`: clear, retry, loop and re-run tasks on a real Airflow, and count what they have created.

Runs on the Airflow of the interpreter. `docs/explanation/identity.md` has a section for each minor version, and
this writes one.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import httpx
from stamina.instrumentation import set_on_retry_hooks

from dev.guarantees.model import Phase
from dev.guarantees.observe import observe
from dev.guarantees.report import Result, complaints
from dev.guarantees.stage import CHECKOUT, Stage, after, opened
from dev.identity.acts import RETRIES_FILE
from dev.identity.report import facts, section, updated
from dev.identity.rows import Row, rows
from dev.identity.specs import RETRIES, has_loops
from dev.processes import Interrupted, ProcessDied, free_ports
from dev.progress_line import say, seconds_since_start
from dev.simulator import BadFaults, Simulator
from dev.stack import PATIENCE, AirflowStack, BrokenDag, StackOptions, StackTimeout

SCRATCH: Final = CHECKOUT / ".cache" / "identity"
DOCUMENT: Final = CHECKOUT / "docs" / "explanation" / "identity.md"
ONLY_34: Final = "Airflow 3.4 only"
_OPERATION_SECONDS: Final = 10.0
_TIMEOUT: Final = 900.0
#: SQLite has one writer at a time.
_ON_SQLITE: Final = 5
#: What the last kill policies may still need after the last run has ended.
_QUIET_SECONDS: Final = 12.0
_SETTINGS: Final = {
    **PATIENCE,
    # changes of a DAG reach Airflow within seconds
    "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "1",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "2",
}


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make identity", description="Clear, retry, loop and re-run tasks.")
    parser.add_argument("--only", default="", help="rows whose id contains one of these texts, separated by commas")
    parser.add_argument("--sqlite", action="store_true", help=f"no PostgreSQL, and {_ON_SQLITE} rows at once")
    parser.add_argument("--workers", type=int, default=8 * (os.cpu_count() or 2), help="of LocalExecutor")
    return parser.parse_args(argv)


def stage_for(options: argparse.Namespace) -> AbstractContextManager[tuple[Stage, str | None]]:
    """Bring everything up inside the block. The text says why there is no PostgreSQL, where there is none."""
    markers = SCRATCH / "markers"
    shutil.rmtree(markers, ignore_errors=True)
    markers.mkdir(parents=True)
    simulator = Simulator(free_ports(1)[0], duration=_OPERATION_SECONDS)
    env = {
        **simulator.connections("sk-any"),
        **_SETTINGS,
        "PYTHONPATH": str(CHECKOUT),
        "GUARANTEES_MARKERS": str(markers),
        RETRIES: str(markers / RETRIES_FILE),
    }
    folder = Path(__file__).parent / "dags"
    stack = AirflowStack(StackOptions(SCRATCH / "airflow", folder, parallelism=options.workers, env=env))
    return opened(stack, simulator, markers, say, wants_postgres=not options.sqlite)


def play(stage: Stage, plan: Sequence[Row]) -> list[Result]:
    """Run all rows that this Airflow can have, then check all of them at once."""
    can_run = has_loops()
    phase = Phase("rows", tuple(row for row in plan if can_run or not row.needs_34))
    live = stage.run(phase, _TIMEOUT)
    quiet = after(_QUIET_SECONDS)
    while not quiet():
        stage.refresh()
        time.sleep(1)
    logs = stage.stack.options.home / "logs"
    seen = {one.scenario.run_id: Result.of(one.scenario, observe(one, logs)) for one in live}
    return [seen.get(row.run_id) or Result(row, None, ONLY_34) for row in plan]


def main() -> int:
    """Run the rows and return the exit code."""
    options = arguments()
    plan = [row for row in rows(discards=has_loops()) if any(text in row.run_id for text in options.only.split(","))]
    # requests to Airflow that are sent again are no news on a machine that is busy
    set_on_retry_hooks([])
    say(f"{len(plan)} rows; starting Airflow")
    try:
        with stage_for(options) as (stage, why_not):
            if why_not:
                stage.at_once = _ON_SQLITE
            results = play(stage, plan)
            bad = stage.complaints
    except Interrupted as signal:
        say("Stopped.")
        return signal.exit_code
    except (BadFaults, BrokenDag, ProcessDied, StackTimeout, httpx.HTTPError) as error:
        say(f"error: {error}")
        return 1
    for result in results:
        said = "as expected" if result.good else result.why_not or f"NOT: {'; '.join(result.problems)}"
        print(f"{result.scenario.run_id}: {said}")
    ran = [result for result in results if result.seen is not None]
    if not options.only:
        text = facts(results, seconds_since_start(), "SQLite" if why_not else "PostgreSQL")
        DOCUMENT.write_text(updated(DOCUMENT.read_text() if DOCUMENT.exists() else "", section(results, text)))
        say(f"written to {DOCUMENT.relative_to(CHECKOUT)}")
    for complaint in bad:
        print(complaint)
    say(f"{sum(result.good for result in ran)} of {len(ran)} rows are as expected")
    return 1 if bad or complaints(ran) else 0


if __name__ == "__main__":
    sys.exit(main())
