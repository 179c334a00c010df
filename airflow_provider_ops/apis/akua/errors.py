"""Error bodies of Akua in all forms that were seen [section 7 and Ambiguity 2]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_ops.apis.calls import Response
from airflow_provider_ops.apis.wire_models import ErrorBody, read_error


def error_body(response: Response) -> ErrorBody:
    """Code and message of any body. Codes have no table, so nothing may branch on them."""
    return read_error(response, _find)


def _find(body: Any) -> tuple[Any, str | None]:
    entries = body.get("errors")
    if isinstance(entries, list) and entries:
        shown = [_entry(entry) for entry in entries]
        return _code(entries[0]), "; ".join(filter(None, shown)) or None
    nested = body.get("error")
    if isinstance(nested, Mapping):
        return _code(nested), _text(nested)
    if isinstance(nested, str):
        return body.get("code"), _text(body) or nested or None
    return _code(body), _text(body) or body.get("_tag") or None


def _entry(entry: Any) -> str | None:
    if not isinstance(entry, Mapping):
        return str(entry) if entry else None
    text = _text(entry)
    where = entry.get("path")
    if isinstance(where, list) and where:
        place = ".".join(map(str, where))
        return f"{place}: {text}" if text else f"{place} is refused"
    return text


def _code(entry: Any) -> Any:
    if not isinstance(entry, Mapping):
        return None
    code = entry.get("code", entry.get("_tag"))
    return code if isinstance(code, (int, str)) else None


def _text(entry: Mapping[str, Any]) -> str | None:
    message = entry.get("message")
    return message if isinstance(message, str) and message else None
