"""Which failed reads are worth another try, and when. The trying itself is stamina's."""

from __future__ import annotations

from typing import Any

from airflow_provider_ops.exceptions import RateLimited, ServerError, TransportError

#: Seconds for which a read is tried again by default. Waits do not use this: they look again by themselves.
PATIENCE = 120.0
_SHORTEST = 0.5


def options(patience: float) -> dict[str, Any]:
    """Arguments for ``stamina.retry_context``."""
    return {
        "on": lambda error: _worth_another_try(error, patience),
        "attempts": None,
        "timeout": patience,
        "wait_initial": _SHORTEST,
        "wait_max": 8.0,
        "wait_jitter": 0.5,
    }


def _worth_another_try(error: Exception, patience: float) -> bool | float:
    if isinstance(error, TransportError):
        # a wrong name or certificate does not mend itself within a minute
        return error.reason not in ("dns", "tls")
    if isinstance(error, (RateLimited, ServerError)):
        if error.retry_after is None:
            return True
        # a pause longer than our patience is the caller's to decide; "at once" must not become a busy loop
        return error.retry_after <= patience and max(error.retry_after, _SHORTEST)
    return False
