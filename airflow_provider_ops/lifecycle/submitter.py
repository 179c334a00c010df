"""Carries out the submit protocol: read the handle, decide, write the intent, submit, write the handle.

Each step is noted in the record of the attempt before it is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from airflow_provider_ops.apis.submits import Intent, SubmitCall
from airflow_provider_ops.apis.terminate import PATIENT, terminate
from airflow_provider_ops.core.clear_or_retry import Cause
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.core.submit_decision import RECONCILE_PAUSES, Action, Decision, check_body, decide
from airflow_provider_ops.exceptions import AmbiguousSubmission, ApiError, WaitTimeout, reworded
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.http.clock import Clock
from airflow_provider_ops.lifecycle.attempt_record import AttemptRecord, KillSwitch
from airflow_provider_ops.lifecycle.handle_store import HandleStore
from airflow_provider_ops.lifecycle.left_behind import PreviousOperation
from airflow_provider_ops.lifecycle.owed import carry_out_debt
from airflow_provider_ops.lifecycle.refusals import ambiguous, no_search, refusal
from airflow_provider_ops.lifecycle.sender import Sender, handle_from, read_operation
from airflow_provider_ops.lifecycle.spec_renewal import with_this_spec
from airflow_provider_ops.lifecycle.starter import SubmitResult, SubmitRunner
from airflow_provider_ops.lifecycle.submit_identity import SubmitIdentity
from airflow_provider_ops.operation import Operation, OperationState

#: Seconds after its deadline from which a try submits nothing.
_LATE = 1.0

__all__ = ["SubmitResult", "Submitter"]

Log = Callable[[str], None]


class Submitter:
    """One task's submit. :meth:`run` returns its operation, starting it at most once.

    :param deadline: epoch seconds after which no further attempt is made.
    :param announcement: logged when the request is sent, once, and not where nothing is submitted.
    """

    def __init__(
        self,
        hook: OperationsHook,
        submit: SubmitCall,
        identity: SubmitIdentity,
        store: HandleStore,
        *,
        deadline: float,
        log: Log,
        warn: Log | None = None,
        announcement: str = "",
        record: AttemptRecord | None = None,
    ) -> None:
        self._hook = hook
        self._api = hook.api
        self._clock: Clock = hook.clock
        self._submit = submit
        self._identity = identity
        self._store = store
        self._deadline = deadline
        self._log = log
        self._warn = warn or log
        self._record = record or AttemptRecord(KillSwitch(), hook.api.title)
        sender = Sender(hook, deadline=deadline, log=log, warn=self._warn)
        self._starter = SubmitRunner(hook, submit, store, self._record, sender, log, announcement)

    def run(self) -> SubmitResult:
        """Adopt, reconcile or submit the operation of this task run, and return it.

        :raises SubmissionError: submitting could make a second resource.
        :raises ApiError: the API refuses the request.
        """
        check_body(str(self._submit.request), self._submit.request.json)
        if not self._store.exists:
            self._record.note("searching for what earlier attempts have started", has_read=True)
            return self._without_store()
        self._record.note("reading what earlier attempts have stored")
        found = self._store.load()
        self._record.note("checking what earlier attempts have started", found=found, has_read=True)
        if found is None:
            return self._without_handle()
        return self._with_handle(carry_out_debt(self._hook, found, self._store, log=self._log, warn=self._warn))

    def _without_handle(self) -> SubmitResult:
        identity = self._identity
        if identity.attempt.may_follow_another:
            left = PreviousOperation(self._hook, self._submit, identity, log=self._log, warn=self._warn).adopt()
            if left is not None:
                key = left.key or ""
                return self._starter.record_handle(
                    replace(self._new_handle(1), key=key, nonce=key.rpartition("-")[2]), left, adopted=True
                )
        return self._start_anew(1)

    def _with_handle(self, found: Handle) -> SubmitResult:
        identity = self._identity
        found = with_this_spec(found, self._api, self._store, self._warn)
        operation = read_operation(self._hook, found) if found.api == self._api.name else None
        decision = decide(found, operation, identity.attempt_context(self._api.name))
        self._log(self._sentence(decision, found))
        if decision.warning is not None:
            self._warn(decision.warning)
        match decision.action:
            case Action.REFUSE_DIFFERENT | Action.REFUSE_LOST:
                raise refusal(decision, found)
            case Action.ADOPT | Action.FINISH:
                self._record.note("continuing with the operation of an earlier attempt", handle=found)
                return SubmitResult(self._store.save_for_attempt(found, identity.attempt), operation, adopted=True)
            case Action.RECONCILE:
                return self._reconcile_or_submit(found, cleared=decision.cause is Cause.CLEARED)
        if decision.cancel_previous_first:
            # the attempt that should have ended it may have been cut off, or may act only later
            self._record.note("ending the operation of before")
            ended = self._hook.run(terminate(self._api, found, identity.kill_policy, within=PATIENT))
            self._log(ended.text)
            self._store.note_settled(found.operation_id, ended)
        return self._start_anew(decision.generation)

    def _sentence(self, decision: Decision, found: Handle) -> str:
        """Return why and what, for the log; a search is said only where there is one."""
        if decision.action is Action.RECONCILE:
            marked = self._api.with_idempotency_key(self._submit, found.key)
            if not (marked.request.idempotent or self._starter.can_search(found, marked)):
                return f"{decision.why}: {no_search(self._api)}"
        return decision.sentence

    def _without_store(self) -> SubmitResult:
        """Submit where nothing is stored: try the generations by their keys, up to the first that does not exist yet.

        Each try begins at most one generation, so there is nothing to find beyond their number.
        """
        most = self._identity.most_generations
        for generation in range(1, most):
            handle = self._new_handle(generation)
            started = self._reconcile_without_store(handle) or self._find_of_earlier_release(handle)
            if started is None:
                self._check_deadline()
                self._ask_first()
                return self._starter.start(handle)
            if not _is_spent(started.operation):
                self._log(
                    f"operation {started.handle.operation_id} is of an earlier try: adopting it, nothing is submitted"
                )
                return started
        self._check_deadline()
        self._ask_first()
        return self._starter.start(self._new_handle(most))

    def _find_of_earlier_release(self, handle: Handle) -> SubmitResult | None:
        """Search under the key of release 0.1.0, which may have run the last try; a repeat could start another."""
        key = self._identity.earlier_key(handle.generation) if self._identity.earlier_key else None
        if key is None or self._api.with_idempotency_key(self._submit, key).request.idempotent:
            return None
        return self._reconcile_without_store(replace(handle, key=key))

    def _reconcile_without_store(self, handle: Handle) -> SubmitResult | None:
        marked = self._api.with_idempotency_key(self._submit, handle.key)
        if marked.request.idempotent:
            started = self._starter.start(handle)
        else:
            flow = self._api.find_submitted(Intent(marked, handle.key))
            matches = [] if flow is None else self._hook.run(flow)
            if len(matches) > 1:
                raise ambiguous(self._api, self._submit, handle, matches, conn_id=self._hook.conn_id)
            if not matches:
                return None
            started = SubmitResult(handle_from(handle, matches[0]), matches[0].operation, adopted=True)
        operation = self._hook.get_operation(started.handle.operation_id or "")
        return SubmitResult(started.handle, operation, adopted=True)

    def _start_anew(self, generation: int) -> SubmitResult:
        self._check_deadline()
        self._ask_first()
        handle = self._new_handle(generation)
        self._starter.store_intent(handle)
        return self._starter.start(handle)

    def _check_deadline(self) -> None:
        """Return unless the time to wait for what is about to be submitted is over.

        A timeout of 0 means to submit and not to wait: what a try needs before its request is no reason to refuse that.

        :raises WaitTimeout: it is over.
        """
        late = self._clock.time() - self._deadline
        if late >= _LATE:
            raise WaitTimeout(
                f"nothing was submitted: the timeout of this try was over {late:.1f} s before the request; "
                "raise `timeout`, which counts from the start of the try",
                None,
            )

    def _ask_first(self) -> None:
        if self._submit.preflight is None:
            return
        try:
            self._hook.call(self._submit.preflight)
        except ApiError as error:
            what = f"nothing was submitted, because the check before it was refused: {error.what}"
            raise reworded(error, what) from None

    def _new_handle(self, generation: int) -> Handle:
        identity, attempt = self._identity, self._identity.attempt
        nonce = identity.nonce(generation)
        return Handle(
            api=self._api.name,
            kind=self._submit.kind,
            key=identity.run.key(nonce),
            generation=generation,
            fingerprint=identity.fingerprint,
            max_tries=attempt.max_tries,
            try_number=attempt.try_number,
            submitted_at=self._clock.time(),
            creates=self._submit.creates,
            prefix=identity.run.prefix,
            nonce=nonce,
            clear_number=attempt.clear_number,
            ti_id=attempt.ti_id,
            arguments=identity.arguments,
            spec=self._api.spec_hash,
        )

    def _reconcile_or_submit(self, handle: Handle, *, cleared: bool) -> SubmitResult:
        # what is found belongs to the task as it is since the clear, or the next retry would take it for cleared again
        handle = handle.stamped(self._identity.attempt)
        marked = self._starter.note_earlier(handle)
        if marked.request.idempotent:
            return self._starter.start(handle)
        try:
            # only another process knows how long ago it was sent
            found = self._starter.search(handle, marked, RECONCILE_PAUSES)
        except AmbiguousSubmission as error:
            if not cleared:
                raise
            self._log(f"{error.what} The task was cleared since, so a new one is submitted")
            return self._start_anew(handle.generation + 1)
        if found is not None:
            return self._starter.record_handle(handle, found, adopted=True)
        self._check_deadline()
        self._log("nothing was started by then; submitting")
        return self._starter.start(handle)


def _is_spent(operation: Operation | None) -> bool:
    return operation is not None and operation.state in (OperationState.FAILED, OperationState.CANCELLED)
