"""
# One pipeline, four platforms

A data platform with its parts at different vendors: a network at Nirvana, a cluster at Akua, a network for Spark at
LakeSail, and an Airflow deployment at Onvera that uses them all. Four APIs with four ideas of what an operation is, and
one way to start, wait, retry and read the result.

The parts are made at the same time, and no worker is held meanwhile. What LakeSail takes to make a network is not
documented, so `OperationRequestOperator` sends it as it is given, and an `OperationSensor` waits for it, as it could
for any operation of any of the four.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task

from airflow_provider_ops.operators.akua import AkuaCreateClusterOperator, AkuaDeleteClusterOperator
from airflow_provider_ops.operators.nirvana import NirvanaCreateVPCOperator, NirvanaDeleteVPCOperator
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator, OnveraDestroyDeploymentOperator
from airflow_provider_ops.operators.operation import OperationRequestOperator
from airflow_provider_ops.sensors.operation import OperationSensor


@dag(
    schedule=None,
    tags=["onvera", "nirvana", "lakesail", "akua", "example"],
    default_args={"retries": 2, "retry_delay": timedelta(seconds=5)},
    doc_md=__doc__,
)
def all_four_apis() -> None:
    """Create one thing at each of the four, show them, delete them."""

    @task
    def look_around() -> dict[str, str]:
        """Pick a region of Akua and a cloud account of LakeSail."""
        # heavy imports belong into tasks, not into the parsing of the DAG
        from airflow_provider_ops.hooks.akua import AkuaHook  # noqa: PLC0415
        from airflow_provider_ops.hooks.lakesail import LakeSailHook  # noqa: PLC0415

        region = next(AkuaHook("akua_default").list_regions())
        connections = LakeSailHook("lakesail_default").list_connections()
        account = next(connection for connection in connections if connection.status == "active")
        return {"region_id": region.id, "connection_id": account.id}

    place = look_around()

    create_vpc = NirvanaCreateVPCOperator(
        task_id="create_vpc",
        conn_id="nirvana_default",
        name="Platform {{ run_id }}",
        region="us-sva-2",
        subnet_name="platform",
    )

    create_cluster = AkuaCreateClusterOperator(
        task_id="create_cluster",
        conn_id="akua_default",
        name="platform",
        region_id=place["region_id"],
    )

    request_network = OperationRequestOperator(
        task_id="request_network",
        conn_id="lakesail_default",
        method="POST",
        path="/infra/networks",
        json={
            "name": "platform {{ run_id }}",
            "connectionId": "{{ ti.xcom_pull(task_ids='look_around')['connection_id'] }}",
            "config": {"cidr": "10.20.0.0/16"},
        },
        wait_for_completion=False,
    )

    wait_for_network = OperationSensor(
        task_id="wait_for_network",
        conn_id="lakesail_default",
        operation_id=request_network.output["operation_id"],
    )

    deploy = OnveraCreateDeploymentOperator(
        task_id="deploy",
        conn_id="onvera_default",
        app_type="airflow",
        name="Platform {{ run_id }}",
    )

    @task
    def show(deployed: dict[str, Any], cluster: dict[str, Any], vpc: dict[str, Any]) -> None:
        print(f"Airflow runs at {deployed['resource']['url']}")
        print(f"Cluster {cluster['resource_id']} is {cluster['resource']['state']}")
        print(f"VPC {vpc['resource_id']} has the subnet {vpc['resource']['subnet']['cidr']}")

    destroy = OnveraDestroyDeploymentOperator(
        task_id="destroy",
        conn_id="onvera_default",
        deployment_id=deploy.output["resource_id"],
    )

    delete_vpc = NirvanaDeleteVPCOperator(
        task_id="delete_vpc",
        conn_id="nirvana_default",
        vpc_id=create_vpc.output["resource_id"],
    )

    delete_cluster = AkuaDeleteClusterOperator(
        task_id="delete_cluster",
        conn_id="akua_default",
        cluster_id=create_cluster.output["resource_id"],
    )

    delete_network = OperationRequestOperator(
        task_id="delete_network",
        conn_id="lakesail_default",
        method="DELETE",
        path="/infra/networks/{{ ti.xcom_pull(task_ids='wait_for_network')['resource_id'] }}",
    )

    place >> request_network >> wait_for_network
    shown = show(deploy.output, create_cluster.output, create_vpc.output)
    [create_vpc, create_cluster, wait_for_network] >> deploy
    shown >> destroy >> [delete_vpc, delete_cluster, delete_network]


all_four_apis()
