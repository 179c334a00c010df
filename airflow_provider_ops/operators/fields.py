"""The fields of a request: checked when the DAG is parsed, as far as they are known then, and typed once rendered."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from typing_extensions import get_type_hints

from airflow_provider_ops.apis.calls import split_reference
from airflow_provider_ops.core.values import as_list, is_list
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.operators.fitting import Stage, fitted, is_literal
from airflow_provider_ops.operators.hints import is_optional


def arguments_of(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names that a function can be called with."""
    parameters = inspect.signature(function).parameters.values()
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return tuple(parameter.name for parameter in parameters if parameter.kind in named)


def own_arguments(cls: type) -> set[str]:
    """Return the names that the constructor of a class itself takes, not that of a parent."""
    init = vars(cls).get("__init__")
    return set(arguments_of(init)) if init else set()


def annotations_of(function: Callable[..., Any]) -> Mapping[str, Any]:
    """Return the annotations of a function, which may have arguments that its signature does not show."""
    found: Mapping[str, Any] = getattr(function, "__annotations__", {})
    return found


@cache
def hints_of(build_request: Callable[..., Any]) -> Mapping[str, Any]:
    """Return what is declared for each field of a request; ``None`` may stand where there is a default."""
    hints = get_type_hints(build_request)
    return {name: hint | None if name in _defaults_of(build_request) else hint for name, hint in hints.items()}


@cache
def _defaults_of(build_request: Callable[..., Any]) -> set[str]:
    """Return the arguments that have a default, of the function and of the one that it wraps."""
    found = [inspect.signature(build_request, follow_wrapped=follows).parameters for follows in (True, False)]
    return {
        parameter.name
        for parameters in found
        for parameter in parameters.values()
        if parameter.default is not inspect.Parameter.empty
    }


def check_fields(build_request: Callable[..., Any], fields: Mapping[str, Any], stage: Stage = Stage.PARSED) -> None:
    """Refuse what cannot work in all fields of a request, as far as it is known; without I/O.

    Each is checked against the annotation of ``build_request``; when all are literals the whole request is built.

    :raises InvalidArgument: names the argument and what is allowed.
    """
    known = check_each(build_request, fields, stage)
    if all(is_literal(value) for value in fields.values()):
        build_request(**given(build_request, known))


def check_each(
    build_request: Callable[..., Any], fields: Mapping[str, Any], stage: Stage = Stage.PARSED
) -> dict[str, Any]:
    """Return some fields of a request as they are declared, each checked by itself.

    :raises InvalidArgument: names the argument and what is allowed.
    """
    hints = hints_of(build_request)
    return {name: fitted(name, value, hints.get(name, Any), stage) for name, value in fields.items()}


def given(build_request: Callable[..., Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that are sent: ``None`` leaves out what has another default."""
    hints, defaults = get_type_hints(build_request), _defaults_of(build_request)
    return {
        name: value
        for name, value in fields.items()
        if value is not None or name not in defaults or is_optional(hints.get(name, Any))
    }


def check_ids(name: str, value: Any) -> None:
    """Refuse what cannot be one operation id or a list of them, as far as it is known.

    :raises InvalidArgument: names the argument, and the place in a list.
    """
    if not is_literal(value) and not is_list(value):
        return
    for number, item in enumerate(ids_of(name, value)):
        if is_literal(item):
            split_reference(f"{name}[{number}]" if is_list(value) else name, item)


def ids_of(name: str, value: Any) -> list[Any]:
    """Return one id or a list of any type as a list.

    :raises InvalidArgument: it is neither, or empty.
    """
    if value is None:
        raise InvalidArgument(f"{name} is None: what was to give it gave nothing; give one id or a list of them")
    ids = as_list(value) if is_list(value) else [value]
    if not ids or value == "":
        raise InvalidArgument(f"{name} is {'empty' if ids else 'an empty list'}: give one id or a list of them")
    return ids
