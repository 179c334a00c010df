"""One leg of an operator on a worker: submit or join, wait or defer, end."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_ops import tracing
from airflow_provider_ops.apis.base import SubmitCall
from airflow_provider_ops.core.clear_or_retry import Cause
from airflow_provider_ops.core.event_codec import awaited_ids, from_event, why_no_outcome
from airflow_provider_ops.core.gate import LineLog
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.core.history import OperationHistory
from airflow_provider_ops.core.poll_policy import RECHECK_SECONDS, seconds_to_wait
from airflow_provider_ops.core.submit_flow import Action, AttemptContext, decide
from airflow_provider_ops.core.timeline import Timeline
from airflow_provider_ops.core.wait_state import Outcome, Settled, TimedOut, Unobservable, WaitState
from airflow_provider_ops.core.wording import elapsed
from airflow_provider_ops.exceptions import OperationFailed, OpsError, WaitTimeout
from airflow_provider_ops.lifecycle import telemetry
from airflow_provider_ops.lifecycle.attempt_record import AttemptRecord
from airflow_provider_ops.lifecycle.deferral import defer
from airflow_provider_ops.lifecycle.failure_report import FailureReport
from airflow_provider_ops.lifecycle.fence import Fence
from airflow_provider_ops.lifecycle.finishing import ResultBuilder
from airflow_provider_ops.lifecycle.handle_store import HandleStore, address_of
from airflow_provider_ops.lifecycle.identity import attempt_of, identify
from airflow_provider_ops.lifecycle.kill import KillRunner, policy_terminates
from airflow_provider_ops.lifecycle.legs import HandlePublisher, pushed_by_earlier_leg, stored_by_earlier_leg
from airflow_provider_ops.lifecycle.owed import carry_out_debt
from airflow_provider_ops.lifecycle.sender import read_operation
from airflow_provider_ops.lifecycle.stopping import KillHandling
from airflow_provider_ops.lifecycle.submitter import SubmitResult, Submitter
from airflow_provider_ops.lifecycle.worker_reporter import WorkerReporter
from airflow_provider_ops.operation import Operation, OperationState
from airflow_provider_ops.operators.describing import submitted_text
from airflow_provider_ops.polling.waits import poll_until_done
from airflow_provider_ops.retry_policy import fails_at_once, starts_nothing
from airflow_provider_ops.triggers.operation import OperationTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_ops.operators.base import OperationOperator

#: A deferral costs two worker legs and some seconds, so what settles within this is not worth one.
SECONDS_BEFORE_DEFERRING = 2.0


class TaskAttempt:
    """What an operator does in one leg of one try."""

    def __init__(self, task: OperationOperator, context: Context) -> None:
        self._task = task
        self._ti = context["ti"]
        self._dag_run = context.get("dag_run")
        self._hook = task.hook
        self._clock = task.hook.clock
        self._log = LineLog(task.log)
        self._state_store = context.get("task_state_store") if task.durable else None
        self._store = HandleStore(self._state_store, self._log.warning, address_of(self._ti), self._clock.monotonic)
        self._record = AttemptRecord(task.kill_switch, self._hook.api.title)
        self._hook.guard = Fence(self._record, self._ti, self._store, context.get("task_state_store"), self._clock)
        self._finisher = ResultBuilder(self._hook, self._store, self._log.warning)
        self._announcer = HandlePublisher(
            self._hook, self._ti, self._record, self._log, pushes_handle=not self._store.exists
        )
        self._wait_state: WaitState | None = None
        self._stopping = KillHandling(task, self._record, self._worker_kill)
        self._timeline: Timeline | None = None
        self._was_deferred = False
        self._current_reporter: WorkerReporter | None = None
        self._is_resumed = True
        if task.operation_id is not None:
            starts_nothing(task)

    def start(self) -> dict[str, Any]:
        """The first leg of a try; returns the result, or defers."""
        return self._stopping.until_stopped(self._start)

    def resume_previous(self) -> dict[str, Any] | None:
        """The first leg of a retry that need not know its request: go on with what an earlier try has started.

        ``None`` when there is nothing to go on with, or when only the request can tell.
        """
        return self._stopping.until_stopped(self._resume_previous)

    def adopt(self, operation_id: str) -> dict[str, Any]:
        """The first leg of a try that waits for an operation which exists; submits nothing."""
        return self._stopping.until_stopped(lambda: self._adopt(operation_id))

    def resume(self, event: object) -> dict[str, Any]:
        """The leg after the trigger has fired."""
        return self._stopping.until_stopped(lambda: self._resume(event))

    def recheck(self, why: str) -> dict[str, Any]:
        """The leg after something went wrong around us: look, and wait on where the operation is still going."""
        return self._stopping.until_stopped(lambda: self._recheck(why))

    def _start(self) -> dict[str, Any]:
        self._is_resumed = False
        settings = self._hook.settings()
        submit = self._task.submit()
        # what only the connection can complete must show before anything is stored
        self._hook.api.apply_connection_defaults(submit.request, settings.extras)
        self._log.info(submitted_text(self._task, self._hook.api, submit))
        deadline = self._deadline(submit.kind)
        # anything that cannot travel into the trigger must show before something remote exists
        self._trigger(Handle.placeholder(submit.kind), deadline, "").check()
        with tracing.submitting(self._hook.api.name, submit.kind) as facts:
            started = self._submitter(submit, deadline).run()
            facts.update(tracing.of_handle(started.handle, joined=started.adopted))
        return self._wait(started, deadline)

    def _resume_previous(self) -> dict[str, Any] | None:
        self._is_resumed = False
        self._record.note("reading what earlier attempts have stored")
        handle = self._store.load()
        self._record.note("looking at what earlier attempts have started", found=handle, has_read=True)
        if handle is None or handle.api != self._hook.api.name:
            return None
        handle = self._settle_debt(handle)
        operation, attempt = read_operation(self._hook, handle), attempt_of(self._task, self._ti, self._dag_run)
        # the request is the same by definition: nobody was asked for another
        today = AttemptContext(handle.api, handle.arguments or "", attempt, kill_policy_terminates=False)
        decision = decide(handle, operation, today)
        if decision.action not in (Action.ADOPT, Action.FINISH) or decision.cause is Cause.CLEARED:
            return None
        self._log.info(decision.sentence)
        if decision.warning is not None:
            self._log.warning(decision.warning)
        return self._wait(
            SubmitResult(self._store.save_for_attempt(handle, attempt), operation, adopted=True),
            self._deadline(handle.kind),
        )

    def _adopt(self, operation_id: str) -> dict[str, Any]:
        self._is_resumed = False
        reference = self._hook.api.validate_operation_id(operation_id)
        given = Handle.placeholder("", api=self._hook.api.name, operation_id=reference)
        self._record.note("reading the operation to wait for", handle=replace(given, creates=False), has_read=True)
        operation = self._hook.get_operation(reference)
        self._record.note("reading what earlier attempts have stored")
        found = self._store.load()
        found = found and self._settle_debt(found)
        handle = Handle.of_existing(operation, generation=found.generation if found else 1)
        self._record.note("joining the operation", handle=handle, has_read=True)
        handle = self._store.save_for_attempt(handle, attempt_of(self._task, self._ti, self._dag_run))
        policy = self._task.kill_policy
        self._log.info("Joining operation %s, nothing is submitted; on_kill=%s", operation.id, policy)
        return self._wait(SubmitResult(handle, operation, adopted=True), self._deadline(operation.kind))

    def _wait(self, started: SubmitResult, deadline: float) -> dict[str, Any]:
        handle = self._note_handle(started.handle)
        self._announcer.publish(handle, deadline if self._task.wait_for_completion else None)
        if not self._task.wait_for_completion:
            self._reporter(handle).submitted(handle.operation_id or "", started.operation)
            return self._finisher.result(handle, started.operation, None)
        if started.operation is not None and started.operation.state.is_terminal:
            outcome = Settled(started.operation)
            self._reporter(handle).ended({handle.operation_id or "": (outcome, None)})
            return self._end(handle, outcome, handle.operation_id)
        return self._wait_on(handle, handle.operation_id or "")

    def _resume(self, event: object) -> dict[str, Any]:
        handle = self._load_handle()
        self._was_deferred = True
        waits = from_event(event)
        self._reporter(handle).ended(waits, event.get("story") if isinstance(event, Mapping) else None)
        for operation_id, (outcome, timeline) in waits.items():
            self._log.info("%s while deferred: %s", operation_id, "; ".join(timeline.lines()))
            self._timeline = timeline
            if outcome is not None:
                return self._end(handle, outcome, operation_id)
        why = f"the trigger ended without an outcome: {why_no_outcome(event)}"
        return self._recheck(why, next(iter(awaited_ids(event)), None))

    def _recheck(self, why: str, operation_id: str | None = None) -> dict[str, Any]:
        handle = self._load_handle()
        self._log.warning("Looking at %s again, because %s", operation_id or handle.operation_id, why)
        return self._wait_on(handle, operation_id or handle.operation_id or "", patience=RECHECK_SECONDS)

    def histories(self) -> Collection[OperationHistory]:
        """The story of each operation, as this leg knows it."""
        return self._current_reporter.histories if self._current_reporter else ()

    def kill(self) -> None:
        """Have the kill policy carried out; return at once."""
        self._stopping.kill()

    def _worker_kill(self) -> KillRunner:
        return KillRunner(
            self._task, self._ti, self._store, self._record, recover=self._recover, is_running=self._is_running
        )

    def _recover(self) -> Handle | None:
        """What is stored, on a leg that has not come to read it."""
        return self._load_handle() if self._is_resumed else self._store.load()

    def _is_running(self) -> bool:
        return self._wait_state is not None and self._wait_state.shows_running(self._clock.monotonic())

    def _settle_debt(self, handle: Handle) -> Handle:
        return carry_out_debt(self._hook, handle, self._store, log=self._log.info, warn=self._log.warning)

    def _submitter(self, submit: SubmitCall, deadline: float) -> Submitter:
        task = self._task
        if task.durable and not self._store.exists:
            self._log.warning(
                "This Airflow has no task state store: crash recovery is reduced to what key, tag or name can find"
            )
        identity = identify(
            task,
            self._ti,
            self._dag_run,
            submit,
            stored=self._store.exists,
            kill_ends_it=policy_terminates(task.kill_policy, self._hook.api, creates=submit.creates),
        )
        return Submitter(
            self._hook,
            submit,
            identity,
            self._store,
            deadline=deadline,
            log=self._log.info,
            warn=self._log.warning,
            record=self._record,
        )

    def _deadline(self, kind: str) -> float:
        """Epoch seconds. Anchored at the start of the try, which Airflow keeps across deferrals."""
        limit = self._hook.api.default_timeout(kind) if self._task.timeout is None else self._task.timeout
        return self._started_at() + seconds_to_wait(limit, self._task.execution_timeout)

    def _started_at(self) -> float:
        return self._hook.on_clock(self._ti.start_date)

    def _wait_on(self, handle: Handle, operation_id: str, *, patience: float = 0.0) -> dict[str, Any]:
        is_own = operation_id == handle.operation_id
        self._record.note(f"waiting for {'its operation' if is_own else operation_id}", waiting_for=operation_id)
        deadline = self._deadline(handle.kind)
        until = deadline
        if self._task.deferrable:
            until = min(self._clock.time() + max(SECONDS_BEFORE_DEFERRING, patience), deadline)
        outcome = self._wait_here(handle, operation_id, until)
        if isinstance(outcome, TimedOut) and until < deadline:
            self._defer(handle, deadline, operation_id)
        return self._end(handle, outcome, operation_id)

    def _wait_here(self, handle: Handle, operation_id: str, until: float) -> Outcome | None:
        watch = self._hook.wait_state(
            operation_id, deadline=until, poll_interval=self._task.poll_interval, kind=handle.kind
        )
        self._wait_state = watch
        report = self._reporter(handle)
        poll_until_done(self._hook.get_conn(), [watch], report.log_and_report([watch], self._log.info))
        self._timeline = watch.timeline
        is_over = not isinstance(watch.outcome, TimedOut) or until >= self._deadline(handle.kind)
        report.paused([watch], is_over=is_over)
        return watch.outcome

    def _reporter(self, handle: Handle) -> WorkerReporter:
        if self._current_reporter is None:
            deadline = self._deadline(handle.kind) if self._task.wait_for_completion else None
            self._current_reporter = WorkerReporter(
                self._ti,
                self._clock,
                api=self._hook.api.name,
                conn_id=self._task.conn_id,
                deadline=deadline,
                resumes=self._is_resumed,
                store=self._state_store,
            )
        return self._current_reporter

    def _defer(self, handle: Handle, deadline: float, operation_id: str) -> None:
        self._record.note("deferring the wait")
        defer(
            self._task.defer,
            self._trigger(handle, deadline, operation_id),
            method_name="execute_complete",
            deadline=deadline,
            ti=self._ti,
            clock=self._clock,
            warn=self._log.warning,
        )

    def _trigger(self, handle: Handle, deadline: float, operation_id: str) -> OperationTrigger:
        return OperationTrigger(
            conn_id=self._task.conn_id,
            operation_ids=[operation_id],
            poll_interval=self._task.poll_interval,
            deadline=deadline,
            kind=handle.kind,
            api=self._hook.api.name,
            handle=handle.to_dict(),
            on_kill=self._task.kill_policy,
            told=self._current_reporter.last_reported_digest if self._current_reporter else None,
        )

    def _load_handle(self) -> Handle:
        """What this task run submitted, on a later leg: from the store, else from XCom."""
        if self._record.handle is not None:
            return self._record.handle
        self._record.note("reading what this attempt has stored")
        handle = stored_by_earlier_leg(self._store, self._log.warning)
        if handle is None:
            # neither may be to be had: what is known is enough to wait on, though not to remove anything
            handle = pushed_by_earlier_leg(self._ti, kind=self._task.kind, api=self._hook.api.name)
        return self._note_handle(handle)

    def _note_handle(self, handle: Handle) -> Handle:
        self._record.note("going on with the operation", handle=handle, has_read=True)
        self._task.remote_url = handle.operation_url
        return handle

    def _end(self, handle: Handle, outcome: Outcome | None, waited_for: str | None) -> dict[str, Any]:
        self._emit_metrics(handle, outcome)
        if isinstance(outcome, Settled) and outcome.operation.state is OperationState.SUCCEEDED:
            return self._succeed(handle, self._hook.whole(outcome), waited_for)
        self._record.note("carrying out what follows a wait that ended badly")
        comes_after = waited_for != handle.operation_id
        ending = FailureReport(
            self._hook,
            handle,
            durable=self._task.durable,
            log=self._log.info,
            # the operation itself stays succeeded, so that nothing else would tell a retry that its result is gone
            store=self._store,
            keeps_removal=comes_after,
        )
        raise self._error(ending, outcome, waited_for or "", comes_after=comes_after)

    def _error(self, ending: FailureReport, outcome: Outcome | None, waited_for: str, *, comes_after: bool) -> OpsError:
        match outcome:
            case Settled(operation):
                may_retry = self._may_retry(OperationFailed("", operation))
                policy = self._task.failure_policy
                return ending.failed(operation, policy, may_retry=may_retry, comes_after=comes_after)
            case Unobservable(_, error):
                return ending.unobservable(error, may_retry=self._may_retry(error))
            case _:
                last = outcome if isinstance(outcome, TimedOut) else TimedOut(None, None)
                # what the user has set, not what it took to notice
                waited = min(self._clock.time(), self._deadline(ending.kind)) - self._started_at()
                may_retry = self._may_retry(WaitTimeout("", last.operation))
                return ending.timed_out(
                    last, self._task.timeout_policy, waited_for=waited_for, waited=waited, may_retry=may_retry
                )

    def _may_retry(self, error: OpsError) -> bool:
        return self._ti.try_number <= self._ti.max_tries and not fails_at_once(self._task, error)

    def _emit_metrics(self, handle: Handle, outcome: Outcome | None) -> None:
        telemetry.record_wait_finished(
            self._hook.api.name,
            outcome,
            kind=handle.kind,
            started=handle.submitted_at or self._started_at(),
            now=self._clock.time(),
            deferred=self._was_deferred,
            timeline=self._timeline,
        )

    def _succeed(self, handle: Handle, operation: Operation, waited_for: str | None) -> dict[str, Any]:
        if (another := handle.following(waited_for)) is not None:
            self._log.info("operation %s succeeded; the submit has also started %s", operation.id, another)
            return self._wait_on(handle, another)
        if waited_for != handle.operation_id:
            # what came after the operation is over as well; the result is about the operation itself
            operation = self._hook.get_operation(handle.operation_id or "")
        elif (following := self._task.next_operation(operation)) is not None:
            self._log.info("operation %s succeeded; waiting for %s", operation.id, following)
            return self._wait_on(handle, following)
        return self._succeeded(handle, operation)

    def _succeeded(self, handle: Handle, operation: Operation) -> dict[str, Any]:
        resource = self._finisher.read_resource(handle, operation)
        if resource is not None:
            self._task.remote_url = self._hook.api.resource_url(resource) or self._task.remote_url
        title = self._hook.api.title
        self._log.info("%s operation %s (%s) succeeded%s", title, operation.id, operation.kind, elapsed(operation))
        return self._finisher.result(handle, operation, resource)

    def result_for(self, operation: Operation) -> dict[str, Any]:
        """The result for an operation that somebody else has started and that has succeeded."""
        handle = Handle.placeholder(operation.kind, operation_id=operation.id, operation_url=operation.url)
        self._note_handle(handle)
        return self._succeeded(handle, operation)
