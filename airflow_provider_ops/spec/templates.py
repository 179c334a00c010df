"""Texts with placeholders: requests, names of marks, values put together.

``{name}`` is replaced by a value, percent-encoded in a path; ``{+name}`` keeps ``/`` (RFC 6570); ``{name:form}`` writes
it in another form; ``{$request.body#/a}`` and, in an entry, ``{/a}`` take the value of an expression. Other braces are
text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

from airflow_provider_ops.spec.expressions import LONGEST_VALUE, Expression, parse_expression
from airflow_provider_ops.spec.nearest import nearest

FORMS = ("int", "epoch", "epoch_ms", "uuid", "comma")
#: Forms that only one placeholder can take.
_FORM_OF = {"epoch": "since", "epoch_ms": "since", "uuid": "mark", "comma": "ids"}
#: Levels of lists and objects in a body of a spec.
MOST_LEVELS = 16
# each alternative begins with another character, so that nothing is tried twice
_PLACEHOLDER = re.compile(r"\{(?:(\+?)([A-Za-z_][A-Za-z0-9_-]{0,63})(?::([a-z_]{1,16}))?|([$/][^{}]{1,1000}))\}")
_LEAVING = re.compile(r"[?#\\\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One placeholder.

    :param expression: what gives the value, in place of a name.
    """

    text: str
    name: str = ""
    form: str = ""
    keeps_slash: bool = False
    expression: Expression | None = None


#: Returns the value of a placeholder; ``None`` where there is none.
Lookup = Callable[[Placeholder], Any]


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed text: literal parts and placeholders."""

    text: str
    parts: tuple[str | Placeholder, ...]

    @property
    def placeholders(self) -> tuple[Placeholder, ...]:
        """Return the placeholders in order."""
        return tuple(part for part in self.parts if isinstance(part, Placeholder))

    @property
    def only(self) -> Placeholder | None:
        """Return the placeholder that the whole text is, ``None`` for other texts."""
        return self.parts[0] if len(self.parts) == 1 and isinstance(self.parts[0], Placeholder) else None

    def fill(self, look_up: Lookup) -> str:
        """Return the text with its values.

        :raises ValueError: a placeholder has no value.
        """
        return "".join(part if isinstance(part, str) else as_text(_value(part, look_up)) for part in self.parts)

    def fill_typed(self, look_up: Lookup) -> Any:
        """As :meth:`fill`; a text that is one placeholder takes the type of its value."""
        return self.fill(look_up) if self.only is None else _value(self.only, look_up)

    def fill_path(self, look_up: Lookup) -> str:
        """As :meth:`fill`, each value percent-encoded.

        :raises ValueError: a value would leave its place in the path.
        """
        return "".join(part if isinstance(part, str) else _in_path(part, look_up) for part in self.parts)


@lru_cache(maxsize=4096)
def parse_template(text: str) -> Template:
    """Return the parsed text.

    :raises ValueError: a placeholder cannot be read.
    """
    if len(text) > LONGEST_VALUE:
        raise ValueError(f"text {text[:40]!r}... is longer than {LONGEST_VALUE} characters: shorten it")
    parts: list[str | Placeholder] = []
    end = 0
    for match in _PLACEHOLDER.finditer(text):
        parts += [text[end : match.start()], _placeholder(*match.group(0, 1, 2, 3, 4))]
        end = match.end()
    parts.append(text[end:])
    return Template(text, tuple(part for part in parts if part != ""))


def _placeholder(text: str, plus: str, name: str | None, form: str | None, expression: str | None) -> Placeholder:
    if expression is not None or name is None:
        return Placeholder(text, expression=parse_expression(expression or ""))
    if form and form not in FORMS:
        near = nearest(form, FORMS)
        raise ValueError(
            f"placeholder {text!r} has an unknown form: "
            + (f"did you mean {{{name}:{near}}}?" if near else f"use {', '.join(FORMS)}")
        )
    wanted = _FORM_OF.get(form or "")
    if wanted and name != wanted:
        raise ValueError(f"placeholder {text!r}: the form {form!r} is for {{{wanted}}} only")
    return Placeholder(text, name, form or "", bool(plus))


def as_text(value: Any) -> str:
    """Return a value as it stands in a text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, (list, tuple)):
        return ",".join(map(as_text, value))
    return str(value)


def _value(placeholder: Placeholder, look_up: Lookup) -> Any:
    value = look_up(placeholder)
    if value is None:
        raise ValueError(f"nothing gives a value for {placeholder.text}")
    match placeholder.form:
        case "int":
            return int(as_text(value))
        case "epoch":
            return int(value.timestamp())
        case "epoch_ms":
            return int(value.timestamp() * 1000)
        case "comma":
            return ",".join(map(as_text, value))
        case _:
            # a list stays one: in a query it repeats its parameter
            return as_text(value) if isinstance(value, datetime) else value


def _in_path(placeholder: Placeholder, look_up: Lookup) -> str:
    text = as_text(_value(placeholder, look_up))
    leaves = not text or text == "None" or _climbs(text)
    if placeholder.keeps_slash:
        leaves = leaves or "//" in text or text.startswith("/") or bool(_LEAVING.search(unquote(text)))
    if leaves:
        raise ValueError(f"{placeholder.text} would be {text!r}, which cannot stand in a path")
    return quote(text, safe="/" if placeholder.keeps_slash else "")


def _climbs(text: str) -> bool:
    """Return whether a text, decoded however often, has a part that leads up."""
    for _ in range(8):
        if any(part in (".", "..") for part in text.replace("\\", "/").split("/")):
            return True
        decoded = unquote(text)
        if decoded == text:
            return False
        text = decoded
    return True


def templates_in(value: Any, level: int = 0) -> list[tuple[tuple[str | int, ...], Template]]:
    """Return the templates in a JSON value, each with its place.

    :raises ValueError: one cannot be read, or the value is nested too deep.
    """
    if level > MOST_LEVELS:
        raise ValueError(f"a body is nested deeper than {MOST_LEVELS} levels: leave some out")
    if isinstance(value, str):
        return [((), parse_template(value))]
    items: Sequence[tuple[str | int, Any]] = ()
    if isinstance(value, Mapping):
        items = [(str(name), item) for name, item in value.items()]
    elif isinstance(value, (list, tuple)):
        items = list(enumerate(value))
    return [((name, *place), found) for name, item in items for place, found in templates_in(item, level + 1)]


def fill_json(value: Any, look_up: Lookup) -> Any:
    """Return a JSON value with its placeholders filled; see :meth:`Template.fill_typed`."""
    if isinstance(value, str):
        return parse_template(value).fill_typed(look_up)
    if isinstance(value, Mapping):
        return {name: fill_json(item, look_up) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [fill_json(item, look_up) for item in value]
    return value
