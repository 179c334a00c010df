"""Answers made from a spec: values are put where its expressions read them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from airflow_provider_ops.spec.values import parse_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_ops.spec.expressions import Expression


@dataclass
class Answer:
    """An answer that is being made."""

    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def put(self, texts: Sequence[str], value: Any) -> None:
        """Put a value where the first of some expressions reads it; constants and the submit's own stay as they are."""
        if value is None:
            return
        for text in texts:
            parsed = parse_value(text)
            if parsed.expression is not None:
                self._put(parsed.expression, value)
                return
            if parsed.template is not None:
                self._put_parts(text, value)
                return

    def _put_parts(self, text: str, value: Any) -> None:
        for expression, part in parts_of(text, str(value)):
            self._put(expression, part)

    def _put(self, expression: Expression, value: Any) -> None:
        if expression.source == "response" and expression.place == "header":
            self.headers[expression.name] = str(value)
        elif expression.source in ("response", "entry") and expression.place in ("body", ""):
            self.body = placed(self.body, expression.pointer, value)


def placed(body: Any, pointer: Sequence[str], value: Any) -> Any:
    """Return a JSON value with another one at a place, made on the way; ``*`` is the first item of a list."""
    if not pointer:
        return value
    part, rest = pointer[0], pointer[1:]
    if part == "*" or (part.isdecimal() and not isinstance(body, dict)):
        items = list(body) if isinstance(body, list) else []
        return [placed(items[0] if items else None, rest, value), *items[1:]]
    known = body if isinstance(body, dict) else {}
    return {**known, part: placed(known.get(part), rest, value)}


def parts_of(text: str, value: str) -> list[tuple[Expression, str]]:
    """Return which part of a value that was put together each expression of a text reads."""
    template = parse_value(text).template
    found: list[tuple[Expression, str]] = []
    parts = list(template.parts) if template else []
    for index, part in enumerate(parts):
        if isinstance(part, str):
            value = value.removeprefix(part)
            continue
        following = parts[index + 1] if index + 1 < len(parts) else ""
        end = value.find(following) if isinstance(following, str) and following else len(value)
        taken, value = value[:end], value[end:]
        if part.expression is not None:
            found.append((part.expression, taken))
    return found


def made_id(texts: Sequence[str], plain: str, chosen: Mapping[tuple[str, ...], str]) -> str:
    """Return an id of the form that a spec gives it: plain, or put together from several parts.

    :param chosen: parts that the caller has chosen, by their pointer.
    """
    template = next((one for text in texts if (one := parse_value(text).template) is not None), None)
    if template is None:
        return plain
    parts = []
    for index, part in enumerate(template.parts):
        if isinstance(part, str):
            parts.append(part)
        else:
            pointer = part.expression.pointer if part.expression else ()
            parts.append(chosen.get(pointer, f"{plain}-{index}"))
    return "".join(parts)


def texts_in(value: Any, *, numbers: bool = False) -> Iterator[str]:
    """Yield all texts in a JSON value.

    :param numbers: whether whole numbers are texts as well, as ids are in some APIs.
    """
    if isinstance(value, str) or (numbers and type(value) is int):
        yield str(value)
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts_in(item, numbers=numbers)


def word_of(lists: Mapping[str, Sequence[str | None]], state: str) -> str | None:
    """Return a word of the API for a state; the state itself where the spec lists none."""
    words = [word for word in lists.get(state, ()) if word != "*"]
    return words[0] if words else None


def rfc3339(at: float | None) -> str | None:
    """Return a time as most APIs write it."""
    return None if at is None else datetime.fromtimestamp(at, timezone.utc).isoformat().replace("+00:00", "Z")
