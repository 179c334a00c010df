"""The trigger that waits for operations, and its kill policy."""

from __future__ import annotations

import asyncio
import contextlib
import json
import traceback
from collections.abc import AsyncIterator, Sequence
from contextvars import Context
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_ops import __version__
from airflow_provider_ops._compat import pushed_operation, status_of, task_state_async
from airflow_provider_ops.apis.terminate import Termination, is_over_already, kill_operation
from airflow_provider_ops.core.aftermath import Aftermath, after_kill
from airflow_provider_ops.core.changed_spec import describe_changed_spec
from airflow_provider_ops.core.end_requested import was_asked_to_end
from airflow_provider_ops.core.event_codec import VERSION, check_wait_for, is_newer, to_event
from airflow_provider_ops.core.gate import line_log_of, one_line
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.core.history import WaitHistory
from airflow_provider_ops.core.kill_decision import AT_WORK, Awaited, Kill, meant_in_trigger
from airflow_provider_ops.core.wait_state import Settled, WaitState
from airflow_provider_ops.core.wording import described
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.hooks import base
from airflow_provider_ops.hooks.lookup import ahook_for
from airflow_provider_ops.http.background import create_background_task
from airflow_provider_ops.http.rate_limiter import Priority
from airflow_provider_ops.lifecycle.triggerer_reporter import TriggerReporter, can_report, record_aftermath
from airflow_provider_ops.operation import Operation
from airflow_provider_ops.polling.leases import wait_for_start
from airflow_provider_ops.polling.waits import apoll_until_done

#: Format of the arguments. Raised with each new one that must not be left out; older formats stay readable.
ARGUMENTS_VERSION = 2
#: Seconds after which a kill policy is given up, requests to Airflow included. It usually takes two; a triggerer or API
#: that is busy may need much longer, and late is better than not at all.
_KILL_BUDGET = 90.0
#: Longest time in seconds for the first request to Airflow.
_FIRST_QUESTION = 60.0
#: How often the state of a task that is between two tries is read, and the seconds between; well inside the budget.
_ASK_TIMES, _ASK_PAUSE = 16, 2.0
#: Longest time in seconds for the record of a kill.
_RECORDING = 20.0
_TRACEBACK_LINES = 15
_NOT_ALIVE = 403


class OperationTrigger(BaseTrigger):
    """Fire once, when the operations it waits for decide the verdict or the deadline has passed.

    The event is JSON: ``version``, ``status`` (``succeeded``, ``failed``, ``timeout`` or ``error``),
    ``operation_ids`` and ``waits`` with outcome, operation and timeline by id. It never raises: an error in the
    trigger itself arrives as status ``error``, and the task polls the operation itself.

    :param conn_id: Airflow connection; the only thing of it that is stored.
    :param operation_ids: ids to wait for.
    :param wait_for: ``all`` or ``any``.
    :param poll_interval: seconds between polls; default is the API's own advice.
    :param deadline: epoch seconds at which to stop; default is the API's own for ``kind``.
    :param kind: kind of operation, chooses the defaults.
    :param api: name of the API; default asks the connection for its type.
    :param handle: the stored handle, for the kill policy.
    :param on_kill: kill policy of an operator; needs ``handle``.
    :param told: digest of what the worker has recorded of the wait already, so that it is not recorded again.
    :param not_before: epoch seconds; no event comes earlier, since Airflow's scheduler may not be done with the leg
        that deferred the task. Stored only where it is set.
    :param guard: longest time in seconds that an event is held for this, whatever the clocks of the machines show.
    :param version: format of these arguments.
    :param unknown: arguments of a newer release; only with its ``version``.
    """

    def __init__(
        self,
        conn_id: str,
        operation_ids: Sequence[str],
        wait_for: str = "all",
        poll_interval: float | None = None,
        deadline: float | None = None,
        *,
        kind: str = "",
        api: str | None = None,
        handle: dict[str, Any] | None = None,
        on_kill: str = "leave",
        told: int | None = None,
        not_before: float | None = None,
        guard: float = 0.0,
        version: int = ARGUMENTS_VERSION,
        **unknown: Any,
    ) -> None:
        if unknown and not is_newer(version, ARGUMENTS_VERSION):
            raise TypeError(f"OperationTrigger has no argument {', '.join(unknown)}")
        super().__init__()  # type: ignore[no-untyped-call]
        self.conn_id = conn_id
        self.operation_ids = list(operation_ids)
        self.wait_for = check_wait_for(wait_for)
        self.poll_interval = poll_interval
        self.deadline = deadline
        self.kind = kind
        self.api = api
        self.handle = handle
        self.kill_policy = on_kill
        self.told = told
        self.not_before = not_before
        self.guard = guard
        self.version = version
        #: The operation that the task waits for, once it has settled: from then on a kill has nothing to cancel.
        self._settled: Operation | None = None
        self._waits: Sequence[WaitState] = ()
        #: What the kill policy has left behind, once it was carried out.
        self._aftermath: Aftermath | None = None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return class path and arguments, plain JSON values only."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "conn_id": self.conn_id,
                "operation_ids": self.operation_ids,
                "wait_for": self.wait_for,
                "poll_interval": self.poll_interval,
                "deadline": self.deadline,
                "kind": self.kind,
                "api": self.api,
                "handle": self.handle,
                "on_kill": self.kill_policy,
                "told": self.told,
                "version": self.version,
                **self._hold_arguments(),
            },
        )

    def _hold_arguments(self) -> dict[str, Any]:
        # left out where there is no hold, so that a triggerer of an earlier release understands the arguments
        return {} if self.not_before is None else {"not_before": self.not_before, "guard": self.guard}

    def check(self) -> None:
        """Make sure that this trigger can be stored.

        :raises InvalidArgument: an argument is not JSON.
        """
        try:
            json.dumps(self.serialize()[1], allow_nan=False)
        except (TypeError, ValueError) as error:
            msg = f"the wait cannot be handed to the triggerer: {error}"
            raise InvalidArgument(msg) from None

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, then yield the one event, as soon as Airflow's scheduler can take it."""
        try:
            payload = await self._wait()
        except Exception as error:  # noqa: BLE001 - a trigger that raises hides the reason from the task
            payload = self._error_event(error)
        await self._hold()
        yield TriggerEvent(payload)  # type: ignore[no-untyped-call]

    async def _wait(self) -> dict[str, Any]:
        if self._ends_on_kill and self.task_instance is not None:
            create_background_task(_ask_once(self.task_instance))
        await wait_for_start()
        if is_newer(self.version, ARGUMENTS_VERSION):
            raise InvalidArgument(
                f"a newer release of airflow-provider-ops has written the arguments of this trigger, in format "
                f"{self.version}, and this triggerer, of release {__version__}, reads up to {ARGUMENTS_VERSION}: "
                "upgrade the triggerers"
            )
        hook = await self._hook()
        self._compare_spec(hook)
        shared = await hook.acquire_client()
        try:
            states = self._waits = self._wait_states(hook)
            report = self._report(hook, states)
            log = line_log_of(self)
            on_change = report.record if report else None
            try:
                await apoll_until_done(
                    shared.client, states, log.info, self.wait_for, warn=log.warning, on_change=on_change
                )
            finally:
                if report:
                    report.stop()
        finally:
            await shared.release()
        # a trigger that has a kill policy waits for one operation
        self._settled = next((one.outcome.operation for one in states if isinstance(one.outcome, Settled)), None)
        return {**to_event(states, self.wait_for), "story": report.end() if report else None}

    def _compare_spec(self, hook: base.OperationsHook) -> None:
        before, ids = (self.handle or {}).get("spec"), ", ".join(self.operation_ids)
        if said := describe_changed_spec(before, hook.api.spec_hash, title=hook.api.title, submitted=ids):
            line_log_of(self).warning("%s", said)

    async def _hold(self) -> None:
        """Wait for ``not_before``, for ``guard`` at the longest; a cancellation ends this at once."""
        if self.not_before is None:
            return
        # an error may have come before there was a hook
        clock = base.default_clock()
        seconds = min(self.not_before - clock.time(), self.guard)
        if seconds > 0:
            await clock.asleep(seconds)

    def _error_event(self, error: Exception) -> dict[str, Any]:
        return {
            "version": VERSION,
            "status": "error",
            "operation_ids": self.operation_ids,
            "error": one_line(f"{type(error).__name__}: {error}"),
            "traceback": [one_line(line) for line in traceback.format_exc().splitlines()[-_TRACEBACK_LINES:]],
        }

    @property
    def _ends_on_kill(self) -> bool:
        return bool(self.handle) and self.kill_policy != "leave"

    def _wait_states(self, hook: base.OperationsHook) -> list[WaitState]:
        # in a function of its own: what a comprehension refers to would be kept during each of ten thousand waits
        return [
            hook.wait_state(
                operation_id,
                deadline=self.deadline,
                poll_interval=self.poll_interval,
                kind=self.kind,
                end_requested=was_asked_to_end(self.handle, operation_id),
            )
            for operation_id in self.operation_ids
        ]

    def _report(self, hook: base.OperationsHook, states: Sequence[WaitState]) -> TriggerReporter | None:
        ti = self.task_instance
        if ti is None or not can_report():
            return None
        deadline = min((state.deadline for state in states if state.deadline is not None), default=None)
        history = WaitHistory(
            hook.api.name,
            self.conn_id,
            ti.try_number,
            "triggerer",
            self.wait_for,
            deadline,
            self.kill_policy if self.handle else None,
        )
        return TriggerReporter(ti, history, states, hook.clock, self.told)

    async def on_kill(self) -> None:
        """Carry out the kill policy when a user ended the task; nothing on restarts and redistribution.

        Airflow 3.3.2 calls this also when a stalled triggerer lost its triggers to another one, and cuts
        it off after about a second: hence the state of the task is read first, in an asyncio task of its own.
        """
        if not self._ends_on_kill:
            if self._settled is None:
                line_log_of(self).briefing(
                    "asked to stop while waiting for %s", self._what_continues(), is_as_asked=True
                )
            return
        if self._settled is not None:
            handle = Handle.from_dict(self.handle or {})
            line_log_of(self).briefing(
                "asked to stop: %s", is_over_already(handle, self._settled).text, is_as_asked=True
            )
            return
        # at once: what is logged after Airflow has cut this off is only in the triggerer's own log
        line_log_of(self).info(
            "asked to stop while waiting for %s: checking whether a user ended the task; "
            "if so, on_kill=%s is carried out",
            ", ".join(self.operation_ids),
            self.kill_policy,
        )
        work = create_background_task(self._kill())
        while not work.done():
            # Airflow cancels this once a second; staying until the work is done keeps the outcome in the task's log
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.shield(work)

    def _what_continues(self) -> str:
        ids = ", ".join(self.operation_ids)
        if not self.handle:
            return f"{ids}, which this task has not started and does not end"
        handle = Handle.from_dict(self.handle)
        resource = f" ({handle.resource_type} {handle.resource_id})" if handle.resource_id else ""
        return f"{ids}{resource}: it continues, as on_kill=leave says"

    async def _kill(self) -> None:
        try:
            ended = await asyncio.wait_for(self._kill_if_meant(), _KILL_BUDGET)
        except Exception as error:  # noqa: BLE001 - no caller is left that could handle it
            ids, why = ", ".join(self.operation_ids), described(error)
            ended = Termination(f"on_kill={self.kill_policy} could not be carried out for {ids}: {why}", is_done=False)
        line_log_of(self).briefing("%s", ended.text, is_as_asked=ended.is_as_asked)
        if self._aftermath is not None and can_report():
            await self._record(self._aftermath)

    async def _record(self, aftermath: Aftermath) -> None:
        # in a context of its own: Airflow refuses what a trigger writes once its task is over
        work = Context().run(create_background_task, record_aftermath(self.task_instance, aftermath))
        with contextlib.suppress(Exception):
            await asyncio.wait_for(work, _RECORDING)

    async def _kill_if_meant(self) -> Termination:
        handle = Handle.from_dict(self.handle or {})
        kill, state = (Kill.END, None) if self.task_instance is None else await self._kill_decision(handle)
        if kill is Kill.LEAVE:
            continues = "the task continues without this trigger, nothing is cancelled here"
            return Termination(f"{handle.operation_id}: {continues}")
        hook = await self._hook()
        flow = kill_operation(
            hook.api, handle, self.kill_policy, self.operation_ids[0], has_succeeded=state == "success"
        )
        ended = await hook.arun(flow, priority=Priority.KILL)
        if self.task_instance is not None:
            text, deletion = after_kill(ended.text, ended.deletion, self.kill_policy, state)
            self._aftermath = Aftermath.of(handle, text, hook.clock.time(), deletion)
        return ended._replace(text=f"the task was killed: {ended.text}")

    async def _kill_decision(self, handle: Handle) -> tuple[Kill, str | None]:
        ti_id = getattr(self.task_instance, "id", None)
        ours = Awaited(handle.operation_id, None if ti_id is None else str(ti_id))
        for asked in range(1, _ASK_TIMES + 1):
            state = await task_state_async(self.task_instance)
            try:
                awaited = await pushed_operation(self.task_instance) if state in AT_WORK else Awaited()
            except Exception as error:
                if status_of(error) != _NOT_ALIVE:
                    raise
                # Airflow 3.4 refuses an attempt that a user has cleared
                return Kill.END, state
            kill = meant_in_trigger(state, awaited, ours, last_time=asked == _ASK_TIMES)
            if kill is not Kill.ASK_AGAIN:
                return kill, state
            await asyncio.sleep(_ASK_PAUSE)
        return Kill.LEAVE, None

    async def _hook(self) -> base.OperationsHook:
        return await ahook_for(self.conn_id, self.api)


_asked = False


async def _ask_once(task_instance: Any) -> None:
    """Send Airflow one request, once in the life of a triggerer.

    The first request makes its supervisor build Airflow's execution API within itself, and until that is done (6 to
    16 s were seen, more on a busy machine) it neither starts nor cancels triggers. A kill should not wait for that.
    """
    global _asked  # noqa: PLW0603 - once per process is what is meant
    if _asked:
        return
    _asked = True
    with contextlib.suppress(Exception):
        await asyncio.wait_for(task_state_async(task_instance), _FIRST_QUESTION)
