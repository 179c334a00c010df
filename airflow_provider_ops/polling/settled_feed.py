"""What settles on a connection, found in its lists once for all subscribers.

No list is trusted to be in order, complete or at rest, as in :mod:`airflow_provider_ops.polling.list_reader`. What is
known to be open is followed by its id until it is seen settled, whatever date its end has, and read by itself when no
list shows it; what starts and settles between two polls is found because each poll reads the lists of settled
operations back to ten minutes before the newest thing in them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, proxy

from airflow_provider_ops.apis.calls import Call, Page
from airflow_provider_ops.apis.operation_lists import NotDecided, OperationList
from airflow_provider_ops.core.gate import one_line
from airflow_provider_ops.core.settling import SLACK, SettledOperation, Snapshot, began, is_newest_first, latest, moment
from airflow_provider_ops.exceptions import NotFound, OpsError
from airflow_provider_ops.operation import Operation

if TYPE_CHECKING:
    from airflow_provider_ops.http.async_client import AsyncClient

log = logging.getLogger(__name__)

#: Against a list that never ends.
_MOST_PAGES = 2000
#: Operations that one poll reads by themselves.
_MOST_READS = 20
#: A poll that reaches back further than those before it also finds what was started so many seconds earlier still.
_LONG_RUNNING = 86400.0
#: Seconds by which the API's clock may be ahead of this one. Within that only the API's own times are compared.
_AHEAD = 86400.0


class SettledFeed:
    """What has settled on the connection of one client."""

    def __init__(self, client: AsyncClient) -> None:
        # weakly: a strong reference would keep the client alive, which is the key of this feed
        self._client: AsyncClient = proxy(client)
        #: What is open: when it began, and the latest time in the lists when that was known.
        self._open: dict[str, tuple[float, float]] = {}
        #: Added to the monotonic clock, this gives a wall clock without steps.
        self._offset = client.clock.time() - client.clock.monotonic()
        self._ended: dict[str, SettledOperation] = {}
        self._unreadable: set[str] = set()
        #: What lists have shown to have ended, and not how.
        self._undecided: set[str] = set()
        self._newest = 0.0
        self._subscribed: WeakKeyDictionary[object, float] = WeakKeyDictionary()
        self._reaches_back: float | None = None
        self._last: tuple[float, Snapshot] | None = None
        self._polling = asyncio.Lock()

    def subscribe(self, subscriber: object, since: float) -> None:
        """Let polls reach back to ``since`` (epoch seconds) for as long as ``subscriber`` lives."""
        self._subscribed[subscriber] = since
        if self._reaches_back is None or since < self._reaches_back:
            self._last = None

    def follow(self, ids: Iterable[str]) -> None:
        """Follow operations to their end that a subscriber has seen open; those known already are skipped."""
        for name in ids:
            if name not in self._open:
                self._ended.pop(name, None)
                self._open[name] = (0.0, self._newest)
                self._last = None

    async def poll(self, max_age: float = 0.0) -> Snapshot:
        """Return what has settled, as a snapshot.

        :param max_age: seconds for which the last snapshot, made for any subscriber, is returned again.

        :raises OpsError: the lists cannot be read; nothing is lost by that.
        """
        async with self._polling:
            now = self._now
            if self._last is None or now - self._last[0] >= max_age:
                self._last = now, await self._poll()
            return self._last[1]

    async def _poll(self) -> Snapshot:
        deeper = self._reaches_back is None or self._horizon < self._reaches_back
        margin = _LONG_RUNNING if deeper else 0.0
        api, shown = self._client.api, set[str]()
        settled = api.recent_operations()
        for listed in api.open_operations():
            await self._read(listed, shown, margin, whole=bool(settled))
        for listed in settled:
            await self._read(listed, shown, margin)
        await self._read_missing(shown)
        since = self._reaches_back = self._horizon
        self._ended = {name: one for name, one in self._ended.items() if one.at >= since}
        ended = sorted(self._ended.values(), key=lambda one: (one.at, one.operation.id))
        running = {name: at for name, (at, _) in self._open.items()}
        return Snapshot(ended, since, self._newest, self.subscribe, running, self.follow)

    @property
    def _now(self) -> float:
        return self._client.clock.monotonic() + self._offset

    @property
    def _latest(self) -> float:
        """Return the latest time that is believed: a date far ahead must not hide what ends until then."""
        return self._now + _AHEAD

    @property
    def _horizon(self) -> float:
        return max(0.0, min([self._newest - SLACK, *self._subscribed.values()]))

    async def _read(self, listed: OperationList, shown: set[str], margin: float, *, whole: bool = False) -> None:
        """Read a list as far as it can show something new; one of nothing but open operations to its end."""
        call: Call[Page[Any]] | None = listed.entries.first
        pages = fruitless = 0
        while call is not None and pages < _MOST_PAGES:
            page = await self._client.send_once(call)
            pages += 1
            missed = len(self._open.keys() - shown)
            operations = self._take(listed, page.items, shown)
            call = page.next
            if whole or not self._is_past(operations, self._horizon - margin):
                continue
            still = len(self._open.keys() - shown)
            fruitless = 0 if still < missed else fruitless + 1
            # what is missing can be read by itself as well, for a request each
            if fruitless > still or not still:
                return

    def _is_past(self, operations: list[Operation], horizon: float) -> bool:
        """Return whether pages after one with these operations are about earlier times only."""
        if not operations:
            return False
        return latest(operations[-1], self._latest) < horizon and is_newest_first(operations)

    def _take(self, listed: OperationList, entries: Iterable[Any], shown: set[str]) -> list[Operation]:
        operations = []
        for entry in entries:
            if not (name := listed.id_of(entry)):
                continue
            shown.add(name)
            known = self._ended.get(name)
            try:
                operation = known.operation if known else self._operation(listed, name, entry)
            except NotDecided as undecided:
                operation = undecided.operation
                self._undecided.add(name)
            if operation is not None:
                operations.append(operation)
                if known is None:
                    self._on_operation(operation)
        return operations

    def _operation(self, listed: OperationList, name: str, entry: Any) -> Operation | None:
        try:
            return listed.read(entry)
        except NotDecided:
            raise
        except Exception as error:  # noqa: BLE001 - one entry that cannot be read must not hide the others
            if name not in self._unreadable:
                self._unreadable.add(name)
                log.warning(
                    "%s: the list shows operation %s, which cannot be read: %r", self._name, one_line(name), error
                )
            return None

    def _on_operation(self, operation: Operation) -> None:
        name, now = operation.id, self._latest
        before, self._newest = self._newest, max(self._newest, latest(operation, now))
        if operation.state.is_terminal:
            _, was_open_at = self._open.pop(name, (0.0, 0.0))
            # without the raw answer, for there may be many; nothing ends before it was seen open
            at = max(min(moment(operation, now), self._newest), was_open_at)
            self._ended[name] = SettledOperation(replace(operation, raw={}), at)
        else:
            self._open[name] = (began(operation), before)

    async def _read_missing(self, shown: set[str]) -> None:
        missing = [name for name in self._open if name not in shown or name in self._undecided]
        self._undecided.clear()
        for operation_id in missing[:_MOST_READS]:
            # moved to the end of the queue, so that operations that cannot be read do not block the others
            self._open[operation_id] = self._open.pop(operation_id)
            try:
                self._on_operation(await self._client.send_once(self._client.api.get_operation(operation_id)))
            except NotFound:
                del self._open[operation_id]
            except OpsError as error:
                # the lists could be read, so this is about the one operation
                log.debug("%s: operation %s cannot be read: %s", self._name, operation_id, error)

    @property
    def _name(self) -> str:
        return f"connection {self._client.settings.conn_id}"


def settled_feed_of(client: AsyncClient) -> SettledFeed:
    """Return the feed that all users of a client share, made at the first use."""
    return client.companion(SettledFeed)
