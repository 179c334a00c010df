"""The run facet itself. Imported only where OpenLineage is installed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from airflow.providers.openlineage.extractors import OperatorLineage
from attrs import define
from openlineage.client.facet_v2 import RunFacet

from airflow_provider_ops.core.gate import fit
from airflow_provider_ops.core.operation_history import OperationHistory
from airflow_provider_ops.operation import Operation

#: Key of the facet in an event's run, named as the standard asks for custom facets.
NAME = "airflowProviderOps_operations"
#: A sensor may wait for thousands, and an event should not grow with them.
_MOST = 100


@define
class AirflowProviderOpsOperationsRunFacet(RunFacet):
    """The operations that a task has started or waited for.

    :param operations: each with ``id`` and, as far as the API has shown, its kind, resource and state.
    :param omitted: how many more there were.
    """

    operations: list[dict[str, Any]]
    omitted: int = 0


def lineage_of(histories: Sequence[OperationHistory]) -> OperatorLineage[Any, Any]:
    """Return what the OpenLineage provider puts into the task's event."""
    if not histories:
        return OperatorLineage()
    shown = [{"id": history.operation_id, **_facts(history.operation)} for history in histories[:_MOST]]
    facet = AirflowProviderOpsOperationsRunFacet(operations=shown, omitted=len(histories) - len(shown))
    return OperatorLineage(run_facets={NAME: facet})


def _facts(operation: Operation | None) -> dict[str, Any]:
    if operation is None:
        return {}
    facts = {
        "api": operation.api,
        "kind": operation.kind,
        "state": operation.state.value,
        "resourceType": operation.resource_type,
        "resourceId": operation.resource_id,
        "url": operation.url,
        "createdAt": _text(operation.created_at),
        "startedAt": _text(operation.started_at),
        "endedAt": _text(operation.ended_at),
    }
    return {name: value for name, value in fit(facts).value.items() if value}


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
