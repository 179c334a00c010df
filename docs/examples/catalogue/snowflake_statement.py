from airflow.sdk import DAG

from airflow_provider_ops.operators.operation import OperationRequestOperator

with DAG("snowflake_statement", schedule=None, default_args={"retries": 2}):
    load = OperationRequestOperator(
        task_id="load",
        conn_id="snowflake_default",
        method="POST",
        path="/statements",
        json={
            "statement": "call load_day('{{ ds }}')",
            "warehouse": "LOADING",
            "timeout": 3600,
        },
    )
