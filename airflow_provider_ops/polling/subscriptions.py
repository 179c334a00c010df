"""The operations that a poller polls, the waits for each, and how results are reported to them."""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field, replace
from typing import Any

from airflow_provider_ops.apis.operation_lists import NotDecided
from airflow_provider_ops.core import poll_batching
from airflow_provider_ops.core.changes import WarningLine
from airflow_provider_ops.core.event_codec import WaitFor, is_decided
from airflow_provider_ops.core.wait_state import WaitState
from airflow_provider_ops.exceptions import OpsError
from airflow_provider_ops.http.responses import unreadable
from airflow_provider_ops.operation import Operation

Log = Callable[[str], None]
OnChange = Callable[[WaitState], None]
#: Maps an entry of a list to the operation.
Read = Callable[[Mapping[str, Any]], Operation]


@dataclass(eq=False, slots=True)
class Subscription:
    """One caller: its wait states, its verdict, and the context its log lines belong to."""

    watches: Sequence[WaitState]
    wait_for: WaitFor
    log: Log
    decided: asyncio.Future[None]
    context: Context = field(default_factory=copy_context)
    #: Whether the caller accepts long polls, during which it sees no progress.
    may_long_poll: bool = True
    #: Called after the lines about a wait state were logged.
    on_change: OnChange | None = None
    #: Takes the lines that are warnings; ``None`` leaves them to ``log``.
    warn: Log | None = None

    def settle(self) -> None:
        """Wake the caller when nothing can change the verdict any more."""
        if not self.decided.done() and is_decided(self.wait_for, [watch.outcome for watch in self.watches]):
            self.decided.set_result(None)

    def notify(self, watch: WaitState, lines: Sequence[str]) -> None:
        """Log on behalf of the caller, so that each line lands in the log of its own task; wake it when it is over."""
        for line in lines:
            log = self.warn if self.warn is not None and isinstance(line, WarningLine) else self.log
            self.context.run(log, f"{watch.operation_id}: {line}")
        if lines and self.on_change is not None:
            self.context.run(self.on_change, watch)
        if watch.outcome is not None:
            self.settle()


@dataclass(eq=False, slots=True)
class PolledOperation:
    """One operation and all unfinished waits for it."""

    operation_id: str
    waits: dict[WaitState, Subscription] = field(default_factory=dict)
    #: Full scans in a row that did not show it.
    misses: int = 0
    #: No list shows it although it is open.
    unlisted: bool = False
    #: Place of the list that showed it last; operations move on through the lists, never back.
    place: int = 0
    #: The entry of a list that was read last, and until when the same entry need not be reported again.
    raw: Mapping[str, Any] | None = None
    suppressed_until: float = 0.0
    #: Full scans in a row that showed this very entry since the last read, and reads since it is there.
    unchanged: int = 0
    confirmed: int = 0
    #: A long poll, or a read, is under way or waits for its turn.
    is_long_polling: bool = False
    is_reading: bool = False
    #: When it was last read by itself.
    read_at: float = float("-inf")

    @property
    def next_poll(self) -> float:
        """Return when the next poll is due; never (infinity) while a request about it is under way."""
        if self.is_long_polling or self.is_reading:
            return float("inf")
        return min((watch.next_poll for watch in self.waits), default=float("inf"))

    @property
    def ends_at(self) -> float | None:
        """Return the earliest deadline of its waits."""
        return min((ends_at for watch in self.waits if (ends_at := watch.ends_at) is not None), default=None)

    def reschedule(self, moment: float) -> None:
        """Set the next poll of all waits to a moment, or to the deadline of a wait when that comes first."""
        for watch in self.waits:
            ends_at = watch.ends_at
            watch.next_poll = moment if ends_at is None else min(moment, ends_at)

    @property
    def may_long_poll(self) -> bool:
        """Return whether all waits accept long polls, during which they see no progress."""
        return all(wait.may_long_poll for wait in self.waits.values())

    @property
    def is_failing(self) -> bool:
        """Return whether the last poll failed."""
        return any(watch.is_failing for watch in self.waits)


class Subscriptions:
    """The operations that are waited for, by id; an operation without waits is removed at once."""

    def __init__(self) -> None:
        self.by_id: dict[str, PolledOperation] = {}
        #: Those that no list shows although they are open.
        self.unlisted: dict[str, PolledOperation] = {}
        #: Those of which the last scan has shown that they have ended, and not how.
        self.undecided: dict[str, PolledOperation] = {}
        # how many waits have which interval: few numbers, so that no method has to go through all waits
        self._intervals: Counter[float] = Counter()
        self._deadlines: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self.by_id)

    def __iter__(self) -> Iterator[PolledOperation]:
        """Iterate over a copy, oldest first: targets come and go meanwhile."""
        return iter(list(self.by_id.values()))

    def add(self, wait: Subscription) -> None:
        """Add a caller."""
        for watch in wait.watches:
            if watch.outcome is not None:
                continue
            target = self.by_id.setdefault(watch.operation_id, PolledOperation(watch.operation_id))
            target.waits[watch] = wait
            self._intervals[watch.policy.cap] += 1
            # the new wait has not got the last result yet
            target.raw, target.suppressed_until = None, 0.0
            self._end_at_deadline(watch)
        wait.settle()

    def _end_at_deadline(self, watch: WaitState) -> None:
        if (ends_at := watch.ends_at) is not None:
            heapq.heappush(self._deadlines, (ends_at, watch.operation_id))

    def remove(self, wait: Subscription) -> None:
        """Remove a caller."""
        for watch in wait.watches:
            target = self.by_id.get(watch.operation_id)
            if target is not None and watch in target.waits:
                self._release(target, [watch])
        if len(self._deadlines) > 2 * len(self.by_id) + 100:
            # of waits that ended before their deadline nothing may pile up
            self._deadlines = [entry for entry in self._deadlines if entry[1] in self.by_id]
            heapq.heapify(self._deadlines)

    def _release(self, target: PolledOperation, watches: Iterable[WaitState]) -> None:
        for watch in watches:
            del target.waits[watch]
            cap = watch.policy.cap
            self._intervals[cap] -= 1
            if not self._intervals[cap]:
                del self._intervals[cap]
        if not target.waits and self.by_id.get(target.operation_id) is target:
            del self.by_id[target.operation_id]
            self.unlisted.pop(target.operation_id, None)

    @property
    def shortest_interval(self) -> float:
        """Return the shortest polling interval of all waits, in seconds."""
        return min(self._intervals, default=1.0)

    def _listed(self, target: PolledOperation, *, shown: bool) -> None:
        if not shown:
            self.unlisted[target.operation_id] = target
        elif target.unlisted:
            del self.unlisted[target.operation_id]
        target.unlisted = not shown

    @property
    def first_deadline(self) -> float | None:
        """Return the next moment at which a wait must end, whatever pause the API asks for."""
        while self._deadlines and self._deadlines[0][1] not in self.by_id:
            heapq.heappop(self._deadlines)
        return self._deadlines[0][0] if self._deadlines else None

    def at_deadline(self, now: float) -> list[PolledOperation]:
        """Return the operations of which a wait has reached its deadline."""
        ending: dict[str, PolledOperation] = {}
        while (first := self.first_deadline) is not None and first <= now:
            _, operation_id = heapq.heappop(self._deadlines)
            target = self.by_id[operation_id]
            if any(ends_at <= now for watch in target.waits if (ends_at := watch.ends_at) is not None):
                ending[operation_id] = target
        return list(ending.values())

    def longest_unread(self, count: int) -> list[PolledOperation]:
        """Return the operations whose last single read is longest ago: since then only lists have shown them."""
        return heapq.nsmallest(
            count, (target for target in self if not target.is_long_polling), key=lambda target: target.read_at
        )

    def on_result(
        self, target: PolledOperation, operation: Operation, now: float, *, waited: float = 0.0, listed: bool = False
    ) -> None:
        """Report the state of an operation to all its waits."""
        if not listed:
            target.read_at, target.unchanged = now, 0
            target.confirmed += 1
            if target.misses >= poll_batching.MISSES and not operation.state.is_terminal:
                self._listed(target, shown=False)
        if operation.id != target.operation_id:
            operation = replace(operation, id=target.operation_id)
        for watch, wait in target.waits.items():
            known, deadline = watch.operation, watch.deadline
            if listed and operation.progress is None and known is not None and known.raw_state == operation.raw_state:
                # lists may leave out what single reads show
                operation = replace(operation, progress=known.progress)
            wait.notify(watch, watch.on_result(operation, now, waited=waited, listed=listed))
            if watch.deadline != deadline:
                # the first poll may show its kind, and with that how long the operation may take
                self._end_at_deadline(watch)
        self._notified(target)

    def on_listed(
        self, target: PolledOperation, entry: Mapping[str, Any], read: Read, now: float, place: int | None
    ) -> None:
        """Report what a list shows of an operation to all its waits.

        :param place: of the list among those of open operations.
        """
        target.misses = 0
        if target.unlisted:
            self._listed(target, shown=True)
        if place is not None:
            target.place = place
        if target.raw == entry:
            target.unchanged += place is not None
            # most entries of most pages: nothing to read, and nearly always nothing to report
            if now >= target.suppressed_until:
                for watch, wait in target.waits.items():
                    wait.notify(watch, watch.on_unchanged(now))
                self._notified(target)
            return
        try:
            operation = read(entry)
        except NotDecided:
            # the list shows that it has ended: what it came to is for a read to say
            self.undecided[target.operation_id] = target
            target.raw = None
            return
        except Exception as error:  # noqa: BLE001
            # one entry that cannot be read is an error for the waits for it, and for no other
            self.on_error(target, unreadable(error), now)
            return
        target.raw, target.unchanged, target.confirmed = entry, 0, 0
        self.on_result(target, operation, now, listed=True)

    def on_unchanged(self, count: int) -> list[PolledOperation]:
        """Return those that lists have shown without any change for so long that they may be wrong.

        Those that have just stopped changing come first: the others were read already since.
        """
        unchanged = (
            target
            for target in self.by_id.values()
            if target.unchanged >= poll_batching.UNCHANGED and not target.is_long_polling and not target.is_reading
        )
        return heapq.nsmallest(count, unchanged, key=lambda target: (target.confirmed, -target.unchanged))

    def on_error(self, target: PolledOperation, error: OpsError, now: float) -> None:
        """Report to all waits for an operation that it could not be polled."""
        for watch, wait in target.waits.items():
            wait.notify(watch, watch.on_error(error, now))
        self._notified(target)

    def _notified(self, target: PolledOperation) -> None:
        over, quiet_until = [], float("inf")
        for watch in target.waits:
            if watch.outcome is not None:
                over.append(watch)
            elif (until := watch.suppress_until) < quiet_until:
                quiet_until = until
        target.suppressed_until = quiet_until
        if over:
            self._release(target, over)
