"""Which of several operations may be that of a submit whose answer was lost, decided by the API's own clock.

No clock of ours is compared with one of the API: what counts is the time between two of the API's own dates, that of
the operation and that of the answer that shows it, and how long ago we sent the request.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import TypeVar

from airflow_provider_ops.apis.calls import Call, Page, Paged, Response
from airflow_provider_ops.apis.submits import Intent, Submitted
from airflow_provider_ops.exceptions import AmbiguousSubmission

T = TypeVar("T")

#: ``Date`` may be of another machine than the times of operations, and counts whole seconds.
_TOLERANCE = timedelta(minutes=2)


@dataclass
class Dated:
    """When the API answered, by its own clock.

    :param at: ``None`` where no answer had a readable ``Date``.
    """

    at: datetime | None = None

    def noting(self, parse: Callable[[Response], T]) -> Callable[[Response], T]:
        """Return ``parse`` so that it also records the date of the answer."""

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


class Window:
    """The time since a request was first sent, at the API.

    :param tolerance: by how much an operation may seem older than its request.
    """

    def __init__(self, intent: Intent, tolerance: timedelta = _TOLERANCE) -> None:
        self._intent = intent
        self._tolerance = tolerance
        #: ``None`` as long as no answer was dated, and where any time will do.
        self.since: datetime | None = None

    @property
    def is_certain(self) -> bool:
        """Return whether what is outside is certainly older than the request."""
        return self._intent.is_exact and self.since is not None

    def noting(self, paged: Paged[T]) -> Paged[T]:
        """Return a list whose first page sets when the window begins."""
        call = paged.first

        def parse(response: Response) -> Page[T]:
            at, age = date_of(response), self._intent.age
            if at is not None and age is not None:
                self.since = at - timedelta(seconds=max(age(), 0.0)) - self._tolerance
            return call.parse(response)

        return Paged(Call(call.request, parse))

    def contains(self, created_at: datetime | None) -> bool:
        """Return whether something may have been made by the request; what has no date may."""
        return self._intent.age is None or created_at is None or self.since is None or created_at >= self.since

    def choose(
        self, matches: Sequence[Submitted], created_at: Callable[[Submitted], datetime | None]
    ) -> list[Submitted]:
        """Return the matches that are inside.

        :raises AmbiguousSubmission: there are matches outside only, and they may be its all the same: how long ago
            another process has sent the request is measured by two clocks.
        """
        if self._intent.age is None:
            return list(matches)
        inside = [one for one in matches if self.since is not None and self.contains(created_at(one))]
        if inside or not matches or self.is_certain:
            return inside
        names = list(map(str, matches))
        raise AmbiguousSubmission(
            f"the outcome of {self._intent.submit.request} is unknown: {', '.join(names)} may be its, though it seems "
            "older, and nothing shows it for certain. Nothing was submitted again. If it is what this task is to have, "
            "pass its id as operation_id; else clear this task to submit a new one.",
            names,
        )


def began(submitted: Submitted) -> datetime | None:
    """Return when the operation of an answer began, where that is known."""
    return submitted.operation.created_at if submitted.operation else None
