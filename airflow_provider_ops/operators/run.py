"""One leg of an operator on a worker: submit or join, wait or defer, end."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_ops import tracing
from airflow_provider_ops.apis.base import Submit
from airflow_provider_ops.client.waits import wait
from airflow_provider_ops.core.clear_or_retry import Cause
from airflow_provider_ops.core.gate import LineLog
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.exceptions import NotFound, OperationFailed, OpsError, ResourceGone, UnreadableHandle
from airflow_provider_ops.links import OPERATION_URL
from airflow_provider_ops.operation import Operation, OperationState
from airflow_provider_ops.operators import seen
from airflow_provider_ops.operators.deferral import defer
from airflow_provider_ops.operators.describing import submitted_text
from airflow_provider_ops.operators.ending import Ending
from airflow_provider_ops.operators.identity import attempt_of, identify
from airflow_provider_ops.operators.killing import WorkerKill, ends_it
from airflow_provider_ops.operators.results import checked
from airflow_provider_ops.operators.sending import look_up
from airflow_provider_ops.operators.store import HandleStore, address_of
from airflow_provider_ops.operators.submission import Started, Submission
from airflow_provider_ops.progress.worker import WorkerReport
from airflow_provider_ops.retry_policy import fails_at_once, starts_nothing
from airflow_provider_ops.triggers.operation import OperationTrigger
from airflow_provider_ops.waiting.policy import LOOK_AFTER_TROUBLE, seconds_to_wait
from airflow_provider_ops.waiting.progress import Chapter
from airflow_provider_ops.waiting.submitting import Next, Today, decide
from airflow_provider_ops.waiting.timeline import Timeline
from airflow_provider_ops.waiting.verdict import awaited_in, from_event, why_no_outcome
from airflow_provider_ops.waiting.watch import GaveUp, Outcome, Settled, TimedOut
from airflow_provider_ops.waiting.wording import took, utc

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_ops.operators.base import OperationOperator

#: A deferral costs two worker legs and some seconds, so what settles within this is not worth one.
LOOK_BEFORE_DEFERRING = 2.0
#: XCom that carries the handle to later legs of the same try where nothing stores it.
OPERATION_HANDLE = "operation_handle"
#: Seconds between reads of a resource that its operation says is there: it may be visible a little later.
_LATE_PAUSES = (0.5, 1.5, 2.0)


class Run:
    """What an operator does in one leg of one try."""

    def __init__(self, task: OperationOperator, context: Context) -> None:
        self._task = task
        self._ti = context["ti"]
        self._dag_run = context.get("dag_run")
        self._hook = task.hook
        self._clock = task.hook.clock
        self._log = LineLog(task.log)
        self._state_store = context.get("task_state_store") if task.durable else None
        self._store = HandleStore(self._state_store, self._log.warning, address_of(self._ti))
        self._handle: Handle | None = None
        self._submitting: Submission | None = None
        self._waiting_for: str | None = None
        self._timeline: Timeline | None = None
        self._deferred = False
        self._report: WorkerReport | None = None
        self._resumes = True
        if task.operation_id is not None:
            starts_nothing(task)

    def begin(self) -> dict[str, Any]:
        """The first leg of a try; returns the result, or defers."""
        self._resumes = False
        settings = self._hook.settings()
        submit = self._task.submit()
        # what only the connection can complete must show before anything is stored
        self._hook.api.prepare(submit.request, settings.extras)
        self._log.info(submitted_text(self._task, self._hook.api, submit))
        deadline = self._deadline(submit.kind)
        # anything that cannot travel into the trigger must show before something remote exists
        self._trigger(Handle.placeholder(submit.kind), deadline, "").check()
        with tracing.submitting(self._hook.api.name, submit.kind) as facts:
            started = self._submission(submit, deadline).ensure()
            facts.update(tracing.of_handle(started.handle, joined=started.joined))
        return self._wait(started, deadline)

    def rejoin(self) -> dict[str, Any] | None:
        """The first leg of a retry that need not know its request: go on with what an earlier try has started.

        ``None`` when there is nothing to go on with, or when only the request can tell.
        """
        self._resumes = False
        handle = self._store.load()
        if handle is None or handle.api != self._hook.api.name:
            return None
        operation, attempt = look_up(self._hook, handle), attempt_of(self._task, self._ti, self._dag_run)
        # the request is the same by definition: nobody was asked for another
        today = Today(handle.api, handle.arguments or "", attempt, kill_ends_it=False)
        decision = decide(handle, operation, today)
        if decision.next not in (Next.JOIN, Next.FINISH) or decision.cause is Cause.CLEARED:
            return None
        self._log.info(decision.sentence)
        if decision.warning is not None:
            self._log.warning(decision.warning)
        return self._wait(
            Started(self._store.adopt(handle, attempt), operation, joined=True), self._deadline(handle.kind)
        )

    def adopt(self, operation_id: str) -> dict[str, Any]:
        """The first leg of a try that waits for an operation which exists; submits nothing."""
        self._resumes = False
        operation = self._hook.get_operation(self._hook.api.reference(operation_id))
        found = self._store.load()
        handle = Handle.of_existing(operation, generation=found.generation if found else 1)
        handle = self._store.adopt(handle, attempt_of(self._task, self._ti, self._dag_run))
        policy = self._task.kill_policy
        self._log.info("Joining operation %s, nothing is submitted; on_kill=%s", operation.id, policy)
        return self._wait(Started(handle, operation, joined=True), self._deadline(operation.kind))

    def _wait(self, started: Started, deadline: float) -> dict[str, Any]:
        handle = self._keep(started.handle)
        self._announce(handle, deadline)
        if not self._task.wait_for_completion:
            self._telling(handle).submitted(handle.operation_id or "", started.operation)
            return self._result(handle, started.operation, None)
        if started.operation is not None and started.operation.state.is_terminal:
            outcome = Settled(started.operation)
            self._telling(handle).ended({handle.operation_id or "": (outcome, None)})
            return self._end(handle, outcome, handle.operation_id)
        return self._wait_on(handle, handle.operation_id or "")

    def go_on(self, event: object) -> dict[str, Any]:
        """The leg after the trigger has fired."""
        handle = self._handle_again()
        self._deferred = True
        waits = from_event(event)
        self._telling(handle).ended(waits, event.get("story") if isinstance(event, Mapping) else None)
        for operation_id, (outcome, timeline) in waits.items():
            self._log.info("%s while deferred: %s", operation_id, "; ".join(timeline.lines()))
            self._timeline = timeline
            if outcome is not None:
                return self._end(handle, outcome, operation_id)
        why = f"the trigger ended without an outcome: {why_no_outcome(event)}"
        return self.look_again(why, next(iter(awaited_in(event)), None))

    def look_again(self, why: str, operation_id: str | None = None) -> dict[str, Any]:
        """The leg after something went wrong around us: look, and wait on where the operation is still going."""
        handle = self._handle_again()
        self._log.warning("Looking at %s again, because %s", operation_id or handle.operation_id, why)
        return self._wait_on(handle, operation_id or handle.operation_id or "", patience=LOOK_AFTER_TROUBLE)

    def chapters(self) -> Collection[Chapter]:
        """The story of each operation, as this leg knows it."""
        return self._report.chapters if self._report else ()

    def kill(self) -> None:
        """Carry out the kill policy when a user ended the task; Airflow calls for it from a signal handler."""
        WorkerKill(
            self._task,
            self._ti,
            self._store,
            handle=self._handle,
            submission=self._submitting,
            waiting_for=self._waiting_for,
        ).carry_out()

    def _submission(self, submit: Submit, deadline: float) -> Submission:
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
            kill_ends_it=ends_it(task.kill_policy, self._hook.api, creates=submit.creates),
        )
        self._submitting = Submission(
            self._hook,
            submit,
            identity,
            self._store,
            deadline=deadline,
            log=self._log.info,
            warn=self._log.warning,
        )
        return self._submitting

    def _deadline(self, kind: str) -> float:
        """Epoch seconds. Anchored at the start of the try, which Airflow keeps across deferrals."""
        limit = self._hook.api.default_timeout(kind) if self._task.timeout is None else self._task.timeout
        return self._started_at() + seconds_to_wait(limit, self._task.execution_timeout)

    def _started_at(self) -> float:
        return self._hook.on_clock(self._ti.start_date)

    def _announce(self, handle: Handle, deadline: float) -> None:
        resource = f", {handle.resource_type} {handle.resource_id}" if handle.resource_id else ""
        until = f"waiting until {utc(deadline)} at the latest" if self._task.wait_for_completion else "not waiting"
        self._log.info("%s operation %s (%s%s): %s", handle.api, handle.operation_id, handle.kind, resource, until)
        ids = {
            "operation_id": handle.operation_id,
            "resource_id": handle.resource_id,
            OPERATION_URL: handle.operation_url,
            OPERATION_HANDLE: None if self._store.exists else handle.to_dict(),
        }
        for key, value in ids.items():
            if value is not None:
                self._push(key, value)

    def _push(self, key: str, value: Any) -> None:
        try:
            self._ti.xcom_push(key=key, value=value)
        except Exception as error:  # noqa: BLE001 - whatever it was, the operation lives and is waited for
            self._log.warning("Airflow did not take the XCom %s=%s (%s); the wait goes on", key, value, error)

    def _wait_on(self, handle: Handle, operation_id: str, *, patience: float = 0.0) -> dict[str, Any]:
        self._waiting_for = operation_id
        deadline = self._deadline(handle.kind)
        until = deadline
        if self._task.deferrable:
            until = min(self._clock.time() + max(LOOK_BEFORE_DEFERRING, patience), deadline)
        outcome = self._wait_here(handle, operation_id, until)
        if isinstance(outcome, TimedOut) and until < deadline:
            self._defer(handle, deadline, operation_id)
        return self._end(handle, outcome, operation_id)

    def _wait_here(self, handle: Handle, operation_id: str, until: float) -> Outcome | None:
        watch = self._hook.watch(operation_id, deadline=until, poll_interval=self._task.poll_interval, kind=handle.kind)
        report = self._telling(handle)
        wait(self._hook.get_conn(), [watch], report.telling([watch], self._log.info))
        self._timeline = watch.timeline
        is_over = not isinstance(watch.outcome, TimedOut) or until >= self._deadline(handle.kind)
        report.paused([watch], is_over=is_over)
        return watch.outcome

    def _telling(self, handle: Handle) -> WorkerReport:
        if self._report is None:
            deadline = self._deadline(handle.kind) if self._task.wait_for_completion else None
            self._report = WorkerReport(
                self._ti,
                self._clock,
                api=self._hook.api.name,
                conn_id=self._task.conn_id,
                deadline=deadline,
                resumes=self._resumes,
                store=self._state_store,
            )
        return self._report

    def _defer(self, handle: Handle, deadline: float, operation_id: str) -> None:
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
            told=self._report.mark if self._report else None,
        )

    def _handle_again(self) -> Handle:
        """What this task run submitted, on a later leg: from the store, else from XCom."""
        if self._handle is not None:
            return self._handle
        try:
            handle = self._store.load()
        except OpsError as error:
            # nothing is submitted on this leg, and what the trigger waited for is known
            self._log.warning("%s. This leg goes on with what XCom has", error)
            handle = None
        if handle is None or handle.operation_id is None:
            handle = self._handle_from_xcom()
        return self._keep(handle)

    def _keep(self, handle: Handle) -> Handle:
        self._handle = handle
        self._task.remote_url = handle.operation_url
        return handle

    def _handle_from_xcom(self) -> Handle:
        def pull(key: str) -> Any:
            return self._ti.xcom_pull(task_ids=self._ti.task_id, key=key, map_indexes=self._ti.map_index)

        if kept := pull(OPERATION_HANDLE):
            with suppress(UnreadableHandle):
                return Handle.from_dict(kept)
        # neither was to be had: what is known is enough to wait on, though not to remove anything
        return Handle.placeholder(
            self._task.kind(),
            api=self._hook.api.name,
            operation_id=pull("operation_id"),
            resource_id=pull("resource_id"),
            operation_url=pull(OPERATION_URL),
        )

    def _end(self, handle: Handle, outcome: Outcome | None, waited_for: str | None) -> dict[str, Any]:
        self._tell(handle, outcome)
        if isinstance(outcome, Settled) and outcome.operation.state is OperationState.SUCCEEDED:
            return self._succeed(handle, self._hook.whole(outcome), waited_for)
        ending = Ending(self._hook, handle, durable=self._task.durable, log=self._log.info)
        comes_after = waited_for != handle.operation_id
        error = self._error(ending, outcome, waited_for or "", comes_after=comes_after)
        if ending.removed and comes_after:
            # the operation itself stays succeeded, so that nothing else would tell a retry that its result is gone
            self._store.save(replace(handle, removed=True))
        raise error

    def _error(self, ending: Ending, outcome: Outcome | None, waited_for: str, *, comes_after: bool) -> OpsError:
        match outcome:
            case Settled(operation):
                may_retry = self._may_retry(OperationFailed("", operation))
                policy = self._task.failure_policy
                return ending.failed(operation, policy, may_retry=may_retry, comes_after=comes_after)
            case GaveUp(_, error):
                return ending.gave_up(error, may_retry=self._may_retry(error))
            case _:
                last = outcome if isinstance(outcome, TimedOut) else TimedOut(None, None)
                # what the user has set, not what it took to notice
                waited = min(self._clock.time(), self._deadline(ending.kind)) - self._started_at()
                return ending.timed_out(last, self._task.timeout_policy, waited_for=waited_for, waited=waited)

    def _may_retry(self, error: OpsError) -> bool:
        return self._ti.try_number <= self._ti.max_tries and not fails_at_once(self._task, error)

    def _tell(self, handle: Handle, outcome: Outcome | None) -> None:
        seen.over(
            self._hook.api.name,
            outcome,
            kind=handle.kind,
            started=handle.at or self._started_at(),
            now=self._clock.time(),
            deferred=self._deferred,
            timeline=self._timeline,
        )

    def _succeed(self, handle: Handle, operation: Operation, waited_for: str | None) -> dict[str, Any]:
        if (another := handle.following(waited_for)) is not None:
            self._log.info("operation %s succeeded; the submit has also started %s", operation.id, another)
            return self._wait_on(handle, another)
        if waited_for != handle.operation_id:
            # what came after the operation is over as well; the result is about the operation itself
            operation = self._hook.get_operation(handle.operation_id or "")
        elif (following := self._task.then(operation)) is not None:
            self._log.info("operation %s succeeded; waiting for %s", operation.id, following)
            return self._wait_on(handle, following)
        return self._succeeded(handle, operation)

    def _succeeded(self, handle: Handle, operation: Operation) -> dict[str, Any]:
        resource = self._read_resource(handle, operation)
        if resource is not None:
            self._task.remote_url = self._hook.api.resource_url(resource) or self._task.remote_url
        self._log.info("%s operation %s (%s) succeeded%s", operation.api, operation.id, operation.kind, took(operation))
        return self._result(handle, operation, resource)

    def observed(self, operation: Operation) -> dict[str, Any]:
        """The result for an operation that somebody else has started and that has succeeded."""
        handle = Handle.placeholder(operation.kind, operation_id=operation.id, operation_url=operation.url)
        self._keep(handle)
        return self._succeeded(handle, operation)

    def _read_resource(self, handle: Handle, operation: Operation) -> Mapping[str, Any] | None:
        """Read what the operation acted on; ``None`` where there is nothing to read.

        :raises ResourceGone: this task has made it, and the API says that it does not exist.
        """
        pauses = _LATE_PAUSES if handle.creates and handle.key else ()
        for pause in (*pauses, None):
            try:
                return self._hook.run(self._hook.api.read_resource(operation))
            except NotFound as error:
                if pause is None:
                    return self._without_resource(handle, operation, error)
                self._clock.sleep(pause)
            except OpsError as error:
                self._log.warning("It succeeded, but its resource cannot be read, so the result has none: %s", error)
                return None
        return None

    @staticmethod
    def _without_resource(handle: Handle, operation: Operation, error: NotFound) -> None:
        if not (handle.creates and handle.key):
            return
        what = f"{operation.resource_type or 'resource'} {operation.resource_id}"
        raise ResourceGone(
            f"Operation {operation.id} succeeded, but {what}, which it made, does not exist ({error}): it was deleted "
            "meanwhile. Nothing was submitted again. A retry looks once more; clear this task to make a new one.",
            operation,
        )

    def _result(
        self, handle: Handle, operation: Operation | None, resource: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        if handle.key:
            # what begins after this is a clear, or a retry of what Airflow did not hear of
            self._store.save(replace(handle, has_finished=True))
        result = {
            "operation_id": handle.operation_id,
            "resource_id": handle.resource_id or (operation.resource_id if operation else None),
            "state": str(operation.state if operation else OperationState.PENDING),
            "operation": operation.to_dict() if operation else None,
            "resource": dict(resource) if resource is not None else None,
        }
        return checked(result, succeeded=f"{self._hook.api.name} operation {handle.operation_id}")
