"""The fields of a request: checked when the DAG is parsed, as far as they are known then, and typed once rendered."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin

from typing_extensions import NotRequired, get_type_hints, is_typeddict

from airflow_provider_ops.apis.calls import check_id, split_reference
from airflow_provider_ops.core.arguments import check_choice
from airflow_provider_ops.core.values import as_list, is_list, is_list_text, object_as_text
from airflow_provider_ops.exceptions import InvalidArgument

_PLAIN = (bool, int, float, type(None))
_MAY_BE_ABSENT: Any = NotRequired
_FLAGS: Mapping[str, bool] = {"True": True, "true": True, "False": False, "false": False}


def arguments_of(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names that a function can be called with."""
    parameters = inspect.signature(function).parameters.values()
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return tuple(parameter.name for parameter in parameters if parameter.kind in named)


def annotations_of(function: Callable[..., Any]) -> Mapping[str, Any]:
    """Return the annotations of a function, which may have arguments that its signature does not show."""
    found: Mapping[str, Any] = getattr(function, "__annotations__", {})
    return found


def is_literal(value: object) -> bool:
    """Return whether ``value`` is final already: no template in it, no result of another task."""
    if isinstance(value, str):
        return "{{" not in value and "{%" not in value
    if isinstance(value, Mapping):
        return all(is_literal(item) for item in value.values())
    if is_list(value):
        return all(is_literal(item) for item in value)
    return isinstance(value, _PLAIN)


def check_fields(build_request: Callable[..., Any], fields: Mapping[str, Any]) -> None:
    """Refuse what cannot work in all fields of a request, as far as it is known; without I/O.

    Each literal is checked against the annotation of ``build_request``; when all are literals the whole request is
    built.

    :raises InvalidArgument: names the argument and what is allowed.
    """
    check_each(build_request, fields)
    if all(is_literal(value) for value in fields.values()):
        build_request(**fields)


def check_each(build_request: Callable[..., Any], fields: Mapping[str, Any]) -> None:
    """Refuse what cannot work in some fields of a request, each by itself: allowed words, ids, parts of an object.

    :raises InvalidArgument: names the argument and what is allowed.
    """
    hints = get_type_hints(build_request)
    for name, value in fields.items():
        _check(name, value, hints.get(name, Any))


def _check(name: str, value: Any, hint: Any) -> None:
    if value is None and _is_optional(hint):
        return
    if is_literal(value):
        _check_plain(name, value, hint)
    if isinstance(value, Mapping) or is_list(value):
        _check_parts(name, value, hint)


def _check_plain(name: str, value: Any, hint: Any) -> None:
    if allowed := _allowed(hint):
        check_choice(name, value, allowed)
    if isinstance(value, str) and not takes_text(hint) and hint is not Any and is_list_text(value):
        raise object_as_text(name, value)
    if name.endswith("_id"):
        check_id(name, value)
    if value is None and takes_text(hint):
        raise InvalidArgument(f"{name} is None, and it has no default: give a text")


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


def typed(build_request: Callable[..., Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``fields`` with the types that ``build_request`` declares: a template always renders to text.

    What cannot be of that type stays text, for ``build_request`` or the API to refuse.
    """
    hints = get_type_hints(build_request)
    return {name: _as_typed(value, hints.get(name, Any)) for name, value in fields.items()}


def _as_typed(value: Any, hint: Any) -> Any:
    arms = _arms(hint)
    if isinstance(value, str):
        return value if str in arms else next((found for arm in arms for found in _readings(value, arm)), value)
    for arm in arms:
        if isinstance(value, Mapping) and is_typeddict(arm):
            inner = get_type_hints(arm)
            return {name: _as_typed(item, inner.get(name, Any)) for name, item in value.items()}
        if is_list(value) and get_origin(arm) is Sequence:
            return [_as_typed(item, get_args(arm)[0]) for item in as_list(value)]
    if isinstance(value, (int, float)) and not isinstance(value, bool) and set(arms) <= {str, type(None)}:
        return str(value)
    return value


def takes_text(hint: Any) -> bool:
    """Return whether some text may stand there."""
    return any(arm is str or (get_origin(arm) is Literal and str in map(type, get_args(arm))) for arm in _arms(hint))


def takes_only_text(hint: Any) -> bool:
    """Return whether nothing but text may stand there, or ``None``."""
    return all(arm is type(None) or takes_text(arm) for arm in _arms(hint))


def part_hint(hint: Any, key: str | None) -> Any:
    """Return what is declared for a part of an object, or with ``key=None`` for an item of a list."""
    for arm in _arms(hint):
        if key is None and get_origin(arm) is Sequence:
            return get_args(arm)[0]
        if key is not None and is_typeddict(arm):
            return get_type_hints(arm).get(key, Any)
    return Any


def _readings(text: str, hint: Any) -> list[Any]:
    """Return the values of a plain type that ``text`` stands for; empty when there are none."""
    if get_origin(hint) is Literal:
        return [word for word in get_args(hint) if str(word) == text]
    if hint is bool:
        return [_FLAGS[text]] if text in _FLAGS else []
    if hint is int:
        return [int(text)] if re.fullmatch(r"-?[0-9]{1,18}", text) else []
    return []


def check_ids(name: str, value: Any) -> None:
    """Refuse what cannot be one operation id or a list of them, as far as it is known.

    :raises InvalidArgument: names the argument.
    """
    if not is_literal(value) and not is_list(value):
        return
    for number, item in enumerate(items := ids_of(name, value)):
        if is_literal(item):
            split_reference(name if len(items) == 1 else f"{name}[{number}]", item)


def ids_of(name: str, value: Any) -> list[Any]:
    """Return one id or a list of any type as a list.

    :raises InvalidArgument: it is neither, or empty.
    """
    ids = as_list(value) if is_list(value) else [value]
    if value is None:
        raise InvalidArgument(f"{name} is None: what was to give it gave nothing; give one id or a list of them")
    if not ids or value == "":
        raise InvalidArgument(f"{name} is {'empty' if ids else 'an empty list'}: give one id or a list of them")
    return ids
