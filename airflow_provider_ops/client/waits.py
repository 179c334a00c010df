"""Drives waits: looks when a watch says so, on a worker or on an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from airflow_provider_ops.apis.http import Call
from airflow_provider_ops.client.asynchronous import AsyncClient
from airflow_provider_ops.client.sync import SyncClient
from airflow_provider_ops.exceptions import OpsError
from airflow_provider_ops.operation import Operation
from airflow_provider_ops.waiting.verdict import WaitFor, is_decided
from airflow_provider_ops.waiting.watch import Watch

Log = Callable[[str], None]

#: Open long polls per connection and event loop: each holds a socket, and others need sockets too.
MOST_LONG_POLLS = 10


def wait(client: SyncClient, watches: Sequence[Watch], log: Log, wait_for: WaitFor = "all") -> None:
    """Look until the watches decide the verdict. Their outcomes hold the result."""
    while not is_decided(wait_for, [watch.outcome for watch in watches]):
        watch = min((watch for watch in watches if watch.outcome is None), key=lambda watch: watch.next_look)
        if (pause := watch.next_look - client.clock.time()) > 0:
            client.clock.sleep(pause)
        look(client, watch, log)


def look(client: SyncClient, watch: Watch, log: Log) -> None:
    """Look once, and let the watch take it in."""
    try:
        operation = client.send_once(client.api.get_operation(watch.operation_id))
    except OpsError as error:
        lines = watch.failed(error, client.clock.time())
    else:
        lines = watch.saw(operation, client.clock.time())
    _say(watch, lines, log)


async def await_all(client: AsyncClient, watches: Sequence[Watch], log: Log, wait_for: WaitFor = "all") -> None:
    """As :func:`wait`, with all watches looking side by side."""
    tasks = {asyncio.create_task(_await_one(client, watch, log)) for watch in watches}
    try:
        while tasks and not is_decided(wait_for, [watch.outcome for watch in watches]):
            done, tasks = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _await_one(client: AsyncClient, watch: Watch, log: Log) -> None:
    while watch.outcome is None:
        if (pause := watch.next_look - client.clock.time()) > 0:
            await client.clock.asleep(pause)
        await _alook(client, watch, log)


async def _alook(client: AsyncClient, watch: Watch, log: Log) -> None:
    started = client.clock.time()
    call, holding = _choose(client, watch, started)
    client.long_polls += holding
    try:
        operation = await client.send_once(call)
    except OpsError as error:
        lines = watch.failed(error, client.clock.time())
    else:
        now = client.clock.time()
        lines = watch.saw(operation, now, waited=now - started if holding else 0.0)
    finally:
        client.long_polls -= holding
    _say(watch, lines, log)


def _choose(client: AsyncClient, watch: Watch, now: float) -> tuple[Call[Operation], bool]:
    api = client.api
    left = api.longest_poll if watch.deadline is None else min(api.longest_poll, watch.deadline - now)
    # a whole second is the least any long poll takes; after an error a plain read is the safer look
    if left < 1.0 or watch.is_stumbling or client.long_polls >= MOST_LONG_POLLS:
        return api.get_operation(watch.operation_id), False
    return api.long_poll(watch.operation_id, left), True


def _say(watch: Watch, lines: Sequence[str], log: Log) -> None:
    for line in lines:
        log(f"{watch.operation_id}: {line}")
