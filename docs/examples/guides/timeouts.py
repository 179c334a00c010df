from datetime import timedelta

from airflow.sdk import DAG

from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator

with DAG("timeouts", schedule=None, default_args={"retries": 2}) as dag:
    OnveraCreateDeploymentOperator(
        task_id="create",
        app_type="superset",
        timeout=timedelta(minutes=30),
        on_timeout="delete",
        on_kill="delete",
        on_failure="delete",
    )
