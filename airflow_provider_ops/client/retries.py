"""Which failed reads are worth another try, and when. The trying itself is stamina's."""

from __future__ import annotations

from typing import Any

from airflow_provider_ops.exceptions import RateLimited, ServerError, TransportError

#: Seconds for which a read is tried again by default. Waits do not use this: they look again by themselves.
PATIENCE = 120.0


def options(patience: float) -> dict[str, Any]:
    """Arguments for ``stamina.retry_context``."""
    return {
        "on": _worth_another_try,
        "attempts": None,
        "timeout": patience,
        "wait_initial": 0.5,
        "wait_max": 8.0,
        "wait_jitter": 0.5,
    }


def _worth_another_try(error: Exception) -> bool | float:
    if isinstance(error, TransportError):
        # a wrong name or certificate does not mend itself within a minute
        return error.reason not in ("dns", "tls")
    if isinstance(error, (RateLimited, ServerError)):
        return error.retry_after if error.retry_after is not None else True
    return False
