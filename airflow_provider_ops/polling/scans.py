"""When the lists of a client are scanned, fully or quickly, and what must be read by itself afterwards."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow_provider_ops.core import poll_batching
from airflow_provider_ops.polling.list_reader import ListReader
from airflow_provider_ops.polling.subscriptions import PolledOperation, Subscriptions

if TYPE_CHECKING:
    from airflow_provider_ops.http.async_client import AsyncClient

log = logging.getLogger(__name__)

#: Operations read by themselves after a scan of lists that do not show all; more where there are more pages.
_DETAILS = 5
#: Shortest pause between two scans.
_SHORTEST = 0.05
_NEVER = float("-inf")


class Scans:
    """The scans of one client, one at a time. All times are monotonic."""

    def __init__(self, client: AsyncClient, targets: Subscriptions) -> None:
        self._client = client
        self._clock = client.clock
        self._subscriptions = targets
        self._lists = ListReader(client, targets)
        self._full_scan_seconds = 0.0
        #: The last scan was the first that is in doubt: its repetition must not come after the latest moment of an end.
        self._is_repetition_due = False
        self._has_warned = False
        self.reset()

    def reset(self) -> None:
        """Let the next scan be due at once, and be a full one."""
        self._began = self._ended = self._full_scan_began = _NEVER

    def are_cheaper(self, waits: int) -> bool:
        """Return whether scans cost fewer requests than reading so many operations one by one."""
        pages = max(self._lists.open_pages, poll_batching.pages_of(waits))
        if (at_once := self._client.api.ids_per_request) > 1:
            # several ids go into one request
            waits = -(-waits // at_once)
        return self._client.api.lists_operations and poll_batching.are_lists_cheaper(waits, pages)

    def due(self, first_came: float) -> float:
        """Return when to scan next.

        Computed anew each time, because a new wait may have a shorter interval than all before.

        :param first_came: when the first of those that wait came.
        """
        interval = self._subscriptions.shortest_interval
        if self._began == _NEVER:
            # a fixed moment: one that moves along with the clock would never be reached
            return first_came + poll_batching.first_poll(interval, len(self._subscriptions))
        pause = 0.0 if self._is_repetition_due else self._pause(interval)
        return max(self._began + pause, self._ended + _SHORTEST)

    async def scan(self, *, full: bool = False) -> list[PolledOperation]:
        """Scan the lists once; return what must be read by itself.

        :raises Exception: the lists cannot be read; the next scan is due as after any other.
        """
        now, interval = self._clock.monotonic(), self._subscriptions.shortest_interval
        full = full or self._is_full_scan_due(now, interval)
        self._began, self._is_repetition_due = now, False
        try:
            if not full:
                await self._lists.quick_scan()
                return self._with_details(self._lists.undecided())
            self._full_scan_began, was_in_doubt = now, self._lists.in_doubt
            missing = await self._lists.full_scan()
            # once: lists that never show all are not read without pause
            self._is_repetition_due = self._lists.in_doubt and not was_in_doubt
            self._full_scan_seconds = self._clock.monotonic() - now
            self._warn_if_budget_too_small(interval)
            return self._with_details([*missing, *self._lists.undecided(), *self._lists.unchanged()])
        finally:
            self._ended = self._clock.monotonic()

    def _is_full_scan_due(self, now: float, interval: float) -> bool:
        lists = self._lists
        return lists.in_doubt or poll_batching.is_full_scan_due(
            interval,
            now - self._full_scan_began,
            self._pause(interval),
            pages=lists.open_pages,
            depth=lists.depth,
            ends=lists.ended,
            waits=len(self._subscriptions),
        )

    def _pause(self, interval: float) -> float:
        lists = self._lists
        return poll_batching.pause_between_quick_scans(
            interval, lists.all_pages, in_doubt=lists.in_doubt, took=self._full_scan_seconds
        )

    def _with_details(self, targets: list[PolledOperation]) -> list[PolledOperation]:
        """Add a few in turn, where lists leave out what a person may have to act on."""
        if self._client.api.lists_show_progress:
            return targets
        return [*targets, *self._subscriptions.longest_unread(max(self._lists.all_pages, _DETAILS))]

    def _warn_if_budget_too_small(self, interval: float) -> None:
        budget = self._client.settings.requests_per_second
        seconds = poll_batching.seconds_for_all(self._lists.all_pages, budget)
        if seconds > interval and not self._has_warned:
            self._has_warned = True
            log.warning(
                "%s: %d waits take about %d requests per scan; at %g requests per second each is polled every "
                "%.0f s, not every %.0f s",
                self._client.settings.conn_id,
                len(self._subscriptions),
                self._lists.all_pages,
                budget,
                seconds,
                interval,
            )
