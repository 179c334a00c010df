"""
# Provision a cluster, run a job on it, remove both

What LakeSail takes to create or delete a cluster is not documented. So there is no typed operator for it, and
`OperationRequestOperator` sends what you know to be right: it finds the operation in the answer and waits for it as
every operator here does. Change path and body to what your LakeSail takes; these are the simulator's.

A job run has no operation, only a status of its own. `run` starts one and does not wait, `wait_for_run` follows it.
Trigger it with `{"work_fails": true}` to see that the cluster goes away even if the job could not run.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from airflow.sdk import Param, dag, task

from airflow_provider_ops.operators.lakesail import LakeSailCreateJobRunOperator
from airflow_provider_ops.operators.operation import OperationRequestOperator
from airflow_provider_ops.sensors.lakesail import LakeSailJobRunSensor


@dag(
    schedule=None,
    tags=["lakesail", "example"],
    params={"work_fails": Param(default=False, type="boolean", description="Let the work fail on purpose")},
    default_args={"retries": 2, "retry_delay": timedelta(seconds=5)},
    doc_md=__doc__,
)
def lakesail_operation() -> None:
    """Provision, work, remove."""

    @task
    def pick_connection() -> str:
        """Return the id of the first cloud account that can be used."""
        # heavy imports belong into tasks, not into the parsing of the DAG
        from airflow_provider_ops.hooks.lakesail import LakeSailHook  # noqa: PLC0415

        connections = LakeSailHook("lakesail_default").list_connections()
        return next(connection.id for connection in connections if connection.status == "active")

    create = OperationRequestOperator(
        task_id="create",
        conn_id="lakesail_default",
        method="POST",
        path="/infra/clusters",
        json={
            "name": "analytics of {{ run_id }}",
            "connectionId": "{{ ti.xcom_pull(task_ids='pick_connection') }}",
        },
    )

    @task(retries=0)
    def define_job(created: dict[str, Any], params: dict[str, Any] | None = None) -> str:
        """Define a job on the cluster and return its id."""
        from airflow_provider_ops.hooks.lakesail import LakeSailHook  # noqa: PLC0415

        if params and params["work_fails"]:
            message = "there is no job, as this run asked for"
            raise RuntimeError(message)
        cluster = created["resource"]
        print(f"Cluster {cluster['name']} in {cluster['region']} is {cluster['externalStatus']}")
        body = {
            "jobKey": f"daily report on {cluster['id']}",
            "clusterId": cluster["id"],
            "teamIds": ["T5R8W2Q6ZK"],
            "config": {"sql": {"source": "SELECT 1"}},
        }
        return LakeSailHook("lakesail_default").create_job(body).id

    job_id = define_job(create.output)

    run = LakeSailCreateJobRunOperator(
        task_id="run",
        conn_id="lakesail_default",
        job_id=job_id,
        wait_for_completion=False,
    )

    wait_for_run = LakeSailJobRunSensor(
        task_id="wait_for_run",
        conn_id="lakesail_default",
        job_id=job_id,
        job_run_id=run.output["resource_id"],
    )

    @task
    def remove_job(job_id: str, job_run_id: str) -> None:
        """Remove the run and the job; what an earlier try has removed is gone already."""
        from airflow_provider_ops.exceptions import NotFound  # noqa: PLC0415
        from airflow_provider_ops.hooks.lakesail import LakeSailHook  # noqa: PLC0415

        hook = LakeSailHook("lakesail_default")
        with suppress(NotFound):
            hook.delete_job_run(job_id, job_run_id)
        with suppress(NotFound):
            hook.delete_job(job_id)

    remove = OperationRequestOperator(
        task_id="remove",
        conn_id="lakesail_default",
        method="DELETE",
        path="/infra/clusters/{{ ti.xcom_pull(task_ids='create', key='resource_id') }}",
    )

    pick_connection() >> create
    with remove.as_teardown(setups=create):
        job_id >> run >> wait_for_run >> remove_job(job_id, run.output["resource_id"])


lakesail_operation()
