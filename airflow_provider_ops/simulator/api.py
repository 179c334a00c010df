"""What a simulated API implements: one class in one file, listed in `registry.py`.

    class Onvera(SimulatedApi):
        name, mount, choices, problems, codes, key_headers
        routes()            its endpoints: method, path template, handler, scope, models of body and query
        authenticate(...)   who calls, or a Problem
        envelope(...)       the form of an error

All else (matching, validation, faults, statistics, the life of operations) is shared.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from .routing import Router
from .validation import Kind, Problem
from .world import Settings, World

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from .clock import Clock
    from .lifecycle import Fate, Script
    from .records import Operation, Resource
    from .routing import Route


@dataclass(frozen=True)
class Reply:
    """An answer: `data` is sent as JSON, None as an empty body."""

    status: int
    data: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Principal:
    """The caller, as far as the key identifies it (see `read_key`)."""

    readonly: bool = False
    lacks: str | None = None
    """A scope that the key was not given."""

    def may(self, scope: str) -> bool:
        """Return whether the key has this scope."""
        return scope != self.lacks and (not self.readonly or scope.endswith(":read"))


@dataclass
class Call:
    """One request, checked and ready for a handler."""

    route: Route
    params: Mapping[str, str]
    query: Any
    """An instance of the route's query model."""
    body: Any
    """An instance of the route's body model, or None."""
    headers: Mapping[str, str]
    """By lower case name."""
    principal: Principal
    draw_fate: Callable[[str, Resource], Fate]
    """Asks the fault plan about an operation of that kind on that resource."""


KEY_PREFIXES = ("invalid", "expired", "revoked")
"""Keys that start with one of these words are refused, for the reason the word gives."""


def read_key(key: str) -> Principal | str:
    """Return what a key may do, or which of KEY_PREFIXES refuses it."""
    for word in KEY_PREFIXES:
        if key.startswith(word):
            return word
    _, marker, scope = key.partition("noscope-")
    return Principal(readonly="readonly" in key, lacks=scope if marker else None)


class SimulatedApi(ABC):
    """Base of the simulated APIs; one instance lives until the next reset and owns the API's world."""

    name: ClassVar[str]
    """Also the Airflow connection type."""
    mount: ClassVar[str]
    """Path under which it is served; the base URL of a connection ends in it."""
    choices: ClassVar[Mapping[str, str]]
    """What the documentation leaves open and how the simulator answers it; served at `/_control/choices`."""
    problems: ClassVar[Mapping[Kind, tuple[int, str | int]]]
    """Status and code of each refusal that shared code makes."""
    codes: ClassVar[Mapping[int, str | int]]
    """Code for an injected error status; the nearest lower hundred stands in for what is not listed."""
    key_headers: ClassVar[frozenset[str]] = frozenset({"authorization", "x-api-key"})
    """Headers that carry secrets, by lower case name; never stored or shown."""
    connection_type: ClassVar[str] = ""
    """Airflow connection type of APIs that share one; empty for the name."""
    connection_extra: ClassVar[Mapping[str, str]] = {}
    """Extras that a connection to this API needs."""
    operation_facets: ClassVar[Mapping[str, Callable[[Operation], Hashable]]] = {}
    """Filters of operation lists besides kind, status and resource."""
    resource_facets: ClassVar[Mapping[str, Callable[[Resource], Hashable]]] = {}
    """Filters of resource lists besides kind, status and deleted."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.world = World(self.name, settings, clock, self.operation_facets, self.resource_facets)

    @abstractmethod
    def routes(self) -> list[Route]:
        """Return the endpoints."""

    def router(self) -> Router:
        """Return what finds the endpoint of a request."""
        return Router(self.routes())

    @abstractmethod
    def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """Return who calls, or raise a Problem in the API's own words."""

    def is_open(self, method: str, path: str) -> bool:  # noqa: ARG002
        """Return whether a request needs no key: one that asks for a token."""
        return False

    def local_path(self, path: str) -> str:
        """Return the path of a request as the routes have it."""
        return path

    @abstractmethod
    def envelope(self, status: int, code: str | int, problem: Problem) -> Any:
        """Return the JSON of an error answer."""

    def spellings(self, resource_id: str) -> tuple[str, ...]:
        """Return all forms in which the API writes the id of a resource, for rules that name one."""
        return (resource_id,)

    def find_subject(self, subject_id: str) -> Resource | None:
        """Return the resource that an id in a path is about: its own, or that of the operation with this id."""
        operation = self.world.operations.get(subject_id)
        return operation.resource if operation else self.world.resources.get(subject_id)

    def subject_of(self, params: Mapping[str, str], query: str, body: bytes) -> Resource | None:  # noqa: ARG002
        """Return the resource that a request is about: that of the last id in its path, the most specific one.

        :param params: what stands in the path.
        """
        return next((found for value in reversed(list(params.values())) if (found := self.find_subject(value))), None)

    def name_given(self, params: Mapping[str, str], body: Any) -> str | None:  # noqa: ARG002
        """Return the name that a request gives to what it makes: that of its body.

        :param params: what stands in the path.
        """
        name = body.get("name") if isinstance(body, dict) else None
        return name if isinstance(name, str) else None

    def refuse(self, problem: Problem) -> Reply:
        """Return the error answer for a problem."""
        status, code = problem.status, problem.code
        if problem.kind is not None:
            status, code = self.problems[problem.kind]
        if status is None:
            status = 500
        if code is None:
            code = self.codes.get(status) or self.codes[status // 100 * 100]
        return Reply(status, self.envelope(status, code, problem), problem.headers)

    def start(
        self,
        call: Call,
        kind: str,
        operation_id: str,
        resource: Resource,
        script: Script,
        on_settled: Callable[[Operation], None],
        details: Mapping[str, Any] | None = None,
    ) -> Operation:
        """Start an operation as the fault plan wants it to go."""
        fate = call.draw_fate(kind, resource)
        return self.world.start(kind, operation_id, resource, script, fate, on_settled, details)

    def read_operation(self, operation_id: str) -> Operation | None:
        """Return an operation for a single read; None if there is none or a fault hides it for now."""
        operation = self.world.operations.get(operation_id)
        if operation is None:
            return None
        operation.reads += 1
        if operation.reads <= operation.hidden_reads:
            return None
        return operation
