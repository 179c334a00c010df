"""Reports a wait that did not succeed: the policy is carried out, and the error says what is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from airflow_provider_ops.apis.terminate import IT, terminate
from airflow_provider_ops.core.aftermath import Deletion
from airflow_provider_ops.core.end_requested import naming_the_request, was_asked_to_end
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.core.wait_state import TimedOut
from airflow_provider_ops.core.wording import named, settled_badly, timed_out
from airflow_provider_ops.exceptions import OpsError, WaitTimeout, reworded
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.lifecycle.handle_store import HandleStore
from airflow_provider_ops.lifecycle.owed import BECAUSE_OF_FAILURE, with_debt, without_debt
from airflow_provider_ops.operation import Operation

Log = Callable[[str], None]

_NOT_KNOWN = "Whether it still runs is not known: `airflow operations show` reads it."
#: A clear is a new beginning where the operation has ended meanwhile.
_ADOPT_IT = "To wait for this operation after all, pass its id as operation_id: a clear alone may submit a new one."


class FailureReport:
    """Carry out policies on one submitted operation and word what follows.

    :param store: takes what is owed before a policy is begun: if this process dies, the next attempt finishes it.
    :param keeps_removal: whether the store must remember that what the operation made was removed.
    """

    def __init__(
        self,
        hook: OperationsHook,
        handle: Handle,
        *,
        durable: bool,
        log: Log,
        store: HandleStore | None = None,
        keeps_removal: bool = False,
    ) -> None:
        self._hook = hook
        self._handle = handle
        self._durable = durable
        self._log = log
        self._store = store or HandleStore(None, log)
        self._keeps_removal = keeps_removal
        self.kind = handle.kind
        #: Whether a policy has removed what the operation made.
        self.removed = False
        #: What is left, in sentences for people; ``None`` until that was reported.
        self.left: str | None = None
        #: The deletion that a policy has asked for.
        self.deletion: Deletion | None = None
        #: The failed operation, with the reason that only its resource shows.
        self.explained: Operation | None = None

    def carry_out(self, policy: str, because: str = "timeout") -> str:
        """Cancel, delete or leave the operation; return a sentence that says what its state is now.

        :param because: ``timeout`` or ``failure``.
        """
        handle = self._handle
        if policy != "leave":
            self._store.save(with_debt(handle, policy, because))
        has_ended = because == BECAUSE_OF_FAILURE
        ended = self._hook.run(terminate(self._hook.api, handle, policy, name=IT, is_over=has_ended))
        self.removed = self.removed or ended.removed
        self.deletion = ended.deletion and replace(ended.deletion, asked_by=f"on_{because}={policy}")
        if policy != "leave":
            self._store.save(
                replace(
                    without_debt(handle),
                    # what has failed did not fail because of what was asked for after that
                    end_requested=handle.end_requested or (ended.is_accepted and not has_ended),
                    removed=handle.removed or (self.removed and (has_ended or self._keeps_removal)),
                )
            )
        return ended.text

    def failed(self, operation: Operation, policy: str, *, may_retry: bool, comes_after: bool = False) -> OpsError:
        """Return the error for an operation that failed or was cancelled.

        :param comes_after: the operation is not the submitted one, but one that the task waited for after that one.
        """
        operation, handle = self._explain(operation), self._handle
        if was_asked_to_end(handle, operation.id):
            operation = naming_the_request(operation)
        self.explained = operation
        if policy == "delete":
            left = _sentence(self.carry_out("delete", BECAUSE_OF_FAILURE))
        else:
            see = f"; see {handle.operation_url}" if handle.operation_url else ""
            left = f"Nothing was removed, and whether anything still exists was not checked{see}."
        self.left = f"on_failure={policy}: {left}"
        if comes_after and not self.removed:
            retry = "A retry checks it again, and submits nothing. Clear the task to submit a new one."
        elif handle.is_given:
            retry = "A retry finds it in the same state. Clear the task without operation_id to submit a new one."
        else:
            retry = "A retry submits a new one." if may_retry else "Clear the task to submit a new one."
        return settled_badly(operation, handle=None if comes_after else handle, what_exists=left, next_try=retry)

    def timed_out(
        self,
        outcome: TimedOut,
        policy: str,
        *,
        waited_for: str,
        waited: float,
        may_retry: bool,
        limit: str = "timeout",
    ) -> WaitTimeout:
        """Carry out the timeout policy, and return the error for the passed deadline.

        :param limit: the argument of the task that has set the deadline.
        """
        consequence = _sentence(self.carry_out(policy))
        if policy == "leave" and (outcome.operation is None or outcome.error is not None):
            # the last poll said nothing
            consequence = _NOT_KNOWN
        self.left = f"on_timeout={policy}: {consequence}"
        if not may_retry:
            retry = f"Raise {limit} if the API needs longer, then clear the task."
            if policy == "leave" and not self._handle.is_given:
                retry = f"Raise {limit} if the API needs longer. {_ADOPT_IT}"
        elif self._durable:
            retry = "A retry continues with the operation if that still runs."
        else:
            retry = "A retry submits a new one."
        return timed_out(
            named(waited_for, outcome.operation, handle=self._handle),
            outcome.operation,
            waited=waited,
            error=outcome.error,
            consequence=f"{consequence} {retry}",
        )

    def unobservable(self, error: OpsError, *, may_retry: bool) -> OpsError:
        """Return the error for an operation that may no longer be read."""
        name, self.left = named(self._handle.operation_id or "", handle=self._handle), _NOT_KNOWN
        if may_retry:
            retry = "A retry reads it again."
        elif self._handle.is_given:
            retry = "The task is not retried: remove the cause, then clear it."
        else:
            retry = f"The task is not retried: remove the cause. {_ADOPT_IT}"
        what = f"{name} cannot be read: {error.what.rstrip('.')}. {_NOT_KNOWN}"
        return reworded(error, what, advice=f"{error.advice} {retry}".strip())

    def _explain(self, operation: Operation) -> Operation:
        try:
            return self._hook.run(self._hook.api.explain_failure(operation))
        except OpsError as error:
            self._log(f"the reason could not be read: {error.without_advice}")
            return operation


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
