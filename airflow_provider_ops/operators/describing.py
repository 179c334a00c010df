"""The docstring of an operator, with all its arguments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from airflow.sdk import BaseOperator, BaseSensorOperator

_PARAMETER = re.compile(r"^ *:param (\w+): *(.*(?:\n(?! *:)(?! *$).*)*)", re.MULTILINE)
_SENTENCE = re.compile(r"(.+?[.:;])(?=\s|$)")
_NOT_DESCRIBED_BY_AIRFLOW = {
    "params": "values by name that templates of this task can use as ``params``.",
    "default_args": "arguments that hold where this task does not say otherwise.",
    "inlets": "assets that this task reads.",
    "outlets": "assets that this task updates.",
    "map_index_template": "template of the name that each mapped task has in the UI.",
    "retry_policy": "what decides whether an error is retried; default is this provider's own.",
    "ignore_first_depends_on_past": "whether ``depends_on_past`` does not hold for the first run of the task.",
}


def parameters_of(doc: str | None) -> dict[str, str]:
    """Return what a docstring says of each parameter, in one line."""
    return {name: " ".join(text.split()) for name, text in _PARAMETER.findall(doc or "")}


@cache
def _parameters_of_airflow() -> Mapping[str, str]:
    """Return the first sentence about each argument of Airflow's operators and sensors."""
    found = {**parameters_of(BaseOperator.__doc__), **parameters_of(BaseSensorOperator.__doc__)}
    first = {name: match[1] if (match := _SENTENCE.match(text)) else text for name, text in found.items()}
    return {**first, **_NOT_DESCRIBED_BY_AIRFLOW}


def with_all_arguments(doc: str | None, common: Mapping[str, str], names: Mapping[str, Any]) -> str | None:
    """Return the docstring of an operator with the arguments that it shares with all others.

    :param common: what is said of the arguments of this provider.
    :param names: all arguments by name.
    """
    if doc is None:
        # python -OO
        return None
    own = parameters_of(doc)
    ours = {name: text for name, text in common.items() if name not in own and name in names}
    airflows = {
        name: text
        for name, text in _parameters_of_airflow().items()
        if name not in own and name not in ours and name in names
    }
    blocks = (
        ("Arguments of every operator of this provider:", ours),
        ("Arguments of every operator of Airflow:", airflows),
    )
    written = [doc.rstrip()]
    for title, lines in blocks:
        if lines:
            described = [f"    :param {name}: {text}" for name, text in lines.items()]
            written.append("\n".join((f"    {title}\n", *described)))
    return "\n\n".join(written) + "\n    "
