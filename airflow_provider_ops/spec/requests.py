"""The requests of a spec: ``METHOD /path/{placeholder}?query={placeholder}``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from urllib.parse import unquote

from airflow_provider_ops.spec.nearest import nearest
from airflow_provider_ops.spec.templates import Template, parse_template

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
READS = ("GET", "HEAD")
_LITERAL = re.compile(r"[A-Za-z0-9._~:%/@!$&'()*+,;=-]*")
_LEAVES = re.compile(r"//|(?:^|/)\.{1,2}(?:/|$)")
MOST_SEGMENTS = 64


@dataclass(frozen=True, slots=True)
class Line:
    """A parsed request line.

    :param query: names and values in order; a name may come more than once.
    """

    text: str
    method: str
    path: Template
    query: tuple[tuple[str, Template], ...] = ()

    @property
    def route(self) -> str:
        """Return the path template as metrics and logs show it."""
        return self.path.text.replace("{+", "{")

    @property
    def shape(self) -> tuple[str, tuple[str | None, ...]]:
        """Return method and path, whatever its placeholders are called."""
        return self.method, tuple(part if isinstance(part, str) else None for part in self.path.parts)

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return the values of the placeholders in a path, decoded; ``None`` where it is another call."""
        if method != self.method:
            return None
        return _match(self._segments(), path.strip("/").split("/"))

    def _segments(self) -> tuple[Template, ...]:
        return tuple(parse_template(part) for part in self.path.text.strip("/").split("/"))

    @property
    def literals(self) -> tuple[bool, ...]:
        """Return for each segment whether it is literal; of two calls that match, the more literal one counts."""
        return tuple(not part.placeholders for part in self._segments())


def _match(segments: Sequence[Template], parts: Sequence[str]) -> dict[str, str] | None:
    """Match segment by segment; only one placeholder of a path takes several, so that nothing is tried twice."""
    spare = len(parts) - len(segments)
    wide = next((index for index, one in enumerate(segments) if one.only is not None and one.only.keeps_slash), None)
    if len(parts) > MOST_SEGMENTS or spare < 0 or (spare and wide is None):
        return None
    found: dict[str, str] = {}
    rest = list(parts)
    for index, segment in enumerate(segments):
        taken, rest = (rest[: spare + 1], rest[spare + 1 :]) if index == wide else (rest[:1], rest[1:])
        values = _segment(segment, "/".join(taken))
        if values is None:
            return None
        found |= values
    return found


def _segment(segment: Template, text: str) -> dict[str, str] | None:
    placeholders = segment.placeholders
    if not placeholders:
        return {} if segment.text == text else None
    before, _, after = segment.text.partition(placeholders[0].text)
    is_inside = text.startswith(before) and text.endswith(after) and len(text) > len(before) + len(after)
    if len(placeholders) > 1 or not is_inside:
        return None
    return {placeholders[0].name: unquote(text[len(before) : len(text) - len(after)])}


@lru_cache(maxsize=4096)
def parse_line(text: str) -> Line:
    """Return the parsed request line.

    :raises ValueError: it is none; says what to write.
    """
    method, space, where = text.strip().partition(" ")
    if method.startswith("/") or not space:
        raise ValueError(f"request {text!r} must be a method and a path: write 'GET {method}'")
    if method.upper() not in METHODS:
        near = nearest(method.upper(), METHODS)
        raise ValueError(f"request {text!r}: {method!r} is no method, use {near or ', '.join(METHODS)}")
    path, _, query = _split_query(where.strip())
    _check_path(text, path)
    return Line(text, method.upper(), parse_template(path), tuple(_pairs(text, query)))


def _split_query(where: str) -> tuple[str, str, str]:
    """Split at the first ``?`` that is in no placeholder."""
    template = parse_template(where)
    at = 0
    for part in template.parts:
        if isinstance(part, str) and "?" in part:
            at += part.index("?")
            return where[:at], "?", where[at + 1 :]
        at += len(part if isinstance(part, str) else part.text)
    return where, "", ""


def _check_path(text: str, path: str) -> None:
    if "://" in path:
        raise ValueError(f"request {text!r} names a host: write the path below base_url only, like '/operations'")
    if not path.startswith("/"):
        raise ValueError(f"request {text!r}: the path must begin with '/': write {'/' + path!r}")
    template = parse_template(path)
    literal = "".join(part if isinstance(part, str) else "x" for part in template.parts)
    odd = next((character for character in literal if not _LITERAL.fullmatch(character)), None)
    if odd is not None:
        hint = ": a placeholder is {name}, of letters, digits and '_'" if odd in "{}" else ""
        raise ValueError(f"request {text!r}: the path has {odd!r}{hint or ', which no path has: leave it out'}")
    for before, after in pairwise(template.parts):
        if isinstance(before, str) and before.endswith("$") and not isinstance(after, str):
            raise ValueError(f"request {text!r}: write {after.text} without the '$' before it")
    if _LEAVES.search(unquote(literal)):
        raise ValueError(f"request {text!r}: the path may not have '//', '.' or '..' as a part")
    wide = [one for one in template.placeholders if one.keeps_slash]
    if len(wide) > 1:
        raise ValueError(f"request {text!r}: only one placeholder of a path may take several parts ('+')")


def _pairs(text: str, query: str) -> list[tuple[str, Template]]:
    pairs = []
    for pair in query.split("&") if query else ():
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise ValueError(f"request {text!r}: {pair!r} in the query is no name=value: write both")
        template = parse_template(value)
        literal = [part if not isinstance(part, str) else unquote(part) for part in template.parts]
        pairs.append((unquote(name), Template(value, tuple(literal))))
    return pairs
