"""The log line of an operator about what it submits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from airflow_provider_ops.apis.submits import SubmitCall
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.lifecycle.options import AttemptOptions

#: Parts of a body whose names sound like this are not logged.
_SECRET = re.compile(r"secret|token|passw|key|credential|auth|private", re.IGNORECASE)
_LONGEST_VALUE, _LONGEST_LINE = 80, 400


def submitted_text(options: AttemptOptions, hook: OperationsHook, submit: SubmitCall) -> str:
    """Return what is submitted and what a kill does, for the log line just before that."""
    api, request = hook.api, submit.request
    parts = {**request.query, **(request.json if isinstance(request.json, Mapping) else {})}
    values = " ".join(f"{name}={_short(name, value)}" for name, value in parts.items())
    kill = f"on_kill={options.kill_policy}"
    if options.kill_policy == "cancel" and not api.can_cancel:
        kill += f" ({api.title} cannot cancel: the operation continues)"
    elif options.on_kill is None:
        kill += f" ({api.title} {'can' if api.can_cancel else 'cannot'} cancel)"
    kind = f" ({submit.kind})" if submit.kind else ""
    text = f"Request to {api.title} ({hook.conn_id}): {request.method} {request.path}{kind} {values}".rstrip()
    return f"{text if len(text) <= _LONGEST_LINE else text[:_LONGEST_LINE] + ' ...'}; {kill}"


def _short(name: str, value: Any) -> str:
    if _SECRET.search(name) or isinstance(value, (Mapping, list)):
        return "..."
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."
