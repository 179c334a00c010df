"""Drives waits: together with all others of the connection, on an event loop or from a worker."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, TypeVar

from airflow_provider_ops import metrics
from airflow_provider_ops.core.changes import WarningLine
from airflow_provider_ops.core.event_codec import WaitFor
from airflow_provider_ops.core.wait_state import WaitState
from airflow_provider_ops.exceptions import OpsError
from airflow_provider_ops.http.async_client import AsyncClient
from airflow_provider_ops.http.blocking_client import BlockingClient, Post
from airflow_provider_ops.polling.poller import poller_of
from airflow_provider_ops.polling.subscriptions import OnChange

T = TypeVar("T")

Log = Callable[[str], None]


def poll_until_done(
    client: BlockingClient,
    watches: Sequence[WaitState],
    log: Log,
    wait_for: WaitFor = "all",
    *,
    warn: Log | None = None,
    hold: bool = True,
    on_change: OnChange | None = None,
) -> None:
    """Block until the wait states decide the verdict. Their outcomes hold the result.

    :param log: called in this thread, as are ``warn`` and ``on_change``.
    :param warn: takes the lines that are warnings; default is ``log``.
    :param hold: whether long polls are allowed where the API has them; progress during one is not seen.
    :param on_change: called with the wait state after something about it was logged.
    """

    def wait(on_loop: AsyncClient, post: Post) -> Coroutine[Any, Any, None]:
        changed = None if on_change is None else _posted(post, on_change)
        warned = None if warn is None else _posted(post, warn)
        return poller_of(on_loop).wait(watches, _posted(post, log), wait_for, warn=warned, hold=hold, on_change=changed)

    client.drive_posting(wait)


def poll_once(client: BlockingClient, watch: WaitState, log: Log, *, warn: Log | None = None) -> None:
    """Poll once, and pass the result to the wait state.

    :param warn: takes the lines that are warnings; default is ``log``.
    """
    client.drive_posting(
        lambda on_loop, post: _apoll_once(on_loop, watch, _posted(post, log), _posted(post, warn or log))
    )


def _posted(post: Post, function: Callable[[T], None]) -> Callable[[T], None]:
    return lambda argument: post(partial(function, argument))


def apoll_until_done(
    client: AsyncClient,
    watches: Sequence[WaitState],
    log: Log,
    wait_for: WaitFor = "all",
    *,
    warn: Log | None = None,
    on_change: OnChange | None = None,
) -> Coroutine[Any, Any, None]:
    """Wait as :func:`poll_until_done` does, on the event loop, together with all waits on this client.

    :param warn: takes the lines that are warnings; default is ``log``.
    :param on_change: called with the wait state after something about it was logged.
    """
    return poller_of(client).wait(watches, log, wait_for, warn=warn, on_change=on_change)


async def _apoll_once(client: AsyncClient, watch: WaitState, log: Log, warn: Log) -> None:
    metrics.POLLS.add(api=client.api.name, way="read")
    clock = client.clock
    watch.use_clock(clock.time() - clock.monotonic())
    try:
        operation = await client.send_once(client.api.get_operation(watch.operation_id), deadline=watch.deadline)
    except OpsError as error:
        metrics.ERRORS.add(api=client.api.name, reason=metrics.reason(error))
        lines = watch.on_error(error, clock.monotonic())
    else:
        lines = watch.on_result(operation, clock.monotonic())
    for line in lines:
        (warn if isinstance(line, WarningLine) else log)(f"{watch.operation_id}: {line}")
