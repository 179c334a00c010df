"""Requests of a spec with their values filled in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from airflow_provider_ops.apis.calls import Request
from airflow_provider_ops.core.gate import one_line
from airflow_provider_ops.core.redaction import declared_redactor
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.spec.expressions import Exchange
from airflow_provider_ops.spec.keys import as_uuid
from airflow_provider_ops.spec.parts import RequestSpec
from airflow_provider_ops.spec.requests import parse_line
from airflow_provider_ops.spec.templates import Placeholder, as_text, fill_json

_LONGEST_HEADER = 4096


@dataclass(frozen=True, slots=True)
class Values:
    """What the placeholders of one request stand for.

    :param named: by name; ``mark`` is the key as formatted.
    :param short_key: the key as 32 hexadecimal digits, for ``{mark:uuid}``.
    :param exchange: the submit, for ``{$request...}``.
    :param secrets: texts of the submit that no message may show.
    """

    named: Mapping[str, Any] = field(default_factory=dict)
    short_key: str | None = None
    exchange: Exchange | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def look_up(self, one: Placeholder) -> Any:
        """Return the value of a placeholder, ``None`` where there is none."""
        if one.expression is not None:
            found = one.expression.find_all(self.exchange) if self.exchange else []
            return found[0] if found else None
        if one.form == "uuid":
            return None if self.short_key is None else as_uuid(self.short_key)
        return self.named.get(one.name)

    def conceal(self, text: str) -> str:
        """Return a text for people without secrets of the submit."""
        return declared_redactor(self.secrets)(text) if self.secrets else text

    def having(self, **named: Any) -> Values:
        """Return these values and some more."""
        return Values({**self.named, **named}, self.short_key, self.exchange, self.secrets)


def fill(request: RequestSpec, values: Values, **options: Any) -> Request:
    """Return a request with its values.

    :param options: further fields of the request, such as ``read_timeout``.
    :raises InvalidArgument: a value is missing, or cannot stand where it should.
    """
    line = parse_line(request.request)
    try:
        query: dict[str, Any] = {}
        for name, template in line.query:
            _add(query, name, template.fill_typed(values.look_up))
        return Request(
            line.method,
            line.path.fill_path(values.look_up),
            line.route,
            query={**query, **parameters(request.query, values)},
            json=fill_json(request.body, values.look_up) if request.has("body") else None,
            headers=header_values(request.headers, values),
            secrets=values.secrets,
            **options,
        )
    except InvalidArgument:
        raise
    except (ValueError, AttributeError, TypeError) as error:
        raise InvalidArgument(f"{request.request}: {values.conceal(str(error))}") from None


def _add(query: dict[str, Any], name: str, value: Any) -> None:
    """Add a parameter; a name that comes again is sent again."""
    value = as_text(value) if isinstance(value, bool) or not isinstance(value, (str, int, float, list)) else value
    if name in query:
        before = query[name] if isinstance(query[name], list) else [query[name]]
        value = [*before, *(value if isinstance(value, list) else [value])]
    query[name] = value


def parameters(given: Mapping[str, Any], values: Values) -> dict[str, Any]:
    """Return parameters of a query; objects and lists of the spec are JSON."""
    return {name: _written(value, values.look_up) for name, value in given.items()}


def header_values(given: Mapping[str, Any], values: Values) -> dict[str, str]:
    """Return headers; objects and lists are JSON.

    :raises InvalidArgument: a value has characters that no header has.
    """
    found = {}
    for name, value in given.items():
        text = as_text(_written(value, values.look_up))
        if not text.isascii() or not text.isprintable() or len(text) > _LONGEST_HEADER:
            raise InvalidArgument(
                f"header {name} would be {one_line(text, values.conceal, 200)!r}, which no header can carry: "
                "use printable ASCII"
            )
        found[name] = text
    return found


def _written(value: Any, look_up: Callable[[Placeholder], Any]) -> Any:
    filled = fill_json(value, look_up)
    if isinstance(value, (Mapping, list, tuple)):
        return json.dumps(filled, separators=(",", ":"), default=_plain)
    return filled


def _plain(value: Any) -> Any:
    return as_text(value) if isinstance(value, datetime) else str(value)
