"""What has settled on a connection since when: looks at it, and the watermark of one who watches. No clock, no I/O.

The watermark is a *floor* and what was *seen* above it. The floor is a time of the API's own clock: everything that
settled before it is dealt with. Lists may show an end late, out of order, or several with the same time, so the floor
stays ``SLACK`` behind the newest thing that the API has shown, and what was told above it is remembered by id. What was
announced but is not known to be stored in Airflow is *in doubt*: it is announced again, and marked.
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

from airflow_provider_ops.core.gate import SHORT, fit
from airflow_provider_ops.operation import Operation

VERSION: Final = 1
#: Seconds for which the end of an operation may stay unseen in the lists of its API.
SLACK: Final = 600.0
#: Ends that are remembered by id. Airflow's limit for a stored value, 64 KiB, has room for these.
MOST_REMEMBERED: Final = 2000
#: Operations in one event: it is a row of Airflow's database, and a line of the triggerer's log.
MOST_TOLD: Final = 100
#: Of one operation in an event.
_LIMITS: Final = SHORT._replace(total=8000)


@dataclass(frozen=True, slots=True)
class Ended:
    """A settled operation.

    :param at: epoch seconds of its end by the API's clock, as far as the API tells it, never later than now.
    """

    operation: Operation
    at: float


@dataclass(eq=False)
class Look:
    """What a look at a connection has shown: all that ended at ``since`` or later, oldest first.

    :param newest: latest time that anything in the lists carries.
    :param want: asks that the following looks reach back to a time, on behalf of somebody.
    """

    ended: Sequence[Ended]
    since: float
    newest: float
    want: Callable[[object, float], None]
    #: To be called once the events made of this look are stored.
    on_stored: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    #: Everybody is done with it.
    over: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which settled operations somebody wants to hear of; an empty part means all.

    :param kinds: patterns like ``deployment.*``.
    :param states: ``succeeded``, ``failed``, ``cancelled``.
    """

    kinds: Sequence[str] = ()
    states: Sequence[str] = ()
    resource_ids: Sequence[str] = ()

    def takes(self, operation: Operation) -> bool:
        """Whether this is one of them."""
        return (
            (not self.kinds or any(fnmatchcase(operation.kind, kind) for kind in self.kinds))
            and (not self.states or operation.state.value in self.states)
            and (not self.resource_ids or operation.resource_id in self.resource_ids)
        )


@dataclass(frozen=True)
class Watermark:
    """How far somebody has been told. Values: each change makes a new one.

    :param floor: epoch seconds; what ended before is dealt with.
    :param seen: what was told, by digest of its id, with the second of its end; in the order it was told.
    :param doubt: what was announced without knowing whether Airflow has stored the announcement, likewise.
    """

    floor: float
    seen: Mapping[str, int] = field(default_factory=dict)
    doubt: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def now(cls, look: Look, wanted: Wanted) -> Watermark:
        """The watermark of one who wants to hear of what settles after this look."""
        ended = [one for one in look.ended if wanted.takes(one.operation)]
        return _pruned(cls(_floor(look), _digests(ended)))

    def news(self, look: Look, wanted: Wanted) -> list[Ended]:
        """What of a look is to be told, oldest first."""
        return [
            one
            for one in look.ended
            if one.at >= self.floor and digest(one.operation.id) not in self.seen and wanted.takes(one.operation)
        ]

    def in_doubt(self, news: Iterable[Ended]) -> list[str]:
        """The ids of those that may have been told before."""
        return [one.operation.id for one in news if digest(one.operation.id) in self.doubt]

    def announced(self, news: Iterable[Ended]) -> Watermark:
        """Before the news are told."""
        return replace(self, doubt={**self.doubt, **_digests(news)})

    def told(self, news: Iterable[Ended]) -> Watermark:
        """After the event that tells the news is stored."""
        told = _digests(news)
        doubt = {name: at for name, at in self.doubt.items() if name not in told}
        return _pruned(replace(self, seen={**self.seen, **told}, doubt=doubt))

    def caught_up(self, look: Look) -> Watermark:
        """After a look without news."""
        floor = max(self.floor, _floor(look))
        # what lies below is told never again
        doubt = {name: at for name, at in self.doubt.items() if at + 1 > floor}
        return replace(self, floor=floor, doubt=doubt)

    def merged(self, other: Watermark) -> Watermark:
        """With what another one has told meanwhile who tells the same (a triggerer that was taken for dead)."""
        seen = {**other.seen, **self.seen}
        doubt = {name: at for name, at in {**other.doubt, **self.doubt}.items() if name not in seen}
        return Watermark(max(self.floor, other.floor), seen, doubt)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"version": VERSION, "floor": self.floor, "seen": dict(self.seen), "doubt": dict(self.doubt)}

    @classmethod
    def from_dict(cls, data: Any) -> Watermark | None:
        """Back from :meth:`to_dict`; ``None`` for what is none of this release."""
        try:
            if data["version"] != VERSION:
                return None
            seen, doubt = ({str(k): int(v) for k, v in data[name].items()} for name in ("seen", "doubt"))
            return cls(float(data["floor"]), seen, doubt)
        except (TypeError, KeyError, ValueError, AttributeError):
            return None


def moment(operation: Operation, now: float) -> float:
    """When an operation settled, by what its API tells; ``now`` where it tells nothing.

    An API whose clock is ahead must not raise the floor above what settles later.
    """
    at = operation.ended_at or operation.updated_at or operation.started_at or operation.created_at
    return now if at is None else min(at.timestamp(), now)


def latest(operation: Operation, now: float) -> float:
    """The latest time that an operation carries; 0 where it carries none."""
    return min(max((at.timestamp() for at in _times(operation) if at is not None), default=0.0), now)


def is_newest_first(operations: Sequence[Operation]) -> bool:
    """Whether operations come in such an order that older ones follow: by start, by last change or by end."""
    return any(
        all(later is not None and earlier is not None and later >= earlier for later, earlier in pairwise(of))
        for of in zip(*(_times(operation) for operation in operations), strict=True)
    )


def digest(text: str) -> str:
    """Eight characters that stand for a text."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:6]).decode()


def to_payload(conn_id: str, news: Sequence[Ended], redelivered: Sequence[str]) -> dict[str, Any]:
    """The payload of the event that tells the news, JSON."""
    return {
        "version": VERSION,
        "conn_id": conn_id,
        "operations": [fit(one.operation.to_dict(), _LIMITS).value for one in news],
        "redelivered": list(redelivered),
    }


def from_payload(payload: Any) -> tuple[list[Operation], frozenset[str]]:
    """The operations of an event and the ids of those that may have been told before; nothing of other events."""
    if not isinstance(payload, Mapping) or not isinstance(payload.get("operations"), Sequence):
        return [], frozenset()
    return [Operation.from_dict(one) for one in payload["operations"]], frozenset(payload.get("redelivered") or ())


def _times(operation: Operation) -> tuple[datetime | None, ...]:
    return operation.created_at, operation.started_at, operation.updated_at, operation.ended_at


def _pruned(mark: Watermark) -> Watermark:
    extra = len(mark.seen) - MOST_REMEMBERED
    if extra <= 0:
        return mark
    by_time = sorted(mark.seen.items(), key=lambda item: item[1])
    # what is forgotten must not come back
    floor = max(mark.floor, float(by_time[extra - 1][1] + 1))
    return replace(mark, floor=floor, seen=dict(by_time[extra:]))


def _floor(look: Look) -> float:
    return max(look.since, look.newest - SLACK)


def _digests(ended: Iterable[Ended]) -> dict[str, int]:
    return {digest(one.operation.id): int(one.at) for one in ended}
