"""Drives waits: looks when a watch says so, on a worker or on an event loop."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from airflow_provider_ops import metrics
from airflow_provider_ops.client.asynchronous import AsyncClient
from airflow_provider_ops.client.sync import SyncClient
from airflow_provider_ops.client.targets import OnChange
from airflow_provider_ops.exceptions import OpsError
from airflow_provider_ops.waiting.verdict import WaitFor, is_decided
from airflow_provider_ops.waiting.watch import Watch

Log = Callable[[str], None]


def wait(
    client: SyncClient, watches: Sequence[Watch], log: Log, wait_for: WaitFor = "all", *, hold: bool = True
) -> None:
    """Look until the watches decide the verdict. Their outcomes hold the result.

    :param hold: whether an API that can may hold its answers back; what happens until then is not seen.
    """
    while not is_decided(wait_for, [watch.outcome for watch in watches]):
        still_open = [watch for watch in watches if watch.outcome is None]
        watch = min(still_open, key=lambda watch: watch.next_look)
        if (pause := watch.next_look - client.clock.time()) > 0:
            client.clock.sleep(pause)
        # an answer held back for one would make the others wait
        look(client, watch, log, hold=hold and len(still_open) == 1)


def look(client: SyncClient, watch: Watch, log: Log, *, hold: bool = False) -> None:
    """Look once, and let the watch take it in.

    :param hold: whether the API may hold the answer back until the operation settles, where it can.
    """
    started = client.clock.time()
    seconds = _hold_seconds(client, watch, started) if hold else 0.0
    holding = seconds >= 1.0
    api, operation_id = client.api, watch.operation_id
    call = api.long_poll(operation_id, seconds) if holding else api.get_operation(operation_id)
    metrics.LOOKS.add(api=api.name, way="hold" if holding else "read")
    try:
        operation = client.send_once(call, until=watch.deadline)
    except OpsError as error:
        metrics.ERRORS.add(api=api.name, reason=metrics.reason(error))
        lines = watch.failed(error, client.clock.time())
    else:
        now = client.clock.time()
        lines = watch.saw(operation, now, waited=now - started if holding else 0.0)
    _say(watch, lines, log)


def _hold_seconds(client: SyncClient, watch: Watch, now: float) -> float:
    # after an error a plain read is the safer look, and what is no operation has no long poll
    if watch.is_stumbling or ":" in watch.operation_id:
        return 0.0
    longest = client.api.longest_poll
    return longest if watch.deadline is None else min(longest, watch.deadline - now)


def await_all(
    client: AsyncClient,
    watches: Sequence[Watch],
    log: Log,
    wait_for: WaitFor = "all",
    *,
    on_change: OnChange | None = None,
) -> Coroutine[Any, Any, None]:
    """As :func:`wait`, on the event loop, together with everybody who waits on this client.

    :param on_change: called with the watch after something about it was logged.
    """
    return client.poller.wait(watches, log, wait_for, on_change=on_change)


def _say(watch: Watch, lines: Sequence[str], log: Log) -> None:
    for line in lines:
        log(f"{watch.operation_id}: {line}")
