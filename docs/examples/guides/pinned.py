from airflow.sdk import DAG

from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator

with DAG("pinned", schedule=None, default_args={"queue": "onvera", "retries": 2}) as dag:
    OnveraCreateDeploymentOperator(task_id="create", app_type="superset")
