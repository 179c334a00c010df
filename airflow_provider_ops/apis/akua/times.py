"""The times of Akua: integer Unix seconds; one page shows 13-digit milliseconds [section 1, Ambiguity 3]."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import PlainValidator

from airflow_provider_ops.apis.times import read_time


def _read(value: object) -> datetime | None:
    # what a step that has not started shows in its required start is not documented; 1970 is no time
    never = value is None or (value == 0 and not isinstance(value, bool))
    return None if never else read_time(value)


#: A time, or ``None`` for one that never was.
Time = Annotated[datetime | None, PlainValidator(_read)]
