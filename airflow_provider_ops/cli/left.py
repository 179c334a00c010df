"""Something that a run made and that still exists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_ops.apis.existing import is_being_deleted
from airflow_provider_ops.apis.submits import OwnedResource
from airflow_provider_ops.cli.deleting import DeletionResult
from airflow_provider_ops.cli.output import age
from airflow_provider_ops.cli.runs import ScannedTask
from airflow_provider_ops.hooks.base import OperationsHook

_NOT_ITS_OWN = {"awaited": "the task only waited for it", "adopted": "the task only adopted it"}


@dataclass(frozen=True, slots=True)
class Left:
    """Something a task made that still exists.

    :param found_by: ``mark``, ``record``, or ``awaited`` where the task only waited for it, ``adopted`` where the task
        was given it: then it is not certain what made it.
    :param owes: the policy that an attempt had begun when it died, as in ``on_kill=delete``.
    :param is_older: whether it was there before its run, so that the run has not left it behind.
    """

    hook: OperationsHook
    one: OwnedResource
    task: ScannedTask
    found_by: str
    operation_id: str | None = None
    fate: DeletionResult | None = None
    owes: str | None = None
    is_older: bool = False

    @property
    def identity(self) -> tuple[str, str, str]:
        """Return what distinguishes it from everything else."""
        return self.hook.api.name, self.one.resource_type, self.one.resource_id or str(self.operation_id)

    @property
    def may_be_deleted(self) -> bool:
        """Return whether it is certain enough that the run made it, known by an id, and not being deleted already."""
        return self.why_not_its_own is None and bool(self.one.resource_id) and not self.is_being_deleted

    @property
    def why_not_its_own(self) -> str | None:
        """Return why it is not certain that the run made it; ``None`` where it is."""
        return _NOT_ITS_OWN.get(self.found_by)

    @property
    def is_being_deleted(self) -> bool:
        """Return whether the API shows that it is being deleted: until then it exists."""
        return is_being_deleted(self.one.state)

    @property
    def place_in_list(self) -> tuple[str, float]:
        """Return what the rows are sorted by: the API, then the age, the newest first and those without one last."""
        return self.hook.api.name, -self.one.created_at.timestamp() if self.one.created_at else 0.0

    @property
    def _as_left(self) -> str:
        if self.is_older:
            return f"older than its run: {self.why_not_its_own}"
        if self.is_being_deleted:
            return "being deleted"
        if self.why_not_its_own:
            return f"left behind: {self.why_not_its_own}"
        return f"left behind: {self.owes} was begun, and what came of it is not known" if self.owes else "left behind"

    def row(self, now: float) -> Mapping[str, Any]:
        """Return what is printed of it."""
        return {
            "conn_id": self.hook.conn_id,
            "api": self.hook.api.name,
            "resource_type": self.one.resource_type,
            "resource_id": self.one.resource_id or None,
            "name": self.one.name,
            "state": self.one.state,
            "created_at": self.one.created_at.isoformat() if self.one.created_at else None,
            "age": age(self.one.created_at, now),
            "dag_id": self.task.dag_id,
            "run_id": self.task.run_id,
            "task": str(self.task),
            "operation_id": self.operation_id,
            "found_by": self.found_by,
            "fate": self.fate.text if self.fate else self._as_left,
        }
