"""Wait for thousands of operations for a long time while the API misbehaves at random, and measure each end.

    make soak                                20 minutes in real time
    make soak ARGS='--virtual --seed 7'      the same in virtual time, as fast as this machine can

An end must be known within two intervals and the time for which the API did not answer meanwhile; with one probe in an
interval, its answer after that time may come another interval later.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from airflow_provider_ops.apis.onvera import API
from airflow_provider_ops.core.poll_interval import PollPolicy
from airflow_provider_ops.core.wait_state import Settled, WaitState
from airflow_provider_ops.http.async_client import AsyncClient
from airflow_provider_ops.http.clock import Clock, SystemClock
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.polling.waits import apoll_until_done
from airflow_provider_ops.testing import (
    Rule,
    SimulatorServer,
    VirtualClock,
    fail_sometimes,
    hang,
    html,
    outage,
    rate_limited,
    reset_connection,
    truncated,
)

INTERVAL: Final = 5.0
#: Seconds that a busy machine, and times in whole seconds, may add.
SLACK: Final = 1.0
#: Seconds between two faults, and how long one lasts.
_QUIET, _FAULT = (5.0, 40.0), (1.0, 20.0)
#: Waits begin in groups of so many, so that starting them does not stand in the way of what is measured.
_TOGETHER: Final = 50
#: Seconds before an end in which a fault may have to do with when it was known.
_NEAR: Final = 60.0

Make = Callable[[float, random.Random], Sequence[Rule]]
FAULTS: Final[dict[str, Make]] = {
    "outage": lambda seconds, _: [outage(seconds)],
    "lists fail": lambda seconds, _: [outage(seconds, route="/operations")],
    "reads fail": lambda seconds, _: [outage(seconds, route="/operations/{id}")],
    "some fail": lambda seconds, draw: [{**fail_sometimes(draw.uniform(0.1, 0.9)), "for": seconds}],
    "connections are reset": lambda seconds, _: [{**reset_connection(10_000), "for": seconds}],
    "no answer": lambda seconds, draw: [{**hang(draw.uniform(0.5, 5.0), 10_000), "for": seconds}],
    "web pages": lambda seconds, _: [{**html(10_000, 502), "for": seconds}],
    "cut answers": lambda seconds, _: [{**truncated(10_000), "for": seconds}],
    "too many requests": lambda _, draw: [rate_limited(3, draw.uniform(1.0, 5.0))],
}


class Fault(NamedTuple):
    """What the API did wrong, and when (monotonic)."""

    name: str
    began: float
    ended: float


class Late(NamedTuple):
    """Seconds from an end until it was known, without faults and the probe after them; both times are monotonic."""

    seconds: float
    ended: float
    known: float


@dataclass
class Soak:
    """One run."""

    server: SimulatorServer
    client: AsyncClient
    draw: random.Random
    late: list[Late] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @property
    def clock(self) -> Clock:
        """The clock that waits live by."""
        return self.client.clock

    async def keep_waiting(self, until: float) -> None:
        """Begin a new wait whenever one is over."""
        while self.clock.monotonic() < until:
            await self._wait(await self._start())

    async def break_things(self, until: float) -> None:
        """Let one fault follow the other."""
        while self.clock.monotonic() < until:
            await self.clock.asleep(self.draw.uniform(*_QUIET))
            seconds, name = self.draw.uniform(*_FAULT), self.draw.choice(list(FAULTS))
            rules, now = FAULTS[name](seconds, self.draw), self.clock.monotonic()
            # a request that hangs when the fault is over gets its answer later, and a pause that was asked for is kept
            after = max(float(rule.get("seconds") or rule.get("retry_after") or 0.0) for rule in rules)
            self.faults.append(Fault(name, now, now + seconds + after))
            self.server.faults(*({"method": "GET", **rule} for rule in rules))
            await self.clock.asleep(seconds)
            self.server.faults()

    async def _start(self) -> str:
        self.server.duration = self.draw.uniform(20.0, 120.0)
        return (await self.client.send(API.create_deployment("airflow"))).operation_id

    async def _wait(self, operation_id: str) -> None:
        offset, now = self.clock.time() - self.clock.monotonic(), self.clock.time()
        watch = WaitState(operation_id, now=now, policy=PollPolicy.every(INTERVAL), deadline=now + 3600.0)
        await apoll_until_done(self.client, [watch], lambda _: None)
        known = self.clock.monotonic()
        ended = watch.outcome.operation.ended_at if isinstance(watch.outcome, Settled) else None
        if ended is None:
            self.lost.append(f"{operation_id}: {watch.outcome}")
            return
        at = ended.timestamp() - offset
        broken = sum(max(0.0, min(known, fault.ended) - max(at, fault.began)) for fault in self.faults)
        # what works again is found out by the next probe
        probe = INTERVAL if broken else 0.0
        self.late.append(Late(known - at - broken - probe, at, known))

    def explain(self, late: Late) -> str:
        """Return what happened around an end that was known late."""
        near = [
            f"{one.name} from {one.began - late.ended:+.1f} to {one.ended - late.ended:+.1f} s"
            for one in self.faults
            if one.ended > late.ended - _NEAR and one.began < late.known
        ]
        return f"known {late.known - late.ended:.1f} s after its end; {', '.join(near) or 'no fault'}"


async def soak(server: SimulatorServer, clock: Clock, *, waits: int, seconds: float, seed: int) -> Soak:
    """Run for so many seconds with so many waits at any time."""
    settings = Settings("soak", server.base_url("onvera"), "key", verify=False, timeout=10.0)
    client = AsyncClient(API, settings, clock)
    run, until = Soak(server, client, random.Random(seed)), clock.monotonic() + seconds
    tasks = [asyncio.ensure_future(run.break_things(until))]
    for number in range(waits):
        tasks.append(asyncio.ensure_future(run.keep_waiting(until)))
        if number % _TOGETHER == 0:
            await clock.asleep(0.05)
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        server.faults()
        await client.aclose()
    return run


def main() -> int:
    """Run the soak; the exit code says whether each end was known in time."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=1200.0)
    parser.add_argument("--waits", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--virtual", action="store_true", help="in virtual time")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    clock: Any = VirtualClock() if options.virtual else SystemClock()
    with SimulatorServer(clock=clock if options.virtual else None) as server:
        run = asyncio.run(soak(server, clock, waits=options.waits, seconds=options.seconds, seed=options.seed))
        requests = server.stats()["requests"]
    latest = sorted(run.late, reverse=True)[:3]
    worst = latest[0].seconds if latest else 0.0
    sys.stdout.write(
        f"{len(run.late)} ends, {len(run.faults)} faults, {requests} requests; the latest was known {worst:.1f} s "
        f"late, without the time of faults and of the probe after them (at most {2 * INTERVAL:g} s); "
        f"{len(run.lost)} lost\n"
    )
    for line in run.lost[:10]:
        sys.stdout.write(f"lost: {line}\n")
    is_late = worst > 2 * INTERVAL + SLACK
    for late in latest if is_late else ():
        sys.stdout.write(f"late: {run.explain(late)}\n")
    return int(bool(run.lost) or is_late)


if __name__ == "__main__":
    sys.exit(main())
