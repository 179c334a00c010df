"""The values everything speaks of: an operation, its state, its progress, its error.

No I/O and no Airflow here. Every API maps its own wire model to :class:`Operation`
(see ``airflow_provider_ops.apis``), so hooks, operators, sensor and trigger know one shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timezone
from enum import Enum
from functools import lru_cache
from operator import attrgetter
from typing import Any

from airflow_provider_ops.core.gate import SHORT, clean, cut_text, why_no_id
from airflow_provider_ops.exceptions import TransportError

__all__ = ["Operation", "OperationError", "OperationState", "Progress", "Step"]

#: Bytes of an id that is none, in the error about it.
_SHOWN_ID = 200
#: Characters that never need more bytes than a short text may have.
_SHORTEST_CUT = SHORT.text // 4


class OperationState(str, Enum):
    """Where an operation stands, the same words for every API."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    #: A word this release does not know. Not terminal: ``Operation.raw_state`` keeps the text.
    UNKNOWN = "unknown"

    #: Whether the operation has settled and will not change again.
    is_terminal: bool

    def __init__(self, value: str) -> None:
        # read at every poll, and a set would hash by a method written in Python
        self.is_terminal = value in ("succeeded", "failed", "cancelled")

    def __str__(self) -> str:
        return str(self.value)


def _bound(made: object, names: Sequence[str]) -> None:
    """Cut words and short texts that an API makes long: they are in every line, event and result."""
    for name in names:
        text = getattr(made, name)
        if text is not None and len(text) > _SHORTEST_CUT:
            object.__setattr__(made, name, cut_text(text))


@dataclass(frozen=True, slots=True)
class Step:
    """One step or one resource inside an operation, where the API shows them."""

    name: str
    state: str
    started_at: datetime | None = None
    ended_at: datetime | None = None
    message: str | None = None
    #: The step waits for a person (Akua ``user`` and ``approval`` steps).
    needs_human: bool = False

    def __post_init__(self) -> None:
        _bound(self, ("name", "state", "message"))


@dataclass(frozen=True, slots=True)
class Progress:
    """What a running operation is doing now."""

    phase: str | None = None
    message: str | None = None
    steps: tuple[Step, ...] = ()
    done: int | None = None
    total: int | None = None

    def __post_init__(self) -> None:
        _bound(self, ("phase", "message"))

    def __str__(self) -> str:
        count = f"{self.done}/{self.total}" if self.total else None
        return ", ".join(filter(None, (self.phase, self.message, count)))


@dataclass(frozen=True, slots=True)
class OperationError:
    """Why an operation failed, as far as the API says."""

    message: str
    code: str | None = None
    #: What the API says about trying again; ``None`` where it says nothing.
    retryable: bool | None = None
    #: Seconds to leave before trying again, where the API says so.
    retry_after: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.code else self.message


@dataclass(frozen=True, slots=True)
class Operation:
    """A remote long-running action. Times are aware UTC ``datetime``; absent facts are ``None``."""

    id: str
    api: str
    kind: str
    state: OperationState
    raw_state: str
    resource_type: str | None = None
    resource_id: str | None = None
    progress: Progress | None = None
    error: OperationError | None = None
    result: Mapping[str, Any] | None = None
    #: A page for people, where the API gives one.
    url: str | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    updated_at: datetime | None = None
    ended_at: datetime | None = None
    #: The answer of the API as it came. Not part of events and XCom.
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if (why := why_no_id(self.id)) is not None:
            raise TransportError(
                f"{cut_text(self.id, _SHOWN_ID)!r} cannot be the id of an operation: it {why}", reason="unreadable"
            )
        _bound(self, ("kind", "raw_state", "resource_type"))

    def __str__(self) -> str:
        return f"{self.api} operation {self.id} ({self.kind}, {self.raw_state})"

    def to_dict(self) -> dict[str, Any]:
        """Return the operation as JSON values, without ``raw``; times in ISO 8601."""
        return _WRITE_OPERATION(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Operation:
        """Return the operation that :meth:`to_dict` wrote, also in an older or newer release; cleaned."""
        data = clean(data)
        progress, error = data.get("progress"), data.get("error")
        state = data.get("state", "unknown")
        return cls(
            id=data["id"],
            api=data.get("api", ""),
            kind=data.get("kind", ""),
            state=OperationState(state) if state in _STATES else OperationState.UNKNOWN,
            raw_state=data.get("raw_state") or str(state),
            resource_type=data.get("resource_type"),
            resource_id=data.get("resource_id"),
            progress=_progress_from(progress) if progress else None,
            error=OperationError(**_known(OperationError, error)) if error else None,
            result=data.get("result"),
            url=data.get("url"),
            created_at=_time(data.get("created_at")),
            started_at=_time(data.get("started_at")),
            updated_at=_time(data.get("updated_at")),
            ended_at=_time(data.get("ended_at")),
        )


_SHOWN = tuple(item.name for item in fields(Operation) if item.name != "raw")
_FIELDS = {kind: tuple(item.name for item in fields(kind)) for kind in (Step, Progress, OperationError)}
_STATES = frozenset(state.value for state in OperationState)


def _progress_from(data: Mapping[str, Any]) -> Progress:
    known = _known(Progress, data)
    steps = []
    for step in known.pop("steps", None) or ():
        if isinstance(step, str):
            # says that there were more
            steps.append(Step(step, ""))
            continue
        times = {"started_at": _time(step.get("started_at")), "ended_at": _time(step.get("ended_at"))}
        steps.append(Step(**{**_known(Step, step), **times}))
    return Progress(**known, steps=tuple(steps))


def web_address(url: object) -> str | None:
    """Return ``url`` if a person may click on it: an API could say ``javascript:``, and Airflow's UI would run that."""
    if not isinstance(url, str) or not url.isprintable() or len(url) > SHORT.text:
        return None
    return url if url.startswith(("https://", "http://")) else None


def _known(cls: type, data: Mapping[str, Any]) -> dict[str, Any]:
    names = {item.name for item in fields(cls)}
    return {key: value for key, value in data.items() if key in names}


def _time(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


def _writer(names: Sequence[str]) -> Callable[[Any], dict[str, Any]]:
    values_of = attrgetter(*names)

    def write(value: Any) -> dict[str, Any]:
        # ten thousand may be written at once, and most of what is shown is text or absent
        return {
            name: item if item is None or type(item) is str else _to_json(item)
            for name, item in zip(names, values_of(value), strict=True)
        }

    return write


def _to_json(value: Any) -> Any:
    write = _WRITERS.get(type(value))
    if write is not None:
        return write(value)
    if isinstance(value, (list, tuple)):
        return [_to_json(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _to_json(item) for key, item in value.items()}
    return _moment_to_json(value) if isinstance(value, datetime) else value


# operations share their moments: what was asked for together began within the same seconds
@lru_cache(maxsize=4096)
def _moment_to_json(value: datetime) -> str:
    return value.astimezone(timezone.utc).isoformat()


_WRITE_OPERATION = _writer(_SHOWN)
_WRITERS: Mapping[type, Callable[[Any], Any]] = {
    str: str,
    # the word as plain text
    OperationState: str.__str__,
    datetime: _moment_to_json,
    **{kind: _writer(names) for kind, names in _FIELDS.items()},
}
