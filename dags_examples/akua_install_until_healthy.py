"""
# From nothing to a healthy install, and away again

A cluster comes first; a machine for it and a package are then made at the same time. `install` puts the package on the
cluster. At Akua a successful `install.create` only says that the install was made, not that it works: with
`wait_until_healthy=True` the task goes on, deferred, until the install is `healthy`, and fails if it becomes `failed`.

The removal goes the other way round, because Akua keeps a cluster as long as machines or installs are in it. Deletes
need the `etag` of what they delete. The operators read it themselves; the last task shows how to do it with the hook,
since deleting a package is done at once and has no operation.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task

from airflow_provider_ops.operators.akua import (
    AkuaCreateClusterOperator,
    AkuaCreateInstallOperator,
    AkuaCreateMachineOperator,
    AkuaCreatePackageOperator,
    AkuaDeleteClusterOperator,
    AkuaDeleteInstallOperator,
    AkuaDeleteMachineOperator,
)


@dag(
    schedule=None,
    tags=["akua", "example"],
    default_args={"retries": 2, "retry_delay": timedelta(seconds=5)},
    doc_md=__doc__,
)
def akua_install_until_healthy() -> None:
    """Create a cluster, a machine and a package; install; wait until it is healthy; delete everything."""

    @task
    def look_around() -> dict[str, str]:
        """Pick a region and what machines are made with."""
        # heavy imports belong into tasks, not into the parsing of the DAG
        from airflow_provider_ops.hooks.akua import AkuaHook  # noqa: PLC0415

        hook = AkuaHook("akua_default")
        region, compute_config = next(hook.list_regions()), next(hook.list_compute_configs())
        print(f"Building in {region.name or region.id} with {compute_config.name or compute_config.id}")
        return {"region_id": region.id, "compute_config_id": compute_config.id}

    place = look_around()

    create_cluster = AkuaCreateClusterOperator(
        task_id="create_cluster",
        conn_id="akua_default",
        name="shop",
        region_id=place["region_id"],
    )

    create_machine = AkuaCreateMachineOperator(
        task_id="create_machine",
        conn_id="akua_default",
        cluster_id=create_cluster.output["resource_id"],
        instance_type="m5.large",
        compute_config_id=place["compute_config_id"],
    )

    create_package = AkuaCreatePackageOperator(
        task_id="create_package",
        conn_id="akua_default",
        name="shop",
        sources=[
            {
                "kind": "helm",
                "repo_url": "oci://registry.example.com/charts",
                "chart": "shop",
                "target_revision": "1.4.2",
            }
        ],
    )

    install = AkuaCreateInstallOperator(
        task_id="install",
        conn_id="akua_default",
        package_id=create_package.output["resource_id"],
        package_version_pin={"kind": "latest"},
        region_id=place["region_id"],
        cluster_id=create_cluster.output["resource_id"],
        initial_values={"replicas": 2},
        wait_until_healthy=True,
    )

    @task
    def show(installed: dict[str, Any]) -> None:
        resource = installed["resource"]
        print(f"The shop is {resource['state']} at {', '.join(url['url'] for url in resource['urls'])}")

    delete_install = AkuaDeleteInstallOperator(
        task_id="delete_install",
        conn_id="akua_default",
        install_id=install.output["resource_id"],
    )

    delete_machine = AkuaDeleteMachineOperator(
        task_id="delete_machine",
        conn_id="akua_default",
        machine_id=create_machine.output["resource_id"],
    )

    delete_cluster = AkuaDeleteClusterOperator(
        task_id="delete_cluster",
        conn_id="akua_default",
        cluster_id=create_cluster.output["resource_id"],
    )

    @task
    def delete_package(package_id: str) -> None:
        """Delete the package, unless an earlier try has done it."""
        from airflow_provider_ops.exceptions import NotFound  # noqa: PLC0415
        from airflow_provider_ops.hooks.akua import AkuaHook  # noqa: PLC0415

        hook = AkuaHook("akua_default")
        try:
            etag = hook.get_package(package_id).etag
        except NotFound:
            return
        hook.delete_package(package_id, etag=str(etag))

    create_cluster >> [create_machine, create_package]
    [create_machine, create_package] >> install >> show(install.output) >> delete_install
    delete_install >> [delete_machine, delete_package(create_package.output["resource_id"])]
    delete_machine >> delete_cluster


akua_install_until_healthy()
