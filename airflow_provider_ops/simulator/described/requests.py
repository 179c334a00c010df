"""Which request of a spec a request is, and what stands in the place of its placeholders."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, RootModel

from airflow_provider_ops.simulator.described.bodies import texts_in
from airflow_provider_ops.simulator.routing import Match, NoMatch, Route
from airflow_provider_ops.simulator.validation import Problem
from airflow_provider_ops.spec.places import sent
from airflow_provider_ops.spec.requests import Line, parse_line
from airflow_provider_ops.spec.templates import Template, parse_template

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from airflow_provider_ops.simulator.api import Call, Reply
    from airflow_provider_ops.spec import ApiSpec
    from airflow_provider_ops.spec.sections import CallSpec

#: Parts of a spec that are no requests of their own.
_NOT_FOUND = 404
#: Where operations and results are whose place the spec leaves to the answers.
OPERATIONS, RESULTS = "/_operations", "/_results"
_NO_REQUESTS = ("base_url", "submit", "login")


class AnyBody(RootModel[Any]):
    """Any JSON, or a form."""

    takes_forms: ClassVar[bool] = True


class AnyQuery(BaseModel):
    """Any parameters; those that are repeated are lists."""

    model_config = ConfigDict(extra="allow")
    repeats: ClassVar[bool] = True


@dataclass(frozen=True)
class Known:
    """One request of a spec.

    :param part: ``call``, ``get``, ``open``, ``find`` ...
    :param call: the call that it belongs to, or that it is.
    """

    part: str
    line: Line
    call: CallSpec | None = None
    query: tuple[tuple[str, Template], ...] = ()
    body: Any = None

    def asks_as(self, other: Known) -> bool:
        """Return whether it is the same request as that of another part."""
        return (self.line.shape, dict(self.query), self.body) == (other.line.shape, dict(other.query), other.body)


def known_requests(spec: ApiSpec, token_lines: Sequence[Line] = ()) -> list[Known]:
    """Return every request of a spec.

    :param token_lines: those that ask for a token.
    """
    found = [_known("call", call.request, call, {}) for call in spec.calls]
    found += [Known("login", line) for line in token_lines]
    for place in sent(spec):
        if place.request is None or place.part in _NO_REQUESTS or place.request.request is None:
            continue
        owner = spec.calls[int(place.place[1])] if place.place[0] == "calls" else None
        found.append(_known(place.part, place.request.request, owner, place.request.query, place.request.body))
    # any answer will do for a check, so another part decides it; last what no part of the spec reads
    return [*sorted(found, key=lambda one: one.part == "check"), *_at_addresses(spec)]


def _at_addresses(spec: ApiSpec) -> list[Known]:
    """Return what is read at addresses that answers name: operations, results, and what a call acts on itself."""
    owners = (spec.submit, *spec.calls)
    found = [Known("located", parse_line(f"GET {RESULTS}/{{operation_id}}"))]
    if any(one.operation_url for one in owners) and spec.operation.get is None:
        found.append(Known("get", parse_line(f"GET {OPERATIONS}/{{operation_id}}")))
    read = {(one.line.method, one.line.route) for one in found}
    for call in spec.calls:
        line = parse_line(f"GET {call.request.partition(' ')[2].partition('?')[0]}")
        if (line.method, line.route) not in read:
            read.add((line.method, line.route))
            found.append(Known("target", line, call))
    return found


def _known(part: str, text: str, call: CallSpec | None, query: Mapping[str, Any], body: Any = None) -> Known:
    line = parse_line(text)
    more = tuple((name, parse_template(value)) for name, value in query.items() if isinstance(value, str))
    return Known(part, line, call, (*line.query, *more), body)


def values_of(template: Template, text: str) -> dict[str, str] | None:
    """Return the value of the placeholder in a text; ``None`` where the literal parts differ."""
    placeholders = template.placeholders
    if not placeholders:
        return {} if "".join(map(str, template.parts)) == text else None
    if len(placeholders) > 1:
        return {}
    place = template.parts.index(placeholders[0])
    before = "".join(part for part in template.parts[:place] if isinstance(part, str))
    after = "".join(part for part in template.parts[place + 1 :] if isinstance(part, str))
    if not (text.startswith(before) and text.endswith(after)):
        return None
    return {placeholders[0].name: text[len(before) : len(text) - len(after)]}


class SpecRouter:
    """Find the requests that a path may be; the query decides between them.

    :param serve: carries out a request, given what it may be.
    """

    def __init__(self, known: Sequence[Known], serve: Callable[[Sequence[Known]], Callable[[Call], Any]]) -> None:
        self._known = known
        self._serve = serve
        self.templates = sorted({one.line.route for one in known})

    def match(self, method: str, raw_path: str) -> Match | NoMatch:
        """Return the route of a path that is still quoted."""
        matching = [one for one in self._known if one.line.match(one.line.method, raw_path) is not None]
        found = [one for one in matching if one.line.method == method]
        if not found:
            return NoMatch(tuple(sorted({one.line.method for one in matching})))
        # an operation may be read where another request fits as well
        routes = [self._route(method, raw_path, group) for group in _by_shape(found)]
        return routes[0] if len(routes) == 1 else _first_that_knows(routes)

    def _route(self, method: str, raw_path: str, known: Sequence[Known]) -> Match:
        line = known[0].line
        serve = self._serve(known)
        route = Route(method, line.route, serve, body=AnyBody, query=AnyQuery, body_optional=True)
        return Match(route, line.match(method, raw_path) or {})


def _by_shape(known: Sequence[Known]) -> list[list[Known]]:
    """Return requests with the same path together, the more literal paths first."""
    groups: dict[tuple[bool, ...], list[Known]] = {}
    for one in known:
        groups.setdefault(one.line.literals, []).append(one)
    return [groups[literals] for literals in sorted(groups, reverse=True)]


def _first_that_knows(matches: Sequence[Match]) -> Match:
    """Return a route that answers as the first of several that finds what it is asked for."""

    def serve(call: Call) -> Reply | Awaitable[Reply]:
        for match in matches[:-1]:
            try:
                return match.route.handler(replace(call, route=match.route, params=match.params))
            except Problem as problem:
                if problem.status != _NOT_FOUND:
                    raise
        last = matches[-1]
        return last.route.handler(replace(call, route=last.route, params=last.params))

    first = matches[0]
    return Match(replace(first.route, handler=serve), first.params)


def texts_of(query: str, body: bytes) -> list[str]:
    """Return the values in query and body, numbers as texts; of a body that is no JSON none."""
    try:
        given = [*texts_in(json.loads(body or b"null"), numbers=True)]
    except (ValueError, RecursionError):
        given = []
    return [*(value for _, value in parse_qsl(query)), *given]


def choose(known: Sequence[Known], query: Mapping[str, Any]) -> tuple[list[Known], dict[str, str]]:
    """Return the request whose query fits best, with the parts that ask the same, and the values in it."""
    best, most, values = known[0], -1, {}
    for one in known:
        read: dict[str, str] = {}
        fits = 0
        for name, template in one.query:
            given = query.get(name, [])
            # a parameter may be repeated, each time with another value
            texts = map(str, given if isinstance(given, list) else [given])
            found = next((fit for text in texts if (fit := values_of(template, text)) is not None), None)
            if found is None:
                fits = -1
                break
            read |= found
            fits += 1
        if fits > most:
            best, most, values = one, fits, read
    return [best, *(one for one in known if one is not best and one.asks_as(best))], values
