from airflow.sdk import DAG

from airflow_provider_ops.operators.operation import OperationRequestOperator

with DAG("google_alloydb", schedule=None, default_args={"retries": 2}):
    cluster = OperationRequestOperator(
        task_id="cluster",
        conn_id="google_default",
        method="POST",
        path="/projects/my-project/locations/europe-west3/clusters",
        query={"clusterId": "reports"},
        json={"networkConfig": {"network": "projects/my-project/global/networks/default"}},
    )
