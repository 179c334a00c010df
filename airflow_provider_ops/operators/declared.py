"""Operators whose ``__init__`` is a declaration: names, types and defaults of the request's fields, and no body."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., None])


def request_fields(declared: F) -> F:
    """Make an ``__init__`` of a declared one: it hands its arguments to the parent class as fields of the request.

    What ``**kwargs`` takes is handed on as it is. The body of the declaration is never run.
    """
    return cast("F", _Declaration(declared))


class _Declaration:
    """Become a function as soon as the class is known to which it belongs."""

    def __init__(self, declared: Callable[..., None]) -> None:
        self._declared = declared

    def __set_name__(self, owner: type, name: str) -> None:
        signature = inspect.signature(self._declared)
        *_, rest = signature.parameters

        @functools.wraps(self._declared)
        def init(self: Any, *args: Any, **kwargs: Any) -> None:
            bound = signature.bind(self, *args, **kwargs)
            bound.apply_defaults()
            _, *given = bound.arguments.items()
            fields = {name: value for name, value in given if name != rest}
            super(owner, self).__init__(fields=fields, **bound.arguments[rest])  # type: ignore[arg-type]

        setattr(owner, name, init)
