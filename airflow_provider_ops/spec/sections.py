"""The sections of a spec: submits, searches, operations, lists."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator
from typing_extensions import Self

from airflow_provider_ops.spec.auth import Paging
from airflow_provider_ops.spec.parts import (
    HeaderName,
    Headers,
    Parameter,
    Part,
    Reads,
    ReadsOrConstant,
    RequestLine,
    RequestSpec,
    Seconds,
    StateName,
    Statuses,
    TemplateText,
    Text,
    Texts,
    Words,
)

_KIND = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}")
Order = Literal["newest", "oldest"]
Methods = Annotated[Texts, BeforeValidator(lambda value: {True: ("*",), False: ()}.get(_flag(value), value))]


def _flag(value: Any) -> Any:
    return {"true": True, "false": False}.get(str(value).lower()) if isinstance(value, (bool, str)) else None


class Variable(Part):
    """A value that the connection fills in."""

    shorthand = "default"

    title: Text = ""
    """Label in the form of the connection."""
    default: Text | None = None
    """Value where the connection gives none; without it, the connection must."""


class ErrorSpec(Part):
    """Where error answers say what is wrong."""

    code: Reads = ()
    message: Reads = ()
    request_id: Reads = ()


class ResourceSpec(Part):
    """What an operation acts on."""

    type: ReadsOrConstant = ()
    """The word that messages use: an expression, or a word for all."""
    id: Reads = ()


class Refusal(Part):
    """Which error answers are meant."""

    status: Statuses = ()
    code: Texts = ()

    @model_validator(mode="after")
    def _means_some(self) -> Self:
        if not self.status and not self.code:
            raise ValueError("has neither status nor code, so it means no answer: add one of them, or leave it out")
        return self

    def overlaps(self, other: Refusal) -> bool:
        """Return whether both name the same answers."""
        given = [pair for pair in ((self.status, other.status), (self.code, other.code)) if all(pair)]
        return bool(given) and all(set(ours) & set(theirs) for ours, theirs in given)


class SubmitSpec(Part):
    """What calls that start an operation have in common."""

    operation_id: Reads = ()
    """Where the answer names the operation; all that are found are waited for."""
    operation_url: Reads = ()
    """Its address, like ``$response.header.Location``, relative or not; read where ``operation_id`` finds nothing."""
    resource: ResourceSpec | None = None
    http: dict[int, StateName] = Field(default_factory=dict)
    """What an answer means that names no operation, by HTTP status, as in ``{204: succeeded}``; else it is an error."""
    idempotent: Methods = ()
    """Methods that may be sent again even without a key (with one: ``mark.idempotent``); in a call, true or false."""
    busy: Refusal | None = None
    """Refused only for now: asked again."""
    already: Refusal | None = None
    """It exists or is under way: found and adopted."""
    headers: Headers = Field(default_factory=dict)
    query: dict[str, Parameter] = Field(default_factory=dict)


class Repeat(Part):
    """What goes only with a repeated request."""

    headers: Headers = Field(default_factory=dict)
    query: dict[str, Parameter] = Field(default_factory=dict)


class MarkSpec(Part):
    """Where our idempotency key goes."""

    in_: Literal["header", "body", "query"] = Field(alias="in")
    name: Text
    """Name of the header or parameter; in a body a pointer, where ``/tags/-`` appends to a list."""
    format: TemplateText = "{mark}"
    """A text with ``{mark}`` or ``{mark:uuid}``."""
    max: int | None = Field(None, ge=1, le=4096)
    """Characters that the API takes there."""
    keep: bool = False
    """Whether a value of the user's own stays; then there is no key of ours."""
    idempotent: bool = False
    """Whether the API promises to answer a repeated key with the first result. Try it: send one POST twice with one key
    and compare the ids. Where it does not keep the promise, a lost answer makes a second resource."""
    repeat: Repeat | None = None


class AllSpec(RequestSpec):
    """The request that lists what exists, for ``sweep``."""

    entries: Reads = ()
    paging: Paging | None = None
    """How its pages follow each other; default: ``paging`` of the spec. ``null``: one answer has all."""


class FindSpec(RequestSpec):
    """The request that shows what a submit with a lost answer started."""

    entries: Reads = ()
    """Where the entries are; without it the answer is the entry, and a 404 says that there is none."""
    paging: Paging | None = None
    """How the pages of ``entries`` follow each other; default: ``paging`` of the spec. ``null``: one answer has all."""
    match: Reads = ()
    """What must hold our key in an entry."""
    operation_id: Reads = ()
    resource_id: Reads = ()
    all: AllSpec | None = None


class LookupSpec(RequestSpec):
    """The request that shows the operation of a resource."""

    entries: Reads = ()
    paging: Paging | None = None
    """As in ``find``."""
    order: Order | None = None
    """Which operations come first, ``newest`` or ``oldest``, where not all have times; default: ``lists.order``."""
    match: Reads = ()
    operation_id: Reads = ()


class ResultSpec(RequestSpec):
    """What is read after success."""

    shorthand = "final_state_via"

    request: RequestLine | None = None  # type: ignore[assignment]
    final_state_via: Literal["auto", "operation", "location", "original_uri", "none"] | None = None
    """Which answer has the result, without ``request``: ``operation`` (which shows the operation), ``location`` (of the
    address in the header ``Location`` of the submit's answer), ``original_uri`` (to a GET of what the submit was sent
    to), ``auto`` (``original_uri`` after PUT and PATCH, ``location`` after POST) or ``none``."""
    value: Reads = ()
    """What of that answer is ``resource`` in the return value; default: its body. No object: ``{"value": ...}``."""


class PollSpec(Part):
    """When to poll, in seconds; ``Retry-After`` always wins."""

    shorthand = "delay"

    delay: Seconds | None = None
    """Seconds before the first poll."""
    min: Seconds | None = None
    """Shortest pause between polls, in seconds."""
    max: Seconds | None = None
    """Longest pause between polls, in seconds."""

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        if self.min and self.max and self.min > self.max:
            raise ValueError(f"min {self.min:g} is more than max {self.max:g}")
        return self


class CallSpec(SubmitSpec):
    """One known call; what it leaves out is inherited, ``null`` is none."""

    shorthand = "request"

    request: RequestLine
    kind: Text = ""
    """The word for its operations in logs, results and ``timeouts``; default: the method and path of ``request``."""
    creates: Text | None = None
    """Type of the new resource; only such may be deleted."""
    timeout: Seconds | None = None
    exclusive: bool = False
    """Whether only the task starts this on its resource, so that one new operation is ours."""
    mark: MarkSpec | None = None
    find: FindSpec | None = None
    lookup: LookupSpec | None = None
    cancel: RequestSpec | None = None
    delete: RequestSpec | None = None
    result: ResultSpec | None = None
    poll: PollSpec | None = None

    @field_validator("kind")
    @classmethod
    def _is_kind(cls, kind: str) -> str:
        if not _KIND.fullmatch(kind):
            raise ValueError(f"{kind!r} must be letters, digits, '.', '_' or '-', like 'server.create'")
        return kind

    @model_validator(mode="after")
    def _has_kind(self) -> Self:
        if not self.has("kind"):
            # not as a field that was given: the spec is written, and its hash made, without it
            object.__setattr__(self, "kind", self.request.partition("?")[0])
        return self

    @property
    def noun(self) -> str:
        """Return what its kind says it acts on, ``server`` of ``server.create``; empty where no kind was given."""
        return self.kind.partition(".")[0] if self.has("kind") else ""


class States(Part):
    """The words of the API for each state."""

    pending: Words = ()
    running: Words = ()
    ended: Words = ()
    """Settled, and ``verdict`` says how."""
    succeeded: Words = ()
    failed: Words = ()
    cancelled: Words = ()

    def lists(self) -> dict[str, tuple[str | None, ...]]:
        """Return the words by state."""
        return {name: getattr(self, name) for name in type(self).model_fields}


class Verdict(Part):
    """What decides about an operation that has ended."""

    status: Reads
    """Where it is. An entry of a list that has no such field decides nothing: its operation is read once more."""
    states: States


class OperationSpec(Part):
    """How to read one operation."""

    get: RequestSpec | None = None
    """The request with ``{operation_id}``; not needed where operations are addresses."""
    entry: Reads = ()
    """Where the answer has the operation; default: it is the answer."""
    id: Reads = ()
    kind: ReadsOrConstant = ()
    """What was started: an expression, or a word for all; else the return value has the kind of the call."""
    resource: ResourceSpec | None = None
    status: Reads = ()
    states: States = Field(default_factory=States)
    http: dict[int, StateName] = Field(default_factory=dict)
    """The state by HTTP status, where no ``status`` is found."""
    verdict: Verdict | None = None
    error: ErrorSpec | None = None
    progress: Reads = ()
    """Percent, 0 to 100."""
    phase: Reads = ()
    message: Reads = ()
    """What it is doing, for people."""
    steps: Reads = ()
    created_at: Reads = ()
    started_at: Reads = ()
    updated_at: Reads = ()
    ended_at: Reads = ()
    url: Reads = ()
    """A page for people."""


def _several(value: Any) -> Any:
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


ListRequests = Annotated[
    tuple[RequestSpec, ...], BeforeValidator(_several, json_schema_input_type=str | dict[str, Any] | list[Any])
]


class ByIds(RequestSpec):
    """A request that shows several operations at once, by ``{ids}``."""

    max: int = Field(50, ge=2, le=1000)
    """Ids per request."""


class ListsSpec(Part):
    """Lists of operations, of which one page stands for many reads."""

    entries: Reads = ()
    """Where the entries are; default: the answer is the list."""
    order: Order | None = None
    """Which entries come first, ``newest`` or ``oldest``: for ``lookup``, the simulator and ``spec check``."""
    open: ListRequests = ()
    """Lists that together show every operation that has not settled. Settled ones may be among them, but each poll of
    many waits then reads pages of a growing history: have the API filter, or else list the newest first."""
    recent: ListRequests = ()
    """Lists of operations that have settled, of which the beginning is read: they should have the newest first."""
    by_ids: ByIds | None = None


class WaitSpec(RequestSpec):
    """A read that the API holds back until the operation settles, at most ``{seconds}``."""

    max: Seconds
    """Longest time in seconds."""


class BudgetSpec(Part):
    """How many requests the API takes."""

    shorthand = "requests_per_second"

    requests_per_second: float | None = Field(None, ge=0.01, le=10_000)
    ratelimit_remaining_header: HeaderName | None = None
    ratelimit_reset_header: HeaderName | None = None
