"""The texts of a spec that give a value: an expression, a pointer, a text with expressions in braces, or itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from airflow_provider_ops.spec.expressions import Exchange, Expression, has_field, has_place, parse_expression
from airflow_provider_ops.spec.templates import Template, as_text, parse_template

#: Finds a value in an answer, or in an entry of a list.
Finder: TypeAlias = Callable[[Exchange, Any], Any]


@dataclass(frozen=True, slots=True)
class Value:
    """One parsed value; exactly one of its forms is set."""

    text: str
    expression: Expression | None = None
    template: Template | None = None

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """Return the expressions that are read."""
        if self.expression is not None:
            return (self.expression,)
        placeholders = self.template.placeholders if self.template else ()
        return tuple(one.expression for one in placeholders if one.expression)

    def find_all(self, exchange: Exchange, entry: Any = None) -> list[Any]:
        """Return all values found; none where a part of a text is not there."""
        if self.expression is not None:
            return self.expression.find_all(exchange, entry)
        if self.template is None:
            return [self.text]
        try:
            return [self.template.fill(lambda one: _first(one.expression, exchange, entry))]
        except ValueError:
            return []


def _first(expression: Expression | None, exchange: Exchange, entry: Any) -> Any:
    found = expression.find_all(exchange, entry) if expression else []
    return found[0] if found and not isinstance(found[0], (dict, list)) else None


@lru_cache(maxsize=4096)
def parse_value(text: str) -> Value:
    """Return the parsed value.

    :raises ValueError: it begins like an expression and is none, or a placeholder in it is none.
    """
    template = parse_template(text)
    if template.placeholders:
        named = next((one for one in template.placeholders if one.expression is None), None)
        if named is not None:
            raise ValueError(f"{named.text} in {text!r} is no expression: write {{/{named.name}}} or {{$response...}}")
        return Value(text, template=template)
    if text.startswith(("$", "/")):
        return Value(text, parse_expression(text))
    return Value(text)


def find_all(values: Iterable[str], exchange: Exchange, entry: Any = None) -> list[Any]:
    """Return what all values find, in order, each once."""
    found: list[Any] = []
    for text in values:
        found += [one for one in parse_value(text).find_all(exchange, entry) if one not in found]
    return found


@lru_cache(maxsize=4096)
def finder(values: tuple[str, ...]) -> Finder:
    """Return what finds the first value that one of the values gives, ``None`` where none does.

    For lists of thousands: what can be known of the values beforehand is looked up once.

    :raises ValueError: as :func:`parse_value`.
    """
    finders = [_finder(parse_value(text)) for text in values]
    if len(finders) == 1:
        return finders[0]

    def find(exchange: Exchange, entry: Any) -> Any:
        for one in finders:
            if (found := one(exchange, entry)) is not None:
                return found
        return None

    return find


def _finder(value: Value) -> Finder:
    if value.expression is not None:
        return value.expression.finder()
    return lambda exchange, entry: next(iter(value.find_all(exchange, entry)), None)


@lru_cache(maxsize=4096)
def text_finder(values: tuple[str, ...]) -> Callable[[Exchange, Any], str | None]:
    """As :func:`finder`, as text; objects and lists are none."""
    find = finder(values)

    def find_text(exchange: Exchange, entry: Any) -> str | None:
        found = find(exchange, entry)
        if found is None or found.__class__ is str:
            return found
        return None if isinstance(found, (dict, list)) else as_text(found)

    return find_text


def is_there(values: Iterable[str], entry: Any) -> bool:
    """Return whether an entry has a field, be it null, where one of the values is read."""
    return any(has_field(entry, pointer) for pointer in _pointers(values))


def may_be_there(values: Iterable[str], entry: Any) -> bool:
    """As :func:`is_there`; also where an entry has the object of which the field is a part, as in a map of labels."""
    return any(has_place(entry, pointer) for pointer in _pointers(values))


def _pointers(values: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Return where values are read in an entry."""
    for text in values:
        for expression in parse_value(text).expressions:
            if expression.source == "entry":
                yield expression.pointer


def find_first(values: Sequence[str], exchange: Exchange, entry: Any = None) -> Any:
    """Return the first value that one of the values finds, ``None`` where none does."""
    return finder(tuple(values))(exchange, entry)


def find_text(values: Sequence[str], exchange: Exchange, entry: Any = None) -> str | None:
    """As :func:`find_first`, as text; objects and lists are none."""
    return text_finder(tuple(values))(exchange, entry)
