"""One poller per connection and event loop: it polls for all waits together, in the way that costs least.

Few waits are read one by one, or by long polls where the API has them. Many are found in the API's lists:
an operation that a list shows is observed by it, one that has left the lists of open operations is searched for among
the recently settled ones, and read by itself when it is not there either. So the cost grows with pages, not with
waits, and no list that errs, lags or shuffles its pages can lose an operation.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Coroutine, Sequence
from contextvars import Context
from typing import TYPE_CHECKING, Any

from airflow_provider_ops import metrics
from airflow_provider_ops.core import poll_batching
from airflow_provider_ops.core.backoff import Backoff
from airflow_provider_ops.core.event_codec import WaitFor
from airflow_provider_ops.core.outage import Outage, concerns_connection
from airflow_provider_ops.core.wait_state import WaitState
from airflow_provider_ops.exceptions import OpsError, RateLimited, reworded
from airflow_provider_ops.http.background import create_background_task
from airflow_provider_ops.http.responses import unreadable
from airflow_provider_ops.polling.scans import Scans
from airflow_provider_ops.polling.single_reads import SingleReads
from airflow_provider_ops.polling.subscriptions import Log, OnChange, PolledOperation, Subscription, Subscriptions

if TYPE_CHECKING:
    from airflow_provider_ops.http.async_client import AsyncClient

log = logging.getLogger(__name__)

#: Shortest pause between two rounds, against a plan that never sleeps; longer where many waits are read one by one,
#: because each round goes through all of them.
_SHORTEST, _MANY, _SHORTEST_OF_MANY = 0.05, 500, 0.25
#: Longest sleep, in case that something was forgotten.
_LONGEST = 3600.0
#: Waits to which the same error is reported before other tasks get their turn on the event loop.
_CHUNK = 100
#: After an outage so few are read at once, more are spread over this share of an interval.
_FEW, _SPREAD = 10, 0.1
_NEVER = float("inf")


class Poller:
    """Poll for all waits of one client.

    One loop sleeps until the next poll is due and starts it; requests run in the background, so that none that hangs
    keeps the others waiting. All times are monotonic.
    """

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._clock = client.clock
        self._subscriptions = Subscriptions()
        self._scans = Scans(client, self._subscriptions)
        self._reads = SingleReads(client, self._subscriptions, self._take_result, self._crash)
        self._outage = Outage()
        self._task: asyncio.Task[None] | None = None
        self._background: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        #: Until when the loop sleeps, at the latest.
        self._planned = -_NEVER
        self._lists_off_until = 0.0
        #: Since when lists fail while reads work, with no list read in between.
        self._lists_failing_since: float | None = None
        #: A scan, or a probe during an outage, is under way.
        self._is_scanning = False
        #: When the first wait came, since the last moment without any.
        self._began = 0.0
        self._probes = 0

    @property
    def size(self) -> int:
        """Return how many operations are waited for now."""
        return len(self._subscriptions)

    async def wait(
        self,
        watches: Sequence[WaitState],
        log: Log,
        wait_for: WaitFor = "all",
        *,
        warn: Log | None = None,
        hold: bool = True,
        on_change: OnChange | None = None,
    ) -> None:
        """Return when the wait states decide the verdict. Their outcomes hold the result.

        :param warn: takes the lines that are warnings; default is ``log``.
        :param hold: whether long polls are allowed where the API has them; progress during one is not seen.
        :param on_change: called with the wait state after something about it was logged.
        """
        decided = asyncio.get_running_loop().create_future()
        wait = Subscription(watches, wait_for, log, decided, warn=warn, may_long_poll=hold, on_change=on_change)
        if not self._subscriptions:
            self._began = self._clock.monotonic()
        offset = self._clock.time() - self._clock.monotonic()
        for watch in watches:
            watch.use_clock(offset)
        self._subscriptions.add(wait)
        if self._task is None or self._task.done():
            # in a context of its own: what it does belongs to no single caller
            self._task = Context().run(create_background_task, self._run())
        else:
            self._wake_by(self._due_for(watches))
        try:
            await wait.decided
        finally:
            self._subscriptions.remove(wait)
            if not self._subscriptions:
                self._stop()

    def _stop(self) -> None:
        for task in (self._task, *self._background):
            if task is not None:
                task.cancel()
        self._task = None
        self._reads.close()

    async def _run(self) -> None:
        self._scans.reset()
        self._outage, self._is_scanning = Outage(), False
        try:
            while self._subscriptions:
                await self._sleep()
                self._start_polls()
        except Exception as error:
            self._crash(error)
            raise

    def _crash(self, error: Exception) -> None:
        """End all waits: never leave callers waiting for a poller that is gone."""
        log.error("polling for the waits of %s has a fault", self._client.settings.conn_id, exc_info=error)
        for target in self._subscriptions:
            for wait in target.waits.values():
                if not wait.decided.done():
                    wait.decided.set_exception(error)

    # -- when

    async def _sleep(self) -> None:
        """Sleep until the next poll is due; :meth:`_wake_by` can only bring that forward."""
        earliest = self._clock.monotonic() + self._shortest
        self._planned = min(self._due(), earliest + _LONGEST)
        while (pause := max(self._planned, earliest) - self._clock.monotonic()) > 0.0:
            self._woken.clear()
            sleeping = asyncio.ensure_future(self._clock.asleep(pause))
            waking = asyncio.ensure_future(self._woken.wait())
            try:
                await asyncio.wait((sleeping, waking), return_when=asyncio.FIRST_COMPLETED)
            finally:
                sleeping.cancel()
                waking.cancel()
        # whatever comes from now on is seen when the next sleep is planned
        self._planned = -_NEVER

    def _wake_by(self, moment: float) -> None:
        """Wake the loop at a moment; thousands of callers at once wake it once."""
        if moment < self._planned:
            self._planned = moment
            self._woken.set()

    def _due(self) -> float:
        first_deadline = self._subscriptions.first_deadline
        deadline = _NEVER if first_deadline is None else first_deadline
        if self._outage.is_on:
            return min(deadline, _NEVER if self._is_scanning else self._outage.next_probe)
        if self._uses_lists():
            unlisted = min((target.next_poll for target in self._subscriptions.unlisted.values()), default=_NEVER)
            return min(self._scan_due(), deadline, unlisted)
        return min(deadline, min((target.next_poll for target in self._subscriptions), default=_NEVER))

    def _due_for(self, watches: Sequence[WaitState]) -> float:
        """Return when new waits need a poll; unlike :meth:`_due` it does not go through all."""
        first = min((ends_at for watch in watches if (ends_at := watch.ends_at) is not None), default=_NEVER)
        if self._outage.is_on:
            return first
        if self._uses_lists() and not self._subscriptions.unlisted:
            return min(first, self._scan_due())
        return min([first, *(watch.next_poll for watch in watches)])

    def _scan_due(self) -> float:
        return _NEVER if self._is_scanning else self._scans.due(self._began)

    @property
    def _shortest(self) -> float:
        many = len(self._subscriptions) > _MANY and not self._uses_lists()
        return _SHORTEST_OF_MANY if many else _SHORTEST

    def _uses_lists(self) -> bool:
        if not self._client.api.lists_operations or self._clock.monotonic() < self._lists_off_until:
            return False
        # what is held needs no other poll
        return self._scans.are_cheaper(len(self._subscriptions) - self._reads.long_polls)

    # -- what

    def _start_polls(self) -> None:
        now = self._clock.monotonic()
        ending = self._subscriptions.at_deadline(now)
        if self._outage.is_on:
            if now >= self._outage.next_probe and not self._is_scanning:
                self._start(self._probe())
            self._reads.request(ending)
            return
        self._reads.long_poll_some()
        if not self._uses_lists():
            due = [
                target
                for target in self._subscriptions
                if target.next_poll <= now and not self._reads.long_poll(target)
            ]
            self._reads.request((*ending, *due))
            return
        due = [target for target in self._subscriptions.unlisted.values() if target.next_poll <= now]
        # many that end together are scanned for together, and read by themselves if no list shows their end
        many = len(ending) > poll_batching.FEW_MISSING and not self._is_scanning
        if many or now >= self._scan_due():
            self._start(self._scan(ending))
        else:
            due += ending
        self._reads.request(due)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Scan or probe in the background, one at a time."""
        self._is_scanning = True
        self._create_task(self._to_the_end(work))

    async def _to_the_end(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        finally:
            self._is_scanning = False
        self._wake_by(self._due())

    def _create_task(self, work: Coroutine[Any, Any, None]) -> None:
        task = create_background_task(work)
        self._background.add(task)
        task.add_done_callback(self._end_background)

    def _end_background(self, task: asyncio.Task[None]) -> None:
        self._background.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._crash(error)

    def _take_result(self, target: PolledOperation, error: OpsError | None) -> None:
        """Take in the outcome of a single read."""
        if error is None or not concerns_connection(error):
            self._take_answer()
        elif self._outage.is_on or not self._uses_lists():
            self._take_failure(target, error)
        self._wake_by(min(target.next_poll, self._subscriptions.first_deadline or _NEVER))

    # -- lists

    async def _scan(self, ending: Sequence[PolledOperation] = ()) -> None:
        try:
            missing = await self._scans.scan(full=bool(ending))
        except Exception as error:  # noqa: BLE001 - whatever is in a list, single reads continue
            missing = []
            await self._lists_failed(unreadable(error))
        else:
            self._lists_failing_since = None
            self._take_answer()
        self._reads.request((*missing, *ending))

    async def _lists_failed(self, error: OpsError) -> None:
        """Distinguish a fault of the lists from one of the connection by one single read."""
        metrics.ERRORS.add(api=self._client.api.name, reason=metrics.reason(error))
        if isinstance(error, RateLimited) and not concerns_connection(error):
            # the connection pauses for as long as the API asks; there is nothing to find out
            return
        target = self._target_to_probe()
        if target is None or (self._outage.is_on and concerns_connection(error)):
            # the next probe is a read
            self._take_failure(target, error, is_certain=True, is_of_read=False)
            return
        said = await self._reads.read(target)
        if said is not None and concerns_connection(said):
            self._take_failure(target, said, is_certain=True)
        else:
            self._take_answer()
            self._turn_lists_off(error)

    def _turn_lists_off(self, error: OpsError) -> None:
        now, interval = self._clock.monotonic(), self._subscriptions.shortest_interval
        since = self._lists_failing_since
        self._lists_failing_since = now if since is None else since
        backoff = Backoff(interval, poll_batching.LISTS_OFF)
        self._lists_off_until = now + backoff.pause(now - self._lists_failing_since)
        # one answer that cannot be read is no trouble yet
        report = log.info if since is None else log.warning
        report("lists fail while reads work (%s); reading one by one", error.without_advice)
        for target in self._subscriptions:
            # not all at once: so many reads would be a burst
            target.reschedule(now + random.uniform(0.0, interval))

    # -- outages

    async def _probe(self) -> None:
        """Find out whether the connection answers again, by lists and by reads in turn: each may have its own fault."""
        self._probes += 1
        if self._probes % 2 and self._uses_lists():
            await self._scan()
            return
        target = self._target_to_probe()
        if target is not None:
            self._take_result(target, await self._reads.read(target))

    def _target_to_probe(self) -> PolledOperation | None:
        # in turn: one may have a fault of its own
        targets = [target for target in self._subscriptions if not target.is_long_polling and not target.is_reading]
        return targets[self._probes // 2 % len(targets)] if targets else None

    def _take_answer(self) -> None:
        if not self._outage.answered():
            return
        now, interval = self._clock.monotonic(), self._subscriptions.shortest_interval
        self._scans.reset()
        # a probe came up to an interval late already
        spread = _SPREAD * interval if len(self._subscriptions) > _FEW else 0.0
        for target in self._subscriptions:
            target.reschedule(now + random.uniform(0.0, spread))
        self._wake_by(now)

    def _take_failure(
        self, target: PolledOperation | None, error: OpsError, *, is_certain: bool = False, is_of_read: bool = True
    ) -> None:
        now, interval = self._clock.monotonic(), self._subscriptions.shortest_interval
        # reads at a deadline are no news of an outage for waits that have time left
        was_on = self._outage.is_on
        is_news = not was_on or now >= self._outage.next_probe
        operation_id = target.operation_id if target else ""
        if self._outage.failed(operation_id, now, interval, is_certain=is_certain):
            if not was_on:
                # with reads failing, lists may be all that works
                self._lists_off_until = now
            # the read was of another operation than theirs
            seen = reworded(error, f"no operation can be read: {error.what}") if is_of_read else error
            self._create_task(self._fail_all(seen, but=target, only_ending=not is_news))

    async def _fail_all(self, error: OpsError, *, but: PolledOperation | None, only_ending: bool) -> None:
        for count, target in enumerate(self._subscriptions):
            now, ends_at = self._clock.monotonic(), target.ends_at
            is_ending = ends_at is not None and ends_at <= now
            if target is not but and target.waits and (is_ending or not only_ending):
                self._subscriptions.on_error(target, error, now)
            if count % _CHUNK == _CHUNK - 1:
                await asyncio.sleep(0)


def poller_of(client: AsyncClient) -> Poller:
    """Return the poller of all waits on a client, made at the first use."""
    return client.companion(Poller)
