"""Text about operators: the docstring with all arguments, and the first log line of a create."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, BaseSensorOperator

from airflow_provider_ops.apis.base import Api, SubmitCall

if TYPE_CHECKING:
    from airflow_provider_ops.operators.base import OperationOperator

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
#: Parts of a body whose names sound like this are not logged.
_SECRET = re.compile(r"secret|token|passw|key|credential|auth|private", re.IGNORECASE)
_LONGEST_VALUE, _LONGEST_LINE = 80, 400


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
    blocks = (("Arguments of every operator here:", ours), ("Arguments of every operator of Airflow:", airflows))
    written = [doc.rstrip()]
    for title, lines in blocks:
        if lines:
            described = [f"    :param {name}: {text}" for name, text in lines.items()]
            written.append("\n".join((f"    {title}\n", *described)))
    return "\n\n".join(written) + "\n    "


def submitted_text(task: OperationOperator, api: Api, submit: SubmitCall) -> str:
    """Return what is to be submitted and what a kill does, for the first log line."""
    request = submit.request
    parts = {**request.query, **(request.json if isinstance(request.json, Mapping) else {})}
    values = " ".join(f"{name}={_short(name, value)}" for name, value in parts.items())
    kill = f"on_kill={task.kill_policy}"
    if task.on_kill_argument is None:
        kill += f" ({api.title} {'can' if api.can_cancel else 'cannot'} cancel)"
    kind = f" ({submit.kind})" if submit.kind else ""
    text = f"Request to {api.title} ({task.conn_id}): {request.method} {request.path}{kind} {values}".rstrip()
    return f"{text if len(text) <= _LONGEST_LINE else text[:_LONGEST_LINE] + ' ...'}; {kill}"


def _short(name: str, value: Any) -> str:
    if _SECRET.search(name) or isinstance(value, (Mapping, list)):
        return "..."
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."
