"""OpenLineage: which operations a task was about, in the events that Airflow's OpenLineage provider sends.

That provider calls a task when it has ended. Where it is not installed, nothing of it is imported or called.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from airflow_provider_ops.core.operation_history import OperationHistory

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage

__all__ = ["LineageMixin"]


class LineageMixin:
    """The methods that the OpenLineage provider calls on a worker, for tasks that succeeded and that failed."""

    def _histories(self) -> Iterable[OperationHistory]:
        """Return the history of each operation, as the leg that ended the task knows it."""
        return ()

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage[Any, Any]:  # noqa: ARG002
        """Return the run facet of the operations; none where the task ended before it knew of one."""
        from airflow_provider_ops.lineage.facet import lineage_of  # noqa: PLC0415 - the caller has OpenLineage

        return lineage_of(list(self._histories()))
