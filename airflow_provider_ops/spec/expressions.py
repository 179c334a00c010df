"""Parse and evaluate the values of a spec: OpenAPI runtime expressions, and pointers within an entry of a list.

Everything is bounded: texts, pointers and the number of values that one expression may find.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from airflow_provider_ops.spec.nearest import nearest

#: Characters of one value of a spec, and parts of a pointer.
LONGEST_VALUE, MOST_PARTS = 1000, 32
#: Values that one expression finds in one answer.
MOST_FOUND = 10_000
ALL_ITEMS = "*"

_SIMPLE = ("url", "method", "statusCode")
_PLACES = ("path", "query", "header", "body")
#: Names of headers and of query and path parameters: tokens of HTTP, and the brackets of JSON:API.
_NAME = re.compile(r"[A-Za-z0-9_.!#$%&'*+^`|~\[\]-]{1,128}")
_ESCAPE = re.compile(r"~(?![01])")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A submit and an answer, as far as expressions may read them. Names of headers are in lower case.

    :param path: values of the placeholders in the path of the submit.
    """

    url: str = ""
    method: str = ""
    status: int | None = None
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    response_headers: Mapping[str, str] = field(default_factory=dict)
    response_body: Any = None


@dataclass(frozen=True, slots=True)
class Expression:
    """One parsed expression.

    :param source: ``url``, ``method``, ``statusCode``, ``request``, ``response``, or ``entry`` for a bare pointer.
    :param place: ``path``, ``query``, ``header`` or ``body`` of a request or response.
    :param name: of the parameter or header.
    :param pointer: parts of the JSON pointer, unescaped; ``*`` stands for all items of a list.
    """

    text: str
    source: str
    place: str = ""
    name: str = ""
    pointer: tuple[str, ...] = ()

    @property
    def needs_submit(self) -> bool:
        """Return whether the value is known only where the submit is."""
        return self.source in ("url", "method", "request")

    def find_all(self, exchange: Exchange, entry: Any = None) -> list[Any]:
        """Return all values that the expression finds; ``null`` counts as not there.

        :param entry: what a bare pointer is relative to.
        """
        if self.source == "entry":
            return follow(entry, self.pointer)
        if self.place == "body":
            return follow(exchange.body if self.source == "request" else exchange.response_body, self.pointer)
        value = self._plain(exchange)
        return [] if value is None else [value]

    def finder(self) -> Callable[[Exchange, Any], Any]:
        """Return what finds the first value of :meth:`find_all`, ``None`` where there is none."""
        pointer = self.pointer
        if self.source == "entry" and len(pointer) == 1 and ALL_ITEMS not in pointer:
            # most of them, and each is followed in every entry of every list
            (name,) = pointer
            return lambda _, entry: entry.get(name) if entry.__class__ is dict else first_at(entry, pointer)
        if self.source == "entry":
            return lambda _, entry: first_at(entry, pointer)
        if self.place == "body" and self.source == "request":
            return lambda exchange, _: first_at(exchange.body, pointer)
        if self.place == "body":
            return lambda exchange, _: first_at(exchange.response_body, pointer)
        return lambda exchange, _: self._plain(exchange)

    def _plain(self, exchange: Exchange) -> Any:
        match self.source, self.place:
            case "url", _:
                return exchange.url or None
            case "method", _:
                return exchange.method or None
            case "statusCode", _:
                return exchange.status
            case "request", "path":
                return exchange.path.get(self.name)
            case "request", "query":
                return exchange.query.get(self.name)
            case "request", "header":
                return exchange.headers.get(self.name.lower())
            case _:
                return exchange.response_headers.get(self.name.lower())


def follow(value: Any, pointer: Sequence[str]) -> list[Any]:
    """Return what a pointer leads to, at most :data:`MOST_FOUND` values; ``null`` counts as not there."""
    found: list[Any] = [value]
    for part in pointer:
        found = [item for one in found for item in _step(one, part)][:MOST_FOUND]
    return [one for one in found if one is not None]


def first_at(value: Any, pointer: Sequence[str]) -> Any:
    """Return the first value that a pointer leads to, ``None`` where there is none."""
    if ALL_ITEMS in pointer:
        return next(iter(follow(value, pointer)), None)
    for part in pointer:
        value = value.get(part) if value.__class__ is dict else next(_step(value, part), None)
        if value is None:
            return None
    return value


def has_field(value: Any, pointer: Sequence[str]) -> bool:
    """Return whether there is something where a pointer leads, ``null`` there or on the way included."""
    for at, part in enumerate(pointer):
        if value is None:
            return True
        if part == ALL_ITEMS:
            # of an empty list it is known that nothing is in it
            return isinstance(value, list) and (not value or any(has_field(one, pointer[at + 1 :]) for one in value))
        found = list(_step(value, part))
        if not found:
            return False
        value = found[0]
    return True


def has_place(value: Any, pointer: Sequence[str]) -> bool:
    """As :func:`has_field`; also where only the last part is missing in what is there, as in a map with free keys."""
    above = pointer[:-1]
    return has_field(value, pointer) or (
        bool(above) and any(isinstance(one, (Mapping, list)) for one in follow(value, above))
    )


def _step(value: Any, part: str) -> Iterator[Any]:
    if isinstance(value, Mapping):
        if part in value:
            yield value[part]
    elif isinstance(value, list):
        if part == ALL_ITEMS:
            yield from value[:MOST_FOUND]
        elif part.isascii() and part.isdigit() and len(part) < len(str(MOST_FOUND)) and int(part) < len(value):
            yield value[int(part)]


@lru_cache(maxsize=4096)
def parse_pointer(text: str) -> tuple[str, ...]:
    """Return the parts of a JSON pointer (RFC 6901), the empty text for the whole.

    :raises ValueError: it is none.
    """
    if not text:
        return ()
    if not text.startswith("/"):
        raise ValueError(f"pointer {text!r} must begin with '/': write {'/' + text.replace('.', '/')!r}")
    if _ESCAPE.search(text):
        raise ValueError(f"pointer {text!r} has '~' without 0 or 1: write ~0 for '~' and ~1 for '/' in a name")
    parts = tuple(part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/"))
    if len(parts) > MOST_PARTS:
        raise ValueError(f"pointer {text[:40]!r}... has more than {MOST_PARTS} parts: read a field that is less deep")
    if parts[-1] == "":
        raise ValueError(f"pointer {text!r} ends in '/': leave that out")
    return parts


@lru_cache(maxsize=4096)
def parse_expression(text: str) -> Expression:
    """Return the expression, or the bare pointer, that a text is.

    :raises ValueError: it is none; says what to write.
    """
    if len(text) > LONGEST_VALUE:
        raise ValueError(f"expression {text[:40]!r}... is longer than {LONGEST_VALUE} characters: shorten it")
    if text.startswith("/"):
        return Expression(text, "entry", pointer=parse_pointer(text))
    if not text.startswith("$"):
        raise ValueError(f"{text!r} is no expression: begin with $response, $request or '/'{_meant(text)}")
    return _runtime_expression(text)


def _runtime_expression(text: str) -> Expression:
    head, hash_, pointer = text[1:].partition("#")
    source, dot, rest = head.partition(".")
    if source in _SIMPLE:
        if dot or hash_:
            raise ValueError(f"${source} has no parts: write '${source}', not {text!r}")
        return Expression(text, source)
    if source not in ("request", "response"):
        raise ValueError(_unknown_source(text, source))
    return _part_of(text, source, rest, hash_ + pointer)


def _part_of(text: str, source: str, rest: str, pointer: str) -> Expression:
    place, _, name = rest.partition(".")
    if place == "body":
        return _body(text, source, name, pointer.removeprefix("#"))
    if place == "header" or (place in _PLACES and source == "request"):
        # a name may have '#' in it
        name = name + pointer
        if not _NAME.fullmatch(name):
            raise ValueError(f"{text!r} names no {place}: write '${source}.{place}.NAME'")
        return Expression(text, source, place, name)
    raise ValueError(_unknown_place(text, source, place))


def _body(text: str, source: str, name: str, pointer: str) -> Expression:
    if name:
        raise ValueError(f"{text!r}: a body is read by a pointer, write '${source}.body#/{name.replace('.', '/')}'")
    return Expression(text, source, "body", pointer=parse_pointer(pointer))


def _meant(text: str) -> str:
    if text.partition(".")[0] in ("response", "request"):
        return f"; write {'$' + text!r}"
    is_path = text and all(part.isidentifier() for part in text.split("."))
    return f"; write {'/' + text.replace('.', '/')!r} if it is a field of the entry" if is_path else ""


def _unknown_source(text: str, source: str) -> str:
    if source == "":
        pointer = re.sub(r"\[(\*|\d+)\]", r"/\1", text[2:]).replace(".", "/")
        return f"{text!r} is JSONPath: write '$response.body#/{pointer}'"
    known = ("request", "response", *_SIMPLE)
    # a path written behind the word is taken for part of it
    near = nearest(source.partition("/")[0], known)
    return f"{text!r} is no expression: {_choice(near, known, '$')}"


def _unknown_place(text: str, source: str, place: str) -> str:
    known = _PLACES if source == "request" else ("header", "body")
    if place.startswith("body/"):
        return f"{text!r}: a body is read by a pointer, write '${source}.body#{place[4:]}'"
    near = nearest(place, known)
    return f"{text!r}: ${source} has no part {place!r}; {_choice(near, known, f'${source}.')}"


def _choice(near: str | None, known: Sequence[str], before: str) -> str:
    if near:
        return f"did you mean {before + near!r}?"
    return "use " + ", ".join(f"{before}{name}" for name in known)
