from airflow.sdk import DAG

from airflow_provider_ops.operators.operation import OperationRequestOperator

with DAG("hetzner_server", schedule=None, default_args={"retries": 2}):
    create = OperationRequestOperator(
        task_id="create",
        conn_id="hetzner_default",
        method="POST",
        path="/servers",
        json={"name": "reports-{{ ds }}", "server_type": "cx22", "image": "debian-12"},
        on_failure="delete",
    )
    poweroff = OperationRequestOperator(
        task_id="poweroff",
        conn_id="hetzner_default",
        method="POST",
        path="/servers/{{ ti.xcom_pull('create')['resource_id'] }}/actions/poweroff",
    )
    create >> poweroff
