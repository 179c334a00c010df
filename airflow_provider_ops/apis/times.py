"""Times as the APIs write them, as ours: aware ``datetime`` in UTC."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import lru_cache
from typing import Annotated

from pydantic import PlainValidator, TypeAdapter

_VALIDATE = TypeAdapter(datetime).validator.validate_python


def aware(moment: datetime) -> datetime:
    """Return ``moment`` with a zone; one without is taken for UTC, which is what APIs mean by that."""
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def in_utc(moment: datetime) -> datetime:
    """Return the same moment in UTC, see :func:`aware`.

    :raises ValueError: in UTC it would be before the first or after the last moment that Python knows.
    """
    try:
        return aware(moment).astimezone(timezone.utc)
    except OverflowError as error:
        raise ValueError(str(error)) from None


@lru_cache(maxsize=4096, typed=True)
def _read(value: str | int) -> datetime:
    return in_utc(_VALIDATE(value))


def read_time(value: object) -> datetime:
    """Read a time in ISO 8601, or in Unix seconds or milliseconds, which pydantic distinguishes by their size.

    :raises ValueError: it is none.
    """
    # operations that were submitted together share their seconds, and every poll shows the same times again
    return _read(value) if isinstance(value, (str, int)) else in_utc(_VALIDATE(value))


#: A field that is a time.
Time = Annotated[datetime, PlainValidator(read_time)]
