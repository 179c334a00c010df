from datetime import timedelta

from airflow.sdk import DAG

from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator

with DAG(
    "nightly",
    schedule="@daily",
    default_args={"retries": 1, "retry_delay": timedelta(minutes=5)},
) as dag:
    OnveraCreateDeploymentOperator(
        task_id="create", app_type="superset", name="Report of {{ run_id }}"
    )
