"""What an operator does when its running leg is told to stop."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_ops._compat import task_state
from airflow_provider_ops.apis.base import Api
from airflow_provider_ops.apis.ending import kill_operation
from airflow_provider_ops.client.blocking import BlockingClient
from airflow_provider_ops.client.limiter import Priority
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.operators.store import HandleStore
from airflow_provider_ops.operators.submission import Submission
from airflow_provider_ops.waiting.killing import is_meant_on_worker

if TYPE_CHECKING:
    from airflow_provider_ops.operators.base import OperationOperator

#: Airflow follows SIGTERM with SIGKILL after five seconds.
_KILL_WAIT = 4.5


def ends_it(policy: str, api: Api, *, creates: bool) -> bool:
    """Whether a kill policy ends a running operation.

    :param creates: whether the operation makes the resource it is about.
    """
    return creates if policy == "delete" else policy == "cancel" and api.can_cancel


class WorkerKill:
    """Carries out the kill policy when a user ended the task; nothing when only this worker is stopped.

    :param ti: the task instance.
    :param handle: what this task run has submitted, as far as it is known.
    :param submission: the submit that may be under way instead.
    :param waiting_for: what the task waits for now.
    """

    def __init__(
        self,
        task: OperationOperator,
        ti: Any,
        store: HandleStore,
        *,
        handle: Handle | None,
        submission: Submission | None,
        waiting_for: str | None,
    ) -> None:
        self._policy = task.kill_policy
        self._hook = task.hook
        self._log = task.log
        self._ti = ti
        self._store = store
        self._handle = handle
        self._submission = submission
        self._waiting_for = waiting_for

    def carry_out(self) -> None:
        """Do it within the seconds that Airflow leaves.

        Called from a signal handler, so the work is done in a thread: the interrupted code may hold locks.
        """
        if self._policy == "leave":
            if (what := self._what()) is not None:
                self._log.warning("Told to stop: %s continues, as on_kill=leave says", what)
            return
        worker = threading.Thread(target=self._unless_it_goes_on, name="kill-policy")
        worker.start()
        worker.join(_KILL_WAIT)
        if worker.is_alive() and self._what() is not None:
            # the last line that Airflow lets us write
            policy = f"on_kill={self._policy}"
            self._log.warning("Told to stop, but it is not known yet what became of %s (%s)", self._what(), policy)

    def _unless_it_goes_on(self) -> None:
        try:
            if is_meant_on_worker(task_state(self._ti)):
                self._end()
            else:
                what = self._what() or "what an earlier leg submitted"
                self._log.warning("This worker is stopped, not the task: %s goes on, a retry joins it", what)
        except Exception as error:  # noqa: BLE001 - nobody is left who could handle it
            self._log.warning(
                "Task killed, but the policy could not be carried out for %s: %r", self._what() or "it", error
            )

    def _end(self) -> None:
        api = self._hook.api
        client = self._hook.get_conn()
        handle = self._handle or self._pending(client)
        if handle is None:
            return
        ended = client.run(kill_operation(api, handle, self._policy, self._waiting_for), priority=Priority.KILL)
        self._log.warning("Task killed: %s", ended.text)
        if ends_it(self._policy, api, creates=handle.creates):
            self._store.save(replace(handle, killed=True))

    def _pending(self, client: BlockingClient) -> Handle | None:
        """What a submit that is under way has started already, as far as that can be found out now."""
        intent = self._submission.pending if self._submission else None
        flow = None if intent is None else self._hook.api.find(intent)
        matches = [] if flow is None else client.run(flow)
        if intent is None or len(matches) == 1:
            return self._submission.known(matches[0]) if matches and self._submission else None
        self._log.warning("Task killed during a submit: look for what %s may have started", self._what())
        return None

    def _what(self) -> str | None:
        if self._handle is not None:
            return f"operation {self._handle.operation_id}"
        key = self._submission.pending.key if self._submission and self._submission.pending else None
        return f"the request marked {key!r}" if key else None
