"""Checks which results of recorded operations still exist at the API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from airflow_provider_ops.apis.existing import status_of
from airflow_provider_ops.apis.submits import OwnedResource
from airflow_provider_ops.apis.times import read_time
from airflow_provider_ops.cli.left import Left
from airflow_provider_ops.cli.records import Recorded
from airflow_provider_ops.cli.runs import ScannedRun, ScannedTask
from airflow_provider_ops.exceptions import OpsError
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.operation import Operation, OperationState


class Checker:
    """Read what recorded operations have made.

    :param unknown: called with a sentence about each operation of which nothing can be found out.
    """

    def __init__(self, unknown: Callable[[str], None]) -> None:
        self._unknown = unknown
        self._known: dict[tuple[str, str], Operation | OpsError] = {}

    def check(self, hook: OperationsHook, run: ScannedRun, task: ScannedTask, recorded: Recorded) -> Left | None:
        """Return what an operation that the task has submitted made and that still exists."""
        makes, operation = _makes(hook, recorded), None
        if makes is False:
            return None
        facts = recorded
        if makes is None or not (recorded.resource_type and recorded.resource_id):
            operation = self._look_up(hook, task, recorded.operation_id)
            if operation is None:
                return None
            facts = _merged(recorded, operation)
            if not _makes(hook, facts) or not run.may_have_made(_as_owned(operation)):
                return None
        return self._existing(hook, task, facts, operation, "record")

    def check_awaited(
        self, hook: OperationsHook, run: ScannedRun, task: ScannedTask, recorded: Recorded
    ) -> Left | None:
        """Return what an operation made that the task only waited for, whatever has started it."""
        facts, operation = recorded, None
        if "." not in facts.kind or (hook.api.creates(facts.kind) and not (facts.resource_id and facts.created_at)):
            operation = self._look_up(hook, task, recorded.operation_id)
            if operation is None:
                return None
            facts = _merged(recorded, operation)
        if not _may_make(hook, facts):
            return None
        left = self._existing(hook, task, facts, operation, "adopted" if recorded.is_adopted else "awaited")
        return left and replace(left, is_older=not run.may_have_made(left.one))

    def _look_up(self, hook: OperationsHook, task: ScannedTask | None, operation_id: str) -> Operation | None:
        """Read an operation once; ``None``, after a report of the reason, when that is not possible.

        :param task: of the report; ``None`` where nothing depends on the operation but an age.
        """
        key = (hook.conn_id, operation_id)
        if key not in self._known:
            try:
                self._known[key] = hook.get_operation(hook.api.validate_operation_id(operation_id))
            except OpsError as error:
                self._known[key] = error
        known = self._known[key]
        if isinstance(known, Operation):
            return known
        if task is not None:
            self._warn(hook, task, operation_id, f"cannot be read: {known}")
        return None

    def _existing(
        self, hook: OperationsHook, task: ScannedTask, facts: Recorded, operation: Operation | None, found_by: str
    ) -> Left | None:
        resource_type, resource_id = facts.resource_type or facts.kind.partition(".")[0], facts.resource_id
        if not resource_id:
            if operation is not None and operation.state is OperationState.SUCCEEDED:
                self._warn(hook, task, facts.operation_id, "has succeeded, and names nothing that it made")
            return _still_running(hook, task, facts, operation, resource_type, found_by)
        flow = hook.api.find_resource(resource_type, resource_id)
        if flow is None:
            why = hook.api.why_not_read(resource_type)
            self._warn(hook, task, facts.operation_id, f"{resource_type} {resource_id} cannot be read: {why}")
            return None
        try:
            resource = hook.run(flow)
        except OpsError as error:
            self._warn(hook, task, facts.operation_id, f"{resource_type} {resource_id} cannot be read: {error}")
            return None
        if resource is None:
            return None
        created = _time(resource.get("created_at") or resource.get("createdAt")) or facts.created_at
        if created is None and (operation := operation or self._look_up(hook, None, facts.operation_id)):
            created = operation.created_at
        name = resource.get("name")
        one = OwnedResource(
            "", resource_type, resource_id, name if isinstance(name, str) else None, status_of(resource), created
        )
        return Left(hook, one, task, found_by, facts.operation_id, owes=facts.owes)

    def _warn(self, hook: OperationsHook, task: ScannedTask, operation_id: str, why: str) -> None:
        self._unknown(
            f"{hook.api.title} ({hook.conn_id}): operation {operation_id} of task {task} in run {task.run_id}: {why}"
        )


def _makes(hook: OperationsHook, facts: Recorded) -> bool | None:
    """Return whether an operation makes something new; ``None`` when only the API knows its kind."""
    if facts.creates or hook.api.creates(facts.kind):
        return True
    return False if "." in facts.kind else None


def _may_make(hook: OperationsHook, facts: Recorded) -> bool:
    """Return whether an operation may make something new; of what is no call but a thing, whether a call makes it."""
    kind = facts.kind if "." in facts.kind else f"{facts.resource_type or facts.kind}.create"
    return hook.api.creates(facts.kind) or hook.api.creates(kind)


def _merged(recorded: Recorded, operation: Operation) -> Recorded:
    return replace(
        recorded,
        kind=operation.kind or recorded.kind,
        resource_type=operation.resource_type or recorded.resource_type,
        resource_id=operation.resource_id or recorded.resource_id,
        created_at=operation.created_at or recorded.created_at,
    )


def _as_owned(operation: Operation) -> OwnedResource:
    return OwnedResource("", "", "", created_at=operation.created_at)


def _still_running(
    hook: OperationsHook,
    task: ScannedTask,
    facts: Recorded,
    operation: Operation | None,
    resource_type: str,
    found_by: str,
) -> Left | None:
    """Return an operation that has named no resource yet, unless it is over and so has made none."""
    if operation is None or operation.state.is_terminal:
        return None
    one = OwnedResource("", resource_type, "", None, f"operation {operation.raw_state}", operation.created_at)
    return Left(hook, one, task, found_by, facts.operation_id, owes=facts.owes)


def _time(value: object) -> datetime | None:
    # 0 is no time where an API counts seconds
    if not value or isinstance(value, bool):
        return None
    try:
        return read_time(value)
    except ValueError:
        return None
