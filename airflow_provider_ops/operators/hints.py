"""What the type hint of a field says: which values it takes, and how to name them to people."""

from __future__ import annotations

import types
from collections.abc import Collection, Iterable, Mapping, MutableMapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from typing_extensions import get_type_hints, is_typeddict

_NONE = type(None)
_LISTS = (Sequence, Collection, Iterable, list)
_OBJECTS = (Mapping, MutableMapping, dict)
_WORDS: Mapping[Any, str] = {str: "a text", bool: "True or False", int: "a whole number", float: "a number"}
_PARTS: Mapping[str, str] = {"a text": "texts", "an object": "objects", "a whole number": "whole numbers"}


def arms(hint: Any) -> tuple[Any, ...]:
    """Return the types of a union, ``None`` left out; of any other hint itself."""
    if get_origin(hint) is Annotated:
        return arms(get_args(hint)[0])
    if get_origin(hint) in (Union, types.UnionType):
        return tuple(arm for part in get_args(hint) if part is not _NONE for arm in arms(part))
    return (hint,)


def is_optional(hint: Any) -> bool:
    """Return whether ``None`` may stand there."""
    return hint is Any or hint is _NONE or _NONE in get_args(hint)


def allowed_words(hint: Any) -> tuple[Any, ...]:
    """Return the only values that may stand there; empty where others may as well."""
    choices = [get_args(arm) if get_origin(arm) is Literal else () for arm in arms(hint)]
    return tuple(value for choice in choices for value in choice) if all(choices) else ()


def takes_text(hint: Any) -> bool:
    """Return whether some text may stand there."""
    return any(arm is str or (get_origin(arm) is Literal and str in map(type, get_args(arm))) for arm in arms(hint))


def takes_only_text(hint: Any) -> bool:
    """Return whether nothing but text may stand there, or ``None``."""
    return all(takes_text(arm) for arm in arms(hint))


def shapes(hint: Any) -> list[Any]:
    """Return the objects with named parts that may stand there."""
    return [arm for arm in arms(hint) if is_typeddict(arm)]


def item_hint(hint: Any) -> Any:
    """Return what is declared for an item of a list; ``None`` where no list may stand there."""
    return next((_argument(arm, 0) for arm in arms(hint) if _is_one_of(arm, _LISTS)), None)


def value_hint(hint: Any) -> Any:
    """Return what is declared for a value of an object with free names; ``None`` where no such may stand there."""
    return next((_argument(arm, 1) for arm in arms(hint) if _is_one_of(arm, _OBJECTS)), None)


def takes_object(hint: Any) -> bool:
    """Return whether an object may stand there."""
    return bool(shapes(hint)) or value_hint(hint) is not None


def part_hint(hint: Any, key: str | None) -> Any:
    """Return what is declared for a part of an object, or with ``key=None`` for an item of a list."""
    if key is None:
        return Any if (item := item_hint(hint)) is None else item
    named = [hints[key] for hints in map(get_type_hints, shapes(hint)) if key in hints]
    if named or (value := value_hint(hint)) is None:
        return named[0] if named else Any
    return value


def is_known(hint: Any) -> bool:
    """Return whether each type in a hint is one that values can be checked against."""
    return all(
        arm in _WORDS or is_typeddict(arm) or get_origin(arm) is Literal or _is_one_of(arm, (*_LISTS, *_OBJECTS))
        for arm in arms(hint)
    )


def in_words(hint: Any) -> str:
    """Return what may stand there, for people."""
    return " or ".join(dict.fromkeys(_in_words(arm) for arm in arms(hint)))


def _in_words(arm: Any) -> str:
    if get_origin(arm) is Literal:
        return ", ".join(map(repr, get_args(arm)))
    if takes_object(arm):
        return "an object"
    if (item := item_hint(arm)) is not None:
        return f"a list of {_PARTS.get(in_words(item), 'values')}"
    return _WORDS.get(arm, "a value")


def _is_one_of(arm: Any, classes: Sequence[Any]) -> bool:
    return (get_origin(arm) or arm) in classes


def _argument(arm: Any, place: int) -> Any:
    found = get_args(arm)
    return found[place] if len(found) > place else Any
