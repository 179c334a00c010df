"""Checks of arguments that do not depend on an API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TypeAlias

from airflow_provider_ops.exceptions import InvalidArgument

#: A duration as arguments take it: seconds or a ``timedelta``.
Seconds: TypeAlias = float | timedelta
#: Longest wait in seconds: nothing is meant to wait for ever, and later times cannot be written as dates.
_LONGEST = 366 * 86400.0


def check_seconds(name: str, value: object, *, above: float | None = None) -> float | None:
    """Return a duration in seconds.

    :param value: seconds, a ``timedelta``, or ``None``.
    :param above: what it has to be more than; default allows zero.
    :raises InvalidArgument: names the argument and what is allowed.
    """
    if value is None:
        return None
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if (
        isinstance(seconds, (int, float))
        and not isinstance(seconds, bool)
        and 0 <= seconds <= _LONGEST
        and (above is None or seconds > above)
    ):
        return seconds
    least = f"above {above:g}" if above is not None else "0 or more"
    msg = f"{name} must be seconds or a timedelta, {least} and at most {_LONGEST:.0f} s (a year), not {value!r}"
    raise InvalidArgument(msg)


def check_choice(name: str, value: object, allowed: Sequence[object]) -> None:
    """Refuse a value that is not among ``allowed``.

    :raises InvalidArgument: names the argument and the allowed values.
    """
    if value not in allowed:
        raise InvalidArgument(f"{name} {value!r} is not known: use {', '.join(map(repr, allowed))}")
