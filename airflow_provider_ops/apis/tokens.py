"""Tokens that an API gives for a login and a password, and the request that asks for one."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_ops.apis.calls import Request, Response
from airflow_provider_ops.exceptions import TransportError

_LONGEST_TOKEN = 16_384
_LONGEST_LIFE = 366 * 86400.0
#: Parts of a JSON Web Token.
_PARTS = 3


@dataclass(frozen=True, slots=True)
class Token:
    """A token, and the seconds for which it is good; ``None`` where nothing says that."""

    value: str = field(repr=False)
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class TokenCall:
    """A request for a token, and how to read its answer.

    :param url: absolute address where that is not below the base URL of the connection.
    :param form: sent in place of JSON.
    """

    request: Request = field(repr=False)
    parse: Callable[[Response], Token]
    url: str | None = None
    form: Mapping[str, str] | None = field(default=None, repr=False)
    #: The same with the credentials in the form, for servers that refuse them in a header.
    otherwise: TokenCall | None = field(default=None, repr=False)


def token_of(value: object, answer: object) -> Token:
    """Return the token that an answer gives.

    Its end comes from ``expires_in``, else by the token itself where it is a JSON Web Token. Only the time between two
    moments of the API's clock is read, never a moment.

    :raises TransportError: it is none; reason ``unreadable``.
    """
    if not isinstance(value, str) or not value or len(value) > _LONGEST_TOKEN or not value.isascii():
        raise TransportError("the answer has no token where the spec says", reason="unreadable")
    if not value.isprintable() or " " in value:
        raise TransportError("the token has characters that no header can carry", reason="unreadable")
    said = _seconds(answer.get("expires_in")) if isinstance(answer, Mapping) else None
    return Token(value, _life_of(value) if said is None else said)


def _life_of(token: str) -> float | None:
    parts = token.split(".")
    if len(parts) != _PARTS:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return None
    begins, ends = (_seconds(claims.get(name)) for name in ("iat", "exp")) if isinstance(claims, dict) else (None, None)
    return None if begins is None or ends is None or ends <= begins else min(ends - begins, _LONGEST_LIFE)


def _seconds(value: Any) -> float | None:
    try:
        number = math.nan if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number > 0 and math.isfinite(number) else None


def basic(login: str, key: str) -> str:
    """Return the value of ``Authorization`` that carries login and key."""
    return f"Basic {base64.b64encode(f'{login}:{key}'.encode()).decode()}"
