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
    DifferentRequest,
    InvalidArgument,
    NotFound,
    OperationLost,
    OpsError,
    RateLimited,
    ServerError,
    TransportError,
    UnreadableHandle,
)
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.operation import Operation, OperationState
from airflow_provider_ops.operators.identity import Identity
from airflow_provider_ops.operators.left_behind import LeftBehind
from airflow_provider_ops.operators.replays import Dated, began_before, is_of_another_key
from airflow_provider_ops.operators.store import HandleStore
from airflow_provider_ops.waiting.submitting import (
    FIND_OUT_PAUSES_ANSWERED,
    Decision,
    Next,
    check_body,
    decide,
    find_out_pauses,
)
from airflow_provider_ops.waiting.wording import utc

Log = Callable[[str], None]

#: Seconds for which a submit that was certainly not carried out (refused connection, 429) is sent again.
_REFUSED_PATIENCE = 300.0
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
#: Submits whose outcome was unclear and that turned out to have started nothing, before the try fails.
_MOST_UNCLEAR = 5
#: Seconds after a submit during which "not found" may still mean "not readable yet".
_FRESH = 120.0
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
        self._deadline = deadline
        self._log = log
        self._warn = warn or log
        #: The submit whose outcome is not known at this moment; read from another thread when the task is killed.
        self.pending: Intent | None = None
        self._starting: Handle | None = None

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
                raise self._refusal(decision, found)
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
        return _answered(self._starting or self._new_handle(1), submitted)

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
                raise self._ambiguous(handle, matches)
            if not matches:
                return None
            started = Started(_answered(handle, matches[0]), matches[0].operation, joined=True)
        operation = self._hook.get_operation(started.handle.operation_id or "")
        return Started(started.handle, operation, joined=True)

    def _refusal(self, decision: Decision, found: Handle | None) -> OpsError:
        operation_id = found.operation_id if found else None
        if decision.next is Next.REFUSE_DIFFERENT:
            return DifferentRequest(
                f"{decision.why[:1].upper()}{decision.why[1:]}; nothing was submitted. "
                "Wait until it settles, or end it, then clear this task."
            )
        resource = f" Look for {found.resource_type} {found.resource_id}." if found and found.resource_id else ""
        return OperationLost(
            f"{self._api.title} no longer knows operation {operation_id}, which this task run submitted; "
            f"nothing new was submitted.{resource} Clear this task to submit again."
        )

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
        return Intent(marked, handle.key, since or datetime.fromtimestamp(handle.at, timezone.utc))

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
                return self._keep(handle, self._answer_to(marked, handle, began), joined=False)
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

    def _answer_to(self, marked: Submit, handle: Handle, began: float | None) -> Submitted:
        """Send the request, and make sure that its answer is not an old one.

        :param began: monotonic time just before a new key was first sent; ``None`` where the answer may be old.
        """
        if began is None:
            return self._send(marked)
        dated = Dated()
        submitted = self._send(replace(marked, parse=dated.noting(marked.parse)))
        if is_of_another_key(submitted, handle.key):
            raise self._replayed(marked, handle, submitted, f"it carries the key {submitted.key!r}")
        if began_before(submitted.operation, dated.at, self._clock.monotonic() - began):
            self._check_age(marked, handle, submitted)
        return submitted

    def _check_age(self, marked: Submit, handle: Handle, submitted: Submitted) -> None:
        """What is older than the request and still running is taken for its own: the clocks of an API may differ."""
        operation = look_up(self._hook, _answered(replace(handle, at=0.0), submitted))
        if operation is None or operation.state.is_terminal:
            when = submitted.operation.created_at if submitted.operation else None
            raise self._replayed(marked, handle, submitted, f"it began at {when}, before this request, and has ended")
        self._warn(f"operation {submitted.operation_id} began before it was asked for, by the clock of the API")

    def _replayed(self, marked: Submit, handle: Handle, submitted: Submitted, why: str) -> OpsError:
        self._refused(handle)
        return AmbiguousSubmission(
            f"{self._api.title} answered {marked.request} with operation {submitted.operation_id}, but {why}: this is "
            f"an old answer given again, and nothing new was started. Look for objects with the key {handle.key!r}; if "
            "there are none, clear this task to submit again.",
            [f"operation {submitted.operation_id}"],
        )

    def _send(self, marked: Submit) -> Submitted:
        give_up = min(self._deadline, self._clock.time() + _REFUSED_PATIENCE)
        pause = _FIRST_PAUSE
        while True:
            try:
                return self._hook.run(self._api.submitting(marked))
            except OpsError as error:
                limit = self._deadline if self._api.is_busy(error) else give_up
                asked = error.retry_after if isinstance(error, ApiError) else None
                if not self._was_refused(error) or self._clock.time() + max(pause, asked or 0.0) > limit:
                    raise
                self._log(f"not accepted yet ({error}); trying again in {pause:.0f} s")
            self._clock.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _was_refused(self, error: OpsError) -> bool:
        """Whether the request was certainly not carried out and may be accepted later."""
        if isinstance(error, TransportError):
            return not error.maybe_executed and error.reason == "connect"
        return isinstance(error, RateLimited) or self._api.is_busy(error)

    def _search(self, handle: Handle, marked: Submit, pauses: Sequence[float]) -> Submitted | None:
        intent = self._intent(handle, marked)
        for pause in pauses:
            self._clock.sleep(pause)
            flow = self._api.find(intent)
            if flow is None:
                raise self._ambiguous(handle, ())
            matches = self._hook.run(flow)
            if len(matches) > 1:
                raise self._ambiguous(handle, matches)
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
        known = _answered(handle, submitted)
        self.pending = None
        self._store.save(known)
        return Started(known, submitted.operation, joined=joined)

    def _ambiguous(self, handle: Handle, matches: Sequence[Submitted]) -> AmbiguousSubmission:
        candidates = [
            f"operation {match.operation_id} ({match.resource_type} {match.resource_id})" for match in matches
        ]
        what = f"{self._submit.request} sent at {utc(handle.at)}"
        has_mark = self._api.mark(self._submit, handle.key).request != self._submit.request
        marked = f" marked {handle.key!r}" if has_mark else ""
        seen = (
            f"several operations may be its: {', '.join(candidates)}"
            if candidates
            else f"{self._api.title} offers no way to find out"
        )
        return AmbiguousSubmission(
            f"The outcome of {what} is unknown and {seen}. Nothing was submitted again. Look for {self._api.title} "
            f"objects made at that time{marked}, remove what is not wanted, "
            "then clear this task; a plain retry will stop here again.",
            candidates,
        )


def look_up(hook: OperationsHook, handle: Handle) -> Operation | None:
    """The operation of a stored handle as it is now; ``None`` when there is none, or the API no longer knows it."""
    if handle.operation_id is None:
        return None
    try:
        return hook.get_operation(handle.operation_id)
    except InvalidArgument as error:
        raise UnreadableHandle(f"its operation cannot be read: {error}. Nothing was submitted") from None
    except NotFound:
        if hook.clock.time() - handle.at > _FRESH:
            return None
        # a fresh operation may not be readable everywhere yet
        return Operation(handle.operation_id, handle.api, handle.kind, OperationState.UNKNOWN, "not readable yet")


def _answered(handle: Handle, submitted: Submitted) -> Handle:
    return handle.answered(
        submitted.operation_id,
        resource_type=submitted.resource_type,
        resource_id=submitted.resource_id,
        operation_url=submitted.operation_url,
    )


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
