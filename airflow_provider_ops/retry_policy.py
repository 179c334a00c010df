"""Which failures are worth a retry; the default policy of operators, sensors and ``@task.operation``.

Airflow asks a policy from 3.3 on. Before, an error after which a retry cannot help is raised as Airflow's
``AirflowFailException`` as well, which ends the task at once; ``except`` clauses for its own class still catch it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_ops._compat import RetryPolicy, never_retried
from airflow_provider_ops.core.retry_advice import LONGEST_DELAY, Advice, advise
from airflow_provider_ops.exceptions import InvalidArgument, OpsError, belongs_to_connection, located

if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.sdk.definitions.retry_policy import RetryDecision

__all__ = ["OperationRetryPolicy"]


class OperationRetryPolicy(RetryPolicy):
    """Fail at once where a retry cannot help, and heed what the API says about trying again.

    =============================================================== ======================================
    the task ended with                                              then
    =============================================================== ======================================
    ``AuthenticationError`` ``PermissionDenied`` ``InvalidRequest``  failed at once
    ``InvalidArgument`` ``InvalidConnection``                        failed at once
    ``AmbiguousSubmission`` ``DifferentRequest``                     failed at once: a retry could create twice
    ``OperationFailed`` and the API says ``retryable: false``        failed at once
    ``OperationFailed`` and the API says ``retryable: true``         retried, after the API's ``retryAfter``
    429, any answer with ``Retry-After``, busy                       retried after it; Airflow 3.4 waits for it
                                                                     without using up a retry
    everything else                                                  Airflow's ``retries`` and ``retry_delay``
    =============================================================== ======================================

    The API's own delay is used from a second to an hour. ``retries`` is never exceeded.

    :param starts_anew: whether a retry starts another operation. With ``False`` (sensors) a failed or cancelled
        operation fails the task at once, because a retry would find the same operation.
    :param reschedule_timeout: how long an API that refuses only for now (429, ``Retry-After``, busy) is asked again
        before that uses up retries. Needs Airflow 3.4; before, each time uses one.
    """

    def __init__(
        self, *, starts_anew: bool = True, reschedule_timeout: timedelta = timedelta(seconds=LONGEST_DELAY)
    ) -> None:
        if reschedule_timeout <= timedelta(0):
            raise InvalidArgument(f"reschedule_timeout must be positive, not {reschedule_timeout}")
        self.starts_anew = starts_anew
        self.reschedule_timeout = reschedule_timeout

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,  # noqa: ARG002 - Airflow's interface
        max_tries: int,  # noqa: ARG002
        context: Context | None = None,  # noqa: ARG002
    ) -> RetryDecision:
        """Return what Airflow does after ``exception``."""
        # only Airflow 3.3 or later calls this
        from airflow.sdk.definitions.retry_policy import RetryAction, RetryDecision  # noqa: PLC0415

        advice = advise(exception, starts_anew=self.starts_anew)
        if advice is None:
            return RetryDecision.default()
        if not advice.should_retry:
            return RetryDecision.fail(reason=advice.reason)
        if advice.passes and hasattr(RetryAction, "RESCHEDULE"):
            without_a_retry: Any = RetryDecision
            decision: RetryDecision = without_a_retry.reschedule(
                delay=advice.pause, reschedule_timeout=self.reschedule_timeout, reason=advice.reason
            )
            return decision
        return RetryDecision.retry(delay=advice.pause, reason=advice.reason)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash((type(self), self.starts_anew, self.reschedule_timeout))


def set_default_retry_policy(task: Any, policy: OperationRetryPolicy) -> None:
    """Give a task this policy unless it has one, from its arguments or from ``default_args``."""
    # set after the fact: partial() and default_args hand an explicit None through every __init__
    if getattr(task, "retry_policy", None) is None:
        task.retry_policy = policy


def starts_nothing(task: Any) -> None:
    """Set the default policy, on a worker, for a task whose retry would find the same operations again."""
    if task.retry_policy == OperationRetryPolicy():
        task.retry_policy = OperationRetryPolicy(starts_anew=False)


def fails_at_once(task: Any, error: BaseException) -> bool:
    """Return whether Airflow will not retry ``task`` after ``error``, however many retries are left."""
    policy = getattr(task, "retry_policy", None)
    advice: Advice | None = None
    if type(policy) is OperationRetryPolicy:
        advice = advise(error, starts_anew=policy.starts_anew)
    return advice is not None and not advice.should_retry


@contextmanager
def enforce_retry_policy(task: Any) -> Iterator[None]:
    """Raise errors that a retry cannot help in a form that Airflow does not retry, where it asks no policy."""
    try:
        yield
    except OpsError as error:
        hook = getattr(task, "_hook", None)
        if hook is not None and belongs_to_connection(error):
            located(error, hook.where)
        final = never_retried(error) if fails_at_once(task, error) else None
        if final is None:
            raise
        raise final.with_traceback(error.__traceback__) from error.__cause__
