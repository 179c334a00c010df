"""Run by hand, at night: search for what a lost request has started, and delete by id."""

from airflow.sdk import dag, task

from airflow_provider_ops.hooks.lakesail import LakeSailHook
from airflow_provider_ops.operators.onvera import OnveraDestroyDeploymentOperator
from airflow_provider_ops.operators.operation import OperationRequestOperator


@dag(schedule=None)
def search():
    @task
    def clusters():
        for cluster in LakeSailHook("lakesail_default").list_clusters():
            print(cluster.id, cluster.name, cluster.created_at, cluster.operation_id)

    clusters()


search()


@dag(schedule=None)
def delete_by_id():
    OnveraDestroyDeploymentOperator(
        task_id="deployment", conn_id="onvera_default", deployment_id="the-id"
    )


delete_by_id()


@dag(schedule=None)
def delete_cluster():
    OperationRequestOperator(
        task_id="cluster",
        conn_id="lakesail_default",
        method="DELETE",
        path="/infra/clusters/the-id",
    )


delete_cluster()
