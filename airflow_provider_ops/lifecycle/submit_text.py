"""The log line of an operator about what it submits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from airflow_provider_ops.apis.submits import SubmitCall
from airflow_provider_ops.core.redaction import Redact, declared_redactor
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.lifecycle.options import AttemptOptions

#: Parts of a body whose names sound like this are not logged.
_SECRET = re.compile(r"secret|token|passw|key|credential|auth|private", re.IGNORECASE)
_LONGEST_VALUE, _LONGEST_LINE = 80, 400


def submitted_text(options: AttemptOptions, hook: OperationsHook, submit: SubmitCall) -> str:
    """Return what is submitted and what a kill does, for the log line just before that."""
    api, request = hook.api, submit.request
    parts = {**request.query, **(request.json if isinstance(request.json, Mapping) else {})}
    conceal = declared_redactor(tuple(api.concealed_in(request)))
    values = " ".join(f"{name}={_short(name, value, conceal)}" for name, value in parts.items())
    kill = f"on_kill={options.kill_policy}"
    if options.kill_policy == "cancel" and not api.can_cancel:
        kill += f" ({api.title} cannot cancel: the operation continues)"
    elif options.on_kill is None:
        kill += f" ({api.title} {'can' if api.can_cancel else 'cannot'} cancel)"
    # that of a call without a word of its own is method and path
    kind = f" ({submit.kind})" if submit.kind and " " not in submit.kind else ""
    text = f"Request to {api.title} ({hook.conn_id}): {request.method} {request.path}{kind} {values}".rstrip()
    return f"{text if len(text) <= _LONGEST_LINE else text[:_LONGEST_LINE] + ' ...'}; {kill}"


def _short(name: str, value: Any, conceal: Redact) -> str:
    if _SECRET.search(name) or isinstance(value, (Mapping, list)):
        return "..."
    text = conceal(repr(value))
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."
