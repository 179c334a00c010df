from airflow.sdk import DAG

from airflow_provider_ops.operators.operation import OperationRequestOperator

with DAG("ogc_process", schedule=None):
    buffer = OperationRequestOperator(
        task_id="buffer",
        conn_id="ogc_default",
        method="POST",
        path="/processes/buffer/execution",
        json={"inputs": {"distance": 10}},
    )
