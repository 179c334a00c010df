"""The fields of a request: checked when the DAG is parsed, as far as they are known then, and typed once rendered."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin

from typing_extensions import NotRequired, get_type_hints, is_typeddict

from airflow_provider_ops.apis.http import check_id
from airflow_provider_ops.exceptions import InvalidArgument

_PLAIN = (bool, int, float, type(None))
_MAY_BE_ABSENT: Any = NotRequired
_FLAGS: Mapping[str, bool] = {"True": True, "true": True, "False": False, "false": False}


def own_arguments(init: Callable[..., Any]) -> tuple[str, ...]:
    """The keyword arguments a subclass adds in its ``__init__``."""
    parameters = inspect.signature(init).parameters.values()
    return tuple(parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY)


def is_literal(value: object) -> bool:
    """Whether ``value`` is final already: no template in it, no result of another task."""
    if isinstance(value, str):
        return "{{" not in value and "{%" not in value
    if isinstance(value, Mapping):
        return all(is_literal(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return all(is_literal(item) for item in value)
    return isinstance(value, _PLAIN)


def check_fields(starts: Callable[..., Any], fields: Mapping[str, Any]) -> None:
    """Refuse what cannot work in the fields of a request, as far as it is known; without I/O.

    Each literal is held against the annotation of ``starts`` (allowed words, ids, the parts of an object); when all
    are literals the whole request is built.

    :raises InvalidArgument: names the argument and what is allowed.
    """
    hints = get_type_hints(starts)
    for name, value in fields.items():
        _check(name, value, hints.get(name, Any))
    if all(is_literal(value) for value in fields.values()):
        starts(**fields)


def _check(name: str, value: Any, hint: Any) -> None:
    if value is None and _is_optional(hint):
        return
    if is_literal(value):
        _check_plain(name, value, hint)
    if isinstance(value, (Mapping, list, tuple)):
        _check_parts(name, value, hint)


def _check_plain(name: str, value: Any, hint: Any) -> None:
    allowed = _allowed(hint)
    if allowed and value not in allowed:
        msg = f"{name} {value!r} is not known: use {', '.join(map(repr, allowed))}"
        raise InvalidArgument(msg)
    if name.endswith("_id"):
        check_id(name, value)


def _check_parts(name: str, value: Any, hint: Any) -> None:
    """Go into objects and lists; of an object that may be one of several, the fields are the API's to check."""
    shapes = [arm for arm in _arms(hint) if is_typeddict(arm)]
    if isinstance(value, Mapping):
        if len(shapes) == 1:
            _check_object(name, value, shapes[0])
        return
    for arm in _arms(hint):
        if get_origin(arm) is Sequence:
            for number, item in enumerate(value):
                _check(f"{name}[{number}]", item, get_args(arm)[0])


def _check_object(name: str, value: Mapping[str, Any], shape: Any) -> None:
    for part, hint in get_type_hints(shape, include_extras=True).items():
        if part in value:
            _check(f"{name}.{part}", value[part], get_args(hint)[0] if get_origin(hint) is _MAY_BE_ABSENT else hint)
        elif get_origin(hint) is not _MAY_BE_ABSENT:
            raise InvalidArgument(f"{name} needs {part!r}: {dict(value)!r} has none")


def _arms(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _is_optional(hint: Any) -> bool:
    return hint is Any or type(None) in get_args(hint)


def _allowed(hint: Any) -> tuple[Any, ...]:
    if get_origin(hint) is Literal:
        return get_args(hint)
    if get_origin(hint) in (Union, types.UnionType):
        choices = [_allowed(arm) for arm in get_args(hint) if arm is not type(None)]
        return tuple(value for arm in choices for value in arm) if all(choices) else ()
    return ()


def rendered(starts: Callable[..., Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """``fields`` with the types that ``starts`` declares: a template renders to text, whatever it stands for.

    What cannot be of that type stays text, for ``starts`` or the API to refuse.
    """
    hints = get_type_hints(starts)
    return {name: _typed(value, hints.get(name, Any)) for name, value in fields.items()}


def _typed(value: Any, hint: Any) -> Any:
    arms = _arms(hint)
    if isinstance(value, str):
        return value if str in arms else next((found for arm in arms for found in _readings(value, arm)), value)
    for arm in arms:
        if isinstance(value, Mapping) and is_typeddict(arm):
            inner = get_type_hints(arm)
            return {name: _typed(item, inner.get(name, Any)) for name, item in value.items()}
        if isinstance(value, (list, tuple)) and get_origin(arm) is Sequence:
            return [_typed(item, get_args(arm)[0]) for item in value]
    return value


def _readings(text: str, hint: Any) -> list[Any]:
    """What ``text`` stands for as a value of a plain type; empty when it is none."""
    if get_origin(hint) is Literal:
        return [word for word in get_args(hint) if str(word) == text]
    if hint is bool:
        return [_FLAGS[text]] if text in _FLAGS else []
    if hint is int:
        return [int(text)] if re.fullmatch(r"-?[0-9]{1,18}", text) else []
    return []
