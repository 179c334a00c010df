"""
`make upgrade`: the provider is upgraded, and downgraded, while tasks are deferred, between two tries, and in doubt.

On a real stack the release before starts tasks: some are deferred, some up for retry with an operation that still runs,
some up for retry with nothing but an intent, since their worker died before the answer came. Then triggerer, workers
and the rest are restarted with this release. Every task must succeed, with the one thing that it has made, and a
watcher must have delivered each operation once. Then the same in the opposite direction.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import httpx

from dev.processes import Interrupted, ProcessDied, free_ports
from dev.progress_line import say
from dev.simulator import BadFaults, Simulator
from dev.stack import AirflowStack, BrokenDag, StackOptions, StackTimeout
from dev.upgrade.releases import BEFORE, CHECKOUT, SCRATCH, NotBuilt, install

DAGS: Final = ("upgrade_deferred", "upgrade_retry", "upgrade_intent")
WATCHER: Final = "operation_events"
#: Triggerers first: those of the new release know the triggers of both.
ORDER: Final = {"up": ("triggerer", "scheduler", "dag-processor", "api-server")}
ORDERS: Final[Mapping[str, tuple[str, ...]]] = {**ORDER, "down": tuple(reversed(ORDER["up"]))}
_PATIENCE: Final = 600.0


class Wrong(RuntimeError):
    """What an upgrade has broken."""


@dataclass(frozen=True)
class Scene:
    """How many tasks there are of each kind."""

    deferred: int = 20
    retrying: int = 5
    intents: int = 5
    #: Seconds between two tries, long enough for all tasks to be under way at the same time.
    retry_delay: float = 150.0
    operation_seconds: float = 240.0

    @property
    def env(self) -> dict[str, str]:
        """Return what the DAG file reads."""
        return {
            "UPGRADE_DEFERRED": str(self.deferred),
            "UPGRADE_RETRYING": str(self.retrying),
            "UPGRADE_INTENTS": str(self.intents),
            "UPGRADE_RETRY_DELAY": str(self.retry_delay),
        }

    @property
    def expected(self) -> dict[str, tuple[str, int]]:
        """Return the state, and the number, of the tasks of each DAG when they are under way."""
        return {
            "upgrade_deferred": ("deferred", self.deferred),
            "upgrade_retry": ("up_for_retry", self.retrying),
            "upgrade_intent": ("up_for_retry", self.intents),
        }

    @property
    def total(self) -> int:
        """Return how many things are to be made."""
        return self.deferred + self.retrying + self.intents


def play(direction: str, scene: Scene, before: str) -> None:
    """Change the release under way.

    :param before: interpreter of the release before.
    :raises Wrong: a task failed, or something was made or delivered twice, or not at all.
    """
    first, then = (before, sys.executable) if direction == "up" else (sys.executable, before)
    home, folder = SCRATCH / "airflow", SCRATCH / "dags"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy(Path(__file__).parent / "dags" / "upgrade_scenes.py", folder)
    shutil.copy(CHECKOUT / "dags_examples" / f"{WATCHER}.py", folder)
    simulator = Simulator(free_ports(1)[0], duration=scene.operation_seconds)
    env = {**simulator.connections("sk-any"), **scene.env}
    stack = AirflowStack(StackOptions(home, dags_folder=folder, parallelism=8, env=env))
    stack.python = first
    with stack:
        stack.processes.start("simulator", simulator.command, stack.env, cwd=CHECKOUT)
        stack.wait_until(simulator.answers, "the simulator", timeout=60)
        # answers of these creates never come, and their workers die while they wait
        hang = {
            "fault": "hang",
            "execute": True,
            "seconds": 120,
            "api": "nirvana",
            "method": "POST",
            "name": "intent *",
        }
        simulator.set_rules([{**hang, "count": scene.intents}])
        stack.start()
        stack.wait_healthy(timeout=_PATIENCE)
        stack.wait_for_dags(timeout=_PATIENCE)
        for dag_id in (*DAGS, WATCHER):
            stack.api.unpause(dag_id)
        stack.wait_until(stack.api.watches_all_assets, "the watcher's first poll", timeout=_PATIENCE)
        runs = [stack.api.trigger(dag_id) for dag_id in DAGS]
        stack.wait_until(lambda: _are_under_way(stack, scene), "all tasks to be under way", timeout=_PATIENCE)
        say(f"{direction}: {scene.total} tasks are under way")
        stack.python = then
        for name in ORDERS[direction]:
            stack.kill(name, signal.SIGTERM, _PATIENCE)
            stack.start_service(name)
        stack.wait_healthy(timeout=_PATIENCE)
        say(f"{direction}: all components run the other release")
        ended = [stack.wait_for_run(run, timeout=_PATIENCE) for run in runs]
        wrong = [f"the run of {run.dag_id} ended as {run.state}" for run in ended if run.state != "success"]
        wrong += _made_wrong(simulator, scene)
        wrong += _delivered_wrong(stack, simulator)
    if wrong:
        raise Wrong("; ".join(wrong))
    say(f"{direction}: {scene.total} tasks succeeded, each with the one thing that it made; each was delivered once")


def _are_under_way(stack: AirflowStack, scene: Scene) -> bool:
    states = Counter((task.dag_id, task.state) for task in stack.api.task_instances())
    return all(states[dag_id, state] == number for dag_id, (state, number) in scene.expected.items())


def _made_wrong(simulator: Simulator, scene: Scene) -> list[str]:
    made = [one for one in simulator.resources() if one.operation_id is not None and one.kind in ("deployment", "vpc")]
    operations: dict[str, Any] = {one["id"]: one["stage"] for one in simulator.control("operations")}
    problems = [] if len(made) == scene.total else [f"{len(made)} things were made for {scene.total} tasks"]
    twice = [name for name, number in Counter(one.name for one in made).items() if number > 1]
    problems += [f"made twice: {name}" for name in twice]
    problems += [
        f"{one.name} is {stage}" for one in made if (stage := operations[str(one.operation_id)]) != "succeeded"
    ]
    return problems


def _delivered_wrong(stack: AirflowStack, simulator: Simulator) -> list[str]:
    wanted = {str(one.operation_id) for one in simulator.resources() if one.kind == "deployment"}
    delivered: Counter[str] = Counter()

    def everything() -> bool:
        delivered.clear()
        for task in stack.api.task_instances(WATCHER):
            if task.state == "success":
                delivered.update(stack.api.xcom(task) or ())
        return delivered.keys() >= wanted

    try:
        stack.wait_until(everything, "the watcher to deliver all operations", timeout=180)
    except StackTimeout:
        return [f"the watcher delivered {len(delivered.keys() & wanted)} of {len(wanted)} operations"]
    return [f"the watcher delivered {name} {number} times" for name, number in delivered.items() if number > 1]


def main() -> int:
    """Upgrade, downgrade, and return the exit code."""
    parser = argparse.ArgumentParser(prog="make upgrade", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer tasks, and only up")
    parser.add_argument("--direction", choices=[*ORDERS], action="append", help="default: both")
    parser.add_argument("--stretch", type=float, default=1.0, help="how many times slower than usual this machine is")
    options = parser.parse_args()
    scene = Scene(5, 2, 2, retry_delay=40, operation_seconds=75) if options.quick else Scene()
    longer = (scene.retry_delay * options.stretch, scene.operation_seconds * options.stretch)
    scene = replace(scene, retry_delay=longer[0], operation_seconds=longer[1])
    directions = options.direction or (["up"] if options.quick else [*ORDERS])
    try:
        before = str(install())
        say(f"installed {BEFORE}")
        for direction in directions:
            play(direction, scene, before)
    except Interrupted as number:
        say("Stopped.")
        return number.exit_code
    except (NotBuilt, Wrong, BadFaults, BrokenDag, ProcessDied, StackTimeout, httpx.HTTPError) as error:
        say(f"error: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
