from airflow.sdk import dag, task

from airflow_provider_ops.operators.onvera import (
    OnveraCreateDeploymentOperator,
    OnveraDestroyDeploymentOperator,
)


@dag(schedule=None, default_args={"retries": 2})
def reporting():
    create = OnveraCreateDeploymentOperator(task_id="create", app_type="superset")
    destroy = OnveraDestroyDeploymentOperator(
        task_id="destroy", deployment_id=create.output["resource_id"]
    )

    @task
    def use(created):
        print(created["resource"]["url"])

    use(create.output) >> destroy


reporting()
