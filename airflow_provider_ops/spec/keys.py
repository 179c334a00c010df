"""Our idempotency key as the requests of a spec carry it."""

from __future__ import annotations

import hashlib

from airflow_provider_ops.spec.sections import MarkSpec
from airflow_provider_ops.spec.templates import parse_template

#: Characters of a key, and of the same as a UUID.
KEY_LENGTH = 32


def short_key(key: str) -> str:
    """Return the 32 hexadecimal digits that stand for a key."""
    return hashlib.sha256(key.encode()).hexdigest()[:KEY_LENGTH]


def as_uuid(short: str) -> str:
    """Return a short key as a UUID, with the version and variant that servers check."""
    digits = f"{short[:12]}4{short[13:16]}8{short[17:]}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def key_text(mark: MarkSpec, short: str) -> str:
    """Return a short key as the spec formats it."""
    template = parse_template(mark.format)
    return template.fill(lambda one: as_uuid(short) if one.form == "uuid" else short)
