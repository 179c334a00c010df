"""Our idempotency key as the requests of a spec carry it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from airflow_provider_ops.core.identity import short_key
from airflow_provider_ops.spec.sections import MarkSpec
from airflow_provider_ops.spec.templates import parse_template

#: Characters of a key, and of the same as a UUID.
KEY_LENGTH = 32
_SHORT = re.compile(rf"[0-9a-f]{{{KEY_LENGTH}}}")

__all__ = ["KEY_LENGTH", "as_uuid", "key_text", "short_in", "short_key"]


def as_uuid(short: str) -> str:
    """Return a short key as a UUID, with the version and variant that servers check."""
    digits = f"{short[:12]}4{short[13:16]}8{short[17:]}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def short_in(mark: MarkSpec, text: str) -> str | None:
    """Return the short key in a text that the spec has formatted, ``None`` where there is none."""
    template = parse_template(mark.format)
    before, _, after = (part if isinstance(part, str) else "" for part in _around(template.parts))
    if len(text) < len(before) + len(after) or not (text.startswith(before) and text.endswith(after)):
        return None
    found = text[len(before) : len(text) - len(after)].replace("-", "").lower()
    return found if _SHORT.fullmatch(found) else None


def _around(parts: Sequence[object]) -> tuple[object, object, object]:
    """Return what stands before the key, the key, and what stands behind it."""
    place = next((index for index, part in enumerate(parts) if not isinstance(part, str)), 0)
    before = parts[place - 1] if place else ""
    after = parts[place + 1] if place + 1 < len(parts) else ""
    return before, parts[place], after


def key_text(mark: MarkSpec, short: str) -> str:
    """Return a short key as the spec formats it."""
    template = parse_template(mark.format)
    return template.fill(lambda one: as_uuid(short) if one.form == "uuid" else short)
