"""Event-driven scheduling: an asset watcher for settled operations, and how a task reads its events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime, timezone
from inspect import signature
from typing import Any, Final, Literal, get_args

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airflow_provider_ops.apis.calls import check_id
from airflow_provider_ops.core.arguments import Seconds, check_seconds
from airflow_provider_ops.core.settling import EventFilter, Snapshot, digest, from_payload, to_payload
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.operation import Operation
from airflow_provider_ops.triggers.snapshots import SnapshotProducer, taken_as_stored
from airflow_provider_ops.triggers.watermark_tracker import WatermarkStore, WatermarkTracker

SettledState = Literal["succeeded", "failed", "cancelled"]

#: Default seconds between polls. Airflow may drop an event that follows another before its scheduler has made a run
#: of the first.
POLL_INTERVAL: Final = 10.0
#: Whether Airflow assigns watchers to queues of triggerers.
_TAKES_QUEUE: Final = "queue" in signature(BaseEventTrigger.__init__).parameters
#: Earlier events of an asset that are searched for operations delivered already.
_EARLIER: Final = 100


class OperationEventTrigger(BaseEventTrigger):
    """Watch a connection for an asset: one event per poll that found settled operations, with the list of them.

        Asset("deployments", watchers=[AssetWatcher("onvera", OperationEventTrigger("onvera_default"))])

    The event's ``extra["payload"]`` is JSON: ``version``, ``conn_id``, ``operations`` (each as ``Operation.to_dict()``
    makes it) and ``redelivered``, the ids of those that an earlier event may have delivered already;
    :func:`settled_operations` reads it. At most a hundred operations come in one event, the rest with the next.

    What was delivered is kept in the asset's state store (Airflow 3.3): a restart neither replays nor misses. Watchers
    of one connection share their polls. Works with every API that lists operations: all but LakeSail.

    While all DAGs that the asset schedules are paused, Airflow stops the watcher. Afterwards it continues where it has
    stopped: what has settled meanwhile is delivered then.

    :param conn_id: Airflow connection; the only thing of it that is stored.
    :param kinds: kinds of operation, also as patterns (``deployment.*``); default all.
    :param states: of ``succeeded``, ``failed``, ``cancelled``; default all.
    :param resource_ids: resources that the operation acts on; default all.
    :param poll_interval: seconds between polls; default 10.
    :param catchup: where a new watcher begins, one without a watermark. ``False``, the default: with what settles after
        its first poll, whatever date that end has. ``True``: with the first settled operation that the API still lists.
    :param since: aware ``datetime``, or the same in ISO 8601: a new watcher begins with what has settled since then.
    :param asset: name of the asset that keeps the watermark. Needed only where several assets have the same watcher.
    :param queue: only triggerers of this queue run the watcher (``airflow triggerer --queues``). Needs Airflow 3.4.
    :raises InvalidArgument: names the argument and what is allowed.
    """

    def __init__(
        self,
        conn_id: str,
        kinds: Collection[str] | str | None = None,
        states: Collection[SettledState] | SettledState | None = None,
        resource_ids: Collection[str] | str | None = None,
        poll_interval: Seconds | None = None,
        *,
        since: datetime | str | None = None,
        catchup: bool = False,
        asset: str | None = None,
        queue: str | None = None,
    ) -> None:
        if queue is not None and not _TAKES_QUEUE:
            raise InvalidArgument("queue needs Airflow 3.4: before, watchers run on any triggerer; leave it out")
        super().__init__(**({} if queue is None else {"queue": queue}))  # type: ignore[no-untyped-call]
        if not conn_id:
            raise InvalidArgument("conn_id must be the id of an Airflow connection")
        self.conn_id = conn_id
        self.kinds = _texts("kinds", kinds)
        self.states = _texts("states", states)
        if unknown := [state for state in self.states or () if state not in get_args(SettledState)]:
            known = ", ".join(map(repr, get_args(SettledState)))
            raise InvalidArgument(f"states {unknown} are none in which an operation settles: use {known}")
        self.resource_ids = _texts("resource_ids", resource_ids)
        for resource_id in self.resource_ids or ():
            check_id("resource_ids", resource_id)
        self.poll_interval = check_seconds("poll_interval", poll_interval, above=0.0)
        if not isinstance(catchup, bool):
            raise InvalidArgument(f"catchup must be True or False, not {catchup!r}")
        self.since = _since(since)
        self.catchup = catchup
        self.asset = asset

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return class path and arguments, plain JSON values only."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "conn_id": self.conn_id,
                "kinds": self.kinds,
                "states": self.states,
                "resource_ids": self.resource_ids,
                "poll_interval": self.poll_interval,
                "since": self.since,
                "catchup": self.catchup,
                "asset": self.asset,
            },
        )

    def shared_stream_key(self) -> tuple[str, ...]:
        """Return the key of the stream that watchers of one connection and one interval share."""
        return self.serialize()[0], self.conn_id, str(self._interval)

    @classmethod
    async def open_shared_stream(cls, kwargs: dict[str, Any]) -> AsyncIterator[Snapshot]:
        """Yield the snapshots of a connection, where Airflow shares streams but does not report what it has stored."""
        async with aclosing(taken_as_stored(*_stream(kwargs))) as stream:
            async for snapshot in stream:
                yield snapshot

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> SnapshotProducer:
        """Return the producer of a connection's snapshots, to which Airflow reports the events that it has stored."""
        return SnapshotProducer(*_stream(kwargs))

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Snapshot]) -> AsyncIterator[TriggerEvent]:
        """Yield an event for each snapshot with operations that are new to this watcher."""
        wanted = EventFilter(self.kinds or (), self.states or (), self.resource_ids or ())
        store = WatermarkStore(getattr(self, "asset_state_store", None), self._key, self.asset)
        watched = f"connection {self.conn_id!r}{f' for asset {self.asset!r}' if self.asset else ''}"
        tracker = WatermarkTracker(store, wanted, self._begins, watched)
        async for snapshot in shared_stream:
            news, redelivered = await tracker.news(snapshot)
            if news:
                yield TriggerEvent(to_payload(self.conn_id, news, redelivered))  # type: ignore[no-untyped-call]

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield the same events where Airflow shares no streams; the polls are shared all the same."""
        async with aclosing(taken_as_stored(self.conn_id, self._interval)) as stream:
            async for event in self.filter_shared_stream(stream):
                yield event

    @property
    def _key(self) -> str:
        """Return the key of the watermark: it does not depend on the interval, and no release may change it."""
        return f"operation_events:{digest(json.dumps([self.conn_id, self.kinds, self.states, self.resource_ids]))}"

    @property
    def _begins(self) -> float | None:
        if self.since:
            return datetime.fromisoformat(self.since).timestamp()
        return 0.0 if self.catchup else None

    @property
    def _interval(self) -> float:
        return _stream(self.serialize()[1])[1]


def settled_operations(
    triggering_asset_events: Mapping[Any, Sequence[Any]], inlet_events: Any = None
) -> list[Operation]:
    """Return the operations that a DAG run was started for, each once.

    ::

        @task(inlets=[DEPLOYMENTS])
        def report(triggering_asset_events=None, inlet_events=None):
            for operation in settled_operations(triggering_asset_events, inlet_events): ...

    :param triggering_asset_events: from the context. Events of others are left out.
    :param inlet_events: from the context of a task that has the asset among its ``inlets``: what an earlier event has
        delivered already, because a triggerer was killed in the wrong second, is then left out too.
    :raises InvalidArgument: the asset is not among the inlets.
    """
    found: dict[str, Operation] = {}
    for asset, events in triggering_asset_events.items():
        for event in events:
            operations, redelivered = from_payload((event.extra or {}).get("payload"))
            before = _delivered_before(asset, event, inlet_events) if redelivered and inlet_events is not None else ()
            again = redelivered.intersection(before)
            found.update((one.id, one) for one in operations if one.id not in again)
    return list(found.values())


def _delivered_before(asset: Any, event: Any, inlet_events: Any) -> Iterator[str]:
    try:
        earlier = inlet_events[asset]
    except KeyError:
        raise InvalidArgument(f"the task needs inlets=[...] with the asset {asset.name!r}, to see its events") from None
    # the one in question was the last of its watcher; an asset may have several, and other events
    for one in earlier.before(event.timestamp).ascending(False).limit(_EARLIER):
        if one.timestamp < event.timestamp:
            operations, _ = from_payload((one.extra or {}).get("payload"))
            yield from (operation.id for operation in operations)


def _stream(kwargs: Mapping[str, Any]) -> tuple[str, float]:
    interval = kwargs.get("poll_interval")
    return kwargs["conn_id"], POLL_INTERVAL if interval is None else float(interval)


def _texts(name: str, value: Any) -> list[str] | None:
    if value is None:
        return None
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, Collection) or not values or not all(isinstance(one, str) and one for one in values):
        raise InvalidArgument(f"{name} must be a text or several, or None for all, not {value!r}")
    # in any order it is the same watcher
    return sorted(set(values))


def _since(value: Any) -> str | None:
    if value is None:
        return None
    try:
        # Python 3.10 does not know the Z
        moment = datetime.fromisoformat(value.replace("Z", "+00:00")) if isinstance(value, str) else value
        if moment.tzinfo is not None:
            return str(moment.astimezone(timezone.utc).isoformat())
    except (ValueError, AttributeError, TypeError):
        pass
    raise InvalidArgument(f"since must be a datetime with a time zone, or one in ISO 8601, not {value!r}")
