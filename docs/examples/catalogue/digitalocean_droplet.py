from airflow.sdk import DAG

from airflow_provider_ops.operators.operation import OperationRequestOperator

with DAG("digitalocean_droplet", schedule=None, default_args={"retries": 2}):
    create = OperationRequestOperator(
        task_id="create",
        conn_id="digitalocean_default",
        method="POST",
        path="/droplets",
        json={
            "name": "reports",
            "region": "fra1",
            "size": "s-1vcpu-1gb",
            "image": "ubuntu-24-04-x64",
        },
        on_failure="delete",
    )
