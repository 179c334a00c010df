from airflow.sdk import DAG

from airflow_provider_ops.operators.operation import OperationRequestOperator

with DAG("azure_disk", schedule=None, default_args={"retries": 2}):
    disk = OperationRequestOperator(
        task_id="disk",
        conn_id="azure_default",
        method="PUT",
        path="/subscriptions/SUBSCRIPTION/resourceGroups/reports"
        "/providers/Microsoft.Compute/disks/scratch",
        query={"api-version": "2024-03-02"},
        json={
            "location": "westeurope",
            "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 32},
        },
    )
