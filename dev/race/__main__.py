"""
`make race`: many operations of 1 to 20 seconds on a busy machine, each by a task that has one attempt.

Ends with 0 only when every task of every round is green at its first attempt. `--hold 0` shows what happens without the
hold of events: some fail.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import httpx

from dev.guarantees import postgres
from dev.processes import Interrupted, ProcessDied, free_ports
from dev.progress_line import say
from dev.race.factory import DAG_ID
from dev.race.measure import MISMATCH, Round, describe, lags, processed_at
from dev.simulator import BadFaults, Simulator
from dev.stack import PATIENCE, AirflowStack, BrokenDag, StackOptions, StackTimeout

CHECKOUT: Final = Path(__file__).resolve().parent.parent.parent
SCRATCH: Final = CHECKOUT / ".cache" / "race"
#: Seconds that operations take: each of these equally often.
LENGTHS: Final = range(1, 21)
BUSY_LOOPS: Final = 2
PARALLELISM: Final = 8
#: Seconds for a round, and what each of its tasks adds to it.
_ROUND_SECONDS: Final = 180.0
_TASK_SECONDS: Final = 10.0
#: Airflow's own, where the stacks of the demo and the tests shorten it.
_DEFAULTS: Final = {"AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "5"}


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make race", description="Short operations on a busy machine.")
    parser.add_argument("--quick", action="store_true", help="what CI runs: one round of 40 tasks on one database")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tasks", type=int, default=200, help="in each round")
    parser.add_argument("--databases", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"])
    parser.add_argument("--hold", default="auto", help="[operations] event_hold; 0 shows the race")
    options = parser.parse_args(argv)
    if options.quick:
        options.rounds, options.tasks, options.databases = 1, 40, ["sqlite"]
    return options


def names(tasks: int) -> list[str]:
    """Return a name for each task that begins with the seconds of its operation."""
    return [f"race-{LENGTHS[number % len(LENGTHS)]:02}-{number:03}" for number in range(tasks)]


def rules() -> list[dict[str, object]]:
    """Return the simulator's rules by which an operation takes the seconds that its name says."""
    return [
        {
            "fault": "unknown_status",
            "kind": "deployment.create",
            "name": f"race-{seconds:02}-*",
            "word": "preparing",
            # one more passes before and after it
            "seconds": seconds - 1,
        }
        for seconds in LENGTHS
        if seconds > 1
    ]


@contextmanager
def stack_with(database: str, options: argparse.Namespace) -> Iterator[AirflowStack]:
    """Bring everything up inside the block."""
    folder = SCRATCH / "dags"
    shutil.rmtree(SCRATCH, ignore_errors=True)
    folder.mkdir(parents=True)
    # Airflow searches for DAGs only in files that have the words airflow and dag in them.
    text = f"from dev.race.factory import race\n\ndag = race({names(options.tasks)!r})  # airflow\n"
    (folder / "race.py").write_text(text)
    simulator = Simulator(free_ports(1)[0], duration=1.0)
    env = {
        **simulator.connections("sk-any"),
        **_DEFAULTS,
        **PATIENCE,
        "AIRFLOW__OPERATIONS__EVENT_HOLD": options.hold,
        "PYTHONPATH": str(CHECKOUT),
    }
    stack = AirflowStack(StackOptions(SCRATCH / "airflow", folder, parallelism=PARALLELISM, env=env))
    # In this order: PostgreSQL's files must be there until it has been stopped with the rest of the stack.
    with ExitStack() as resources, stack:
        if database == "postgresql":
            resources.enter_context(postgres.database_of(stack))
        stack.processes.start("simulator", simulator.command, stack.env, cwd=CHECKOUT)
        stack.wait_until(simulator.answers, "the simulator", timeout=60)
        simulator.set_rules(rules())
        stack.start()
        stack.wait_healthy()
        stack.wait_for_dags()
        stack.api.unpause(DAG_ID)
        for number in range(BUSY_LOOPS):
            stack.processes.start(f"busy-{number}", [sys.executable, "-c", "while True: pass"], stack.env, cwd=CHECKOUT)
        yield stack


def play(stack: AirflowStack, run_id: str, options: argparse.Namespace) -> Round:
    """Run the DAG once and measure it."""
    run = stack.api.trigger(DAG_ID, run_id=run_id)
    loads: list[float] = []

    def is_over() -> bool:
        loads.append(os.getloadavg()[0])
        return stack.api.run(run.dag_id, run.run_id).is_over

    stack.wait_until(is_over, f"round {run_id}", _ROUND_SECONDS + _TASK_SECONDS * options.tasks, interval=2.0)
    processed = processed_at(_scheduler_log(stack))
    return Round(
        run_id,
        stack.api.task_instances(DAG_ID, run_id),
        dict(enumerate(LENGTHS[number % len(LENGTHS)] for number in range(options.tasks))),
        lags(run_id, stack.api.events(DAG_ID, run_id, "deferred"), processed),
        (max(loads), sum(loads) / len(loads)),
    )


def _scheduler_log(stack: AirflowStack) -> list[str]:
    return stack.processes.components["scheduler"].log.read_text(errors="replace").splitlines()


def compete(database: str, options: argparse.Namespace) -> list[Round]:
    """Play all rounds on a database."""
    say(f"{database}: {options.rounds} rounds of {options.tasks} tasks, event_hold={options.hold}; starting Airflow")
    with stack_with(database, options) as stack:
        rounds = []
        for number in range(options.rounds):
            rounds.append(play(stack, f"{database}-{number + 1}", options))
            say(describe(rounds[-1]))
        mismatches = sum(MISMATCH in line for line in _scheduler_log(stack))
        say(f"{database}: the scheduler reported {mismatches} state mismatches")
    return rounds


def main() -> int:
    """Run all rounds and return the exit code."""
    options = arguments()
    try:
        rounds = [one for database in options.databases for one in compete(database, options)]
    except Interrupted as signal:
        say("Stopped.")
        return signal.exit_code
    except (BadFaults, BrokenDag, ProcessDied, StackTimeout, httpx.HTTPError, postgres.NoPostgres) as error:
        say(f"error: {error}")
        return 1
    tasks, bad = sum(len(one.tasks) for one in rounds), sum(len(one.bad) for one in rounds)
    say(f"{tasks - bad} of {tasks} tasks are green at the first attempt")
    return 1 if bad or tasks != options.rounds * options.tasks * len(options.databases) else 0


if __name__ == "__main__":
    sys.exit(main())
