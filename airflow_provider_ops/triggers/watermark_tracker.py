"""The watermark of one watcher, kept in Airflow's asset state store, so that a restart neither replays nor misses.

In this order: the announcement is stored, the event is yielded, Airflow stores the event, the watermark is stored.
A watcher that dies before the last step leaves the announcement behind, so that the next one delivers the same
operations again and says that they may have been delivered before: an event is never lost, and one that comes twice is
marked as such.

Two triggerers may run one watcher for a while, when Airflow has taken one of them for dead. An announcement that
appears while this one is running belongs to the other, which delivers it; of two that come at the same time the last
one counts: each reads the store again after a pause longer than its write took.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from airflow.sdk import Asset

from airflow_provider_ops.core.settling import EventFilter, SettledOperation, Snapshot, Watermark, digest
from airflow_provider_ops.http.background import time_limit

T = TypeVar("T")
log = logging.getLogger(__name__)

#: Seconds for one request to Airflow; the first in the life of a triggerer takes long.
_PATIENCE: Final = 60.0
#: Seconds by which the stored floor may lag behind while there is nothing to deliver.
_STALE: Final = 300.0
#: Polls for which another's announcement may stay unconfirmed before it is taken for lost.
_POLLS_OF_OTHERS: Final = 3


class WatermarkStore:
    """One value in the state store of an asset, or in memory where there is no store.

    :param stores: ``asset_state_store`` of the trigger; ``None`` before Airflow 3.3.
    :param asset: name of the asset whose store it is, where the trigger has several.
    """

    def __init__(self, stores: Any, key: str, asset: str | None = None) -> None:
        self._store = stores
        self._key = key
        self._asset = asset

    @property
    def lasts(self) -> bool:
        """Return whether what is written outlives this process, as far as is known."""
        return self._store is not None

    async def read(self) -> Watermark | None:
        """Return the stored watermark; ``None`` where there is none."""
        if self._store is None:
            return None
        try:
            stored = await self._in_time(self._one().aget(self._key))
        except ValueError as error:
            # Airflow raises a bare ValueError where the trigger has several assets
            if type(error) is not ValueError:
                raise
            log.warning(
                "This watcher belongs to several assets: give OperationEventTrigger an asset=... of its own for each, "
                "so that its watermark has one place. Without a watermark, what settles during a restart is missed."
            )
            self._store = None
            return None
        found = Watermark.from_dict(stored)
        if found is None and stored is not None:
            log.warning("The watermark %r is none of this release; it begins anew", self._key)
        return found

    async def write(self, mark: Watermark) -> None:
        """Store a watermark."""
        if self._store is not None:
            await self._in_time(self._one().aset(self._key, mark.to_dict()))

    def _one(self) -> Any:
        if self._asset is None:
            return self._store
        try:
            return self._store[Asset(self._asset)]
        except KeyError:
            raise LookupError(f"asset={self._asset!r} is none of the assets that have this watcher") from None

    async def _in_time(self, request: Awaitable[T]) -> T:
        # an Airflow that does not know a request never answers
        with time_limit(_PATIENCE):
            return await request


class WatermarkTracker:
    """Decide which operations of its connection's snapshots one watcher delivers.

    :param since: epoch seconds to begin with where nothing was delivered before; ``None`` for what settles from now on.
    :param watched: name of the connection, and of the asset, in log lines.
    """

    def __init__(
        self, store: WatermarkStore, wanted: EventFilter, since: float | None = None, watched: str = "a connection"
    ) -> None:
        self._store = store
        self._filter = wanted
        self._since = since
        self._watched = f"{watched} ({wanted.summary})"
        self._mark: Watermark | None = None
        #: What was stored last.
        self._stored: Watermark | None = None
        self._announcing: tuple[Snapshot, Sequence[SettledOperation]] | None = None
        self._name = secrets.token_hex(4)
        #: What another triggerer has announced and not confirmed yet: the second of its end, and for how many polls.
        self._others: dict[str, tuple[int, int]] = {}
        self._lock = asyncio.Lock()
        self._warned = ""

    async def news(self, snapshot: Snapshot) -> tuple[list[SettledOperation], list[str]]:
        """Return the operations of a snapshot to deliver, and the ids of those that may have been delivered before.

        Nothing while Airflow's store does not answer, or the last event is not known to be stored: the next snapshot
        shows the same.
        """
        async with self._lock:
            try:
                found = await self._news(snapshot)
            except Exception as error:  # noqa: BLE001 - Airflow may be away; a watcher must not end by that
                if (said := repr(error)) != self._warned:
                    log.warning(
                        "The watermark of %s cannot be kept: %s. Nothing is reported meanwhile.", self._watched, said
                    )
                self._warned = said
                return [], []
            self._warned = ""
            return found

    async def _news(self, snapshot: Snapshot) -> tuple[list[SettledOperation], list[str]]:
        if self._announcing is not None and self._announcing[0].over:
            await self._confirm()
        mark = self._mark or await self._begin(snapshot)
        if mark is None or self._announcing is not None:
            return [], []
        if snapshot.since > mark.floor:
            snapshot.want(self, mark.floor)
            return [], []
        began = time.monotonic()
        news = mark.news(snapshot, self._filter)
        if news:
            mark = await self._with_others(mark, polls=1)
            news = mark.news(snapshot, self._filter)
        if not news:
            await self._keep(mark.caught_up(snapshot))
            snapshot.want(self, self._floor)
            return [], []
        news = [one for one in news if digest(one.operation.id) not in self._others]
        return await self._announce(mark, snapshot, news, began) if news else ([], [])

    async def _with_others(self, mark: Watermark, *, polls: int = 0) -> Watermark:
        """Merge what another triggerer has delivered or announced since this one read the store."""
        stored = await self._store.read()
        if stored is None:
            return mark
        before, self._others = self._others, {}
        unconfirmed = dict(mark.unconfirmed)
        for name, second in stored.unconfirmed.items():
            known_for = before.get(name, (second, 0))[1] + polls
            if known_for > _POLLS_OF_OTHERS:
                unconfirmed[name] = second
            elif name not in mark.unconfirmed:
                self._others[name] = (second, known_for)
        return replace(mark, unconfirmed=unconfirmed).merged(stored)

    def _to_store(self, mark: Watermark) -> Watermark:
        others = {name: second for name, (second, _) in self._others.items()}
        return replace(mark, unconfirmed={**others, **mark.unconfirmed})

    async def _announce(
        self, mark: Watermark, snapshot: Snapshot, news: list[SettledOperation], began: float
    ) -> tuple[list[SettledOperation], list[str]]:
        doubtful = mark.in_doubt(news)
        announced = replace(mark.announce(news), announcer=self._name)
        await self._store.write(self._to_store(announced))
        await asyncio.sleep(time.monotonic() - began)
        latest = await self._store.read()
        if latest is not None and latest.announcer != self._name:
            # another one has announced something at the same time; the next poll delivers what is left
            return [], []
        self._mark = self._stored = announced
        self._announcing = snapshot, news
        snapshot.on_stored.append(self.stored)
        return news, doubtful

    async def stored(self) -> None:
        """Confirm the last event, which Airflow has stored."""
        async with self._lock:
            try:
                await self._confirm()
            except Exception as error:  # noqa: BLE001 - the next poll confirms it
                log.warning("The watermark of %s cannot be kept: %r", self._watched, error)

    async def _confirm(self) -> None:
        if self._announcing is None or self._mark is None:
            return
        confirmed = (await self._with_others(self._mark)).confirm(self._announcing[1])
        await self._store.write(self._to_store(confirmed))
        self._mark = self._stored = confirmed
        self._announcing = None

    async def _begin(self, snapshot: Snapshot) -> Watermark | None:
        mark = await self._store.read()
        if mark is not None:
            # an operation that ran at the last poll may have a useless end date
            snapshot.follow(mark.open)
        else:
            mark = Watermark.now(snapshot, self._filter) if self._since is None else Watermark(self._since)
            await self._store.write(mark)
            log.info(
                "Watching for settled operations of %s %s%s",
                self._watched,
                "from now on" if self._since is None else "since the given time",
                "" if self._store.lasts else "; without an asset state store (Airflow 3.3) a restart begins anew",
            )
        self._mark = self._stored = mark
        return mark

    async def _keep(self, mark: Watermark) -> None:
        self._mark = mark
        if self._stored is None or mark.floor - self._stored.floor > _STALE or mark.open - self._stored.open:
            mark = await self._with_others(mark)
            await self._store.write(self._to_store(mark))
            self._mark = self._stored = mark

    @property
    def _floor(self) -> float:
        return self._mark.floor if self._mark is not None else 0.0
