"""
# A Kubernetes cluster with a pool that grows

A cluster takes long, and a pool can do one thing at a time: while an operation is active on it, Nirvana refuses the
next one. The resize then waits its turn by itself; two tasks may well resize the same pool at once.

Cluster and VPC are the *setup* of the work and their deletion is the *teardown*: they are removed whatever happens in
between. The pool goes with its cluster; it is deleted here all the same, to show how.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task

from airflow_provider_ops.operators.nirvana import (
    NirvanaCreateNKSClusterOperator,
    NirvanaCreateNKSNodePoolOperator,
    NirvanaCreateVPCOperator,
    NirvanaDeleteNKSClusterOperator,
    NirvanaDeleteNKSNodePoolOperator,
    NirvanaDeleteVPCOperator,
    NirvanaUpdateNKSNodePoolOperator,
)

REGION = "us-sva-2"


@dag(
    schedule=None,
    tags=["nirvana", "example"],
    default_args={"retries": 2, "retry_delay": timedelta(seconds=5)},
    doc_md=__doc__,
)
def nirvana_nks_cluster() -> None:
    """Create a cluster with a pool, resize the pool, delete everything."""
    create_vpc = NirvanaCreateVPCOperator(
        task_id="create_vpc",
        conn_id="nirvana_default",
        name="Kubernetes {{ run_id }}",
        region=REGION,
        subnet_name="nodes",
    )

    create_cluster = NirvanaCreateNKSClusterOperator(
        task_id="create_cluster",
        conn_id="nirvana_default",
        name="Batch {{ run_id }}",
        region=REGION,
        vpc_id=create_vpc.output["resource_id"],
        kubernetes_version="v1.34.4",
        autoscaling=False,
        preflight=True,
    )

    create_pool = NirvanaCreateNKSNodePoolOperator(
        task_id="create_pool",
        conn_id="nirvana_default",
        cluster_id=create_cluster.output["resource_id"],
        name="workers",
        node_config={
            "instance_type": "n1-standard-8",
            "boot_volume": {"size": 64, "type": "nvme"},
            "labels": ["role=worker"],
        },
        node_count=1,
    )

    resize_pool = NirvanaUpdateNKSNodePoolOperator(
        task_id="resize_pool",
        conn_id="nirvana_default",
        cluster_id=create_cluster.output["resource_id"],
        pool_id=create_pool.output["resource_id"],
        node_count=3,
    )

    @task
    def run_batch(resized: dict[str, Any]) -> None:
        pool = resized["resource"]
        print(f"Pool {pool['name']} has {pool['node_count']} nodes of {pool['node_config']['instance_type']}")

    delete_pool = NirvanaDeleteNKSNodePoolOperator(
        task_id="delete_pool",
        conn_id="nirvana_default",
        cluster_id=create_cluster.output["resource_id"],
        pool_id=create_pool.output["resource_id"],
    )

    delete_cluster = NirvanaDeleteNKSClusterOperator(
        task_id="delete_cluster",
        conn_id="nirvana_default",
        cluster_id=create_cluster.output["resource_id"],
    )

    delete_vpc = NirvanaDeleteVPCOperator(
        task_id="delete_vpc",
        conn_id="nirvana_default",
        vpc_id=create_vpc.output["resource_id"],
    )

    run_batch(resize_pool.output) >> delete_pool >> delete_cluster >> delete_vpc
    delete_cluster.as_teardown(setups=create_cluster)
    delete_vpc.as_teardown(setups=create_vpc)


nirvana_nks_cluster()
