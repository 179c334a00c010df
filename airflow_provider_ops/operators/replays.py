"""Tells the answer to a request from an old answer that an API, or something on the way, gives once more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import TypeVar

from airflow_provider_ops.apis.base import Submitted
from airflow_provider_ops.apis.http import Response
from airflow_provider_ops.operation import Operation

T = TypeVar("T")

#: ``Date`` may be of another machine than the times of operations.
_TOLERANCE = timedelta(seconds=60)


@dataclass
class Dated:
    """When the API answered, by its own clock.

    :param at: ``None`` where no answer had a readable ``Date``.
    """

    at: datetime | None = None

    def noting(self, parse: Callable[[Response], T]) -> Callable[[Response], T]:
        """Return ``parse`` so that it also notes the date of the answer."""

        def noted(response: Response) -> T:
            self.at = date_of(response)
            return parse(response)

        return noted


def date_of(response: Response) -> datetime | None:
    """Return the ``Date`` of an answer, aware; ``None`` where it has none that can be read."""
    try:
        at = parsedate_to_datetime(response.headers.get("date", ""))
        return at if at.tzinfo else at.replace(tzinfo=timezone.utc)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def is_of_another_key(submitted: Submitted, key: str) -> bool:
    """Return whether an answer names another idempotency key than the request."""
    return submitted.key not in (None, key)


def began_before(operation: Operation | None, answered_at: datetime | None, seconds: float) -> bool:
    """Return whether an operation is older, by the API's own clock, than the first request with its key.

    :param answered_at: ``Date`` of the answer.
    :param seconds: since just before the request was first sent.
    """
    began = operation.created_at if operation else None
    if began is None or answered_at is None:
        return False
    return answered_at - began > timedelta(seconds=seconds) + _TOLERANCE
