"""
`make fleet`: many processes share the budget of one connection while they, and Redis, are killed.

First the budget: some processes submit and some wait for thousands of operations, with clocks that differ; every 30
seconds one of them is killed and replaced, and Redis is killed midway and started again. Then the waits: one triggerer
at a time has them, is killed every minute and hands them over; then three have a third each. Ends with 0 only when all
that is promised held.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from airflow_provider_ops.apis.onvera import API
from airflow_provider_ops.http.async_client import AsyncClient
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.testing import SimulatorServer
from dev import marked
from dev.fleet.fleet import CHECKOUT, Fleet
from dev.fleet.measure import Ends, busiest, spread_of, submit_waits
from dev.processes import Interrupted, Processes, free_ports
from dev.progress_line import say
from dev.redis_server import RedisServer

PAGE: Final = CHECKOUT / "docs" / "explanation" / "performance.md"
SCRATCH: Final = CHECKOUT / ".cache" / "fleet"
#: Requests per second of all processes, and what the API may count: ways to it are not equally long.
BUDGET: Final = 20.0
COUNTED: Final = 22
#: What the slowest of processes that do the same has at least of what the fastest has.
FAIR: Final = 0.5
#: Seconds that a submit waits at most, between two kills, and that Redis is away.
SUBMIT: Final = 2.0
KILL: Final = 30.0
AWAY: Final = 10.0
#: Seconds from the death of a triggerer until another has its waits, in Airflow about its health check threshold.
NOTICED: Final = 5.0
#: Requests of several triggerers, as a multiple of those of one that has all waits.
PINNED: Final = 1.2
#: Operations that are started together, and end at the same moment.
_TOGETHER: Final = 5
#: Seconds between two kills of a triggerer, and within which an end is found: two intervals and what a start takes.
_ROUND: Final = 60.0
_LATEST: Final = 20.0


@dataclass
class Report:
    """What held and what did not."""

    problems: list[str] = field(default_factory=list)

    rows: list[tuple[str, str, str]] = field(default_factory=list)

    def check(self, held: bool, what: str, measured: str, bound: str) -> None:
        """Print a line about a promise, and keep it as a row of the table."""
        say(f"{'ok ' if held else 'NOT'} {what}: {measured} ({bound})")
        self.rows.append((what, measured, bound))
        if not held:
            self.problems.append(what)

    def table(self) -> str:
        """Return the rows as Markdown."""
        lines = ["| what | measured | promised |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in self.rows)]
        return "\n".join(lines)


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make fleet", description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="what CI runs: a minute of four processes")
    parser.add_argument("--processes", type=int, default=10)
    parser.add_argument("--waits", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=600.0, help="of the budget")
    parser.add_argument("--rounds", type=int, default=3, help="of triggerers that are killed, a minute each")
    parser.add_argument("--only", choices=("budget", "waits"), default="", help="one of the two")
    options = parser.parse_args(argv)
    if options.quick:
        options.processes, options.waits, options.seconds, options.rounds = 4, 1000, 60.0, 0
    return options


async def _create(server: SimulatorServer, waits: int, shortest: float, longest: float) -> list[str]:
    client = AsyncClient(API, Settings("all", server.base_url("onvera"), "key", verify=False))
    draw, made = random.Random(1), []
    for _ in range(0, waits, _TOGETHER):
        server.duration = draw.uniform(shortest, longest)
        calls = (client.send(API.create_deployment("airflow")) for _ in range(_TOGETHER))
        made += [submission.operation_id for submission in await asyncio.gather(*calls)]
    await client.aclose()
    return made


def share_budget(server: SimulatorServer, options: argparse.Namespace, scratch: Path, report: Report) -> None:
    """Let processes share a budget, and kill them and Redis."""
    say(f"{options.processes} processes, {BUDGET:g} requests per second, {options.waits} waits")
    ids = asyncio.run(_create(server, options.waits, options.seconds / 4, options.seconds * 1.5))
    redis, came, draw = RedisServer(free_ports(1)[0]), list[float](), random.Random(1)
    redis.start()
    server.observe(lambda *_: came.append(time.monotonic()))
    with Processes(scratch / "logs") as processes:
        fleet = Fleet(scratch, processes, server.base_url("onvera"), redis.url, BUDGET, options.processes)
        waiting = [fleet.start(submits=False) for _ in range(max(1, options.processes * 3 // 10))]
        for number, name in enumerate(waiting):
            fleet.hand_over(name, ids[number :: len(waiting)])
        for _ in range(options.processes - len(waiting)):
            fleet.start(submits=True)
        began = time.monotonic()
        _disturb(fleet, redis, draw, options.seconds)
        seconds = time.monotonic() - began
        redis.kill()
    _judge_budget(fleet, came, seconds, report)


def _disturb(fleet: Fleet, redis: RedisServer, draw: random.Random, seconds: float) -> None:
    began = time.monotonic()
    # so that a short run has one, too
    kill, away = began + min(KILL, seconds / 3), [began + seconds / 2, began + seconds / 2 + min(AWAY, seconds / 6)]
    until = began + seconds
    while (now := time.monotonic()) < until:
        fleet.processes.check_alive()
        if now >= kill:
            name = draw.choice(list(fleet.processes.components))
            kill = now + KILL
            say(f"{name} is killed, {fleet.replace(name)} takes its place")
        if away and now >= away[0]:
            away.pop(0)
            if away:
                redis.kill()
                say("Redis is killed")
            else:
                redis.start()
                say("Redis is back, and empty")
        time.sleep(0.1)


def _judge_budget(fleet: Fleet, came: list[float], seconds: float, report: Report) -> None:
    lines = fleet.journal()
    left = [line["sent"] for line in lines if "sent" in line]
    most, _ = busiest(left)
    counted, _ = busiest(came)
    waits = submit_waits(lines)
    failed = [line["failed"] for line in lines if "failed" in line]
    say(f"    {len(left)} requests, {len(left) / seconds:.1f} per second; {len(waits)} submits")
    at_most = f"at most {BUDGET:g}"
    report.check(most <= BUDGET, "requests that left in the busiest second", str(most), at_most)
    report.check(counted <= COUNTED, "requests that came in the busiest second", str(counted), f"at most {COUNTED}")
    longest = waits[0] if waits else float("inf")
    took = f"{longest:.2f} s of {len(waits)}"
    report.check(longest < SUBMIT, "the longest submit", took, f"less than {SUBMIT:g} s")
    slowest, fastest = spread_of(fleet.journal(name) for name in fleet.names(submits=True))
    rates = f"{slowest:.2f} to {fastest:.2f} per second"
    is_fair = slowest >= fastest * FAIR
    report.check(is_fair, "requests of processes that do the same", rates, f"the least is {FAIR:g} of the most")
    report.check(not failed, "submits that failed", f"{len(failed)} {failed[:1] or ''}".strip(), "none")


def hand_over(server: SimulatorServer, options: argparse.Namespace, scratch: Path, report: Report) -> None:
    """Let one triggerer at a time have the waits of a connection, and kill it every minute."""
    rows = {
        "one triggerer that is not killed": (1, False),
        "one at a time, killed every minute": (1, True),
        "three with a third each, one killed every minute": (3, True),
    }
    one, pinned, spread = (
        _wait(server, options, scratch / str(number), report, title=title, triggerers=triggerers, kills=kills)
        for number, (title, (triggerers, kills)) in enumerate(rows.items())
    )
    ratio = f"{pinned / one:.2f} x"
    report.check(pinned <= one * PINNED, "requests of the pinned, compared with one", ratio, f"at most {PINNED} x")
    report.check(True, "requests of the spread, compared with one", f"{spread / one:.2f} x", "no promise")


def _wait(
    server: SimulatorServer,
    options: argparse.Namespace,
    scratch: Path,
    report: Report,
    *,
    title: str,
    triggerers: int,
    kills: bool,
) -> int:
    """Return how many requests the waits took."""
    server.reset()
    ids = asyncio.run(_create(server, options.waits, 10.0, options.rounds * _ROUND * 1.5))
    scratch.mkdir(parents=True)
    with Processes(scratch / "logs") as processes:
        fleet = Fleet(scratch, processes, server.base_url("onvera"), "", None, 1)
        before, began = server.stats()["requests"], time.monotonic()
        names = [fleet.start(submits=False) for _ in range(triggerers)]
        for number, name in enumerate(names):
            fleet.hand_over(name, ids[number::triggerers])
        for round_ in range(1, options.rounds + 1):
            time.sleep(max(0.0, began + round_ * _ROUND - time.monotonic()))
            if kills and round_ < options.rounds:
                say(f"{names[0]} is killed")
                names[0] = fleet.replace(names[0], after=NOTICED)
        requests: int = server.stats()["requests"] - before
        settled = [row["id"] for row in server.operations("onvera") if row["stage"] == "succeeded"]
        time.sleep(_LATEST)
    ends = Ends.of(fleet.journal(), settled)
    said = f"{ends.found}, {len(ends.missing)} missing, {len(ends.twice)} twice; {requests} requests"
    report.check(not ends.missing and not ends.twice, f"ends found by {title}", said, "each once")
    return requests


def main() -> int:
    """Run the fleet; the exit code says whether all promises held."""
    options, report = arguments(), Report()
    shutil.rmtree(SCRATCH, ignore_errors=True)
    try:
        with SimulatorServer() as server:
            if options.only != "waits":
                (SCRATCH / "budget").mkdir(parents=True)
                share_budget(server, options, SCRATCH / "budget", report)
            if options.rounds and options.only != "budget":
                hand_over(server, options, SCRATCH, report)
    except Interrupted as stop:
        return stop.exit_code
    if not (options.quick or options.only):
        marked.put(PAGE, "fleet", report.table())
        say(f"written to {PAGE.relative_to(CHECKOUT)}")
    say("all held" if not report.problems else f"{len(report.problems)} promises did not hold")
    return int(bool(report.problems))


if __name__ == "__main__":
    sys.exit(main())
