from airflow.sdk import DAG

from airflow_provider_ops.operators.operation import OperationRequestOperator

with DAG("report_after", schedule="@daily", default_args={"retries": 2}) as dag:
    report = OperationRequestOperator(
        task_id="report",
        conn_id="jobs",
        method="POST",
        path="/jobs",
        json={"name": "report of {{ run_id }}"},
        timeout=3600,
    )
