"""Which failed reads are worth another try, and when. The trying itself is stamina's."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager
from typing import Any

from stamina.instrumentation import RetryDetails, RetryHook, get_on_retry_hooks, set_on_retry_hooks

from airflow_provider_ops.exceptions import OpsError, RateLimited, ServerError, TransportError

log = logging.getLogger(__name__)

#: Seconds for which a read is retried by default. Waits do not use this: they poll again by themselves.
PATIENCE = 120.0
_SHORTEST = 0.5


def options(patience: float) -> dict[str, Any]:
    """Return the arguments for ``stamina.retry_context``."""
    return {
        "on": lambda error: _is_retryable(error, patience),
        "attempts": None,
        "timeout": patience,
        "wait_initial": _SHORTEST,
        "wait_max": 8.0,
        "wait_jitter": 0.5,
    }


def _is_retryable(error: Exception, patience: float) -> bool | float:
    if isinstance(error, TransportError):
        # a wrong name or certificate does not mend itself within a minute
        return error.reason not in ("dns", "tls")
    if isinstance(error, (RateLimited, ServerError)):
        if error.retry_after is None:
            return True
        # a pause longer than our patience is the caller's to decide; "at once" must not become a busy loop
        return error.retry_after <= patience and max(error.retry_after, _SHORTEST)
    return False


#: The retry of a read that is worth a line in the task log; the ones before it are common.
_LOG_AT = 3


def _without_ours(hook: RetryHook) -> RetryHook:
    """Return ``hook`` without our own retries: stamina logs each retry, which would fill the log of a task."""

    def quiet(details: RetryDetails) -> AbstractContextManager[None] | None:
        return None if isinstance(details.caused_by, OpsError) else hook(details)

    return quiet


def _log_retry(details: RetryDetails) -> None:
    if isinstance(details.caused_by, OpsError) and details.retry_num == _LOG_AT:
        log.info("%s; trying again for a while", details.caused_by)


set_on_retry_hooks([*map(_without_ours, get_on_retry_hooks()), _log_retry])
