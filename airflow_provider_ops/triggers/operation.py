"""The trigger that waits for operations, and what it does when the task is killed meanwhile."""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import AsyncIterator, Sequence
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_ops._compat import awaited_operation
from airflow_provider_ops.apis.ending import end
from airflow_provider_ops.client.tasks import spawn
from airflow_provider_ops.client.waits import await_all
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.hooks.lookup import ahook_for
from airflow_provider_ops.waiting.submitting import Handle
from airflow_provider_ops.waiting.verdict import VERSION, check_wait_for, to_event

#: Seconds the kill policy may take, Airflow's questions included.
_KILL_BUDGET = 20.0
_TRACEBACK_LINES = 15


class OperationTrigger(BaseTrigger):
    """Fires once, when the operations it waits for decide the verdict or the deadline has passed.

    The event is JSON: ``version``, ``status`` (``succeeded``, ``failed``, ``timeout`` or ``error``),
    ``operation_ids`` and ``waits`` with outcome, operation and timeline by id. It never raises: trouble in the
    trigger itself arrives as status ``error``, and the task looks for itself.

    :param conn_id: Airflow connection; the only thing of it that is stored.
    :param operation_ids: ids to wait for.
    :param wait_for: ``all`` or ``any``.
    :param poll_interval: seconds between looks; default is the API's own advice.
    :param deadline: epoch seconds at which to stop; default is the API's own for ``kind``.
    :param kind: kind of operation, chooses the defaults.
    :param api: name of the API; default asks the connection for its type.
    :param handle: the stored handle, for the kill policy.
    :param on_kill: kill policy of an operator; needs ``handle``.
    :param version: layout of these arguments.
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
        version: int = VERSION,
    ) -> None:
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
        self.version = version

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and arguments, plain JSON values only."""
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
                "version": self.version,
            },
        )

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
        """Wait, then yield the one event."""
        yield TriggerEvent(await self._outcome())  # type: ignore[no-untyped-call]

    async def _outcome(self) -> dict[str, Any]:
        try:
            hook = await self._hook()
            watches = [
                hook.watch(operation_id, deadline=self.deadline, poll_interval=self.poll_interval, kind=self.kind)
                for operation_id in self.operation_ids
            ]
            async with hook.aclient() as client:
                await await_all(client, watches, self.log.info, self.wait_for)
            return to_event(watches, self.wait_for)
        except Exception as error:  # noqa: BLE001 - a trigger that raises hides the reason from the task
            tail = traceback.format_exc().splitlines()[-_TRACEBACK_LINES:]
            return {
                "version": VERSION,
                "status": "error",
                "operation_ids": self.operation_ids,
                "error": f"{type(error).__name__}: {error}",
                "traceback": tail,
            }

    async def on_kill(self) -> None:
        """Carry out the kill policy when a user ended the task; nothing on restarts and redistribution.

        Airflow 3.3.2 calls this also when a stalled triggerer lost its triggers to another one, and cuts
        it off after about a second: hence the question first, in a task of its own.
        """
        if self.handle and self.kill_policy != "leave":
            await asyncio.shield(spawn(self._kill()))

    async def _kill(self) -> None:
        try:
            said = await asyncio.wait_for(self._kill_unless_awaited(), _KILL_BUDGET)
        except Exception as error:  # noqa: BLE001 - nobody is left who could handle it
            said = f"kill policy {self.kill_policy!r} could not be carried out for {self.operation_ids}: {error!r}"
        self.log.warning(said)

    async def _kill_unless_awaited(self) -> str:
        handle = Handle.from_dict(self.handle or {})
        if self.task_instance is not None and await awaited_operation(self.task_instance) == handle.operation_id:
            return f"{handle.operation_id}: the task still waits for it elsewhere, nothing is cancelled"
        hook = await self._hook()
        return f"Task killed: {await hook.arun(end(hook.api, handle, self.kill_policy))}"

    async def _hook(self) -> OperationsHook:
        return await ahook_for(self.conn_id, self.api)
