"""Add to Sphinx's autodoc what it cannot see: examples and all arguments of operators, signatures of hook methods.

A Sphinx extension, which ``docs/conf.py`` names.
"""

from __future__ import annotations

import functools
import inspect
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, ForwardRef

from airflow.sdk import BaseOperator
from sphinx.application import Sphinx

from airflow_provider_ops.hooks.endpoint import AsyncListing, AsyncMethod, Listing, Method
from airflow_provider_ops.operators.arguments import OperatorArguments, SensorArguments
from airflow_provider_ops.operators.base import OperationOperator
from airflow_provider_ops.sensors.operation import OperationSensor

_GOLDEN: Final = Path(__file__).resolve().parent.parent / "tests" / "apis" / "golden"
#: The same page for all classes would repeat some sixty arguments of Airflow.
_AIRFLOWS: Final = "Arguments of every operator of Airflow:"
#: Without an exchange of their own.
_EXAMPLES: Final[Mapping[str, Mapping[str, Any]]] = {
    "OperationRequestOperator": {
        "conn_id": "jobs",
        "method": "POST",
        "path": "/jobs",
        "json": {"name": "report of {{ run_id }}"},
    },
    "OperationSensor": {"conn_id": "akua_default", "operation_id": "{{ params.operation_id }}"},
    "LakeSailSessionSensor": {"session_id": "{{ params.session_id }}"},
    "LakeSailNotebookSensor": {"notebook_id": "{{ params.notebook_id }}"},
    "LakeSailJobRunSensor": {"job_id": "{{ params.job_id }}", "job_run_id": "{{ params.job_run_id }}"},
}
#: Members that say how a class is made, not how it is used.
_INTERNAL: Final = ("build_request", "hook_class", "template_fields", "operator_extra_links", "ui_color")
#: What a call returns, in the annotation of the function that describes it.
_RESULT: Final = re.compile(r"^(?:Call|Paged)\[(.*)\]$")
#: Where a fact comes from, for those who change the code.
_SOURCE: Final = re.compile(r" \[[^\]`\n]*\]([.,;:]?)$", re.MULTILINE)
_PARAMETER: Final = re.compile(r":param (\w+):")


@cache
def _arguments() -> Mapping[str, Mapping[str, Any]]:
    """Return the arguments of the first exchange of each operator."""
    found: dict[str, Mapping[str, Any]] = dict(_EXAMPLES)
    for file in sorted(_GOLDEN.glob("*.json")):
        for case in json.loads(file.read_text(encoding="utf-8")):
            if "operator" in case:
                found.setdefault(case["operator"], case["arguments"])
    return found


def example(operator: type[BaseOperator]) -> str:
    """Return the import line of an operator or sensor, and a call of it."""
    name = operator.__name__
    task_id = re.sub(r"(?<!^)(?=[A-Z])", "_", re.sub("Operator$|Sensor$", "", name)).lower()
    given = {"task_id": task_id, **_arguments()[name]}
    lines = "".join(f"    {key}={_literal(value)},\n" for key, value in given.items())
    # an API with many operators has them in several files
    module = ".".join(operator.__module__.split(".")[:3])
    return f"from {module} import {name}\n\n{name}(\n{lines})\n"


def _literal(value: object) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value).replace("'", '"')


def types_and_defaults(operator: type[BaseOperator]) -> Iterator[tuple[str, str, str]]:
    """Return name, type and default of each argument that an operator shares with the others of this provider."""
    base: type[BaseOperator] = OperationOperator
    shared: type = OperatorArguments
    if issubclass(operator, OperationSensor):
        base, shared = OperationSensor, SensorArguments
    defaults = inspect.signature(base.__init__).parameters
    for name, annotation in shared.__annotations__.items():
        written = annotation.__forward_arg__ if isinstance(annotation, ForwardRef) else str(annotation)
        known = defaults.get(name)
        has_default = known is not None and known.default is not known.empty
        yield name, written, repr(known.default) if known is not None and has_default else ""


def described(operator: type[BaseOperator], lines: Sequence[str]) -> list[str]:
    """Return the docstring of an operator with import line and example, and a type for each argument that it shares."""
    text = _SOURCE.sub(r"\1", "\n".join(lines).split(_AIRFLOWS)[0].rstrip()).splitlines()
    names = {match[1] for line in text if (match := _PARAMETER.search(line))}
    own = inspect.signature(operator.__init__).parameters
    types = [
        f":type {name}: {written}" + (f", default {default}" if default else "")
        for name, written, default in types_and_defaults(operator)
        if name in names and name not in own
    ]
    shown = [".. code-block:: python", "", *(f"    {line}" for line in example(operator).splitlines()), ""]
    first = next((index for index, line in enumerate(text) if not line.strip()), len(text))
    return [*text[:first], "", *shown, *text[first:], *types, ""]


def _complete(_app: Sphinx, what: str, _name: str, thing: Any, _options: Any, lines: list[str]) -> None:
    if what == "class" and issubclass(thing, BaseOperator) and thing.__name__ in _arguments():
        lines[:] = described(thing, lines)


def _skip(_app: Sphinx, _what: str, name: str, thing: Any, skip: bool, _options: Any) -> bool | None:
    # each of these stands beside its blocking twin, and differs by the letter in front
    return True if name in _INTERNAL or isinstance(thing, (AsyncMethod, AsyncListing)) else skip or None


def _member(owner: type, name: str, *default: Any) -> Any:
    """Return a member of a class; of an endpoint the function that a hook has of it."""
    found = getattr(owner, name, *default)
    return _as_function(found) if isinstance(found, (Method, Listing)) else found


def _as_function(found: Method[Any, Any] | Listing[Any, Any]) -> Any:
    def method() -> None: ...

    functools.update_wrapper(method, found.build)
    declared = inspect.signature(found.build)
    itself = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    result = _RESULT.sub(r"\1", str(declared.return_annotation).replace("SubmitCall", "Call[Submitted]"))
    method.__signature__ = declared.replace(  # type: ignore[attr-defined]
        parameters=[itself, *declared.parameters.values()],
        return_annotation=f"Iterator[{result}]" if isinstance(found, Listing) else result,
    )
    del method.__wrapped__  # type: ignore[attr-defined]
    method.__annotations__ = {}
    return method


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("autodoc-process-docstring", _complete)
    app.add_autodoc_attrgetter(type, _member)
    app.connect("autodoc-skip-member", _skip)
    return {"parallel_read_safe": True}
