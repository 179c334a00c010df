"""Values that a DAG hands over: lists of any type, JSON bodies, and text that was meant to be something else."""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence, ValuesView
from collections.abc import Set as AbstractSet
from typing import Any, TypeGuard

from airflow_provider_ops.exceptions import InvalidArgument

#: How Airflow's own sequences print themselves, next to the brackets of Python's.
_LIST_BEGINNINGS = ("[", "(", "LazyXCom", "<generator")


class StandIn(str):
    """Text that stands for a value of any type, which only a run knows."""

    __slots__ = ()


def is_list(value: object) -> TypeGuard[Iterable[Any]]:
    """Return whether ``value`` is a list of some type: Airflow also hands over tuples, lazy and mapped sequences."""
    if isinstance(value, (str, bytes, bytearray, Mapping)):
        return False
    return isinstance(value, (Sequence, AbstractSet, ValuesView, Iterator))


def as_list(value: Iterable[Any]) -> list[Any]:
    """Return the items as a list; those of a set in the same order in every process."""
    return sorted(value, key=repr) if isinstance(value, AbstractSet) else list(value)


def lasting(value: Any) -> Any:
    """Return ``value`` so that it can be read more than once, and in the same order by every process."""
    return as_list(value) if is_list(value) and not isinstance(value, Sequence) else value


def plain_json(name: str, value: Any) -> Any:
    """Return ``value`` as dicts, lists, text, numbers, booleans and ``None``.

    :param name: what the value is called in messages.
    :raises InvalidArgument: JSON has no form for a part of it.
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        raise InvalidArgument(f"{name} is {value!r}, which has no form in a request")
    if isinstance(value, Mapping):
        return {str(key): plain_json(f"{name}.{key}", item) for key, item in value.items()}
    if is_list(value):
        return [plain_json(f"{name}[{number}]", item) for number, item in enumerate(as_list(value))]
    raise InvalidArgument(f"{name} is a {type(value).__name__}, which has no form in a request: give text or numbers")


def plain_query(query: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a query as text, numbers, booleans, ``None``, and lists of these.

    :raises InvalidArgument: a query has no form for one of them.
    """
    plain = {str(name): plain_json(f"query.{name}", value) for name, value in query.items()}
    for name, value in plain.items():
        for item in value if isinstance(value, list) else (value,):
            if isinstance(item, (dict, list)):
                raise InvalidArgument(f"query.{name} has {kind_of(item)} in it: give one value, or a list of them")
    return plain


def body_of(value: Any) -> Any:
    """Return a request's body; where it is the JSON text of one, what the text stands for."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise InvalidArgument(f"json is text and not JSON, {value[:80]!r}: give a dict or a list") from None


def is_list_text(text: str) -> bool:
    """Return whether ``text`` is what a template makes of a list."""
    stripped = text.strip()
    if stripped.startswith(_LIST_BEGINNINGS[2:]):
        return True
    return stripped.startswith(_LIST_BEGINNINGS[:2]) and isinstance(_literal(stripped), (list, tuple))


def is_object_text(text: str) -> bool:
    """Return whether ``text`` is what a template makes of a dict or list, and not the JSON of one."""
    stripped = text.strip()
    if not is_list_text(stripped) and not isinstance(_literal(stripped) if stripped[:1] == "{" else None, dict):
        return False
    try:
        json.loads(stripped)
    except ValueError:
        return True
    return False


def _literal(text: str) -> object:
    try:
        found: object = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return found


def object_as_text(name: str, text: str) -> InvalidArgument:
    """Return the error for a list or dict that a template has turned into text, in a field that takes one."""
    what = "a list" if is_list_text(text) else "an object"
    return InvalidArgument(
        f"{name} is {what} rendered as text, {text[:80]!r}: hand over the {what.split()[1]} itself "
        f"({name.partition('.')[0].partition('[')[0]}=other_task.output), "
        "or set render_template_as_native_obj=True on the DAG"
    )


def kind_of(value: object) -> str | None:
    """Return what a value is that no text can be made of, for people; ``None`` for other values."""
    if isinstance(value, (bytes, bytearray)):
        return "bytes"
    if isinstance(value, Mapping):
        return "an object"
    return "a list" if is_list(value) else None


def described(value: object) -> str:
    """Return what a value is, for people, however long it is."""
    if isinstance(value, str):
        return f"the text {value[:80]!r}"
    if value is None or isinstance(value, (bool, int, float)):
        return f"{value!r:.80}"
    return kind_of(value) or f"a {type(value).__name__}"
