"""What tests of a wait state share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ops.core.poll_interval import PollPolicy
from airflow_provider_ops.core.wait_state import WaitState
from airflow_provider_ops.exceptions import (
    ApiError,
)
from airflow_provider_ops.operation import Operation

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Operation]


START = 1_000_000.0
STEADY = PollPolicy(first=5, factor=1, cap=5, jitter=0)


def watch(**options: Any) -> WaitState:
    options.setdefault("policy", STEADY)
    options.setdefault("deadline", START + 3600)
    return WaitState("op_1", now=START, **options)


def api_error(kind: type[ApiError], status: int, retry_after: float | None = None) -> ApiError:
    return kind(status, "CODE", "no", retry_after=retry_after)
