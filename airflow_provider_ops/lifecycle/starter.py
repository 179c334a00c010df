"""Sends one submit until its outcome is clear, and searches for what it started where its answer was lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from airflow_provider_ops.apis.submits import Intent, SubmitCall, Submitted
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.core.submit_decision import RECONCILE_PAUSES, RECONCILE_PAUSES_ANSWERED
from airflow_provider_ops.exceptions import (
    AmbiguousSubmission,
    ApiError,
    ConfigurationError,
    Conflict,
    InvalidRequest,
    OpsError,
    ServerError,
    Superseded,
    TransportError,
    reworded,
)
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.lifecycle.attempt_record import AttemptRecord
from airflow_provider_ops.lifecycle.handle_store import HandleStore
from airflow_provider_ops.lifecycle.refusals import ambiguous, no_search, search_failed, with_cause
from airflow_provider_ops.lifecycle.sender import ReplayedAnswer, Sender, handle_from
from airflow_provider_ops.operation import Operation

Log = Callable[[str], None]

#: Submits whose outcome was unclear and that turned out to have started nothing, before the try fails.
_MOST_UNCLEAR = 5
_BAD_GATEWAY, _GATEWAY_TIMEOUT = 502, 504


@dataclass(frozen=True, slots=True)
class SubmitResult:
    """The operation this task run has, and its last known state where that is known."""

    handle: Handle
    operation: Operation | None
    adopted: bool


class SubmitRunner:
    """Send the submit of one task under one key after the other.

    :param submit: without a key.
    :param announcement: logged before the first request.
    """

    def __init__(
        self,
        hook: OperationsHook,
        submit: SubmitCall,
        store: HandleStore,
        record: AttemptRecord,
        sender: Sender,
        log: Log,
        announcement: str = "",
    ) -> None:
        self._hook = hook
        self._api = hook.api
        self._clock = hook.clock
        self._submit = submit
        self._store = store
        self._record = record
        self._sender = sender
        self._log = log
        self._announcement = announcement
        #: When the request with a new key was about to leave for the first time; monotonic.
        self._began: float | None = None
        #: Whether a request with this key may have been carried out.
        self._was_sent = False

    def store_intent(self, handle: Handle) -> None:
        """Store what is about to be sent with a new key. What cannot be sent fails before that.

        :raises ConfigurationError: it can never be sent.
        :raises OpsError: it could not be stored; nothing was sent.
        """
        marked = self._api.with_idempotency_key(self._submit, handle.key)
        self._hook.get_conn().encode(marked.request)
        self._note("storing what is about to be sent", handle, marked, is_new=True)
        self._store.save_intent(handle)

    def note_earlier(self, handle: Handle) -> SubmitCall:
        """Note that an earlier attempt may have sent it; return the request with its key."""
        marked = self._api.with_idempotency_key(self._submit, handle.key)
        self._note("searching for what an earlier request has started", handle, marked, is_new=False)
        return marked

    def start(self, handle: Handle) -> SubmitResult:
        """Send the request until its outcome is clear."""
        marked = self._api.with_idempotency_key(self._submit, handle.key)
        if self._record.intent is not handle:
            self._note("preparing the request", handle, marked, is_new=False)
        if self._was_sent:
            marked = replace(marked, request=marked.request.again())
        self._announce()
        self._record.note(f"sending {marked.request}")
        for left in reversed(range(_MOST_UNCLEAR)):
            try:
                return self._send(handle, marked)
            except OpsError as error:
                if not _is_unclear(error) or marked.request.idempotent:
                    raise
                unclear, self._was_sent = error, True
            found = self._search_after(unclear, handle, marked)
            if found is not None:
                return self.record_handle(handle, found, adopted=True)
            self._check_may_send_again(unclear, left)
        raise AssertionError  # pragma: no cover - the last round returns or raises

    def _check_may_send_again(self, unclear: OpsError, left: int) -> None:
        """Return where a request that has started nothing may be sent again.

        :param left: how often that is.
        """
        if self._sender.is_over:
            raise reworded(unclear, f"{unclear.what}. It started nothing, and the timeout of this try is over")
        if not left:
            raise reworded(unclear, f"{unclear.what}. It was sent {_MOST_UNCLEAR} times, and nothing was started")
        self._log("it started nothing; submitting again")

    def _announce(self) -> None:
        if self._announcement:
            self._log(self._announcement)
            self._announcement = ""

    def _send(self, handle: Handle, marked: SubmitCall) -> SubmitResult:
        began = self._began if marked.creates else None
        try:
            return self.record_handle(handle, self._sender.send_first(marked, handle, began), adopted=False)
        except (ReplayedAnswer, Superseded) as error:
            if isinstance(error, ReplayedAnswer):
                self._give_up(handle)
            raise
        except (Conflict, InvalidRequest) as error:
            return self._refused_or_found(handle, marked, error)
        except OpsError as error:
            if not (_is_unclear(error) or isinstance(error, AmbiguousSubmission)):
                self._note_failure(handle, error)
            raise
        except Exception:
            if self._hook.guard is not None and not (self._was_sent or self._record.has_left):
                self._give_up(handle, not_sent=True)
            raise

    def _search_after(self, cause: OpsError, handle: Handle, marked: SubmitCall) -> Submitted | None:
        """Do as :meth:`search`, after an answer that left the outcome unclear."""
        said = "searching for what it started" if self.can_search(handle, marked) else no_search(self._api)
        self._log(f"the outcome of the submit is unclear ({cause.without_advice}); {said}")
        try:
            return self.search(handle, marked, _pauses_after(cause))
        except AmbiguousSubmission as error:
            raise with_cause(self._api, error, cause) from None

    def can_search(self, handle: Handle, marked: SubmitCall) -> bool:
        """Return whether the API has a way to find out what the request has started."""
        return self._api.find_submitted(self._intent(handle, marked)) is not None

    def search(self, handle: Handle, marked: SubmitCall, pauses: Sequence[float]) -> Submitted | None:
        """Return what the request has started; ``None`` when that is nothing.

        :raises AmbiguousSubmission: it cannot be known.
        """
        intent = self._intent(handle, marked)
        for pause in pauses:
            self._hook.pause(pause)
            flow = self._api.find_submitted(intent)
            if flow is None:
                raise ambiguous(self._api, self._submit, handle, (), conn_id=self._hook.conn_id)
            try:
                matches = self._hook.run(flow)
            except (ApiError, TransportError) as error:
                raise search_failed(self._submit, handle, error) from None
            if len(matches) > 1:
                raise ambiguous(self._api, self._submit, handle, matches, conn_id=self._hook.conn_id)
            if matches:
                self._log(f"found operation {matches[0].operation_id}: continuing with it, nothing is submitted again")
                return matches[0]
        return None

    def record_handle(self, handle: Handle, submitted: Submitted, *, adopted: bool) -> SubmitResult:
        """Store what was started."""
        known = handle_from(handle, submitted)
        self._record.note("storing the operation", is_stored=False, handle=known)
        self._store.save(known)
        self._record.note("reporting the operation to Airflow", is_stored=True)
        return SubmitResult(known, submitted.operation, adopted=adopted)

    def _note(self, doing: str, handle: Handle, marked: SubmitCall, *, is_new: bool) -> None:
        """Note what is about to be sent; what an earlier attempt has sent with the same key has left already."""
        self._began = self._clock.monotonic() if is_new else None
        self._was_sent = not is_new
        self._record.note(
            doing,
            has_left=not is_new,
            is_new=is_new,
            request=str(marked.request),
            search=lambda: self._api.find_submitted(self._intent(handle, marked)),
            handle=None,
            intent=handle,
        )

    def _intent(self, handle: Handle, marked: SubmitCall) -> Intent:
        began, clock = self._began, self._clock
        if began is not None:
            return Intent(marked, handle.key, lambda: clock.monotonic() - began, is_exact=True)
        return Intent(marked, handle.key, lambda: clock.time() - handle.submitted_at)

    def _refused_or_found(self, handle: Handle, marked: SubmitCall, error: ApiError) -> SubmitResult:
        """Search for the operation: a refusal may be due to our earlier request, since only we use a derived name."""
        if (existing := self._api.find_existing(self._intent(handle, marked), error)) is not None:
            return self._adopt_existing(handle, error, self._hook.run(existing))
        is_conflict = isinstance(error, Conflict)
        is_ours = self._was_sent or (is_conflict and marked.request != self._submit.request)
        if marked.creates and is_ours and self._api.find_submitted(self._intent(handle, marked)) is not None:
            said = error.without_advice
            self._log(f"the API refuses it ({said}), perhaps because of what an earlier request has started: searching")
            found = self.search(handle, marked, RECONCILE_PAUSES if self._was_sent else RECONCILE_PAUSES_ANSWERED)
            if found is not None:
                return self.record_handle(handle, found, adopted=True)
            if self._was_sent and is_conflict:
                raise ambiguous(self._api, self._submit, handle, (), error, conn_id=self._hook.conn_id) from None
        if is_conflict and marked.request.method == "DELETE":
            return self._adopt_conflicting(handle, marked, error)
        self._give_up(handle)
        raise error

    def _adopt_existing(self, handle: Handle, error: ApiError, matches: Sequence[Submitted]) -> SubmitResult:
        """Adopt what the API, in its refusal, says to exist or to be under way."""
        if len(matches) != 1:
            self._give_up(handle)
            raise error
        self._log(f"{error.without_advice}; continuing with operation {matches[0].operation_id}, which does the same")
        if not self._was_sent:
            # refused at the first request: another has made it, under no key of ours, and no policy may delete it
            handle = replace(handle, key="", creates=False)
        return self.record_handle(handle, matches[0], adopted=True)

    def _adopt_conflicting(self, handle: Handle, marked: SubmitCall, error: ApiError) -> SubmitResult:
        """Adopt the running deletion that a conflict on a deletion usually means."""
        flow = self._api.find_submitted(Intent(marked, handle.key))
        matches = [] if flow is None else self._hook.run(flow)
        running = [match for match in matches if match.operation and not match.operation.state.is_terminal]
        if len(running) != 1:
            self._give_up(handle)
            raise error
        self._log(f"{error.what}; adopting operation {running[0].operation_id}, which does the same")
        return self.record_handle(handle, running[0], adopted=True)

    def _note_failure(self, handle: Handle, error: OpsError) -> None:
        """Store what a failure says about the request: refused, or never sent; nothing about an earlier one."""
        if isinstance(error, ApiError):
            self._give_up(handle)
        elif not self._was_sent:
            local = isinstance(error, (TransportError, ConfigurationError))
            self._give_up(handle, not_sent=local or not self._record.has_left)

    def _give_up(self, handle: Handle, *, not_sent: bool = False) -> None:
        self._record.intent = None
        self._store.save(replace(handle, refused=True, not_sent=not_sent))


def _is_unclear(error: OpsError) -> bool:
    """Return whether the request may have been carried out although it failed."""
    return isinstance(error, ServerError) or (isinstance(error, TransportError) and error.maybe_executed)


def _pauses_after(error: OpsError) -> Sequence[float]:
    # an error page of a gateway says nothing about the API behind it, which may still be working
    if isinstance(error, ServerError) and error.status not in (_BAD_GATEWAY, _GATEWAY_TIMEOUT):
        return RECONCILE_PAUSES_ANSWERED
    return RECONCILE_PAUSES
