"""
# When a deployment settled anywhere, run this

The deployment may have been started by another DAG, a colleague at the console, or a script. The asset
`onvera_deployments` has a watcher that polls the connection and reports which operations have settled. Each poll that
finds some starts a run of this DAG with the list.

`inlets` gives the task the earlier events: after a triggerer was killed, what had been reported already is reported
again, and `settled_operations` leaves it out.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Asset, AssetWatcher, dag, task

from airflow_provider_ops.triggers.events import OperationEventTrigger, settled_operations

DEPLOYMENTS = Asset(
    "onvera_deployments",
    watchers=[
        AssetWatcher(
            name="onvera",
            trigger=OperationEventTrigger("onvera_default", kinds=["deployment.*"]),
        )
    ],
)


@dag(
    schedule=[DEPLOYMENTS],
    tags=["onvera", "example", "event-driven"],
    default_args={"retries": 2, "retry_delay": timedelta(seconds=5)},
    doc_md=__doc__,
)
def operation_events() -> None:
    """Print each deployment that was created or destroyed."""

    @task(inlets=[DEPLOYMENTS])
    def report(triggering_asset_events: Any = None, inlet_events: Any = None) -> list[str]:
        settled = settled_operations(triggering_asset_events, inlet_events)
        for operation in settled:
            error = operation.error or "no error"
            print(f"{operation.kind} of {operation.resource_id} {operation.state}, {error}")
        return [operation.id for operation in settled]

    report()


operation_events()
