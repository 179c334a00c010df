"""However an API writes a time, it is an aware ``datetime`` in UTC, and what is none is said to be none."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from airflow_provider_ops.apis import onvera
from airflow_provider_ops.apis.times import read_time
from airflow_provider_ops.operation import Operation
from tests.apis.answers import answer

TEN = datetime(2026, 1, 5, 10, tzinfo=timezone.utc)
#: In UTC this would be a day before the first one that there is.
FIRST = "0001-01-01T00:00:00+02:00"


def _operation(**fields: Any) -> Operation:
    body = {"data": {"id": "op_1", "status": "running", **fields}}
    return onvera.API.get_operation("op_1").parse(answer(body))


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-05T10:00:00Z",
        "2026-01-05T12:00:00+02:00",
        "2026-01-05T10:00:00",
        "2026-01-05 10:00:00.000",
        1767607200,
        1767607200000,
        1767607200.0,
        datetime(2026, 1, 5, 10),  # noqa: DTZ001 - an API says no zone, either
    ],
)
def test_every_way_to_write_a_time(written: Any) -> None:
    read = read_time(written)
    assert (read, read.tzinfo) == (TEN, timezone.utc)


@pytest.mark.parametrize("written", ["soon", "", None, [], {}, [1767607200], b"\xff", FIRST])
def test_what_is_no_time(written: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of pydantic's own words
        read_time(written)


def test_operations_of_the_same_second_share_it() -> None:
    one, other = (_operation(requested_at="2026-01-05T10:00:00Z") for _ in range(2))
    assert one.created_at is other.created_at


@pytest.mark.parametrize("odd", ["soon", [], {"seconds": 3}, FIRST])
def test_an_odd_time_does_not_hide_the_operation(odd: Any) -> None:
    operation = _operation(requested_at=odd)
    assert (operation.id, operation.raw_state, operation.created_at) == ("op_1", "running", None)
