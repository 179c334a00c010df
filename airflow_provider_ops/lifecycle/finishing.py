"""The last step of an operator whose operation has succeeded: read what it made, and give the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.exceptions import NotFound, OpsError, ResourceGone
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.lifecycle.handle_store import HandleStore
from airflow_provider_ops.lifecycle.results import checked
from airflow_provider_ops.operation import Operation, OperationState

#: Seconds between reads of a resource that its operation says is there: it may be visible a little later.
_LATE_PAUSES = (0.5, 1.5, 2.0)


class ResultBuilder:
    """Read resources and make results, for one attempt."""

    def __init__(self, hook: OperationsHook, store: HandleStore, warn: Callable[[str], None]) -> None:
        self._hook = hook
        self._store = store
        self._warn = warn

    def read_resource(self, handle: Handle, operation: Operation) -> Mapping[str, Any] | None:
        """Read what the operation acted on; ``None`` where there is nothing to read.

        :raises ResourceGone: this task has made it, and the API says that it does not exist.
        """
        pauses = _LATE_PAUSES if handle.creates and handle.key else ()
        for pause in (*pauses, None):
            try:
                return self._hook.run(self._hook.api.read_result(_with_kind(operation, handle), handle.result_path))
            except NotFound as error:
                if pause is None:
                    return self._without_resource(handle, operation, error)
                self._hook.pause(pause)
            except OpsError as error:
                said = error.without_advice
                self._warn(f"It succeeded, but its resource cannot be read, so the result has none: {said}")
                return None
        return None

    @staticmethod
    def _without_resource(handle: Handle, operation: Operation, error: NotFound) -> None:
        if not (handle.creates and handle.key):
            return
        what = f"{operation.resource_type or 'resource'} {operation.resource_id}"
        raise ResourceGone(
            f"operation {operation.id} succeeded, but {what}, which it made, does not exist ({error.what}): it was "
            "deleted meanwhile. Nothing was submitted again. A retry reads it once more; clear this task to make a new "
            "one.",
            operation,
        )

    def result(self, handle: Handle, operation: Operation | None, resource: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return what the operator returns, and store that this attempt has finished."""
        if handle.key:
            # what begins after this is a clear, or a retry of what Airflow did not hear of
            self._store.save(replace(handle, has_finished=True))
        several = {"operation_ids": [one.operation_id for one in handle.operations]}
        result = {
            "operation_id": handle.operation_id,
            "resource_id": handle.resource_id or (operation.resource_id if operation else None),
            "state": str(operation.state if operation else OperationState.PENDING),
            "operation": _with_kind(operation, handle).to_dict() if operation else None,
            "resource": dict(resource) if resource is not None else None,
            **(several if self._hook.api.may_start_several else {}),
        }
        return checked(result, succeeded=f"{self._hook.api.title} operation {handle.operation_id}")


def _with_kind(operation: Operation, handle: Handle) -> Operation:
    """Return an operation with the kind of its submit, where the API shows none."""
    return operation if operation.kind or operation.id != handle.operation_id else replace(operation, kind=handle.kind)
