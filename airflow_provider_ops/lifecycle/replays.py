"""Recognizes an old answer that an API, or a proxy before it, repeats instead of answering the request."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow_provider_ops.apis.submits import Submitted
from airflow_provider_ops.operation import Operation

#: ``Date`` may be of another machine than the times of operations.
_TOLERANCE = timedelta(seconds=60)


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
