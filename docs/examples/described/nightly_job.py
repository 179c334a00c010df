from datetime import timedelta

from airflow.sdk import DAG

from airflow_provider_ops.operators.operation import OperationRequestOperator

with DAG(
    "nightly_job",
    schedule="@daily",
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1)},
) as dag:
    OperationRequestOperator(
        task_id="run",
        conn_id="jobs",
        method="POST",
        path="/jobs",
        json={"name": "report of {{ run_id }}"},
    )
