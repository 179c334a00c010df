"""What has settled on a connection since when: snapshots of it, and the watermark of a subscriber. No clock, no I/O.

The watermark is a *floor* and what was *delivered* above it. The floor is a time of the API's own clock: everything
that settled before it is dealt with. Lists may show an end late, out of order, or several with the same time, so the
floor stays ``SLACK`` behind the newest thing that the API has shown, and what was delivered above it is remembered by
id. What was announced but is not known to be stored in Airflow is *unconfirmed*: it is announced again, and marked.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Any, Final

from airflow_provider_ops.core.gate import SHORT, fit, ids_in
from airflow_provider_ops.operation import Operation

VERSION: Final = 1
#: Seconds for which the end of an operation may stay unseen in the lists of its API.
SLACK: Final = 600.0
#: Ends that are remembered by id. Airflow's limit for a stored value, 64 KiB, has room for these.
MOST_REMEMBERED: Final = 2000
#: Open operations that are remembered by id: those that began before the floor, so that no date could show their end.
MOST_FOLLOWED: Final = 300
#: Operations in one event: it is a row of Airflow's database, and a line of the triggerer's log.
MOST_DELIVERED: Final = 100
#: Of one operation in an event.
_LIMITS: Final = SHORT._replace(total=8000)


@dataclass(frozen=True, slots=True)
class SettledOperation:
    """A settled operation.

    :param at: epoch seconds of its end by the API's clock, as far as the API gives it, never later than now.
    """

    operation: Operation
    at: float


@dataclass(eq=False)
class Snapshot:
    """What one read of a connection has shown: all that ended at ``since`` or later, oldest first.

    :param newest: latest time that anything in the lists carries.
    :param want: asks that the following snapshots reach back to a time; the first argument is the subscriber.
    :param open: ids of what has not settled, with the time at which each began.
    :param follow: asks that operations that a subscriber has seen open before are followed to their end.
    """

    ended: Sequence[SettledOperation]
    since: float
    newest: float
    want: Callable[[object, float], None]
    open: Mapping[str, float] = field(default_factory=dict)
    follow: Callable[[Iterable[str]], None] = lambda _ids: None
    #: To be called once the events made of this snapshot are stored.
    on_stored: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    #: All subscribers are done with it.
    over: bool = False


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which settled operations a subscriber gets; an empty part means all.

    :param kinds: patterns like ``deployment.*``.
    :param states: ``succeeded``, ``failed``, ``cancelled``.
    """

    kinds: Sequence[str] = ()
    states: Sequence[str] = ()
    resource_ids: Sequence[str] = ()

    @property
    def summary(self) -> str:
        """Return what is let through, in a few words."""
        parts = (("kinds", self.kinds), ("states", self.states), ("resources", self.resource_ids))
        said = [f"{name} {', '.join(values)}" for name, values in parts if values]
        return "; ".join(said) or "all kinds"

    def accepts(self, operation: Operation) -> bool:
        """Return whether the filter lets an operation through."""
        return (
            (not self.kinds or any(fnmatchcase(operation.kind, kind) for kind in self.kinds))
            and (not self.states or operation.state.value in self.states)
            and (not self.resource_ids or operation.resource_id in self.resource_ids)
        )


@dataclass(frozen=True)
class Watermark:
    """How far events were delivered to a subscriber. Immutable: each change makes a new one.

    :param floor: epoch seconds; what ended before is dealt with.
    :param delivered: second of the end of each operation that was delivered, by digest of its id; in the order of
        delivery.
    :param unconfirmed: the same of what was announced while it is not known whether Airflow has stored the event.
    :param pruned: second and digest of the last one that was delivered and then forgotten; all up to it are dealt with.
    :param open: ids of operations that run since before the floor.
    :param announcer: id of the process that has announced something last.
    """

    floor: float
    delivered: Mapping[str, int] = field(default_factory=dict)
    unconfirmed: Mapping[str, int] = field(default_factory=dict)
    pruned: tuple[int, str] = (0, "")
    open: frozenset[str] = frozenset()
    announcer: str = ""

    @classmethod
    def now(cls, snapshot: Snapshot, wanted: EventFilter) -> Watermark:
        """Return the watermark of a subscriber that gets what settles after this snapshot."""
        ended = [one for one in snapshot.ended if wanted.accepts(one.operation)]
        return _pruned(cls(_floor(snapshot), _digests(ended)))

    def news(self, snapshot: Snapshot, wanted: EventFilter) -> list[SettledOperation]:
        """Return what of a snapshot to announce next, as much as fits into one event, oldest first."""
        found = [
            one
            for one in snapshot.ended
            if one.at >= self.floor and self._is_new(one) and wanted.accepts(one.operation)
        ]
        return found if len(found) <= MOST_DELIVERED else sorted(found, key=_place)[:MOST_DELIVERED]

    def _is_new(self, one: SettledOperation) -> bool:
        return digest(one.operation.id) not in self.delivered and _place(one) > self.pruned

    def in_doubt(self, news: Iterable[SettledOperation]) -> list[str]:
        """Return the ids of those that may have been delivered before."""
        return [one.operation.id for one in news if digest(one.operation.id) in self.unconfirmed]

    def announce(self, news: Iterable[SettledOperation]) -> Watermark:
        """Return the watermark to store before an event with the news is sent."""
        return replace(self, unconfirmed={**self.unconfirmed, **_digests(news)})

    def confirm(self, news: Iterable[SettledOperation]) -> Watermark:
        """Return the watermark once the event with the news is stored."""
        stored = _digests(news)
        doubt = {name: at for name, at in self.unconfirmed.items() if name not in stored}
        return _pruned(replace(self, delivered={**self.delivered, **stored}, unconfirmed=doubt))

    def caught_up(self, snapshot: Snapshot) -> Watermark:
        """Return the watermark after a snapshot without news."""
        floor = max(self.floor, _floor(snapshot))
        # what lies below is never announced again
        doubt = {name: at for name, at in self.unconfirmed.items() if at + 1 > floor}
        return replace(self, floor=floor, unconfirmed=doubt, open=_followed(snapshot, floor))

    def merged(self, other: Watermark) -> Watermark:
        """Return the watermark with what another triggerer, which was taken for dead, has delivered meanwhile."""
        seen = {**other.delivered, **self.delivered}
        doubt = {name: at for name, at in self.unconfirmed.items() if name not in seen}
        floor, pruned = max(self.floor, other.floor), max(self.pruned, other.pruned)
        return replace(self, floor=floor, delivered=seen, unconfirmed=doubt, pruned=pruned, announcer=other.announcer)

    def to_dict(self) -> dict[str, Any]:
        """Return the watermark as JSON values."""
        later = {
            "pruned": list(self.pruned) if self.pruned[1] else [],
            "open": sorted(self.open),
            "teller": self.announcer,
        }
        return {
            "version": VERSION,
            "floor": self.floor,
            "seen": dict(self.delivered),
            "doubt": dict(self.unconfirmed),
            # 0.1.0 has none of these
            **{name: value for name, value in later.items() if value},
        }

    @classmethod
    def from_dict(cls, data: Any) -> Watermark | None:
        """Read what :meth:`to_dict` has written; ``None`` for what this release cannot read."""
        try:
            if data["version"] != VERSION:
                return None
            seen, doubt = ({str(k): int(v) for k, v in data[name].items()} for name in ("seen", "doubt"))
            second, name = data.get("pruned") or (0, "")
            followed = frozenset(str(one) for one in data.get("open", ()))
            pruned, teller = (int(second), str(name)), str(data.get("teller", ""))
            return cls(float(data["floor"]), seen, doubt, pruned, followed, teller)
        except (TypeError, KeyError, ValueError, AttributeError):
            return None


def moment(operation: Operation, now: float) -> float:
    """Return when an operation settled, in epoch seconds, by the times that its API gives; ``now`` without any.

    It is neither before the operation began nor after ``now``.

    An API whose clock is ahead must not raise the floor above what settles later.
    """
    at = operation.ended_at or operation.updated_at or operation.started_at or operation.created_at
    return now if at is None else min(max(at.timestamp(), began(operation)), now)


def began(operation: Operation) -> float:
    """Return when an operation began, in epoch seconds; 0 where its API gives no time."""
    at = operation.created_at or operation.started_at
    return 0.0 if at is None else at.timestamp()


def latest(operation: Operation, now: float) -> float:
    """Return the latest time that an operation carries, without those after ``now``; 0 where it carries none."""
    times = (at.timestamp() for at in _times(operation) if at is not None)
    return max((at for at in times if at <= now), default=0.0)


def is_newest_first(operations: Sequence[Operation]) -> bool:
    """Return whether operations are sorted newest first, by start, by last change or by end."""
    return any(
        all(later is not None and earlier is not None and later >= earlier for later, earlier in pairwise(of))
        for of in zip(*(_times(operation) for operation in operations), strict=True)
    )


def digest(text: str) -> str:
    """Return eight characters that stand for a text."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:6]).decode()


def to_payload(conn_id: str, news: Sequence[SettledOperation], redelivered: Sequence[str]) -> dict[str, Any]:
    """Return the payload of the event that announces the news, JSON."""
    return {
        "version": VERSION,
        "conn_id": conn_id,
        "operations": [_fitted(one.operation.to_dict()) for one in news],
        "redelivered": list(redelivered),
    }


def _fitted(operation: Mapping[str, Any]) -> Any:
    return fit(operation, _LIMITS, ids_in(operation)).value


def from_payload(payload: Any) -> tuple[list[Operation], frozenset[str]]:
    """Return the operations of an event and the ids of those that may have been delivered before.

    Both are empty for other events.
    """
    if not isinstance(payload, Mapping) or not isinstance(payload.get("operations"), Sequence):
        return [], frozenset()
    return [Operation.from_dict(one) for one in payload["operations"]], frozenset(payload.get("redelivered") or ())


def _times(operation: Operation) -> tuple[datetime | None, ...]:
    return operation.created_at, operation.started_at, operation.updated_at, operation.ended_at


def _pruned(mark: Watermark) -> Watermark:
    extra = len(mark.delivered) - MOST_REMEMBERED
    if extra <= 0:
        return mark
    by_place = sorted((second, name) for name, second in mark.delivered.items())
    # what is forgotten must not come back, and of those that ended in the same second none may be left out
    pruned = max(mark.pruned, by_place[extra - 1])
    seen = {name: second for second, name in by_place[extra:]}
    return replace(mark, floor=max(mark.floor, float(pruned[0])), delivered=seen, pruned=pruned)


def _followed(snapshot: Snapshot, floor: float) -> frozenset[str]:
    """Return open operations that began before the floor: the end of the others has a later date, whatever it is."""
    old = sorted((at, name) for name, at in snapshot.open.items() if at < floor)
    return frozenset(name for _, name in old[:MOST_FOLLOWED])


def _place(one: SettledOperation) -> tuple[int, str]:
    return int(one.at), digest(one.operation.id)


def _floor(snapshot: Snapshot) -> float:
    return max(snapshot.since, snapshot.newest - SLACK)


def _digests(ended: Iterable[SettledOperation]) -> dict[str, int]:
    return {digest(one.operation.id): int(one.at) for one in ended}
