"""What is stored about one submit, and how it is read back, whatever was stored.

Format 2 still has the fields of format 1 (release 0.1.0) under their names, so that a worker of that release reads it.
Written back there, it lacks what that release does not know; all of that is optional here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, TypeVar

from airflow_provider_ops import __version__
from airflow_provider_ops.core.clear_or_retry import Attempt, Stamp
from airflow_provider_ops.core.gate import LONGEST_ADDRESS
from airflow_provider_ops.exceptions import UnreadableHandle
from airflow_provider_ops.operation import Operation

T = TypeVar("T")

#: Format of the stored handle. Raised when an older release would misread it; older formats stay readable.
VERSION = 2
#: Version of :attr:`Handle.arguments`. Raised when equal arguments give another fingerprint than before.
ARGUMENTS_VERSION = 1
#: Begins the fingerprint of an operation that the task was given, so that no request passes for the same.
_GIVEN = f"{ARGUMENTS_VERSION}:operation "

_KEY = re.compile(r"[\x21-\x7e]{0,64}")
#: An address, and what stands before it in :attr:`Handle.arguments`.
_LONGEST_TEXT = LONGEST_ADDRESS + 64
_MOST_OPERATIONS = 1000
_LARGEST = 2**53


@dataclass(frozen=True, slots=True)
class OperationRef:
    """An operation that a submit has started, and what it acts on."""

    operation_id: str
    resource_type: str | None = None
    resource_id: str | None = None
    operation_url: str | None = None
    result_path: str | None = None


@dataclass(frozen=True, slots=True)
class Handle:
    """What is stored about one submit.

    :param key: our mark in the request: idempotency key, tag or derived name.
    :param generation: counts the resources this task run was meant to have; 1 is the first.
    :param fingerprint: hash of the request; only release 0.1.0 compares it.
    :param max_tries: as Airflow showed it to the try that submitted or adopted, like ``clear_number`` and ``ti_id``.
    :param submitted_at: epoch seconds just before the submit.
    :param operations: empty while only the intent is known.
    :param refused: the request was certainly not carried out.
    :param killed: the kill policy was carried out on it, which may take a moment to show.
    :param end_requested: the API took a request to end it.
    :param removed: the operation had ended, and a policy of the task has removed what it made.
    :param creates: whether the resource is what it makes, so that a policy may delete it.
    :param prefix: what ``key`` begins with, see :mod:`~airflow_provider_ops.core.identity`.
    :param nonce: what ``key`` ends with.
    :param arguments: fingerprint of the user's arguments with its version, like ``1:0f3a``.
    :param owes: policy that was begun, or has to be carried out, before anything is submitted: ``cancel``, ``delete``.
    :param owes_because: ``kill``, ``timeout`` or ``failure``.
    :param not_sent: the request certainly never left.
    :param has_finished: a try has returned its result.
    :param spec: hash of the connection's spec; ``None`` for an API of this package, and from release 0.1.0.
    :param release: release of this provider that wrote it.
    """

    api: str
    kind: str
    key: str
    generation: int
    fingerprint: str
    max_tries: int
    try_number: int
    submitted_at: float
    operations: tuple[OperationRef, ...] = ()
    refused: bool = False
    killed: bool = False
    removed: bool = False
    creates: bool = True
    prefix: str = ""
    nonce: str = ""
    clear_number: int | None = None
    ti_id: str | None = None
    arguments: str | None = None
    owes: str | None = None
    owes_because: str | None = None
    not_sent: bool = False
    has_finished: bool = False
    end_requested: bool = False
    spec: str | None = None
    release: str = __version__
    version: int = VERSION

    @property
    def operation_id(self) -> str | None:
        """Return the id of the operation; ``None`` while only the intent is known."""
        return self.operations[0].operation_id if self.operations else None

    @property
    def resource_type(self) -> str | None:
        """Return what kind of thing the operation acts on."""
        return self.operations[0].resource_type if self.operations else None

    @property
    def resource_id(self) -> str | None:
        """Return the id of what the operation acts on."""
        return self.operations[0].resource_id if self.operations else None

    @property
    def operation_url(self) -> str | None:
        """Return the page for people that shows the operation."""
        return self.operations[0].operation_url if self.operations else None

    @property
    def result_path(self) -> str | None:
        """Return where the result is read after success, path and query below the base URL."""
        return self.operations[0].result_path if self.operations else None

    @property
    def stamp(self) -> Stamp:
        """Return what it says of the try that submitted or adopted the operation."""
        return Stamp(self.ti_id, self.max_tries, self.clear_number, self.has_finished)

    @property
    def known_submit(self) -> float | None:
        """Return the epoch seconds of the submit; ``None`` where the task has not sent it, as far as is known."""
        return self.submitted_at if self.key else None

    def stamped(self, attempt: Attempt) -> Handle:
        """Return the handle as one that belongs to a try."""
        return replace(self, max_tries=attempt.max_tries, clear_number=attempt.clear_number, ti_id=attempt.ti_id)

    def answered(self, operation_id: str, *others: str, **facts: str | None) -> Handle:
        """Return the handle once the operation is known.

        :param others: further operations of the same submit.
        """
        return replace(self, operations=(OperationRef(operation_id, **facts), *map(OperationRef, others)))

    def following(self, operation_id: str | None) -> str | None:
        """Return the operation to wait for after one of the submit's has succeeded, ``None`` after the last."""
        ids = [one.operation_id for one in self.operations]
        place = ids.index(operation_id) + 1 if operation_id in ids else len(ids)
        return ids[place] if place < len(ids) else None

    @classmethod
    def placeholder(cls, kind: str, *, api: str = "", operation_id: str | None = None, **facts: str | None) -> Handle:
        """Return a handle for an operation whose submit is not (or no longer) known."""
        bare = cls(api, kind, "", 0, "", 0, 0, 0.0)
        return bare if operation_id is None and not facts else bare.answered(operation_id or "", **facts)

    @classmethod
    def of_existing(cls, operation: Operation, *, before: Handle | None) -> Handle:
        """Return a handle for an operation that the task was given; no policy may delete what that made.

        :param before: what was stored. Where it names this operation, an earlier try may have submitted that, as its
            key says.
        """
        found = cls.placeholder(
            operation.kind,
            api=operation.api,
            operation_id=operation.id,
            resource_type=operation.resource_type,
            resource_id=operation.resource_id,
            operation_url=operation.url,
        )
        found = replace(found, arguments=f"{_GIVEN}{operation.id}", creates=False)
        if before is None:
            return found
        is_same = operation.id in [one.operation_id for one in before.operations]
        if is_same and before.key:
            found = replace(found, kind=before.kind, key=before.key, submitted_at=before.submitted_at)
        return replace(found, generation=before.generation)

    @property
    def is_given(self) -> bool:
        """Return whether the task was given the operation and has not submitted it."""
        return (self.arguments or "").startswith(_GIVEN)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values for the task state store, those that release 0.1.0 reads among them."""
        first = self.operations[0] if self.operations else OperationRef("")
        flat = {**asdict(first), "operation_id": self.operation_id}
        own = {_STORED_NAMES.get(name, name): value for name, value in asdict(self).items()}
        return {**own, "operations": [asdict(one) for one in self.operations], **flat}

    @classmethod
    def from_dict(cls, data: object) -> Handle:
        """Read what :meth:`to_dict` of this or an earlier release has written.

        :raises UnreadableHandle: anything else, and what a newer release has written.
        """
        if not isinstance(data, Mapping):
            raise UnreadableHandle(f"it is a {type(data).__name__}, not an object")
        _check_version(data)
        stored = {name: _STORED_NAMES.get(name, name) for name in _FIELDS}
        values = {
            name: read(data, stored[name])
            for name, read in _FIELDS.items()
            if stored[name] in data or name in _REQUIRED
        }
        return cls(**values, operations=_operations(data))


def _check_version(data: Mapping[str, Any]) -> None:
    version = _count(data, "version") if "version" in data else 1
    if version > VERSION:
        release = data.get("release")
        newer = f"release {release[:40]}" if isinstance(release, str) and release.isprintable() else "a newer release"
        raise UnreadableHandle(
            f"{newer} of airflow-provider-ops has stored it in format {version}, "
            f"and this release, {__version__}, reads formats up to {VERSION}",
            is_newer=True,
        )


def _operations(data: Mapping[str, Any]) -> tuple[OperationRef, ...]:
    first = {name: _optional(_text)(data, name) for name in _REFERENCE if name in data}
    if first.get("operation_id") is None:
        return ()
    listed = data.get("operations")
    # release 0.1.0 leaves the list out
    return (OperationRef(**first),) if listed is None else _listed(listed)  # type: ignore[arg-type]


def _listed(listed: object) -> tuple[OperationRef, ...]:
    if not isinstance(listed, (list, tuple)) or not 0 < len(listed) <= _MOST_OPERATIONS:
        raise UnreadableHandle("operations is no list of operations")
    return tuple(map(_reference, listed))


def _reference(data: object) -> OperationRef:
    if not isinstance(data, Mapping):
        raise UnreadableHandle("one of its operations is not an object")
    more = {name: _optional(_text)(data, name) for name in _REFERENCE if name in data}
    return OperationRef(**{**more, "operation_id": _text(data, "operation_id")})  # type: ignore[arg-type]


def _text(data: Mapping[str, Any], name: str) -> str:
    value = _present(data, name)
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise UnreadableHandle(f"{name} is no text of at most {_LONGEST_TEXT} characters")
    return value


def _key(data: Mapping[str, Any], name: str) -> str:
    value = _text(data, name)
    if _KEY.fullmatch(value) is None:
        raise UnreadableHandle(f"{name} is nothing that a request can carry")
    return value


def _count(data: Mapping[str, Any], name: str) -> int:
    value = _present(data, name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST:
        raise UnreadableHandle(f"{name} is no count")
    return value


def _flag(data: Mapping[str, Any], name: str) -> bool:
    value = _present(data, name)
    if not isinstance(value, bool):
        raise UnreadableHandle(f"{name} is neither true nor false")
    return value


def _time(data: Mapping[str, Any], name: str) -> float:
    value = _present(data, name)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        raise UnreadableHandle(f"{name} is no time")
    if not 0 <= value <= _LARGEST:
        raise UnreadableHandle(f"{name} is no time")
    return float(value)


def _optional(read: Callable[[Mapping[str, Any], str], T]) -> Callable[[Mapping[str, Any], str], T | None]:
    return lambda data, name: None if data.get(name) is None else read(data, name)


def owed_policy(stored: object) -> str | None:
    """Return what a stored handle owes, as in ``on_kill=delete``; ``None`` for nothing, and for what is no handle."""
    owed = stored if isinstance(stored, Mapping) else {}
    policy, because = owed.get("owes"), owed.get("owes_because")
    return f"on_{because}={policy}" if isinstance(policy, str) and isinstance(because, str) else None


def _present(data: Mapping[str, Any], name: str) -> object:
    if name not in data:
        raise UnreadableHandle(f"{name} is missing")
    return data[name]


_REQUIRED = ("api", "kind", "key", "generation", "fingerprint", "max_tries", "try_number", "submitted_at")
#: Fields that are stored under the name that they had in release 0.1.0.
_STORED_NAMES: Mapping[str, str] = {"submitted_at": "at"}
_REFERENCE = tuple(item.name for item in fields(OperationRef))
_READERS: Mapping[str, Callable[[Mapping[str, Any], str], Any]] = {
    "str": _text,
    "int": _count,
    "float": _time,
    "bool": _flag,
    "int | None": _optional(_count),
    "str | None": _optional(_text),
}
#: How each field is read; ``version`` and ``release`` are of what is written next, not of what was read.
_FIELDS: Mapping[str, Callable[[Mapping[str, Any], str], Any]] = {
    **{
        item.name: _READERS[str(item.type)]
        for item in fields(Handle)
        if item.name not in ("operations", "version", "release")
    },
    "key": _key,
}
