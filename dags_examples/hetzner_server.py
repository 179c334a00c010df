"""
# Any API: a server for the time of the work

Hetzner Cloud has no operators of its own here. Its spec, which comes with the package, says how a server is created,
how the actions of that are read, and how a create whose answer was lost is found again. So `OperationRequestOperator`
sends any call of that API, and has all guarantees.

The connection `hetzner_default` is of the type `operations`, and its `api` is `hetzner`. A spec of your own works in
the same way.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task

from airflow_provider_ops.operators.operation import OperationRequestOperator


@dag(
    schedule=None,
    tags=["hetzner", "spec", "example"],
    default_args={"retries": 2, "retry_delay": timedelta(seconds=5)},
    doc_md=__doc__,
)
def hetzner_server() -> None:
    """Create a server, use it, delete it."""
    create = OperationRequestOperator(
        task_id="create",
        conn_id="hetzner_default",
        method="POST",
        path="/servers",
        json={
            # unique in a project
            "name": "reports-{{ dag_run.run_after.strftime('%Y%m%d-%H%M%S') }}",
            "server_type": "cx22",
            "image": "debian-12",
        },
        # nothing that failed is paid for
        on_failure="delete",
        on_kill="delete",
    )

    @task
    def announce(created: dict[str, Any]) -> str:
        server: str = created["resource_id"]
        print(f"Server {server} is ready, created by action {created['operation_id']}")
        return server

    delete = OperationRequestOperator(
        task_id="delete",
        conn_id="hetzner_default",
        method="DELETE",
        path="/servers/{{ ti.xcom_pull('create')['resource_id'] }}",
    )

    announce(create.output) >> delete


hetzner_server()
