from airflow.sdk import DAG

from airflow_provider_ops.operators.operation import OperationRequestOperator

with DAG("other_airflow", schedule=None, default_args={"retries": 2}):
    trigger = OperationRequestOperator(
        task_id="trigger",
        conn_id="airflow_default",
        method="POST",
        path="/api/v2/dags/nightly/dagRuns",
        json={"logical_date": None, "conf": {"region": "eu"}},
    )
