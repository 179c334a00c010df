"""The times of Akua: integer Unix seconds; one page shows 13-digit milliseconds [section 1, Ambiguity 3]."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator


def _unset(value: object) -> object:
    # what a step that has not started shows in its required start is not documented; 1970 is no time
    return None if value == 0 and not isinstance(value, bool) else value


def _aware(value: datetime | None) -> datetime | None:
    return value.replace(tzinfo=timezone.utc) if value is not None and value.tzinfo is None else value


#: pydantic itself tells seconds from milliseconds by their size.
Time = Annotated[datetime | None, BeforeValidator(_unset), AfterValidator(_aware)]
