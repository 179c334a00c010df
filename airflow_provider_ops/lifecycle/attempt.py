"""One try of an operator on a worker: submit or adopt, wait or defer, report."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_ops import tracing
from airflow_provider_ops.apis.submits import SubmitCall
from airflow_provider_ops.core.aftermath import Aftermath, Deletion
from airflow_provider_ops.core.clear_or_retry import Attempt, Cause
from airflow_provider_ops.core.end_requested import read_or_ended, was_asked_to_end
from airflow_provider_ops.core.event_codec import awaited_ids, why_no_outcome
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.core.operation_history import OperationHistory
from airflow_provider_ops.core.poll_interval import RECHECK_SECONDS, seconds_to_wait, shorter_limit
from airflow_provider_ops.core.submit_decision import Action, AttemptContext, decide
from airflow_provider_ops.core.wait_state import Outcome, Settled, TimedOut, Unobservable
from airflow_provider_ops.core.wording import elapsed, named
from airflow_provider_ops.exceptions import NotFound, OperationFailed, OpsError, WaitTimeout
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.lifecycle.attempt_record import AttemptRecord
from airflow_provider_ops.lifecycle.failure_report import FailureReport
from airflow_provider_ops.lifecycle.fence import Fence
from airflow_provider_ops.lifecycle.finishing import ResultBuilder
from airflow_provider_ops.lifecycle.handle_store import HandleStore, address_of
from airflow_provider_ops.lifecycle.legs import HandlePublisher, pushed_by_earlier_leg, stored_by_earlier_leg
from airflow_provider_ops.lifecycle.options import SECONDS_BEFORE_DEFERRING, AttemptOptions
from airflow_provider_ops.lifecycle.owed import carry_out_debt
from airflow_provider_ops.lifecycle.sender import read_operation
from airflow_provider_ops.lifecycle.spec_renewal import with_this_spec
from airflow_provider_ops.lifecycle.stopping import KillHandling
from airflow_provider_ops.lifecycle.submit_identity import attempt_of, identify
from airflow_provider_ops.lifecycle.submit_text import submitted_text
from airflow_provider_ops.lifecycle.submitter import SubmitResult, Submitter
from airflow_provider_ops.lifecycle.waiter import Waiter
from airflow_provider_ops.lifecycle.worker_kill import KillRunner, policy_terminates
from airflow_provider_ops.operation import Operation, OperationState

if TYPE_CHECKING:
    from airflow.sdk import Context


class TaskAttempt:
    """One leg of one try of an operator.

    Each public method that returns a result is a leg: it ends with the result, raises, or defers the task.
    """

    def __init__(self, options: AttemptOptions, hook: OperationsHook, context: Context) -> None:
        self._options = options
        self._hook = hook
        self._ti = context["ti"]
        self._dag_run = context.get("dag_run")
        self._clock = hook.clock
        self._log = options.log
        self._state_store = context.get("task_state_store") if options.durable else None
        self._store = HandleStore(
            self._state_store, self._log.warning, address_of(self._ti), self._clock.monotonic, self._ti.try_number
        )
        self._record = AttemptRecord(options.kill_switch, hook.api.title)
        hook.guard = Fence(self._record, self._ti, self._store, context.get("task_state_store"), self._clock)
        self._results = ResultBuilder(hook, self._store, self._log.warning)
        self._publisher = HandlePublisher(hook, self._ti, self._record, self._log, pushes_handle=not self._store.exists)
        self._kill_handling = KillHandling(options, hook, self._record, self._kill_runner)
        self._waiter: Waiter | None = None
        self._is_resumed = True

    def start(self) -> dict[str, Any]:
        """Submit, or adopt what this task run has submitted; then wait. The first leg of a try."""
        return self._kill_handling.until_stopped(self._start)

    def resume_previous(self) -> dict[str, Any] | None:
        """Continue with what an earlier try has started. The first leg of a retry that need not know its request.

        ``None`` when there is nothing to continue with, or when that cannot be known without the request.
        """
        return self._kill_handling.until_stopped(self._resume_previous)

    def adopt(self, operation_id: str) -> dict[str, Any]:
        """Wait for an operation that exists; submit nothing. The first leg of a try."""
        return self._kill_handling.until_stopped(lambda: self._adopt(operation_id))

    def resume(self, event: object) -> dict[str, Any]:
        """Continue after the trigger has fired."""
        return self._kill_handling.until_stopped(lambda: self._resume(event))

    def recheck(self, why: str) -> dict[str, Any]:
        """Poll after something failed around the wait, and continue the wait if the operation is still running."""
        return self._kill_handling.until_stopped(lambda: self._recheck(why))

    def result_for(self, operation: Operation) -> dict[str, Any]:
        """Return the result for an operation that was started elsewhere and that has succeeded."""
        handle = Handle.placeholder(operation.kind, operation_id=operation.id, operation_url=operation.url)
        self._note_handle(handle)
        return self._succeeded(handle, operation)

    def kill(self) -> None:
        """Have the kill policy carried out; return at once."""
        self._kill_handling.kill()

    @property
    def histories(self) -> Collection[OperationHistory]:
        """Return the history of each operation, as far as this leg knows it."""
        return self._waiter.histories if self._waiter else ()

    # -- the legs

    def _start(self) -> dict[str, Any]:
        self._is_resumed = False
        settings = self._hook.settings()
        submit = self._options.submit()
        # arguments that only the connection can complete are checked before anything is stored
        self._hook.api.apply_connection_defaults(submit.request, settings.extras)
        waiter = self._make_waiter(submit.kind)
        # arguments that the trigger cannot store must fail before something remote exists
        placeholder = Handle.placeholder(submit.kind)
        waiter.trigger([""], submit.kind, self._trigger_facts(placeholder)).check()
        with tracing.submitting(self._hook.api.name, submit.kind) as facts:
            submitted = self._submitter(submit, waiter.deadline).run()
            facts.update(tracing.of_handle(submitted.handle, joined=submitted.adopted))
        return self._wait(submitted)

    def _resume_previous(self) -> dict[str, Any] | None:
        self._is_resumed = False
        self._record.note("reading what earlier attempts have stored")
        handle = self._store.load()
        self._record.note("checking what earlier attempts have started", found=handle, has_read=True)
        if handle is None or handle.api != self._hook.api.name:
            return None
        handle = self._carry_out_debt(self._with_this_spec(handle))
        operation, attempt = read_operation(self._hook, handle), self._attempt()
        # the request is the same by definition: no other was built
        context = AttemptContext(handle.api, handle.arguments or "", attempt, kill_policy_terminates=False)
        decision = decide(handle, operation, context)
        if decision.action not in (Action.ADOPT, Action.FINISH) or decision.cause is Cause.CLEARED:
            return None
        self._log.info(decision.sentence)
        if decision.warning is not None:
            self._log.warning(decision.warning)
        self._make_waiter(handle.kind)
        return self._wait(SubmitResult(self._store.save_for_attempt(handle, attempt), operation, adopted=True))

    def _adopt(self, operation_id: str) -> dict[str, Any]:
        self._is_resumed = False
        reference = self._hook.api.validate_operation_id(operation_id)
        given = Handle.placeholder("", api=self._hook.api.name, operation_id=reference)
        self._record.note("reading the operation to wait for", handle=replace(given, creates=False), has_read=True)
        read: Operation | NotFound
        try:
            read = self._hook.get_operation(reference)
        except NotFound as error:
            read = error
        self._record.note("reading what earlier attempts have stored")
        stored = self._store.load()
        found = stored and self._carry_out_debt(stored)
        operation = read_or_ended(read, reference, self._hook.api.name, stored, found)
        handle = Handle.of_existing(operation, before=found)
        handle = replace(handle, end_requested=was_asked_to_end(found, reference))
        self._record.note("adopting the operation", handle=handle, has_read=True)
        handle = self._store.save_for_attempt(handle, self._attempt())
        policy = self._options.kill_policy
        self._log.info("Adopting operation %s, nothing is submitted; on_kill=%s", operation.id, policy)
        self._make_waiter(operation.kind).reporter.adopted(operation.id)
        return self._wait(SubmitResult(handle, operation, adopted=True))

    def _resume(self, event: object) -> dict[str, Any]:
        handle = self._continued_handle()
        waiter = self._make_waiter(handle.kind)
        for operation_id, outcome in waiter.resume(event).items():
            if outcome is not None:
                return self._end(handle, outcome, operation_id)
        why = f"the trigger ended without an outcome: {why_no_outcome(event)}"
        return self._recheck(why, next(iter(awaited_ids(event)), None))

    def _recheck(self, why: str, operation_id: str | None = None) -> dict[str, Any]:
        handle = self._continued_handle()
        self._log.warning("Checking %s again, because %s", operation_id or handle.operation_id, why)
        if self._waiter is None:
            self._make_waiter(handle.kind)
        return self._wait_for(handle, operation_id or handle.operation_id or "", patience=RECHECK_SECONDS)

    # -- before the wait

    def _attempt(self) -> Attempt:
        return attempt_of(self._ti, self._dag_run, self._options.retries)

    def _carry_out_debt(self, handle: Handle) -> Handle:
        return carry_out_debt(self._hook, handle, self._store, log=self._log.info, warn=self._log.warning)

    def _submitter(self, submit: SubmitCall, deadline: float) -> Submitter:
        options = self._options
        if options.durable and not self._store.exists:
            self._log.warning(
                "This Airflow has no task state store: crash recovery is reduced to what key, tag or name can find"
            )
        identity = identify(
            options,
            self._ti,
            self._dag_run,
            submit,
            stored=self._store.exists,
            kill_policy_terminates=policy_terminates(options.kill_policy, self._hook.api, creates=submit.creates),
        )
        return Submitter(
            self._hook,
            submit,
            identity,
            self._store,
            deadline=deadline,
            log=self._log.info,
            warn=self._log.warning,
            announcement=submitted_text(options, self._hook, submit),
            record=self._record,
        )

    def _load_handle(self) -> Handle:
        """Return the handle of the submitted operation on a later leg: from the store, else from XCom."""
        if self._record.handle is not None:
            return self._record.handle
        self._record.note("reading what this attempt has stored")
        handle = stored_by_earlier_leg(self._store, self._log.warning)
        if handle is None:
            # neither may be available: what is known is enough to continue the wait, but not to remove anything
            handle = pushed_by_earlier_leg(self._ti, kind=self._options.kind, api=self._hook.api.name)
        return self._note_handle(handle)

    def _continued_handle(self) -> Handle:
        """Return the handle on a later leg, whose worker may have another spec than the one before."""
        found = self._load_handle()
        handle = self._with_this_spec(found)
        return handle if handle is found else self._note_handle(handle)

    def _with_this_spec(self, handle: Handle) -> Handle:
        return with_this_spec(handle, self._hook.api, self._store, self._log.warning)

    def _note_handle(self, handle: Handle) -> Handle:
        self._record.note("continuing with the operation", handle=handle, has_read=True)
        self._options.show_link(handle.operation_url)
        return handle

    # -- the wait

    def _make_waiter(self, kind: str) -> Waiter:
        options = self._options
        self._waiter = Waiter(
            self._hook,
            options,
            self._ti,
            self._log,
            deadline=self._started_at() + seconds_to_wait(self._timeout(kind), options.execution_timeout),
            is_resumed=self._is_resumed,
            store=self._state_store,
            shows_deadline=options.wait_for_completion,
            on_kill=options.kill_policy,
            on_timeout=options.timeout_policy,
        )
        return self._waiter

    def _timeout(self, kind: str) -> float:
        set_by_user = self._options.timeout
        return self._hook.api.default_timeout(kind) if set_by_user is None else set_by_user

    def _started_at(self) -> float:
        """Return when the try began, in epoch seconds: Airflow keeps that across deferrals."""
        return self._hook.on_clock(self._ti.start_date)

    @property
    def _wait_of_leg(self) -> Waiter:
        if self._waiter is None:
            raise AssertionError("each leg makes its waiter first")
        return self._waiter

    def _trigger_facts(self, handle: Handle) -> dict[str, Any]:
        return {"handle": handle.to_dict(), "on_kill": self._options.kill_policy}

    def _wait(self, submitted: SubmitResult) -> dict[str, Any]:
        handle, operation = self._note_handle(submitted.handle), submitted.operation
        waiter, operation_id = self._wait_of_leg, handle.operation_id or ""
        waiter.reporter.began(operation_id, handle.known_submit)
        waits = self._options.wait_for_completion
        self._publisher.publish(handle, waiter.deadline if waits else None, operation)
        if not waits:
            waiter.reporter.submitted(operation_id, operation)
            return self._results.result(handle, operation, None)
        if operation is not None and operation.state.is_terminal:
            outcome = Settled(operation)
            waiter.reporter.ended({operation_id: (outcome, None)})
            return self._end(handle, outcome, handle.operation_id)
        return self._wait_for(handle, operation_id)

    def _wait_for(self, handle: Handle, operation_id: str, *, patience: float = 0.0) -> dict[str, Any]:
        is_own = operation_id == handle.operation_id
        self._record.note(f"waiting for {'its operation' if is_own else operation_id}", waiting_for=operation_id)
        outcomes = self._wait_of_leg.wait(
            [operation_id],
            patience=max(SECONDS_BEFORE_DEFERRING, patience) if self._options.deferrable else None,
            kind=handle.kind,
            facts=self._trigger_facts(handle),
        )
        return self._end(handle, outcomes[operation_id], operation_id)

    # -- the end

    def _end(self, handle: Handle, outcome: Outcome | None, waited_for: str | None) -> dict[str, Any]:
        started = handle.submitted_at or self._started_at()
        self._wait_of_leg.emit_metrics(waited_for, outcome, started=started, kind=handle.kind)
        if isinstance(outcome, Settled) and outcome.operation.state is OperationState.SUCCEEDED:
            return self._succeed(handle, self._hook.whole(outcome), waited_for)
        comes_after = waited_for != handle.operation_id
        if comes_after:
            # it had succeeded before the wait for another one began
            ended_as = OperationState.SUCCEEDED.value
        else:
            ended_as = outcome.operation.raw_state if isinstance(outcome, Settled) else ""
        self._record.note("carrying out what follows a wait that ended badly", ended_as=ended_as)
        report = FailureReport(
            self._hook,
            handle,
            durable=self._options.durable,
            log=self._log.info,
            # the operation itself stays succeeded: without the store a retry would not know that its result is gone
            store=self._store,
            keeps_removal=comes_after,
        )
        error = self._error(report, outcome, waited_for or "", comes_after=comes_after)
        self._left_behind(report.left or "", handle, report.deletion, report.explained)
        raise error

    def _error(self, report: FailureReport, outcome: Outcome | None, waited_for: str, *, comes_after: bool) -> OpsError:
        match outcome:
            case Settled(operation):
                may_retry = self._may_retry(OperationFailed("", operation))
                policy = self._options.failure_policy
                return report.failed(operation, policy, may_retry=may_retry, comes_after=comes_after)
            case Unobservable(_, error):
                return report.unobservable(error, may_retry=self._may_retry(error))
            case _:
                last = outcome if isinstance(outcome, TimedOut) else TimedOut(None, None)
                # what the user has set, not what it took to notice; `dag.test()` gives each leg a start of its own
                waited = self._wait_of_leg.deadline - self._started_at()
                may_retry = self._may_retry(WaitTimeout("", last.operation))
                return report.timed_out(
                    last,
                    self._options.timeout_policy,
                    waited_for=waited_for,
                    waited=waited,
                    may_retry=may_retry,
                    limit=shorter_limit(self._timeout(report.kind), self._options.execution_timeout),
                )

    def _left_behind(
        self, text: str, handle: Handle | None, deletion: Deletion | None, operation: Operation | None = None
    ) -> None:
        if self._waiter is not None:
            self._waiter.reporter.left_behind(Aftermath.of(handle, text, self._clock.time(), deletion), operation)

    def _may_retry(self, error: OpsError) -> bool:
        return self._ti.try_number <= self._ti.max_tries and not self._options.fails_at_once(error)

    def _succeed(self, handle: Handle, operation: Operation, waited_for: str | None) -> dict[str, Any]:
        if (another := handle.following(waited_for)) is not None:
            self._log.info("operation %s succeeded; the submit has also started %s", operation.id, another)
            return self._wait_for(handle, another)
        if waited_for != handle.operation_id:
            # what came after the operation is over as well; the result is about the operation itself
            operation = self._hook.get_operation(handle.operation_id or "")
        elif (following := self._options.next_operation(operation)) is not None:
            self._log.info("operation %s succeeded; waiting for %s", operation.id, following)
            return self._wait_for(handle, following)
        return self._succeeded(handle, operation)

    def _succeeded(self, handle: Handle, operation: Operation) -> dict[str, Any]:
        resource = self._results.read_resource(handle, operation)
        if resource is not None and (link := self._hook.api.resource_url(resource)):
            self._options.show_link(link)
        name = named(operation.id, operation, handle=handle, kind=True)
        took = elapsed(operation, handle.known_submit)
        self._log.info("%s %s succeeded%s", self._hook.api.title, name, took)
        return self._results.result(handle, operation, resource)

    # -- a kill

    def _kill_runner(self) -> KillRunner:
        return KillRunner(
            self._options,
            self._hook,
            self._ti,
            self._store,
            self._record,
            recover=self._recover,
            report=self._left_behind,
        )

    def _recover(self) -> Handle | None:
        """Return the stored handle, on a leg that has not read it yet."""
        return self._load_handle() if self._is_resumed else self._store.load()
