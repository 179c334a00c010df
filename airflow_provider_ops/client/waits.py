"""Drives waits: looks when a watch says so, on a worker or on an event loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from airflow_provider_ops.client.asynchronous import AsyncClient
from airflow_provider_ops.client.sync import SyncClient
from airflow_provider_ops.exceptions import OpsError
from airflow_provider_ops.waiting.verdict import WaitFor, is_decided
from airflow_provider_ops.waiting.watch import Watch

Log = Callable[[str], None]


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
        operation = client.send_once(client.api.get_operation(watch.operation_id), until=watch.deadline)
    except OpsError as error:
        lines = watch.failed(error, client.clock.time())
    else:
        lines = watch.saw(operation, client.clock.time())
    _say(watch, lines, log)


async def await_all(client: AsyncClient, watches: Sequence[Watch], log: Log, wait_for: WaitFor = "all") -> None:
    """As :func:`wait`, on the event loop, together with everybody who waits on this client."""
    await client.poller.wait(watches, log, wait_for)


def _say(watch: Watch, lines: Sequence[str], log: Log) -> None:
    for line in lines:
        log(f"{watch.operation_id}: {line}")
