"""Which handler answers a path.

Our own matcher in place of Starlette's, for three reasons: an unknown path must be answered in the API's own error
envelope, a quoted slash in an id (`compute%2Fmachines`) must stay inside its segment, and a hundred routes must not
be tried one after another for every poll.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from .validation import NoQuery

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pydantic import BaseModel

    from .api import Call, Reply

    Handler = Callable[[Call], Reply | Awaitable[Reply]]

_PARAM = re.compile(r"^\{(\w+)\}(:\w+)?$")
_ANY_PARAM = re.compile(r"\{[^{}]*\}")


def shape(template: str) -> str:
    """Return a path template without the names in it, to compare templates by."""
    return _ANY_PARAM.sub("{}", template)


@dataclass(frozen=True)
class Route:
    """One endpoint: `template` is relative to the API's mount, as in `/operations/{id}` or `/operations/{id}:wait`."""

    method: str
    template: str
    handler: Handler
    scope: str | None = None
    """What a key needs to be allowed to call it."""
    body: type[BaseModel] | None = None
    """Model of the JSON body; None for an endpoint that takes none."""
    query: type[BaseModel] = NoQuery
    body_optional: bool = False
    """Whether no body at all is fine where a body is allowed."""


@dataclass(frozen=True)
class Match:
    """The route of a request, with what stood in the place of its parameters."""

    route: Route
    params: dict[str, str]


@dataclass(frozen=True)
class NoMatch:
    """No such path, or (`allowed` not empty) no such method on it."""

    allowed: tuple[str, ...] = ()


@dataclass
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict)
    suffixes: dict[str, _Node] = field(default_factory=dict)
    """Children that take a parameter, by what must follow it: `:wait`, or nothing."""
    routes: dict[str, tuple[Route, tuple[str, ...]]] = field(default_factory=dict)


class Router:
    """Find the route of a path; literal segments win over parameters, `{id}:wait` over `{id}`."""

    def __init__(self, routes: list[Route]) -> None:
        self._root = _Node()
        self.templates = sorted({route.template for route in routes})
        for route in routes:
            self._add(route)

    def match(self, method: str, raw_path: str) -> Match | NoMatch:
        """Return the route for a path that is still quoted and starts with a slash."""
        segments = [unquote(segment) for segment in raw_path.split("/")[1:]]
        found = self._walk(self._root, segments, 0, [])
        if found is None:
            return NoMatch()
        node, values = found
        if method not in node.routes:
            return NoMatch(tuple(sorted(node.routes)))
        route, names = node.routes[method]
        return Match(route, dict(zip(names, values, strict=True)))

    def _add(self, route: Route) -> None:
        node, names = self._root, []
        for segment in route.template.split("/")[1:]:
            param = _PARAM.match(segment)
            if param:
                names.append(param[1])
                node = node.suffixes.setdefault(param[2] or "", _Node())
            else:
                node = node.literals.setdefault(segment, _Node())
        node.routes[route.method] = (route, tuple(names))

    def _walk(self, node: _Node, segments: list[str], at: int, values: list[str]) -> tuple[_Node, list[str]] | None:
        if at == len(segments):
            return (node, values) if node.routes else None
        segment = segments[at]
        if segment in node.literals and (found := self._walk(node.literals[segment], segments, at + 1, values)):
            return found
        for suffix, child in sorted(node.suffixes.items(), key=lambda item: -len(item[0])):
            value = segment[: len(segment) - len(suffix)]
            if value and segment.endswith(suffix):
                found = self._walk(child, segments, at + 1, [*values, value])
                if found:
                    return found
        return None
