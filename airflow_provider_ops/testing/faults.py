"""Faults by readable names: each function makes one rule of a fault plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from typing_extensions import Unpack

Rule = dict[str, Any]
"""A rule of a fault plan; docs/reference/simulator.md has all keys."""


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


class WhichOperations(Where, total=False):
    """Which new operations a fault is for; all of them where nothing is said."""

    kind: str


def fail_first(n: int = 1, status: int = 503, **where: Unpack[Where]) -> Rule:
    """Answer the first `n` requests with an error; they are not carried out."""
    return {"fault": "status", "status": status, "count": n, **where}


def fail_sometimes(chance: float, status: int = 503, **where: Unpack[Where]) -> Rule:
    """Answer each request with an error, with a chance of 0 to 1; which ones comes from the seed."""
    return {"fault": "status", "status": status, "probability": chance, **where}


def outage(seconds: float, status: int = 503, **where: Unpack[Where]) -> Rule:
    """Answer all requests with an error for so many seconds, from now on (or `after` some seconds)."""
    return {"fault": "status", "status": status, "for": seconds, **where}


def rate_limited(n: int = 1, retry_after: float | Rule = 1, **where: Unpack[Where]) -> Rule:
    """Answer the first `n` requests with 429; `retry_after` in seconds, `{"date_in": seconds}` or `{"ms": n}`."""
    return {"fault": "status", "status": 429, "count": n, "retry_after": retry_after, **where}


def reset_connection(n: int = 1, **where: Unpack[Where]) -> Rule:
    """Reset the connection of the first `n` requests; they are not carried out."""
    return {"fault": "reset", "count": n, **where}


def drop_answer(n: int = 1, **where: Unpack[Where]) -> Rule:
    """Carry out the first `n` requests (POST by default), but drop their answers."""
    where.setdefault("method", "POST")
    return {"fault": "accept_then_drop", "count": n, **where}


def hang(seconds: float, n: int = 1, *, execute: bool = False, **where: Unpack[Where]) -> Rule:
    """Leave the first `n` requests without an answer for a while, then reset; carried out with `execute`."""
    return {"fault": "hang", "seconds": seconds, "count": n, "execute": execute, **where}


def trickle(seconds: float, n: int = 1, **where: Unpack[Where]) -> Rule:
    """Send the first `n` answers in small pieces over that time."""
    return {"fault": "trickle", "seconds": seconds, "count": n, **where}


def html(n: int = 1, status: int = 200, **where: Unpack[Where]) -> Rule:
    """Answer the first `n` requests with a page of HTML; they are not carried out."""
    return {"fault": "html", "status": status, "count": n, **where}


def truncated(n: int = 1, **where: Unpack[Where]) -> Rule:
    """Cut the JSON of the first `n` answers in the middle; the requests are carried out."""
    return {"fault": "truncated", "count": n, **where}


def poison(value: str, *fields: str, n: int | None = None, **where: Unpack[Where]) -> Rule:
    """Put this JSON, which need not be valid, into the fields that these globs name, in (the first `n`) answers."""
    return {"fault": "poison", "value": value, "fields": list(fields) or ["*"], "count": n, **where}


def unknown_status(word: str = "hibernating", seconds: float = 2.0, **where: Unpack[WhichOperations]) -> Rule:
    """Show an undocumented status of new operations, for the first seconds of their running."""
    return {"fault": "unknown_status", "word": word, "seconds": seconds, **where}


def not_found_first(reads: int = 2, **where: Unpack[WhichOperations]) -> Rule:
    """Answer the first reads of new operations with "not found"."""
    return {"fault": "not_found_first", "reads": reads, **where}


def operation_fails(
    reason: str = "injected failure",
    n: int | None = None,
    *,
    code: str | None = None,
    retryable: bool | None = None,
    retry_after: float | None = None,
    **where: Unpack[WhichOperations],
) -> Rule:
    """Let new operations (or the first `n`) fail for this reason; LakeSail also says whether and when to try again.

    :param code: the API's word for the reason, where it has one.
    """
    more = {"retryable": retryable, "retry_after": retry_after, **({} if code is None else {"code": code})}
    return {"fault": "operation_fails", "reason": reason, "count": n, **more, **where}


def operation_cancelled(
    reason: str = "injected cancellation", n: int | None = None, **where: Unpack[WhichOperations]
) -> Rule:
    """Let new operations (or the first `n`) end as cancelled for this reason."""
    return {"fault": "operation_cancelled", "reason": reason, "count": n, **where}


def never_settles(n: int | None = None, **where: Unpack[WhichOperations]) -> Rule:
    """Keep new operations (or the first `n`) running for ever."""
    return {"fault": "endless", "count": n, **where}


def slow_cancel(seconds: float = 10.0, **where: Unpack[WhichOperations]) -> Rule:
    """Let the cancellation of new operations take this long."""
    return {"fault": "slow_cancel", "seconds": seconds, **where}


def list_lag(seconds: float = 15.0, **where: Unpack[WhichOperations]) -> Rule:
    """Show new operations in lists as they were so long ago; single reads show them as they are."""
    return {"fault": "list_lag", "seconds": seconds, **where}


def early_dates(seconds: float = 86_400.0, *, no_end: bool = False, **where: Unpack[WhichOperations]) -> Rule:
    """Date the end of new operations that much earlier, at their start at the earliest, or (`no_end`) omit it."""
    return {"fault": "early_dates", "seconds": seconds, "no_end": no_end, **where}
