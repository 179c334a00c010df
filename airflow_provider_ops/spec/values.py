"""The texts of a spec that give a value: an expression, a pointer, a text with expressions in braces, or itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from airflow_provider_ops.spec.expressions import Exchange, Expression, parse_expression
from airflow_provider_ops.spec.templates import Template, as_text, parse_template


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


def find_first(values: Sequence[str], exchange: Exchange, entry: Any = None) -> Any:
    """Return the first value that one of the values finds, ``None`` where none does."""
    for text in values:
        found = parse_value(text).find_all(exchange, entry)
        if found:
            return found[0]
    return None


def find_text(values: Sequence[str], exchange: Exchange, entry: Any = None) -> str | None:
    """As :func:`find_first`, as text; objects and lists are none."""
    found = find_first(values, exchange, entry)
    return None if found is None or isinstance(found, (dict, list)) else as_text(found)
