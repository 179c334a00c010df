"""What a submit is, what its answer says, and what it has left that has our mark."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from airflow_provider_ops.apis.calls import Call, Request, Response, check_path
from airflow_provider_ops.core.gate import cut_text, is_clean_id, one_line, why_no_id
from airflow_provider_ops.exceptions import TransportError
from airflow_provider_ops.operation import Operation, web_address

#: Where answers are known to name their operation, tried in this order; a dot goes one object deeper.
_OPERATION_IDS = (
    "operation_id", "operationId", "data.operation_id", "operation.id", "render.operation_id", "data.operation.id",
)  # fmt: skip
#: Ids that may be those of a resource as well, so that a ``Location`` that speaks of operations comes first.
_BARE_IDS = ("id", "data.id")


class NamesNoOperation(TransportError):
    """The answer to a submit names no operation that can be read where the description of the API says that it does."""

    def __init__(self, what: str) -> None:
        super().__init__(what, reason="unreadable")


@dataclass(frozen=True, slots=True)
class Submitted:
    """What the answer to a submit says, whatever its shape."""

    operation_id: str
    kind: str
    resource_type: str | None = None
    resource_id: str | None = None
    #: The operation itself where the answer carries it.
    operation: Operation | None = None
    #: A page for people that shows the operation, where the API gives one.
    operation_url: str | None = None
    #: The idempotency key, tag or name of ours that the API shows with it, where it does.
    key: str | None = None
    #: Ids of further operations that the same submit has started.
    others: tuple[str, ...] = ()
    #: Path and query, below the base URL, at which the result is read after success.
    result_path: str | None = None

    def __post_init__(self) -> None:
        for name in (self.operation_id, *self.others):
            if (why := why_no_id(name)) is not None:
                msg = f"the answer names an operation {cut_text(name, 200)!r}, which cannot be an id: it {why}"
                raise NamesNoOperation(msg)
        if self.resource_id is not None and not is_clean_id(self.resource_id):
            # the operation is usable; code that needs its resource reads it from the operation, and is refused there
            object.__setattr__(self, "resource_id", None)
        object.__setattr__(self, "operation_url", web_address(self.operation_url))
        object.__setattr__(self, "kind", one_line(self.kind))
        object.__setattr__(self, "resource_type", one_line(self.resource_type) if self.resource_type else None)

    def __str__(self) -> str:
        known = " ".join(filter(None, (self.resource_type, self.resource_id)))
        return f"operation {self.operation_id} ({known})" if known else f"operation {self.operation_id}"

    @classmethod
    def of(cls, operation: Operation) -> Submitted:
        """Return what an answer says that is the operation itself."""
        return cls(
            operation.id, operation.kind, operation.resource_type, operation.resource_id, operation, operation.url
        )


@dataclass(frozen=True, slots=True)
class SubmitCall(Call[Submitted]):
    """A call that starts an operation.

    :param kind: what will be started, like ``deployment.create``; chooses the default wait timeout.
    :param creates: whether success leaves a new resource that a policy may delete again.
    """

    kind: str = ""
    creates: bool = False
    #: A call that must succeed before anything is submitted (Nirvana's availability).
    preflight: Call[Any] | None = None

    def with_request(self, **changes: Any) -> SubmitCall:
        """Return the same submit with some parts of its request replaced."""
        return replace(self, request=replace(self.request, **changes))


@dataclass(frozen=True, slots=True)
class Intent:
    """What is known of a submit whose answer was never seen: its marked request and our key.

    :param age: seconds since the request was first about to leave, now; ``None`` to find it whenever that was.
    :param is_exact: whether one clock has measured them; else another process has sent it, by a clock of its own.
    """

    submit: SubmitCall
    key: str
    age: Callable[[], float] | None = None
    is_exact: bool = False


@dataclass(frozen=True, slots=True)
class OwnedResource:
    """Something that exists and that was created by a submit with a mark of ours."""

    key: str
    resource_type: str
    resource_id: str
    name: str | None = None
    state: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OwnedResources:
    """What :meth:`Api.list_owned` found, and what it could not read, a sentence each."""

    found: Sequence[OwnedResource] = ()
    problems: Sequence[str] = ()


def generic_submit(method: str, path: str, *, json: Any = None, query: Mapping[str, Any] | None = None) -> SubmitCall:
    """Return a submit of which only the request is known.

    :raises InvalidArgument: method or path cannot be sent.
    """
    method = method.upper()
    check_path(method, path)
    request = Request(method, path, path, query=dict(query or {}), json=json)
    return SubmitCall(request, lambda response: Submitted(find_operation_id(response), ""))


def find_operation_id(response: Response) -> str:
    """Return the operation id in an answer of unknown shape: a known field, else the last part of ``Location``.

    :raises TransportError: reason ``unreadable`` when the answer names none.
    """
    try:
        body = response.json()
    except TransportError:
        body = None
    *above, last = response.headers.get("location", "").split("?")[0].rstrip("/").split("/")
    located = last if above and above[-1] == "operations" else None
    found = _first_text(body, _OPERATION_IDS) or located or _first_text(body, _BARE_IDS) or last
    if found:
        return found
    names = ", ".join((*_OPERATION_IDS, *_BARE_IDS))
    msg = f"the answer (HTTP {response.status}) names no operation: searched for {names} and Location"
    raise TransportError(msg, reason="unreadable")


def _first_text(body: Any, places: Sequence[str]) -> str | None:
    for place in places:
        value = body
        for name in place.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, str) and value:
            return value
    return None
