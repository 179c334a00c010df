"""What a spec calls secret: blanked out in answers before anything is made of them, and searched for in texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_ops.core.gate import REDACTED
from airflow_provider_ops.spec.expressions import ALL_ITEMS, Exchange
from airflow_provider_ops.spec.values import parse_value


def without_secrets(value: Any, secrets: Sequence[str], *, of_entry: bool = False) -> Any:
    """Return a body, or an entry, in which what the spec calls secret is blanked out.

    :param of_entry: whether the value is an entry, to which bare pointers are relative.
    """
    for text in secrets:
        for expression in parse_value(text).expressions:
            is_in_body = expression.source == "response" and expression.place == "body" and not of_entry
            if expression.source == "entry" or is_in_body:
                value = _blanked(value, expression.pointer)
    return value


def _blanked(value: Any, pointer: Sequence[str]) -> Any:
    if not pointer:
        return None if value is None else REDACTED
    part, rest = pointer[0], pointer[1:]
    if isinstance(value, Mapping):
        return {name: _blanked(item, rest) if name == part else item for name, item in value.items()}
    if isinstance(value, list):
        return [_blanked(one, rest) if part in (ALL_ITEMS, str(index)) else one for index, one in enumerate(value)]
    return value


def secrets_in(submit: Exchange, secrets: Sequence[str]) -> tuple[str, ...]:
    """Return the texts in a request that the spec calls secret."""
    found = [
        value
        for text in secrets
        for expression in parse_value(text).expressions
        if expression.source == "request"
        for value in expression.find_all(submit)
    ]
    return tuple(dict.fromkeys(value for value in found if isinstance(value, str) and value))
