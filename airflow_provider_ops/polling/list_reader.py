"""How a poller reads the API's lists: full scans of what is open, quick scans of what has settled.

No list is trusted to be complete, in order, or at rest. Open operations are read before settled ones, so that one
that ends in between is seen twice, not missed; what no list shows is read by itself.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_ops import metrics
from airflow_provider_ops.apis.calls import Call, Page
from airflow_provider_ops.apis.operation_lists import OperationList
from airflow_provider_ops.core import poll_batching
from airflow_provider_ops.exceptions import RateLimited
from airflow_provider_ops.http.clock import on_wall_clock
from airflow_provider_ops.http.rate_limiter import Priority
from airflow_provider_ops.polling.subscriptions import PolledOperation, Subscriptions

if TYPE_CHECKING:
    from airflow_provider_ops.http.async_client import AsyncClient

#: Against a list that never ends.
_MOST_PAGES = 2000
#: Seconds after which a refused page is read again, at least.
_SHORTEST_PAUSE = 0.5
#: Searches of a list of settled operations in a row that find nothing, before quick scans leave it out.
_FRUITLESS = 3


@dataclass
class _Recent:
    """What is known of one list of recently settled operations."""

    #: The deepest page that showed something last time; 0 for a list that quick scans leave out.
    depth: int = 0
    fruitless: int = 0


@dataclass
class _Reading:
    """What came of reading one list."""

    pages: int = 0
    hits: int = 0
    deepest: int = 0
    #: Pages at the end of what was read that showed nothing.
    empty: int = 0
    to_the_end: bool = False

    def note(self, hits: int) -> None:
        """Take in one more page."""
        self.pages += 1
        self.hits += hits
        self.empty = 0 if hits else self.empty + 1
        if hits:
            self.deepest = self.pages

    def is_over(self, at_least: int) -> bool:
        """Return whether further pages are not likely to show anything."""
        return self.empty > 0 and self.pages >= at_least


class _Matched(NamedTuple):
    """The result of one page: how many operations of ours it showed, entries in all, and where to continue."""

    hits: int
    entries: int
    rest: Page[Any]


class ListReader:
    """The lists of one client, read for all its polled operations together."""

    def __init__(self, client: AsyncClient, targets: Subscriptions) -> None:
        self._client = client
        self._subscriptions = targets
        # operations usually succeed, so that quick scans read the first list from the start
        self._recent: dict[int, _Recent] = {0: _Recent(depth=1)} if client.api.recent_operations() else {}
        #: Pages of the lists of open operations, and pages read in all, at the last full scan.
        self.open_pages = 0
        self.all_pages = 0
        #: Operations that the last scan found settled.
        self.ended = 0
        #: How many were waited for when the last full scan began, and the one before that.
        self._waits = self._waits_before = 0
        #: The last full scan missed some that may have settled; another one must follow soon.
        self.in_doubt = False

    @property
    def depth(self) -> int:
        """Return how many pages a quick scan would read."""
        return sum(recent.depth for recent in self._recent.values())

    async def full_scan(self) -> list[PolledOperation]:
        """Observe what the lists show; return what must be read by itself."""
        before = len(self._subscriptions)
        self._waits_before, self._waits = self._waits, before
        seen: set[str] = set()
        pages = 0
        for place, listed in enumerate(self._client.api.open_operations()):
            wanted = self._count(seen, place)
            if wanted > 0:
                pages += (await self._read(listed, seen, place=place, wanted=wanted)).pages
        self.open_pages = pages
        missing, complete = self._missing(seen), False
        if not poll_batching.reads_at_once(len(missing), self.depth):
            more, complete = await self._search(seen, missing)
            pages += more
            missing = self._still(missing, seen)
        self.all_pages = pages
        self.ended = max(before - len(self._subscriptions), 0)
        return self._to_read(missing, complete=complete)

    def undecided(self) -> list[PolledOperation]:
        """Return those that must be read by themselves: the last scan has shown that they have ended, and not how."""
        shown = [target for target in self._subscriptions.undecided.values() if target.waits]
        self._subscriptions.undecided.clear()
        return self._affordable(shown)

    def unchanged(self) -> list[PolledOperation]:
        """Return those that must be read by themselves: lists have shown them without any change for long."""
        if not self._client.api.lists_show_progress:
            # their entries hardly ever change, and some are read after each scan anyway
            return []
        # the last hundred of a thousand are about to end as well, and that lists show
        waits = max(len(self._subscriptions), self._waits_before)
        count = poll_batching.reads_of_unchanged(waits, self.all_pages)
        return self._affordable(self._subscriptions.on_unchanged(count))

    async def quick_scan(self) -> None:
        """Observe what has settled, as far as the lists of settled operations show it at their beginning."""
        before = len(self._subscriptions)
        for index, listed in enumerate(self._client.api.recent_operations()):
            recent = self._recent.get(index)
            if recent is not None and recent.depth:
                reading = await self._read(listed, set(), at_least=recent.depth)
                recent.depth = max(reading.deepest, 1)
        self.ended = max(before - len(self._subscriptions), 0)

    async def _search(self, seen: set[str], missing: list[PolledOperation]) -> tuple[int, bool]:
        """Search the settled operations for missing ones.

        :return: pages that were read, and whether the lists were read to their end.
        """
        pages, complete = 0, True
        for index, listed in enumerate(self._client.api.recent_operations()):
            if len(missing := self._still(missing, seen)) <= poll_batching.FEW_MISSING:
                # reading so few by themselves costs no more than searching a list for them
                complete = not missing and complete
                break
            recent = self._recent.setdefault(index, _Recent())
            reading = await self._read(listed, seen, at_least=recent.depth)
            recent.fruitless = 0 if reading.hits else recent.fruitless + 1
            recent.depth = reading.deepest or (recent.depth if recent.fruitless < _FRUITLESS else 0)
            pages += reading.pages
            complete = complete and reading.to_the_end
        return pages, complete and pages > 0

    async def _read(
        self, listed: OperationList, seen: set[str], *, place: int | None = None, wanted: int = 0, at_least: int = 0
    ) -> _Reading:
        """Read pages of a list as long as that pays.

        :param place: of the list among those of open operations, ``None`` for one of settled ones.
        :param wanted: operations that it is expected to show; reading them one by one is the alternative.
        :param at_least: pages to read however little they show.
        """
        reading = _Reading()
        calls: Sequence[Call[Page[Any]]] = (listed.entries.first,)
        while calls and reading.pages < _MOST_PAGES:
            pages = await self._pages(calls, lambda entries: self._take(entries, listed, seen, place))
            for page in pages:
                reading.note(page.hits)
            expected = -(-(wanted - reading.hits) // max(pages[0].entries, 1))
            if place is None:
                enough, expected = not self._subscriptions or reading.is_over(at_least), at_least - reading.pages
            else:
                enough = expected <= 0 or reading.empty > wanted - reading.hits
            if enough:
                break
            calls = pages[-1].rest.following(poll_batching.pages_together(expected))
        reading.to_the_end = pages[-1].rest.next is None and pages[-1].rest.cut is None
        return reading

    async def _pages(
        self, calls: Sequence[Call[Page[Any]]], take: Callable[[Sequence[Any]], int]
    ) -> Sequence[_Matched]:
        """Observe the pages that calls give, read at the same time."""
        metrics.POLLS.add(len(calls), api=self._client.api.name, way="list")
        reads = [self._page(call, take) for call in calls]
        if len(reads) == 1:
            return [await reads[0]]
        pages = await asyncio.gather(*reads, return_exceptions=True)
        for page in pages:
            # raised only now, so that none of the others is still under way
            if isinstance(page, BaseException):
                raise page
        return [page for page in pages if not isinstance(page, BaseException)]

    async def _page(self, call: Call[Page[Any]], take: Callable[[Sequence[Any]], int]) -> _Matched:
        page = await self._get(call)
        # its entries are dropped at once: with eight pages in memory the garbage collector stops the whole process
        return _Matched(take(page.items), len(page.items), replace(page, items=()))

    async def _get(self, call: Call[Page[Any]]) -> Page[Any]:
        """Read a page, again after each pause that the API asks for: a scan begun anew would ask for more pages."""
        clock = self._client.clock
        while True:
            deadline = self._subscriptions.first_deadline
            try:
                return await self._client.send_once(
                    call, deadline=on_wall_clock(clock, deadline), priority=Priority.PAGE
                )
            except RateLimited as error:
                pause = error.retry_after
                if pause is None or (deadline is not None and clock.monotonic() + pause >= deadline):
                    raise
                metrics.ERRORS.add(api=self._client.api.name, reason=metrics.reason(error))
                # "at once" must not become a busy loop
                await clock.asleep(max(pause, _SHORTEST_PAUSE))

    def _take(self, entries: Iterable[Any], listed: OperationList, seen: set[str], place: int | None) -> int:
        now, hits, by_id = self._client.clock.monotonic(), 0, self._subscriptions.by_id
        for entry in entries:
            name = listed.id_of(entry)
            target = by_id.get(name)
            if target is not None and name not in seen:
                hits += 1
                seen.add(name)
                self._subscriptions.on_listed(target, entry, listed.read, now, place)
        return hits

    def _count(self, seen: set[str], place: int) -> int:
        """Return how many a list is expected to show that no list before it has shown."""
        return sum(target.place <= place for target in self._unseen(seen))

    def _missing(self, seen: set[str]) -> list[PolledOperation]:
        return list(self._unseen(seen))

    def _unseen(self, seen: set[str]) -> Iterator[PolledOperation]:
        # counted at every scan, so that ten thousand are not put into a list for that
        return (
            target
            for target in self._subscriptions.by_id.values()
            if target.operation_id not in seen and not target.unlisted and not target.is_long_polling
        )

    def _still(self, missing: list[PolledOperation], seen: set[str]) -> list[PolledOperation]:
        return [target for target in missing if target.waits and target.operation_id not in seen]

    def _to_read(self, missing: list[PolledOperation], *, complete: bool) -> list[PolledOperation]:
        few = poll_batching.reads_at_once(len(missing), self.depth)
        # what neither list shows although both were read to their end has moved between pages meanwhile
        first_misses = 0 if complete else poll_batching.reads_of_first_misses(self.all_pages)
        chosen: list[PolledOperation] = []
        self.in_doubt = False
        for target in missing:
            target.misses += 1
            if target.misses > 1:
                # it may be in a list that it is not expected in
                target.place = 0
            if few or target.misses >= poll_batching.MISSES:
                chosen.append(target)
            elif first_misses > 0:
                first_misses -= 1
                chosen.append(target)
            else:
                self.in_doubt = not complete
        return self._affordable(chosen)

    def _affordable(self, chosen: list[PolledOperation]) -> list[PolledOperation]:
        """Return those missed most often, where the budget is small: a page finds more operations than a read."""
        budget = self._client.settings.requests_per_second
        seconds = poll_batching.seconds_for_all(self.all_pages + len(chosen), budget)
        if seconds <= self._subscriptions.shortest_interval:
            return chosen
        return heapq.nlargest(
            poll_batching.reads_within_a_budget(self.all_pages), chosen, key=lambda target: target.misses
        )
