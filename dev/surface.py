"""`make surface`: write the public names of the package, with their signatures, to `tests/public_surface.txt`.

Annotations and the values of defaults are left out, since their text differs between releases of Python. A parameter
with ``=`` has a default; parameters that only have a name when they are passed are sorted, since their order has no
meaning. A class lists what it adds to the classes that it is shown to derive from.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import GenericAlias
from typing import Any, Final, TypeGuard

from airflow_provider_ops.provider_info import PACKAGE, get_provider_info

FILE: Final = Path(__file__).resolve().parent.parent / "tests" / "public_surface.txt"

#: First, because it sets up an Airflow of its own, which must happen before Airflow is imported.
_FIRST: Final = f"{PACKAGE}.testing.airflow"
#: What the contract names and the provider info does not.
_BESIDE: Final = (
    "decorators",
    "exceptions",
    "hooks.base",
    "operation",
    "operators.base",
    "operators.operation",
    "retry_policy",
    "spec",
    "testing",
)
_HEAD: Final = "# The public names of the package. Written by `make surface`; a test compares.\n"


def modules() -> list[str]:
    """Return the modules of the contract: those that Airflow discovers, and some beside them."""
    info = get_provider_info()
    discovered = {
        module
        for kind in ("hooks", "operators", "sensors", "triggers")
        for entry in info[kind]
        for module in entry["python-modules"]
    }
    return sorted({_FIRST, *discovered, *(f"{PACKAGE}.{name}" for name in _BESIDE)})


def surface() -> str:
    """Return the text of the whole file."""
    importlib.import_module(_FIRST)
    loaded = {name: importlib.import_module(name) for name in modules()}
    names = {module: _public_names(value) for module, value in loaded.items()}
    # a base class that is public itself is not described again with each class that derives from it
    described = {value for found in names.values() for value in found.values() if _is_class(value)}
    parts = [
        f"\n{module}\n" + "".join(line for name, value in found.items() for line in _lines(name, value, described))
        for module, found in names.items()
    ]
    return _HEAD + "".join(parts)


def _public_names(module: Any) -> dict[str, Any]:
    """Return what ``__all__`` names, else the classes and functions that the module defines."""
    names = getattr(module, "__all__", None)
    if names is None:
        names = [
            name
            for name, value in vars(module).items()
            if not name.startswith("_")
            and (_is_class(value) or inspect.isfunction(value))
            and value.__module__ == module.__name__
        ]
    return {name: getattr(module, name) for name in sorted(names)}


def _lines(name: str, value: Any, described: set[type]) -> Iterator[str]:
    if not _is_class(value):
        yield f"  {name}{_signature(value)}\n"
        return
    bases = [base for base in value.__mro__[1:] if base in described]
    # the nearest ones say the rest
    bases = [base for base in bases if not any(base in other.__mro__[1:] for other in bases)]
    inherited = {line for base in bases for line in _members(base).items()}
    yield f"  class {name}" + (f"({', '.join(base.__name__ for base in bases)})" if bases else "") + "\n"
    yield from (
        f"    {member}{signature}\n"
        for member, signature in sorted(_members(value).items())
        if (member, signature) not in inherited
    )


def _members(cls: type) -> dict[str, str]:
    """Return the public members of a class, those of its bases in this package included."""
    if issubclass(cls, Enum):
        members = {member.name: f" = {member.value!r}" for member in cls}
        return _defined(cls) | members
    if hasattr(cls, "__total__"):
        return dict.fromkeys(cls.__annotations__, "")
    return _constructor(cls) | _defined(cls)


def _constructor(cls: type) -> dict[str, str]:
    ours = any("__init__" in vars(base) or "__new__" in vars(base) for base in _of_package(cls))
    return {"__init__": _signature(cls)} if ours else {}


def _defined(cls: type) -> dict[str, str]:
    found: dict[str, str] = {}
    for base in reversed(_of_package(cls)):
        found |= dict.fromkeys(filter(_is_public, inspect.get_annotations(base)), "")
        for name, value in vars(base).items():
            # an attribute that subclasses set to a class or a function stays an attribute
            if _is_public(name) and not (isinstance(value, (type, staticmethod)) and found.get(name) == ""):
                found[name] = _signature(value)
    return found


def _is_class(value: Any) -> TypeGuard[type]:
    # Python 3.10 takes `dict[str, int]` for a class
    return inspect.isclass(value) and not isinstance(value, GenericAlias)


def _is_public(name: str) -> bool:
    # Pydantic and Enum keep things of their own in their classes
    return not name.startswith(("_", "model_"))


def _of_package(cls: type) -> list[type]:
    return [base for base in cls.__mro__ if base.__module__.partition(".")[0] == PACKAGE]


def _signature(value: Any) -> str:
    """Return the parameters of a function, method or constructor; nothing for an attribute."""
    value = getattr(value, "__func__", value)
    if type(value).__module__.startswith("_pytest.") or hasattr(value, "_pytestfixturefunction"):
        return ": fixture"
    if not (inspect.isroutine(value) or _is_class(value) or hasattr(value, "__wrapped__")):
        return ""
    value = value if _is_class(value) else inspect.unwrap(value)
    parameters = list(inspect.signature(value).parameters.values())
    # what a method is called on is not passed
    return f"({', '.join(_shown(parameters[1:] if _has_self(parameters) else parameters))})"


def _has_self(parameters: list[inspect.Parameter]) -> bool:
    return bool(parameters) and parameters[0].name in ("self", "cls")


def _shown(parameters: list[inspect.Parameter]) -> Iterator[str]:
    kinds = inspect.Parameter
    positional_only = [one for one in parameters if one.kind is kinds.POSITIONAL_ONLY]
    by_position = [one for one in parameters if one.kind is kinds.POSITIONAL_OR_KEYWORD]
    by_name = sorted((one for one in parameters if one.kind is kinds.KEYWORD_ONLY), key=lambda one: one.name)
    rest = [one for one in parameters if one.kind is kinds.VAR_POSITIONAL]
    yield from map(_with_default, positional_only)
    if positional_only:
        yield "/"
    yield from map(_with_default, by_position)
    yield from (f"*{one.name}" for one in rest)
    if by_name and not rest:
        yield "*"
    yield from map(_with_default, by_name)
    yield from (f"**{one.name}" for one in parameters if one.kind is kinds.VAR_KEYWORD)


def _with_default(parameter: inspect.Parameter) -> str:
    return parameter.name if parameter.default is inspect.Parameter.empty else f"{parameter.name}="


if __name__ == "__main__":
    FILE.write_text(surface(), encoding="utf-8")
