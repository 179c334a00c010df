from airflow.sdk import DAG

from airflow_provider_ops.operators.operation import OperationRequestOperator

with DAG("databricks_job", schedule=None, default_args={"retries": 2}):
    run = OperationRequestOperator(
        task_id="run",
        conn_id="databricks_default",
        method="POST",
        path="/jobs/run-now",
        json={"job_id": 1234, "job_parameters": {"day": "{{ ds }}"}},
    )
