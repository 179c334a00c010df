"""
`make demo`: real Airflow and the simulator run all example DAGs, and the numbers of both sides are compared.

Ends with 0 only when each run has ended as it should, the simulator has created exactly one resource for each task that
asked for one, nothing was left behind, no task needed a second attempt, and the API key is nowhere in what Airflow has
written.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

import httpx

from dev.airflow_api import AirflowApi, Run, TaskInstance
from dev.leaks import leaks
from dev.processes import Interrupted, ProcessDied, free_ports
from dev.runs import (
    EVENT_TAG,
    OBSERVED_EVENTS,
    PlannedRun,
    RunReport,
    Told,
    Totals,
    creators,
    deferrals,
    plan,
    problems,
    retried,
    second_attempts,
    submits,
)
from dev.screen import Progress, Screen
from dev.simulator import BadFaults, Simulator
from dev.stack import PATIENCE, USER, AirflowStack, BrokenDag, StackOptions, StackTimeout

CHECKOUT: Final = Path(__file__).resolve().parent.parent
EXAMPLES: Final = CHECKOUT / "dags_examples"
SCRATCH: Final = CHECKOUT / ".demo"
# The simulator takes any key; this one is looked for afterwards in all that Airflow has written.
API_KEY: Final = "sk-leak-canary"
# Without encryption a key in the rows of the triggers could not hide.
UNENCRYPTED: Final = {"AIRFLOW__CORE__FERNET_KEY": ""}
# What events start is watched from the moment its file is read; nothing else starts by itself.
UNPAUSED: Final = {"AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False"}
# Seconds from the end of the last run until what settled in it has been told: a look, an event, a run.
LAST_EVENTS: Final = 45.0
LOG_LINES: Final = 25
# One example is on an API that only a spec describes.
DESCRIBED: Final = ("hetzner",)
# Of an operation: it settles no sooner than its event may come, so that no link of a chain waits for that.
SECONDS: Final = 10.0
# Workers: each looks at its operation for some seconds before it defers, so more of them than cores are of use.
PARALLELISM: Final = 8


class DemoBusy(RuntimeError):
    """Another demo runs in this checkout."""


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make demo", description="Run all example DAGs in real Airflow.")
    parser.add_argument("--keep", action="store_true", help="leave the UI up afterwards, until Ctrl-C")
    parser.add_argument("--faults", type=Path, help="fault plan for the simulator")
    parser.add_argument("--duration", type=float, default=SECONDS, help="seconds that an operation takes (%(default)s)")
    parser.add_argument("--timeout", type=float, default=600.0, help="seconds for all runs together (default 600)")
    options = parser.parse_args(argv)
    if options.faults is not None and not options.faults.is_file():
        parser.error(f"there is no fault plan {options.faults}")
    return options


@contextmanager
def only_demo() -> Iterator[None]:
    """Hold the lock of this checkout: a second demo would pull the home away from under the first."""
    path = SCRATCH / "lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoBusy(f"another demo is running in {CHECKOUT}; stop it first") from None
        yield


def start(stack: AirflowStack, simulator: Simulator, screen: Screen) -> list[PlannedRun]:
    """Bring everything up and return what is to be run."""
    stack.processes.start("simulator", simulator.command, stack.env, cwd=CHECKOUT)
    with screen.busy("Making Airflow's database, starting the simulator of the APIs"):
        stack.migrate()
        stack.wait_until(simulator.answers, "the simulator", timeout=60)
    with screen.busy("Starting API server, scheduler, DAG processor and triggerer"):
        stack.start_services()
        stack.wait_healthy()
    screen.say(f"Airflow is up: {stack.url}  user {USER}  password {stack.password}")
    with screen.busy("Reading the example DAGs"):
        dags = stack.wait_for_dags()
        stack.wait_until(stack.api.watches_all_assets, "the watchers of the assets to have looked", timeout=90)
        return plan(dags, {dag.dag_id: stack.api.params(dag.dag_id) for dag in dags})


def run_all(stack: AirflowStack, planned: Sequence[PlannedRun], screen: Screen, timeout: float) -> list[Run]:
    """Start all runs at once, show how they go, and return them when all are over."""
    for dag_id in {p.dag_id for p in planned}:
        stack.api.unpause(dag_id)
    runs = [stack.api.trigger(p.dag_id, p.conf) for p in planned]
    screen.say(f"Started {len(runs)} runs; a task that waits for its operation is deferred and holds no worker")

    def over() -> bool:
        now = {run.run_id: run for run in stack.api.runs()}
        tasks = stack.api.task_instances()
        runs[:] = [now[run.run_id] for run in runs]
        screen.show(
            [
                Progress(p, run, [t for t in tasks if t.run_id == run.run_id])
                for p, run in zip(planned, runs, strict=True)
            ]
        )
        return all(run.is_over for run in runs)

    with screen.watching():
        try:
            stack.wait_until(over, "the runs to end", timeout, interval=1.0)
        except StackTimeout as late:
            # The table then says which ones are missing.
            screen.say(f"[red]{late}[/red]")
    return runs


def observe(api: AirflowApi, planned: PlannedRun, run: Run) -> RunReport:
    """Ask Airflow what a run did."""
    now = datetime.now(timezone.utc)
    tasks = api.task_instances(run.dag_id, run.run_id)
    events = api.events(run.dag_id, run.run_id, *OBSERVED_EVENTS)
    waits = deferrals(events, run.ended or now)
    operations = (api.xcom(task, "operation_id") for task in tasks if submits(task))
    return RunReport(
        planned=planned,
        state=run.state,
        seconds=((run.ended or now) - (run.started or now)).total_seconds(),
        tasks_deferred=len(waits),
        seconds_deferred=sum(waits.values()),
        operations=frozenset(str(operation) for operation in operations if operation is not None),
        created_by=creators(tasks, events),
        retried=retried(tasks),
    )


def wait_for_events(stack: AirflowStack, settled: set[str]) -> list[Told]:
    """Return what the DAGs were told that are started by events, once that is all, or after a while."""
    end = time.monotonic() + LAST_EVENTS
    while True:
        told = [_told(stack.api, dag.dag_id) for dag in stack.api.dags() if EVENT_TAG in dag.tags]
        if time.monotonic() > end or all(settled <= set(one.operations) for one in told):
            return told
        time.sleep(1)


def _told(api: AirflowApi, dag_id: str) -> Told:
    states = [run.state for run in api.runs(dag_id)]
    tasks = api.task_instances(dag_id)
    return Told.of(dag_id, states, [api.xcom(task) for task in tasks if task.state == "success"], retried(tasks))


def print_failures(api: AirflowApi, reports: Sequence[RunReport], runs: Sequence[Run], screen: Screen) -> None:
    """Print the end of the log of each task that failed in a run that should not have."""
    for report, run in zip(reports, runs, strict=True):
        if report.as_expected:
            continue
        for task in api.task_instances(run.dag_id, run.run_id):
            if task.state in ("failed", "up_for_retry"):
                screen.say(f"[red]{task.dag_id}.{task.label}, try {task.try_number}[/red], end of its log:")
                screen.console.print("\n".join(_log(api, task)), markup=False, soft_wrap=True)


def _log(api: AirflowApi, task: TaskInstance) -> list[str]:
    return [f"        {line}" for line in api.log(task)[-LOG_LINES:]]


def keep_up(stack: AirflowStack, simulator: Simulator, screen: Screen) -> None:
    """Leave the UI up until a stop signal comes."""
    screen.console.print()
    screen.console.print(f"[bold]UI[/bold]         {stack.url}")
    screen.console.print(f"[bold]user[/bold]       {USER}")
    screen.console.print(f"[bold]password[/bold]   {stack.password}", soft_wrap=True)
    screen.console.print(f"[bold]simulator[/bold]  {simulator.url}/_control/resources")
    screen.console.print("Ctrl-C stops everything.")
    # Ctrl-C is how this is meant to end: what the demo found decides about its exit code.
    with contextlib.suppress(Interrupted):
        while True:
            stack.processes.check_alive()
            time.sleep(1)


def judge(
    stack: AirflowStack,
    simulator: Simulator,
    planned: Sequence[PlannedRun],
    runs: Sequence[Run],
    screen: Screen,
    *,
    retries_allowed: bool,
) -> bool:
    """Print what the runs did, beside what the simulator saw, and return whether all was as it should be."""
    reports = [observe(stack.api, p, run) for p, run in zip(planned, runs, strict=True)]
    started = sum(api["operations"] for api in simulator.stats()["by_api"].values())
    totals = Totals.of(reports, simulator.resources(), started)
    screen.results(reports)
    screen.comparison(totals)
    with screen.busy("Waiting for the last events"):
        # the example watches Onvera
        settled = {str(one["id"]) for one in simulator.control("operations") if one["api"] == "onvera"}
        told = wait_for_events(stack, settled)
    for one in told:
        screen.told(one, len(settled))
    again = second_attempts(reports, told)
    screen.second_attempts(again, allowed=retries_allowed)
    print_failures(stack.api, reports, runs, screen)
    leaked = leaks(stack.options.home, API_KEY)
    if not leaked:
        screen.console.print("[green]The API key is nowhere in Airflow's database and logs.[/green]")
    found = [*problems(reports, totals), *(problem for one in told for problem in one.problems)]
    found += [f"the API key is in {path}" for path in leaked]
    found += [] if retries_allowed else again
    for problem in found:
        screen.console.print(f"- {problem}", style="red", markup=False, soft_wrap=True)
    return not found


def demo(options: argparse.Namespace, screen: Screen) -> bool:
    """Run the demo and return whether all was as it should be."""
    simulator = Simulator(free_ports(1)[0], duration=options.duration, described=DESCRIBED)
    env = {**simulator.connections(API_KEY), **UNENCRYPTED, **UNPAUSED, **PATIENCE}
    home = SCRATCH / "airflow"
    with AirflowStack(StackOptions(home, dags_folder=EXAMPLES, parallelism=PARALLELISM, env=env)) as stack:
        try:
            planned = start(stack, simulator, screen)
            if options.faults is not None:
                # Only now: the times of the plan count from the start of the runs.
                simulator.set_faults(options.faults.read_text())
                screen.say(f"The simulator misbehaves from here on, as {options.faults} says")
            runs = run_all(stack, planned, screen, options.timeout)
            good = judge(stack, simulator, planned, runs, screen, retries_allowed=options.faults is not None)
            if options.keep:
                keep_up(stack, simulator, screen)
        finally:
            screen.say("Stopping everything")
    screen.say("[green]The demo did what it should.[/green]" if good else "[red]The demo failed.[/red]")
    return good


def main() -> int:
    """Run the demo and return its exit code."""
    screen = Screen()
    options = arguments()
    screen.say("Demo: real Airflow, a simulator of the remote APIs, all DAGs of dags_examples")
    try:
        with only_demo():
            return 0 if demo(options, screen) else 1
    except Interrupted as signal:
        screen.say("Stopped.")
        return signal.exit_code
    except (BadFaults, BrokenDag, DemoBusy, ProcessDied, StackTimeout, httpx.HTTPError) as error:
        screen.console.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        return 1


if __name__ == "__main__":
    sys.exit(main())
