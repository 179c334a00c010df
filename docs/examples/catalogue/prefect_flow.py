from airflow.sdk import DAG

from airflow_provider_ops.operators.operation import OperationRequestOperator

with DAG("prefect_flow", schedule=None, default_args={"retries": 2}):
    run = OperationRequestOperator(
        task_id="run",
        conn_id="prefect_default",
        method="POST",
        path="/deployments/0c2c9d1e-5f0b-4c57-9a3c-2f4a6f0e7b11/create_flow_run",
        json={"parameters": {"day": "{{ ds }}"}},
    )
