from airflow.sdk import DAG

from airflow_provider_ops.sensors.operation import OperationSensor

with DAG("wait_for_another", schedule=None, params={"operation_id": "op_123"}) as dag:
    OperationSensor(
        task_id="wait",
        conn_id="akua_default",
        operation_id="{{ params.operation_id }}",
        timeout=3600,
    )
