"""All requests of a spec, and what may stand in braces in each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from airflow_provider_ops.spec.auth import ClientCredentials, Login, Paging
from airflow_provider_ops.spec.description import Description
from airflow_provider_ops.spec.parts import RequestSpec
from airflow_provider_ops.spec.requests import parse_line
from airflow_provider_ops.spec.sections import CallSpec
from airflow_provider_ops.spec.source import Place
from airflow_provider_ops.spec.templates import Template, parse_template, templates_in

#: What each part of a spec may fill in, beside the variables.
_FILLED: dict[str, frozenset[str]] = {
    "check": frozenset(),
    "find": frozenset({"kind", "mark", "since"}),
    "all": frozenset(),
    "lookup": frozenset({"kind", "mark", "since", "resource_id"}),
    "get": frozenset({"operation_id"}),
    "open": frozenset(),
    "recent": frozenset(),
    "by_ids": frozenset({"ids"}),
    "wait": frozenset({"operation_id", "seconds"}),
    "cancel": frozenset({"operation_id", "resource_id", "kind"}),
    "delete": frozenset({"operation_id", "resource_id", "kind"}),
    "result": frozenset({"operation_id", "resource_id", "kind"}),
    "login": frozenset({"login", "password"}),
    "submit": frozenset({"kind", "mark"}),
}
#: Parts in which the submit is known, so that ``{$request...}`` has a value.
_WITH_SUBMIT = frozenset({"find", "lookup", "submit"})
#: Names that a variable may not have.
RESERVED = frozenset().union(*_FILLED.values())
#: What one of these parts must have, so that it is about something.
_NEEDED: dict[str, frozenset[str]] = {
    "get": frozenset({"operation_id"}),
    "by_ids": frozenset({"ids"}),
    "wait": frozenset({"operation_id"}),
    "cancel": frozenset({"operation_id", "resource_id"}),
    "delete": frozenset({"operation_id", "resource_id"}),
}


class Sent(NamedTuple):
    """One request of a spec, or what is added to others.

    :param part: which kind of request it is.
    :param names: placeholders that have a value here.
    """

    place: Place
    part: str
    templates: tuple[tuple[Place, Template], ...]
    names: frozenset[str]
    request: RequestSpec | None = None

    @property
    def knows_submit(self) -> bool:
        """Return whether ``{$request...}`` has a value here."""
        return self.part in _WITH_SUBMIT

    @property
    def needed(self) -> frozenset[str]:
        """Return placeholders of which it must have one."""
        return _NEEDED.get(self.part, frozenset())


#: Place, part, request, and further names that have a value in it.
_Found = tuple[Place, str, RequestSpec, frozenset[str]]


def path_names(call: CallSpec) -> frozenset[str]:
    """Return the placeholders of a call's path."""
    return frozenset(one.name for one in parse_line(call.request).path.placeholders)


def sent(spec: Description) -> Iterator[Sent]:
    """Yield every request of a spec, and every place whose templates are filled."""
    variables = frozenset(spec.variables)
    yield Sent(("base_url",), "base_url", (((), parse_template(spec.base_url)),), variables)
    for index, auth in enumerate(spec.auth):
        if isinstance(auth, ClientCredentials):
            texts = ((("token_url",), auth.token_url), *((("scopes", at), one) for at, one in enumerate(auth.scopes)))
            yield Sent(
                ("auth", index), "base_url", tuple((where, parse_template(text)) for where, text in texts), variables
            )
    yield from _added(spec, (), "check", variables)
    for place, part, request, more in _requests(spec):
        yield Sent(place, part, tuple(templates_of(request)), variables | _FILLED[part] | more, request)
    yield from _added(spec.submit, ("submit",), "submit", variables | _FILLED["submit"] | all_path_names(spec))
    for index, call in enumerate(spec.calls):
        yield from _added(call, ("calls", index), "submit", variables | _FILLED["submit"] | path_names(call))
    for place, mark in _marks(spec):
        if mark.repeat is not None:
            yield from _added(mark.repeat, (*place, "repeat"), "submit", variables | _FILLED["submit"])


def _requests(spec: Description) -> Iterator[_Found]:
    none: frozenset[str] = frozenset()
    for index, auth in enumerate(spec.auth):
        if isinstance(auth, Login):
            yield ("auth", index), "login", auth, none
    reads = (("check", (), spec.check), ("wait", (), spec.wait), ("get", ("operation",), spec.operation.get))
    for part, above, request in reads:
        if request is not None:
            yield (*above, part), part, request, none
    for place, listed in list_requests(spec):
        yield place, str(place[1]), listed, none
    yield from _shared(spec, (), all_path_names(spec))
    for index, call in enumerate(spec.calls):
        yield from _shared(call, ("calls", index), path_names(call))


def list_requests(spec: Description) -> Iterator[tuple[Place, RequestSpec]]:
    """Yield the requests that show several operations."""
    if spec.lists is None:
        return
    for name, requests in (("open", spec.lists.open), ("recent", spec.lists.recent)):
        for index, request in enumerate(requests):
            yield ("lists", name, index), request
    if spec.lists.by_ids is not None:
        yield ("lists", "by_ids"), spec.lists.by_ids


def _shared(owner: Any, place: Place, names: frozenset[str]) -> Iterator[_Found]:
    """Yield what a spec and each of its calls may have."""
    for part in ("find", "lookup", "cancel", "delete", "result"):
        request: RequestSpec | None = getattr(owner, part)
        if request is not None and request.request is not None:
            yield (*place, part), part, request, names if part in ("find", "lookup") else frozenset()
    if owner.find is not None and owner.find.all is not None:
        yield (*place, "find", "all"), "all", owner.find.all, frozenset()


def _marks(spec: Description) -> Iterator[tuple[Place, Any]]:
    if spec.mark is not None:
        yield ("mark",), spec.mark
    for index, call in enumerate(spec.calls):
        if call.mark is not None:
            yield ("calls", index, "mark"), call.mark


def marks(spec: Description) -> list[tuple[Place, Any]]:
    """Return every mark of a spec with its place."""
    return list(_marks(spec))


def pagings(spec: Description) -> Iterator[tuple[Place, Paging]]:
    """Yield how the pages of lists and searches follow each other, each with its place."""
    if spec.paging is not None:
        yield ("paging",), spec.paging
    owners: list[tuple[Place, Any]] = [((), spec), *((("calls", index), one) for index, one in enumerate(spec.calls))]
    for place, owner in owners:
        everything = owner.find.all if owner.find is not None else None
        parts = ((("find",), owner.find), (("find", "all"), everything), (("lookup",), owner.lookup))
        for name, request in parts:
            if request is not None and request.paging is not None:
                yield (*place, *name, "paging"), request.paging


def all_path_names(spec: Description) -> frozenset[str]:
    """Return the placeholders of the paths of all calls."""
    return frozenset().union(*(path_names(call) for call in spec.calls))


def _added(owner: Any, place: Place, part: str, names: frozenset[str]) -> Iterator[Sent]:
    parts = (("headers", owner.headers), ("query", owner.query))
    found = tuple(((key, *where), one) for key, value in parts for where, one in templates_in(value))
    if found:
        yield Sent(place, part, found, names)


def templates_of(request: RequestSpec) -> Iterator[tuple[Place, Template]]:
    """Yield the templates of a request, each with its place."""
    line = parse_line(request.request)
    yield ("request",), line.path
    for _, template in line.query:
        yield ("request",), template
    for key in ("query", "headers", "body"):
        yield from (((key, *where), template) for where, template in templates_in(getattr(request, key)))
