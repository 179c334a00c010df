"""The kill of an operator's running leg: the main path carries out the policy, the signal handler only sets a flag."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import replace
from typing import Any, TypeVar

from airflow_provider_ops._compat import task_state
from airflow_provider_ops.apis.base import Api
from airflow_provider_ops.apis.calls import Flow
from airflow_provider_ops.apis.submits import Intent
from airflow_provider_ops.apis.terminate import Termination, kill_operation, terminate
from airflow_provider_ops.core.aftermath import Deletion, after_kill
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.core.kill_decision import is_meant_on_worker
from airflow_provider_ops.core.wording import described
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.http.async_client import AsyncClient
from airflow_provider_ops.http.background import time_limit
from airflow_provider_ops.http.rate_limiter import Priority
from airflow_provider_ops.lifecycle.attempt_record import AttemptRecord
from airflow_provider_ops.lifecycle.handle_store import HandleStore
from airflow_provider_ops.lifecycle.options import AttemptOptions
from airflow_provider_ops.lifecycle.owed import BECAUSE_OF_FAILURE, BECAUSE_OF_KILL, with_debt, without_debt

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds from SIGTERM on in which all must be done: Airflow 3.3 follows it with SIGKILL after five.
_KILL_SECONDS = 4.3
#: Seconds of those for the question whether the task is over, and for what is stored before the policy.
_QUESTION, _STORING = 2.0, 0.5
#: Longest time in seconds for the record that people are shown, at the very end.
_REPORTING = 1.0
#: Seconds of those for the last answer to a deletion, so that what is said in the end is the API's own answer.
_LAST_ANSWER = 0.4
#: Seconds after which a warning says what a kill has not finished yet.
_WARN_AFTER = 1.5


def policy_terminates(policy: str, api: Api, *, creates: bool) -> bool:
    """Return whether a kill policy ends a running operation.

    :param creates: whether the operation makes the resource it is about.
    """
    return creates if policy == "delete" else policy == "cancel" and api.can_cancel


class KillRunner:
    """Carry out the kill policy when a user ended the task; nothing when only this worker is stopped.

    :param ti: the task instance.
    :param recover: reads what an earlier leg or attempt has stored.
    :param report: records, for people, what the kill has left behind.
    """

    def __init__(
        self,
        options: AttemptOptions,
        hook: OperationsHook,
        ti: Any,
        store: HandleStore,
        record: AttemptRecord,
        *,
        recover: Callable[[], Handle | None],
        report: Callable[[str, Handle | None, Deletion | None], None] = lambda _text, _handle, _deletion: None,
    ) -> None:
        self._options = options
        self._policy = options.kill_policy
        self._hook = hook
        self._ti = ti
        self._store = store
        self._record = record
        self._recover = recover
        self._report = report
        self._is_airflow_stuck = False
        self._ends_at = time.monotonic() - record.seconds_since_kill + _KILL_SECONDS

    def carry_out(self) -> Termination:
        """Act within the seconds that Airflow leaves; return what continues, with the sentence that says so.

        Not in a signal handler: a question to Airflow deadlocks where the interrupted code was asking one.
        """
        try:
            return self._carry_out()
        finally:
            self._record.has_finished_acting = True

    def _carry_out(self) -> Termination:
        self._hook.resume()
        doing = f"asked to stop while {self._record.doing}"
        self._store_what_is_known()
        if self._policy == "leave":
            self._report_end(Termination(self._record.what_continues))
            return Termination(f"{doing}: {self._record.what_continues}, as on_kill=leave says")
        try:
            state = self._ask(lambda: task_state(self._ti), _QUESTION)
        except Exception as error:  # noqa: BLE001 - whatever it was, nothing may be ended by guess
            return Termination(
                f"{doing}. Airflow does not say whether the task is over ({described(error)}), so "
                f"on_kill={self._policy} was not carried out: {self._what_a_retry_finds}",
                is_done=False,
            )
        if not is_meant_on_worker(state):
            stopped = f"This worker is stopped, not the task (its state is {state})"
            return Termination(f"{doing}. {stopped}: {self._what_a_retry_finds}")
        try:
            ended = self._terminate(has_succeeded=state == "success")
        except Exception as error:  # noqa: BLE001 - no caller is left that could handle it
            failed = f"on_kill={self._policy} could not be carried out for {self._record.what}: {described(error)}"
            self._report_end(Termination(failed), state)
            return Termination(f"{doing}. {failed}", is_done=False)
        self._report_end(ended, state)
        return ended._replace(text=f"the task was killed: {ended.text}")

    def _report_end(self, ended: Termination, state: str | None = "") -> None:
        """Record why the task ended and what is left, within the time that is left and only of a task that is over.

        :param state: of the task, empty where Airflow was not asked for it.
        """

        def report() -> None:
            now = task_state(self._ti) if state == "" else state
            if is_meant_on_worker(now):
                text, deletion = after_kill(ended.text, ended.deletion, self._policy, now)
                # until this process is over there is no other attempt whose record this could replace
                self._report(text, self._record.handle, deletion)

        try:
            self._ask(report, _REPORTING)
        except Exception as error:  # noqa: BLE001 - the log has it
            log.debug("what the kill has left cannot be shown: %r", error)

    def warn_when_slow(self, warn: Callable[[str], None]) -> None:
        """Log what is not finished soon: Airflow may end the process before the main path can log its result."""

        def watch() -> None:
            time.sleep(_WARN_AFTER)
            if self._record.has_finished_acting:
                return
            if self._record.is_acting:
                warn(
                    f"asked to stop while {self._record.doing}: on_kill={self._policy} is under way for "
                    f"{self._record.what}. Unless more is said below, check there whether it was carried out"
                )
            else:
                warn(
                    f"asked to stop while {self._record.doing}, which has not ended yet. Unless more is said below, "
                    f"on_kill={self._policy} was not carried out, and {self._record.what_continues}"
                )

        threading.Thread(target=watch, name="operations-kill", daemon=True).start()

    def _store_what_is_known(self) -> None:
        """Store what this attempt knows, so that the next need not search for it, whatever becomes of the policy."""
        record = self._record
        if record.handle is not None and not record.is_stored:
            self._save(record.handle)
        if record.intent is not None and record.is_new and not record.has_left and record.handle is None:
            self._save(replace(record.intent, refused=True, not_sent=True))

    def _terminate(self, *, has_succeeded: bool) -> Termination:
        handle = self._target()
        if handle is None:
            return Termination(f"there is nothing to {self._policy}: {self._record.what}")
        if isinstance(handle, str):
            return Termination(handle, is_done=False)
        ends = policy_terminates(self._policy, self._hook.api, creates=handle.creates)
        handle, flow = self._next_policy(handle, ends=ends, has_succeeded=has_succeeded)
        try:
            ended = self._run(flow)
        except TimeoutError:
            begun = f"{self._policy} was begun for {self._record.what} and has no answer yet"
            return Termination(f"{begun}{self._finishing}", is_done=False)
        if ends and ended.is_done:
            end_requested = handle.end_requested or ended.is_accepted
            self._save(replace(without_debt(handle), killed=True, end_requested=end_requested))
        still_owed = self._finishing if ends and not ended.is_done else ""
        return ended._replace(text=f"{ended.text}{still_owed}")

    @property
    def _what_a_retry_finds(self) -> str:
        adopted = "" if self._record.ended_as else "; a retry adopts it"
        return f"{self._record.what_continues}{adopted}"

    @property
    def _finishing(self) -> str:
        """Return what completes later what this kill leaves open."""
        return "; a clear of the task finishes it" if self._store.exists else ""

    def _next_policy(self, handle: Handle, *, ends: bool, has_succeeded: bool) -> tuple[Handle, Flow[Termination]]:
        """Return the handle and the flow to run: the policy that this attempt had begun, else the kill policy."""
        stored = self._store.latest
        if stored is not None and stored.owes is not None and stored.operation_id == handle.operation_id:
            is_over, within = stored.owes_because == BECAUSE_OF_FAILURE, self._seconds_for_pauses
            return stored, terminate(self._hook.api, stored, stored.owes, within=within, is_over=is_over)
        if ends:
            handle = with_debt(handle, self._policy, BECAUSE_OF_KILL)
            self._save(handle)
        return handle, kill_operation(
            self._hook.api,
            handle,
            self._policy,
            self._record.waiting_for,
            within=self._seconds_for_pauses,
            has_succeeded=has_succeeded,
        )

    @property
    def _seconds_for_pauses(self) -> float:
        return max(0.0, self._ends_at - time.monotonic() - _LAST_ANSWER)

    def _target(self) -> Handle | str | None:
        """Return what the policy is about; a sentence where that cannot be known now."""
        record = self._record
        if record.handle is None and not record.has_read:
            record.found = self._ask(self._recover, _QUESTION)
            record.has_read = True
        if record.handle is None and record.has_unanswered:
            return self._search()
        found = record.handle or record.found
        if found is None or found.operation_id is not None:
            return found
        if found.not_sent or found.refused:
            return None
        self._note_earlier(found)
        return self._search()

    def _note_earlier(self, found: Handle) -> None:
        """Note that an earlier attempt may have sent what the arguments of the task say."""
        api, clock = self._hook.api, self._hook.clock
        marked = api.with_idempotency_key(self._options.submit(), found.key)
        intent = Intent(marked, found.key, lambda: clock.time() - found.submitted_at)
        self._record.note(
            self._record.doing,
            has_left=True,
            request=str(marked.request),
            search=lambda: api.find_submitted(intent),
            intent=found,
        )

    def _search(self) -> Handle | str:
        flow = self._record.search() if self._record.search else None
        try:
            matches = [] if flow is None else self._run(flow)
        except TimeoutError:
            matches = []
        if len(matches) != 1 or self._record.intent is None:
            return self._unknown()
        found = matches[0]
        self._record.handle = self._record.intent.answered(
            found.operation_id,
            resource_type=found.resource_type,
            resource_id=found.resource_id,
            operation_url=found.operation_url,
        )
        return self._record.handle

    def _unknown(self) -> str:
        return (
            f"on_kill={self._policy} could not be carried out, since it is not known whether it exists: search for "
            f"{self._record.what}, and end what is not wanted"
        )

    def _run(self, flow: Flow[T]) -> T:
        seconds = self._ends_at - time.monotonic()

        async def run(client: AsyncClient) -> T:
            try:
                with time_limit(seconds):
                    return await client.run(flow, priority=Priority.KILL)
            except asyncio.TimeoutError:
                # another class before Python 3.11
                raise TimeoutError from None

        return self._hook.get_conn().drive(run)

    def _save(self, handle: Handle) -> None:
        if self._store.exists:
            try:
                self._ask(lambda: self._store.save(handle), _STORING)
            except TimeoutError:
                # Airflow is stuck: the policy is not
                return

    def _ask(self, question: Callable[[], T], seconds: float) -> T:
        """Return the answer of a request to Airflow.

        :raises TimeoutError: Airflow does not answer in time, or has not done so before.
        """
        if self._is_airflow_stuck:
            raise TimeoutError("Airflow does not answer")
        answers: queue.SimpleQueue[tuple[T | None, Exception | None]] = queue.SimpleQueue()

        def ask() -> None:
            try:
                answers.put((question(), None))
            except Exception as error:  # noqa: BLE001 - raised in the thread that asked
                answers.put((None, error))

        threading.Thread(target=copy_context().run, args=(ask,), name="operations-question", daemon=True).start()
        try:
            value, error = answers.get(timeout=max(0.0, min(seconds, self._ends_at - time.monotonic())))
        except queue.Empty:
            self._is_airflow_stuck = True
            raise TimeoutError("Airflow does not answer") from None
        if error is not None:
            raise error
        return value  # type: ignore[return-value]
