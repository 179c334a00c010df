"""Which of several operations of a resource is meant: the oldest, or the newest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from airflow_provider_ops.apis.calls import Request
from airflow_provider_ops.exceptions import AmbiguousSubmission

#: Operations that an error names.
_MOST_NAMED = 10


class Found(NamedTuple):
    """An operation of a resource."""

    operation_id: str
    created_at: datetime | None


def choose(found: Sequence[Found], order: str | None, request: Request, *, newest: bool = False) -> Found | None:
    """Return the operation that is meant: by the times of all, else by their order; ``None`` where there is none.

    :param found: as the API lists them.
    :param order: which it lists first, ``newest`` or ``oldest``; ``None`` where that is not known.
    :param request: of the submit.
    :raises AmbiguousSubmission: neither shows which it is.
    """
    left = list({one.operation_id: one for one in found}.values())
    dates = [one.created_at for one in left if one.created_at is not None]
    if dates and len(dates) == len(left):
        meant = max(dates) if newest else min(dates)
        left = [one for one in left if one.created_at == meant]
    if len(left) <= 1:
        return left[0] if left else None
    if order is not None:
        return left[0] if (order == "newest") == newest else left[-1]
    names = [f"operation {one.operation_id}" for one in left[:_MOST_NAMED]]
    raise AmbiguousSubmission(
        f"the outcome of {request} is unknown: {', '.join(names)} may be its, and neither times nor a known order show "
        "which. Nothing was submitted again. Add 'created_at' to 'operation' or 'order' to 'lookup' in the spec, then "
        "clear this task; or pass the id of its operation as operation_id.",
        names,
    )
