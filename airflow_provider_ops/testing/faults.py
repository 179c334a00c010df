"""Faults by readable names: each function makes one rule of a fault plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from typing_extensions import Unpack

Rule = dict[str, Any]
"""A rule of a fault plan; docs/simulator.md has all keys."""


class Where(TypedDict, total=False):
    """Which requests a fault is for; all of them where nothing is said."""

    api: str
    method: str
    route: str
    resource: str
    name: str
    skip: int
    probability: float
    after: float


def fail_first(n: int = 1, status: int = 503, **where: Unpack[Where]) -> Rule:
    """The first `n` requests are answered with an error and not carried out."""
    return {"fault": "status", "status": status, "count": n, **where}


def fail_sometimes(chance: float, status: int = 503, **where: Unpack[Where]) -> Rule:
    """Each request may be answered with an error, with a chance of 0 to 1; which ones comes from the seed."""
    return {"fault": "status", "status": status, "probability": chance, **where}


def outage(seconds: float, status: int = 503, **where: Unpack[Where]) -> Rule:
    """From now on (or `after` some seconds) nothing works, for that long."""
    return {"fault": "status", "status": status, "for": seconds, **where}


def rate_limited(n: int = 1, retry_after: float | Rule = 1, **where: Unpack[Where]) -> Rule:
    """The first `n` requests get a 429; `retry_after` in seconds, `{"date_in": seconds}` or `{"ms": n}`."""
    return {"fault": "status", "status": 429, "count": n, "retry_after": retry_after, **where}


def reset_connection(n: int = 1, **where: Unpack[Where]) -> Rule:
    """The first `n` requests end in a connection reset and are not carried out."""
    return {"fault": "reset", "count": n, **where}


def drop_answer(n: int = 1, **where: Unpack[Where]) -> Rule:
    """The first `n` requests (POST unless said otherwise) are carried out, but their answers never arrive."""
    where.setdefault("method", "POST")
    return {"fault": "accept_then_drop", "count": n, **where}


def hang(seconds: float, n: int = 1, *, execute: bool = False, **where: Unpack[Where]) -> Rule:
    """The first `n` requests get no answer for a while, then a connection reset; carried out with `execute`."""
    return {"fault": "hang", "seconds": seconds, "count": n, "execute": execute, **where}


def trickle(seconds: float, n: int = 1, **where: Unpack[Where]) -> Rule:
    """The first `n` answers come in small pieces over that time."""
    return {"fault": "trickle", "seconds": seconds, "count": n, **where}


def html(n: int = 1, status: int = 200, **where: Unpack[Where]) -> Rule:
    """The first `n` requests are answered with a page of HTML and not carried out."""
    return {"fault": "html", "status": status, "count": n, **where}


def truncated(n: int = 1, **where: Unpack[Where]) -> Rule:
    """The first `n` answers are JSON that ends in the middle; the requests are carried out."""
    return {"fault": "truncated", "count": n, **where}


def poison(value: str, *fields: str, n: int | None = None, **where: Unpack[Where]) -> Rule:
    """Answers (or the first `n`) have this JSON, which need not be valid, in the fields that these globs name."""
    return {"fault": "poison", "value": value, "fields": list(fields) or ["*"], "count": n, **where}


def unknown_status(word: str = "hibernating", seconds: float = 2.0, **where: Unpack[Where]) -> Rule:
    """New operations show a status nobody knows, for the first seconds of their running."""
    return {"fault": "unknown_status", "word": word, "seconds": seconds, **where}


def not_found_first(reads: int = 2, **where: Unpack[Where]) -> Rule:
    """New operations cannot be found in their first reads."""
    return {"fault": "not_found_first", "reads": reads, **where}


def operation_fails(
    reason: str = "injected failure",
    n: int | None = None,
    *,
    retryable: bool | None = None,
    retry_after: float | None = None,
    **where: Unpack[Where],
) -> Rule:
    """New operations (or the first `n`) fail for this reason; LakeSail also says whether to try again, and when."""
    advice = {"retryable": retryable, "retry_after": retry_after}
    return {"fault": "operation_fails", "reason": reason, "count": n, **advice, **where}


def operation_cancelled(reason: str = "injected cancellation", n: int | None = None, **where: Unpack[Where]) -> Rule:
    """New operations (or the first `n`) end as cancelled for this reason."""
    return {"fault": "operation_cancelled", "reason": reason, "count": n, **where}


def never_settles(n: int | None = None, **where: Unpack[Where]) -> Rule:
    """New operations (or the first `n`) never settle."""
    return {"fault": "endless", "count": n, **where}


def slow_cancel(seconds: float = 10.0, **where: Unpack[Where]) -> Rule:
    """Cancelling new operations takes this long."""
    return {"fault": "slow_cancel", "seconds": seconds, **where}


def list_lag(seconds: float = 15.0, **where: Unpack[Where]) -> Rule:
    """Lists show new operations as they were so long ago; single reads show them as they are."""
    return {"fault": "list_lag", "seconds": seconds, **where}


def early_dates(seconds: float = 86_400.0, *, no_end: bool = False, **where: Unpack[Where]) -> Rule:
    """New operations are said to have ended that much earlier, at their start at the earliest, or (`no_end`) never."""
    return {"fault": "early_dates", "seconds": seconds, "no_end": no_end, **where}
