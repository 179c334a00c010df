"""
# Submit now, wait elsewhere

With `wait_for_completion=False` the create task ends as soon as Onvera has accepted it. Other work goes on in the
meantime, and an `OperationSensor` waits for the operation where its result is needed: in another task here, and just as
well in another DAG that was handed the operation id.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import dag, task

from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator, OnveraDestroyDeploymentOperator
from airflow_provider_ops.sensors.operation import OperationSensor


@dag(
    schedule=None,
    tags=["onvera", "example"],
    default_args={"retries": 2, "retry_delay": timedelta(seconds=5)},
    doc_md=__doc__,
)
def onvera_submit_then_sensor() -> None:
    """Submit a deployment, prepare data in the meantime, wait, destroy."""
    submit = OnveraCreateDeploymentOperator(
        task_id="submit",
        conn_id="onvera_default",
        app_type="airflow",
        name="Nightly reports {{ run_id }}",
        wait_for_completion=False,
    )

    @task
    def prepare_data() -> int:
        rows = sum(range(1_000))
        print(f"Prepared {rows} rows while Onvera deploys")
        return rows

    wait = OperationSensor(
        task_id="wait",
        conn_id="onvera_default",
        operation_id=submit.output["operation_id"],
    )

    destroy = OnveraDestroyDeploymentOperator(
        task_id="destroy",
        conn_id="onvera_default",
        deployment_id=submit.output["resource_id"],
    )

    [wait, prepare_data()] >> destroy


onvera_submit_then_sensor()
