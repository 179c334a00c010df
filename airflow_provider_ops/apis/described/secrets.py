"""What a spec calls secret: blanked out in answers before anything is made of them, and searched for in texts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from airflow_provider_ops.core.gate import REDACTED
from airflow_provider_ops.core.redaction import SHORTEST_DECLARED
from airflow_provider_ops.spec.expressions import ALL_ITEMS, Exchange
from airflow_provider_ops.spec.templates import as_text
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


def shown(exchange: Exchange, secrets: Sequence[str]) -> Exchange:
    """Return an exchange in whose answer, headers included, what the spec calls secret is blanked out."""
    if not secrets:
        return exchange
    names = {
        expression.name.lower()
        for text in secrets
        for expression in parse_value(text).expressions
        if (expression.source, expression.place) == ("response", "header")
    }
    headers = {name: REDACTED if name in names else value for name, value in exchange.response_headers.items()}
    body = without_secrets(exchange.response_body, secrets)
    return replace(exchange, response_headers=headers, response_body=body)


def has_secret_answers(secrets: Sequence[str]) -> bool:
    """Return whether the body of an answer may have a secret in it."""
    return any(
        expression.source == "entry" or (expression.source, expression.place) == ("response", "body")
        for text in secrets
        for expression in parse_value(text).expressions
    )


def _blanked(value: Any, pointer: Sequence[str]) -> Any:
    if not pointer:
        return None if value is None else REDACTED
    part, rest = pointer[0], pointer[1:]
    if isinstance(value, Mapping):
        return {name: _blanked(item, rest) if name == part else item for name, item in value.items()}
    if isinstance(value, list):
        return [_blanked(one, rest) if part in (ALL_ITEMS, str(index)) else one for index, one in enumerate(value)]
    return value


def _found(submit: Exchange, secrets: Sequence[str]) -> list[Any]:
    return [
        value
        for text in secrets
        for expression in parse_value(text).expressions
        if expression.source == "request"
        for value in expression.find_all(submit)
    ]


def secrets_in(submit: Exchange, secrets: Sequence[str]) -> tuple[str, ...]:
    """Return the texts and numbers in a request that the spec calls secret, as text."""
    plain = (value for value in _found(submit, secrets) if isinstance(value, (str, int, float)))
    return tuple(dict.fromkeys(as_text(value) for value in plain if not isinstance(value, bool) and value != ""))


def all_texts_in(submit: Exchange, secrets: Sequence[str]) -> tuple[str, ...]:
    """Return in which texts a message may show what the spec calls secret in a request.

    Numbers as text; of objects and lists all that is in them, and the whole as JSON and as Python write it.
    """
    texts = (text for value in _found(submit, secrets) for text in _texts_of(value))
    return tuple(dict.fromkeys(text for text in texts if len(text) >= SHORTEST_DECLARED))


def _texts_of(value: Any) -> Iterator[str]:
    match value:
        case None | bool():
            return
        case str():
            yield value
        case int() | float():
            yield as_text(value)
            yield json.dumps(value)
        case Mapping() | list():
            yield from (json.dumps(value), json.dumps(value, separators=(",", ":")), str(value))
            yield json.dumps(value, ensure_ascii=False)
            for item in value.values() if isinstance(value, Mapping) else value:
                yield from _texts_of(item)
