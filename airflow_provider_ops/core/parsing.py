"""Parse JSON that an API sent: whatever the bytes are, the result is clean or a ``ValueError``."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

from pydantic_core import from_json

from airflow_provider_ops.core.gate import MAX_DEPTH, Redact, Redactor, clean

# Lists of operations are most of what is read, and nearly all of them have nothing to clean. What shows that is quick
# (docs/explanation/design.md has the numbers): a page is only walked through where one of these finds something.
# \b and \f are control characters as well; what is ASCII may be escaped to hide the key
_ESCAPED = re.compile(rb"\\(?:u00[0-9]|[bf])")
_CONTROL = re.compile(rb"\xc2[\x80-\x9f]")
#: An exponent of three digits or more, after :data:`_DIGITS`; ids have the like, but continue behind it.
_EXPONENT = re.compile(rb"0e\+?0000*\s*(?:[,\]}]|$)")
#: All digits become one, and both letters of an exponent.
_DIGITS = bytes.maketrans(b"123456789E", b"000000000e")
#: Numbers of fewer digits have no more than 64 bits.
_LONG_NUMBER = b"0" * 19
_NO_BRACKETS = bytes(sorted(set(range(256)) - set(b"[]{}")))


def parse_json(content: bytes, redact: Redact | None = None) -> Any:
    """Return the value, see :func:`~airflow_provider_ops.core.gate.clean`.

    A body that is not quite JSON (another encoding, bytes of none, bare control characters) is read as far as that
    is possible.

    :raises ValueError: it is no JSON, or nested too deep to be read.
    """
    try:
        value = from_json(content, cache_strings="keys", allow_inf_nan=False)
    except ValueError:
        return clean(_parse_leniently(content), redact)
    return value if _is_clean(content, redact) else clean(value, redact)


class LongNumber(str):
    """What stands for a number beyond 64 bits, which no value has: a text that says how many digits it has."""

    __slots__ = ()


def with_long_numbers(content: bytes) -> Any:
    """Return a JSON value with :class:`LongNumber` in place of integers of many digits, ``None`` where it is none.

    It is not cleaned, so nothing else of it may leave.
    """

    def read(digits: str) -> int | str:
        count = len(digits.lstrip("-"))
        return int(digits) if count < len(_LONG_NUMBER) else LongNumber(f"a number of {count} digits")

    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(content, parse_int=read)
    return None


def _parse_leniently(content: bytes) -> Any:
    text = content.decode(json.detect_encoding(content), "replace")
    try:
        # the hook: Python refuses to make numbers of thousands of digits
        return json.loads(text, strict=False, parse_int=_integer)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) <= len(_LONG_NUMBER) + 1 else None


def _is_clean(content: bytes, redact: Redact | None) -> bool:
    return not (_has_control(content) or _has_odd_number(content) or _is_deep(content) or _has_secret(content, redact))


def _has_control(content: bytes) -> bool:
    if b"\x7f" in content or (b"\\" in content and _ESCAPED.search(content)):
        return True
    return not content.isascii() and _CONTROL.search(content) is not None


def _has_odd_number(content: bytes) -> bool:
    digits = content.translate(_DIGITS)
    return _LONG_NUMBER in digits or _EXPONENT.search(digits) is not None


def _is_deep(content: bytes) -> bool:
    """Return whether a value may be nested deeper than it may stay; brackets in texts may make it seem so."""
    brackets = content.translate(None, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    return bool(brackets)


def _has_secret(content: bytes, redact: Redact | None) -> bool:
    return redact.may_be_in(content) if isinstance(redact, Redactor) else redact is not None
