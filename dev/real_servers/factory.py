"""The DAGs of `make real-servers`: one task for each case, with the operator for any API."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Final

from airflow.sdk import DAG

from airflow_provider_ops.operators.operation import OperationRequestOperator
from dev.guarantees.crash import arm
from dev.real_servers.cases import CASES, Case

TASK: Final = "run"
SERVERS: Final = ("airflow", "prefect")


def dag_id(server: str, case: Case) -> str:
    """Return the id of the DAG of a case."""
    return f"{server}-{case.key}"


def dags() -> dict[str, DAG]:
    """Return all DAGs, by a name for the module that defines them."""
    made = (_dag(server, case) for server in SERVERS for case in CASES)
    return {dag.dag_id.replace("-", "_"): dag for dag in made}


def _dag(server: str, case: Case) -> DAG:
    start = datetime(2026, 1, 1, tzinfo=timezone.utc)
    with DAG(dag_id(server, case), schedule=None, start_date=start) as dag:
        OperationRequestOperator(
            task_id=TASK,
            conn_id=f"{server}_default",
            method="POST",
            # known only once the server is up
            path="{{ dag_run.conf['path'] }}",
            json=_body(server, case),
            deferrable=case.deferrable,
            on_kill="cancel",
            retries=case.tries - 1,
            retry_delay=timedelta(seconds=1),
            pre_execute=arm,
        )
    return dag


def _body(server: str, case: Case) -> dict[str, Any]:
    if server == "airflow":
        return {"logical_date": None, "conf": case.parameters}
    return {"parameters": case.parameters}
