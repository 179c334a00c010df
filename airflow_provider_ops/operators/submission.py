"""Carries out the submit protocol: read the handle, decide, write the intent, submit, write the handle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from airflow_provider_ops.apis.base import Intent, Submit, Submitted
from airflow_provider_ops.apis.ending import end
from airflow_provider_ops.client.clock import Clock
from airflow_provider_ops.core.clear_or_retry import Cause
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.exceptions import (
    AmbiguousSubmission,
    ApiError,
    Conflict,
    OpsError,
    ServerError,
    TransportError,
)
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.operation import Operation, OperationState
from airflow_provider_ops.operators.identity import Identity
from airflow_provider_ops.operators.left_behind import LeftBehind
from airflow_provider_ops.operators.refusals import ambiguous, refusal
from airflow_provider_ops.operators.sending import ReplayedAnswer, Sender, answered, look_up
from airflow_provider_ops.operators.store import HandleStore
from airflow_provider_ops.waiting.submitting import (
    FIND_OUT_PAUSES_ANSWERED,
    Next,
    check_body,
    decide,
    find_out_pauses,
)

Log = Callable[[str], None]

#: Submits whose outcome was unclear and that turned out to have started nothing, before the try fails.
_MOST_UNCLEAR = 5
_BAD_GATEWAY, _GATEWAY_TIMEOUT = 502, 504
_EPOCH = datetime.fromtimestamp(0, timezone.utc)


@dataclass(frozen=True, slots=True)
class Started:
    """The operation this task run has, and its last known state where that is known."""

    handle: Handle
    operation: Operation | None
    joined: bool


class Submission:
    """One task's submit. :meth:`ensure` returns its operation, starting it at most once.

    :param deadline: epoch seconds after which no further attempt is made.
    """

    def __init__(
        self,
        hook: OperationsHook,
        submit: Submit,
        identity: Identity,
        store: HandleStore,
        *,
        deadline: float,
        log: Log,
        warn: Log | None = None,
    ) -> None:
        self._hook = hook
        self._api = hook.api
        self._clock: Clock = hook.clock
        self._submit = submit
        self._identity = identity
        self._store = store
        self._log = log
        self._warn = warn or log
        #: The submit whose outcome is not known at this moment; read from another thread when the task is killed.
        self.pending: Intent | None = None
        self._starting: Handle | None = None
        self._sender = Sender(hook, deadline=deadline, log=log, warn=self._warn)

    def ensure(self) -> Started:
        """The operation of this task run: joined, found out, or submitted.

        :raises SubmissionError: submitting could make a second resource.
        :raises ApiError: the API refuses the request.
        """
        check_body(str(self._submit.request), self._submit.request.json)
        if not self._store.exists:
            return self._without_store()
        found = self._store.load()
        if found is None:
            return self._without_handle()
        return self._with_handle(found)

    def _without_handle(self) -> Started:
        identity = self._identity
        if identity.attempt.may_follow_another:
            left = LeftBehind(self._hook, self._submit, identity, log=self._log, warn=self._warn).adopt()
            if left is not None:
                key = left.key or ""
                return self._keep(
                    replace(self._new_handle(1), key=key, nonce=key.rpartition("-")[2]), left, joined=True
                )
        return self._start_anew(1)

    def _with_handle(self, found: Handle) -> Started:
        identity = self._identity
        operation = look_up(self._hook, found) if found.api == self._api.name else None
        decision = decide(found, operation, identity.today(self._api.name))
        self._log(decision.sentence)
        if decision.warning is not None:
            self._warn(decision.warning)
        match decision.next:
            case Next.REFUSE_DIFFERENT | Next.REFUSE_LOST:
                raise refusal(self._api, decision, found)
            case Next.JOIN | Next.FINISH:
                return Started(self._store.adopt(found, identity.attempt), operation, joined=True)
            case Next.FIND_OUT:
                return self._find_out_or_submit(found, cleared=decision.cause is Cause.CLEARED)
        if decision.end_first:
            # whoever else was to end it may have been cut off, or comes only after us
            self._log(self._hook.run(end(self._api, found, identity.kill_policy)).text)
        return self._start_anew(decision.generation)

    def known(self, submitted: Submitted) -> Handle:
        """A handle for what the pending submit turned out to have started."""
        return answered(self._starting or self._new_handle(1), submitted)

    def _without_store(self) -> Started:
        """Where nothing is stored: walk through the generations by their keys, up to one that is still to be made.

        Each try begins at most one generation, so there is nothing to find beyond their number.
        """
        most = self._identity.most_generations
        for generation in range(1, most):
            handle = self._new_handle(generation)
            started = self._find_again(handle) or self._find_of_earlier_release(handle)
            if started is None:
                self._ask_first()
                return self._start(handle)
            if not _is_spent(started.operation):
                self._log(f"generation {generation} is operation {started.handle.operation_id}: going on with it")
                return started
        self._ask_first()
        return self._start(self._new_handle(most))

    def _find_of_earlier_release(self, handle: Handle) -> Started | None:
        """The try before may have been one of release 0.1.0. Sent again with its key, a request could make another."""
        key = self._identity.earlier_key(handle.generation) if self._identity.earlier_key else None
        if key is None or self._api.mark(self._submit, key).request.idempotent:
            return None
        return self._find_again(replace(handle, key=key))

    def _find_again(self, handle: Handle) -> Started | None:
        marked = self._api.mark(self._submit, handle.key)
        if marked.request.idempotent:
            started = self._start(handle)
        else:
            flow = self._api.find(self._intent(handle, marked, since=_EPOCH))
            matches = [] if flow is None else self._hook.run(flow)
            if len(matches) > 1:
                raise ambiguous(self._api, self._submit, handle, matches)
            if not matches:
                return None
            started = Started(answered(handle, matches[0]), matches[0].operation, joined=True)
        operation = self._hook.get_operation(started.handle.operation_id or "")
        return Started(started.handle, operation, joined=True)

    def _start_anew(self, generation: int) -> Started:
        self._ask_first()
        handle = self._new_handle(generation)
        self._store.save_intent(handle)
        return self._start(handle, is_new=True)

    def _ask_first(self) -> None:
        if self._submit.preflight is None:
            return
        try:
            self._hook.call(self._submit.preflight)
        except ApiError as error:
            message = f"the preflight check was refused, so nothing was submitted: {error.message}"
            request = str(self._submit.preflight.request)
            raise type(error)(error.status, error.code, message, error.request_id, request=request) from error

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
            at=self._clock.time(),
            creates=self._submit.creates,
            prefix=identity.run.prefix,
            nonce=nonce,
            clear_number=attempt.clear_number,
            ti_id=attempt.ti_id,
            arguments=identity.arguments,
        )

    def _intent(self, handle: Handle, marked: Submit, since: datetime | None = None) -> Intent:
        began = since or datetime.fromtimestamp(handle.at, timezone.utc)
        return Intent(marked, handle.key, began, age=max(self._clock.time() - handle.at, 0.0))

    def _find_out_or_submit(self, handle: Handle, *, cleared: bool) -> Started:
        # what is found belongs to the task as it is since the clear, or the next retry would take it for cleared again
        handle = handle.stamped(self._identity.attempt)
        marked = self._api.mark(self._submit, handle.key)
        if marked.request.idempotent:
            return self._start(handle)
        try:
            found = self._search(handle, marked, find_out_pauses(self._clock.time() - handle.at))
        except AmbiguousSubmission as error:
            if not cleared:
                raise
            self._log(f"{error} The task was cleared since, so a new one is submitted")
            return self._start_anew(handle.generation + 1)
        if found is not None:
            return self._keep(handle, found, joined=True)
        self._log("nothing was started by then; submitting")
        return self._start(handle)

    def _start(self, handle: Handle, *, is_new: bool = False) -> Started:
        """Send the request until its outcome is clear.

        :param is_new: whether its key was never sent before.
        """
        marked = self._api.mark(self._submit, handle.key)
        self._starting = handle
        self.pending = self._intent(handle, marked)
        began = self._clock.monotonic() if is_new and marked.creates else None
        for _ in range(_MOST_UNCLEAR):
            try:
                return self._keep(handle, self._sender.send_first(marked, handle, began), joined=False)
            except ReplayedAnswer:
                self._refused(handle)
                raise
            except Conflict as error:
                return self._join_conflicting(handle, marked, error)
            except OpsError as error:
                if not _is_unclear(error):
                    self._refused(handle)
                    raise
                if marked.request.idempotent:
                    raise
                self._log(f"the outcome of the submit is unclear ({error}); looking for what it started")
                found = self._search(handle, marked, _pauses_after(error))
                if found is not None:
                    return self._keep(handle, found, joined=True)
                self._log("it started nothing; submitting again")
                last = error
        raise last

    def _refused(self, handle: Handle) -> None:
        self.pending = None
        self._store.save(replace(handle, refused=True))

    def _search(self, handle: Handle, marked: Submit, pauses: Sequence[float]) -> Submitted | None:
        intent = self._intent(handle, marked)
        for pause in pauses:
            self._clock.sleep(pause)
            flow = self._api.find(intent)
            if flow is None:
                raise ambiguous(self._api, self._submit, handle, ())
            matches = self._hook.run(flow)
            if len(matches) > 1:
                raise ambiguous(self._api, self._submit, handle, matches)
            if matches:
                self._log(f"found operation {matches[0].operation_id}: going on with it, nothing is submitted again")
                return matches[0]
        return None

    def _join_conflicting(self, handle: Handle, marked: Submit, error: Conflict) -> Started:
        """A conflict on a deletion usually means that it is under way already."""
        flow = None if marked.request.method != "DELETE" else self._api.find(self._intent(handle, marked, since=_EPOCH))
        matches = [] if flow is None else self._hook.run(flow)
        running = [match for match in matches if match.operation and not match.operation.state.is_terminal]
        if len(running) != 1:
            self._refused(handle)
            raise error
        self._log(f"{error}; joining operation {running[0].operation_id}, which does the same")
        return self._keep(handle, running[0], joined=True)

    def _keep(self, handle: Handle, submitted: Submitted, *, joined: bool) -> Started:
        known = answered(handle, submitted)
        self.pending = None
        self._store.save(known)
        return Started(known, submitted.operation, joined=joined)


def _is_unclear(error: OpsError) -> bool:
    """Whether the request may have been carried out although it failed."""
    return isinstance(error, ServerError) or (isinstance(error, TransportError) and error.maybe_executed)


def _pauses_after(error: OpsError) -> Sequence[float]:
    # an error page of a gateway says nothing about the API behind it, which may still be working
    if isinstance(error, ServerError) and error.status not in (_BAD_GATEWAY, _GATEWAY_TIMEOUT):
        return FIND_OUT_PAUSES_ANSWERED
    return find_out_pauses(0.0)


def _is_spent(operation: Operation | None) -> bool:
    return operation is not None and operation.state in (OperationState.FAILED, OperationState.CANCELLED)
