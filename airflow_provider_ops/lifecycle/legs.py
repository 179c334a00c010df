"""What one leg of an attempt passes to the next, to people and to other tasks: XComs, and the stored handle."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from airflow_provider_ops._compat import OPERATION_ATTEMPT
from airflow_provider_ops.core.gate import LineLog
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.core.wording import named, utc
from airflow_provider_ops.exceptions import OpsError, Superseded, UnreadableHandle
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.lifecycle.attempt_record import AttemptRecord
from airflow_provider_ops.lifecycle.handle_store import HandleStore
from airflow_provider_ops.links import OPERATION_URL
from airflow_provider_ops.operation import Operation

#: XCom that carries the handle to later legs of the same try where nothing stores it.
OPERATION_HANDLE = "operation_handle"


class HandlePublisher:
    """Write what an attempt has started into the log and, for other tasks, into XCom."""

    def __init__(
        self, hook: OperationsHook, ti: Any, record: AttemptRecord, log: LineLog, *, pushes_handle: bool
    ) -> None:
        self._hook = hook
        self._ti = ti
        self._record = record
        self._log = log
        self._pushes_handle = pushes_handle

    def publish(self, handle: Handle, deadline: float | None, operation: Operation | None = None) -> None:
        """Log what was started, and push its ids.

        :param deadline: epoch seconds; ``None`` where the task does not wait.
        :param operation: as it was read last, where it was.
        """
        if operation is not None and operation.state.is_terminal:
            until = f"{operation.raw_state} already"
        else:
            until = "not waiting" if deadline is None else f"waiting until {utc(deadline)} at the latest"
        name = named(handle.operation_id or "", handle=handle, kind=True)
        self._log.info("%s %s: %s", self._hook.api.title, name, until)
        ti_id = getattr(self._ti, "id", None)
        ids = {
            "operation_id": handle.operation_id,
            "resource_id": handle.resource_id,
            OPERATION_URL: handle.operation_url,
            OPERATION_ATTEMPT: ti_id and {"operation_id": handle.operation_id, "ti_id": str(ti_id)},
            OPERATION_HANDLE: handle.to_dict() if self._pushes_handle else None,
        }
        for key, value in ids.items():
            if value is not None:
                self._push(key, value)

    def _push(self, key: str, value: Any) -> None:
        self._record.check()
        try:
            # an XCom of a superseded attempt would become one of the attempt after it
            self._hook.guard_confirmed()
            self._ti.xcom_push(key=key, value=value)
        except Superseded:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, the operation is still running and is waited for
            self._log.warning("Airflow did not take the XCom %s=%s (%s); the wait continues", key, value, error)


def stored_by_earlier_leg(store: HandleStore, warn: Callable[..., None]) -> Handle | None:
    """Return the stored handle of this attempt; ``None`` where there is none that can be read."""
    try:
        handle = store.load()
    except OpsError as error:
        # nothing is submitted on this leg, and what the trigger waited for is known
        warn("%s. The task continues with what XCom has", error)
        return None
    return handle if handle is not None and handle.operation_id is not None else None


def pushed_by_earlier_leg(ti: Any, *, kind: Callable[[], str], api: str) -> Handle:
    """Return the handle of this attempt's operation, as far as XCom has it.

    :param kind: returns the kind of the operation.
    """

    def pull(key: str) -> Any:
        return ti.xcom_pull(task_ids=ti.task_id, key=key, map_indexes=ti.map_index)

    if kept := pull(OPERATION_HANDLE):
        with suppress(UnreadableHandle):
            return Handle.from_dict(kept)
    return Handle.placeholder(
        kind(),
        api=api,
        operation_id=pull("operation_id"),
        resource_id=pull("resource_id"),
        operation_url=pull(OPERATION_URL),
    )
