"""One process of the fleet: it submits, or waits for the operations whose ids are put into a file for it.

It writes a line of JSON for each request that leaves and each end that it finds. Times are those of the machine's
monotonic clock, which all processes share; the clock that the client lives by is wrong on purpose.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from airflow_provider_ops.apis.calls import Request, Response
from airflow_provider_ops.apis.onvera import API
from airflow_provider_ops.core.poll_interval import PollPolicy
from airflow_provider_ops.core.wait_state import Settled, WaitState
from airflow_provider_ops.exceptions import OpsError
from airflow_provider_ops.http.async_client import AsyncClient
from airflow_provider_ops.http.budget_home import BudgetHome
from airflow_provider_ops.http.clock import SystemClock
from airflow_provider_ops.http.network import Delivery
from airflow_provider_ops.http.rate_limiter import Priority
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.polling.waits import apoll_until_done

#: Seconds between two submits of one process, on average, and between two polls of one wait.
SUBMIT_INTERVAL: Final = 4.0
POLL_INTERVAL: Final = 5.0
#: Seconds that a wait may take, and for which a submit is tried.
_LONG: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Orders:
    """What a process of the fleet is started with.

    :param submits: whether it submits; else it waits.
    :param processes: that share the budget.
    :param skew: seconds by which its clock is wrong.
    :param redis: empty for no shared budget.
    """

    submits: bool
    base_url: str
    redis: str
    per_second: float | None
    processes: int
    skew: float
    journal: str
    inbox: str


class SkewedClock(SystemClock):
    """A clock that is wrong by some seconds."""

    def __init__(self, skew: float) -> None:
        self._skew = skew

    def time(self) -> float:
        """Return epoch seconds."""
        return super().time() + self._skew


class Journal:
    """What the process has done, one line of JSON for each thing; nothing of it is lost when the process is killed."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def write(self, **fields: Any) -> None:
        """Append a line."""
        os.write(self._file, json.dumps(fields).encode() + b"\n")


def lines_of(path: Path) -> list[str]:
    """Return the lines of a file that may not be there yet."""
    return path.read_text().splitlines() if path.exists() else []


class RecordedClient(AsyncClient):
    """A client that notes when each request got its permit and when it left."""

    journal: Journal

    async def _exchange_confirmed(self, request: Request, priority: Priority, delivery: Delivery) -> Response:
        sent = time.monotonic()
        self.journal.write(sent=sent, priority=int(priority))
        return await super()._exchange_confirmed(request, priority, delivery)


async def _read(client: AsyncClient, journal: Journal) -> None:
    """Read as fast as the budget allows, so that it is used up."""
    while True:
        try:
            await client.send(API.check())
        except OpsError as error:
            journal.write(unread=str(error))
            await asyncio.sleep(0.1)


async def _submit(client: AsyncClient, journal: Journal) -> None:
    draw = random.Random(os.getpid())
    reading = asyncio.ensure_future(_read(client, journal))
    reading.add_done_callback(lambda task: task.cancelled() or task.result())
    while True:
        await asyncio.sleep(draw.uniform(0.5, 1.5) * SUBMIT_INTERVAL)
        asked = time.monotonic()
        try:
            submission = await client.send(API.create_deployment("airflow"))
        except OpsError as error:
            journal.write(failed=str(error), waited=time.monotonic() - asked)
        else:
            journal.write(submitted=submission.operation_id, waited=time.monotonic() - asked)


async def _wait(client: AsyncClient, journal: Journal, operation_id: str) -> None:
    now = client.clock.time()
    wait = WaitState(operation_id, now=now, policy=PollPolicy.every(POLL_INTERVAL), deadline=now + _LONG)
    await apoll_until_done(client, [wait], lambda _: None)
    settled = isinstance(wait.outcome, Settled)
    journal.write(**{"end" if settled else "lost": operation_id}, outcome=type(wait.outcome).__name__)


async def _wait_for_all(client: AsyncClient, journal: Journal, inbox: Callable[[], list[str]]) -> None:
    waits, taken = set(), 0
    while True:
        known = inbox()
        for operation_id in known[taken:]:
            waits.add(asyncio.ensure_future(_wait(client, journal, operation_id)))
        if len(known) > taken:
            taken = len(known)
            journal.write(waiting=taken)
        await asyncio.sleep(0.2)


async def serve(orders: Orders) -> None:
    """Do what was ordered until the process is killed."""
    home = BudgetHome(orders.redis, orders.processes) if orders.redis else None
    settings = Settings(
        "fleet", orders.base_url, "key", verify=False, requests_per_second=orders.per_second, budget=home
    )
    client, journal = RecordedClient(API, settings, SkewedClock(orders.skew)), Journal(orders.journal)
    client.journal = journal
    try:
        await (
            _submit(client, journal)
            if orders.submits
            else _wait_for_all(client, journal, lambda: lines_of(Path(orders.inbox)))
        )
    finally:
        await client.aclose()


def main(argv: Sequence[str] | None = None) -> None:
    """Read the orders from the command line, as JSON."""
    arguments = sys.argv[1:] if argv is None else argv
    asyncio.run(serve(Orders(**json.loads(arguments[0]))))


if __name__ == "__main__":
    main()
