"""The stream of snapshots of a connection that watchers share, and how Airflow reports that events are stored."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from airflow_provider_ops.core.backoff import Backoff
from airflow_provider_ops.core.settling import Snapshot
from airflow_provider_ops.exceptions import PASSING, InvalidConnection, OpsError
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.hooks.lookup import ahook_for
from airflow_provider_ops.http.async_client import AsyncClient
from airflow_provider_ops.polling.settled_feed import settled_feed_of

try:
    # not in _compat: code that only uses hooks need not import Airflow's triggers
    from airflow.triggers.shared_stream import SharedStreamProducer
except ImportError:  # before 3.3

    class SharedStreamProducer:  # type: ignore[no-redef]
        """Stand in where Airflow asks for no producer."""


log = logging.getLogger(__name__)

#: Longest pause in seconds while a connection cannot be polled, and how many polls fail before the connection is read
#: again: it may have been changed.
_LONGEST_PAUSE, _LOOK_UP_AFTER = 300.0, 8


class ErrorBackoff:
    """Log an error once, and when it is over; meanwhile the polls come less often."""

    def __init__(self, conn_id: str, interval: float) -> None:
        self._conn_id = conn_id
        self._interval = interval
        self._said = ""
        self._since: float | None = None
        self.failures = 0

    def on_error(self, error: Exception) -> float:
        """Log an error that is new; return the seconds until the next poll."""
        self.failures += 1
        # an id of the request differs each time
        if (said := f"{type(error).__name__} {getattr(error, 'status', '')}") != self._said:
            self._said = said
            log.warning(
                "Watching for settled operations of connection %r: %s. Checking again, less and less often; "
                "what settles meanwhile is reported afterwards.",
                self._conn_id,
                _without_end(error),
            )
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        return Backoff(self._interval, max(_LONGEST_PAUSE, self._interval)).pause(now - self._since)

    def on_success(self) -> None:
        """Reset the backoff after a poll that succeeded."""
        if self.failures:
            log.info("Watching for settled operations of connection %r again", self._conn_id)
        self.failures, self._said, self._since = 0, "", None


def _without_end(error: Exception) -> str:
    """Return what happened, and what to do where the watcher does not do that itself; without the final stop."""
    text = error.without_advice if isinstance(error, PASSING) else str(error)
    return text.rstrip(".")


async def snapshots(conn_id: str, interval: float) -> AsyncGenerator[Snapshot, None]:
    """Poll for ever, every ``interval`` seconds. Raises nothing: a watcher that fails is started again at once."""
    backoff = ErrorBackoff(conn_id, interval)
    while True:
        try:
            hook = await ahook_for(conn_id)
            _check_lists(hook)
            async with hook.aclient() as client, aclosing(_snapshots_with(client, interval, backoff)) as stream:
                async for snapshot in stream:
                    yield snapshot
        except Exception as error:  # noqa: BLE001 - logged, and tried again
            await asyncio.sleep(backoff.on_error(error))


async def _snapshots_with(
    client: AsyncClient, interval: float, backoff: ErrorBackoff
) -> AsyncGenerator[Snapshot, None]:
    while True:
        try:
            # half an interval, so that separate streams of one connection share their polls
            snapshot = await settled_feed_of(client).poll(max_age=interval / 2)
        except OpsError as error:
            pause = backoff.on_error(error)
            if backoff.failures % _LOOK_UP_AFTER == 0:
                raise
        else:
            backoff.on_success()
            pause = interval
            # each stream keeps its own record of whether its events are stored
            yield replace(snapshot, on_stored=[], over=False)
        await client.clock.asleep(pause)


def _check_lists(hook: OperationsHook) -> None:
    if not hook.api.lists_operations:
        raise InvalidConnection(
            f"{hook.api.title} has no call that lists operations, so its ends cannot be watched; "
            f"wait for the operations that you know with OperationSensor(conn_id={hook.conn_id!r}, operation_id=...)"
        )


async def taken_as_stored(conn_id: str, interval: float) -> AsyncGenerator[Snapshot, None]:
    """Yield the same where Airflow does not report what it has stored: by the next poll it has had the time."""
    async with aclosing(snapshots(conn_id, interval)) as stream:
        async for snapshot in stream:
            yield snapshot
            snapshot.over = True


class SnapshotProducer(SharedStreamProducer):
    """The shared stream of a connection where Airflow reports what it has stored (ack mode).

    :param conn_id: Airflow connection.
    :param interval: seconds between polls.
    """

    def __init__(self, conn_id: str, interval: float) -> None:
        self._conn_id = conn_id
        self._interval = interval

    async def open_stream(self) -> AsyncIterator[tuple[Snapshot, Snapshot]]:
        """Yield each snapshot twice: as the item, and as the payload that comes back when all watchers are done."""
        async with aclosing(snapshots(self._conn_id, self._interval)) as stream:
            async for snapshot in stream:
                yield snapshot, snapshot

    async def advance(self, batch: Sequence[Any]) -> None:
        """Confirm that the events of these snapshots are stored, unless a watcher failed over one of them."""
        for item in batch:
            snapshot: Snapshot = item.broker_payload
            snapshot.over = True
            if item.outcome.is_clean:
                for stored in snapshot.on_stored:
                    await stored()
