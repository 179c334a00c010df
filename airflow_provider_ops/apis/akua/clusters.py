"""Calls about clusters and machines [sections 5 and 6]."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Literal

from airflow_provider_ops.apis.akua import starts
from airflow_provider_ops.apis.akua.models import (
    AkuaCluster,
    AkuaKubeconfig,
    ClusterCapabilities,
    Machine,
    SuspensionEvent,
    WorkerBootstrap,
)
from airflow_provider_ops.apis.akua.schemas import check_length, listing_models, reading
from airflow_provider_ops.apis.calls import Call, Paged, check_id, drop_none
from airflow_provider_ops.operation import Operation

NetworkProfile = Literal["linux_cilium", "mixed_os_calico"]
SuspendReason = Literal["manual", "downgrade"]
MachineState = Literal["ACTIVE", "PROVISIONING", "SUSPENDING", "SUSPENDED", "RESUMING", "DELETING"]
View = Literal["basic", "full"]


def create_cluster(
    *,
    name: str,
    region_id: str,
    network_profile: NetworkProfile | None = None,
    idempotency_key: str | None = None,
) -> Call[Operation]:
    """``POST /clusters``: the operation ``cluster.create``.

    :raises InvalidArgument: a name of other than 1 to 100 characters (newer clients say 2 to 32).
    """
    check_length("name", name, 100)
    check_id("region_id", region_id)
    body = drop_none(name=name, region_id=region_id, network_profile=network_profile)
    return starts.CREATE_CLUSTER.call(body, idempotency_key=idempotency_key)


def delete_cluster(cluster_id: str, *, etag: str | None = None, idempotency_key: str | None = None) -> Call[Operation]:
    """``DELETE /clusters/{cluster_id}``: ``cluster.delete``; installs and machines must be gone before."""
    return starts.DELETE_CLUSTER.call(cluster_id=cluster_id, etag=etag, idempotency_key=idempotency_key)


def suspend_cluster(cluster_id: str, *, etag: str | None = None, idempotency_key: str | None = None) -> Call[Operation]:
    """``POST /clusters/{cluster_id}:suspend``: the operation ``cluster.suspend``."""
    return starts.SUSPEND_CLUSTER.call(cluster_id=cluster_id, etag=etag, idempotency_key=idempotency_key)


def resume_cluster(cluster_id: str, *, etag: str | None = None, idempotency_key: str | None = None) -> Call[Operation]:
    """``POST /clusters/{cluster_id}:resume``: the operation ``cluster.resume``."""
    return starts.RESUME_CLUSTER.call(cluster_id=cluster_id, etag=etag, idempotency_key=idempotency_key)


def refresh_cluster_capabilities(cluster_id: str, *, idempotency_key: str | None = None) -> Call[Operation]:
    """``POST /clusters/{cluster_id}/capabilities:refresh``: the operation ``cluster.capabilities.refresh``."""
    return starts.REFRESH_CAPABILITIES.call(cluster_id=cluster_id, idempotency_key=idempotency_key)


def revoke_worker_bootstrap(
    cluster_id: str, worker_bootstrap_id: str, *, etag: str | None = None, idempotency_key: str | None = None
) -> Call[Operation]:
    """``POST /clusters/{cluster_id}/worker_bootstraps/{worker_bootstrap_id}:revoke``."""
    return starts.REVOKE_WORKER_BOOTSTRAP.call(
        cluster_id=cluster_id, worker_bootstrap_id=worker_bootstrap_id, etag=etag, idempotency_key=idempotency_key
    )


def create_machine(
    *,
    cluster_id: str,
    instance_type: str,
    compute_config_id: str | None = None,
    name: str | None = None,
    node_claim: Mapping[str, Any] | None = None,
    idempotency_key: str | None = None,
) -> Call[Operation]:
    """``POST /machines``: the operation ``machine.create``.

    :param compute_config_id: without it Akua runs the machine on its own account, within the limits of the tier;
        servers before September 2026 require it.
    :raises InvalidArgument: a name of more than 120 characters.
    """
    check_id("cluster_id", cluster_id)
    check_length("instance_type", instance_type, 255)
    check_length("name", name, 120, shortest=0)
    body = drop_none(
        cluster_id=cluster_id,
        instance_type=instance_type,
        compute_config_id=compute_config_id,
        name=name,
        node_claim=node_claim,
    )
    return starts.CREATE_MACHINE.call(body, idempotency_key=idempotency_key)


def delete_machine(machine_id: str, *, etag: str | None = None, idempotency_key: str | None = None) -> Call[Operation]:
    """``DELETE /machines/{machine_id}``: the operation ``machine.delete``."""
    return starts.DELETE_MACHINE.call(machine_id=machine_id, etag=etag, idempotency_key=idempotency_key)


def suspend_machine(
    machine_id: str,
    *,
    reason: SuspendReason | None = None,
    etag: str | None = None,
    idempotency_key: str | None = None,
) -> Call[Operation]:
    """``POST /machines/{machine_id}:suspend``: the operation ``machine.suspend``; the public IP is usually lost."""
    body = drop_none(reason=reason)
    return starts.SUSPEND_MACHINE.call(body, machine_id=machine_id, etag=etag, idempotency_key=idempotency_key)


def resume_machine(machine_id: str, *, etag: str | None = None, idempotency_key: str | None = None) -> Call[Operation]:
    """``POST /machines/{machine_id}:resume``: the operation ``machine.resume``."""
    return starts.RESUME_MACHINE.call({}, machine_id=machine_id, etag=etag, idempotency_key=idempotency_key)


def list_clusters() -> Paged[AkuaCluster]:
    """``GET /clusters``, all pages."""
    return listing_models("/clusters", AkuaCluster)


def get_cluster(cluster_id: str) -> Call[AkuaCluster]:
    """``GET /clusters/{cluster_id}``."""
    return reading(starts.CLUSTER, AkuaCluster, cluster_id=cluster_id)


def list_machines(
    *, cluster_id: str | None = None, state: MachineState | None = None, view: View | None = None
) -> Paged[Machine]:
    """``GET /machines``, all pages."""
    return listing_models("/machines", Machine, drop_none(cluster_id=cluster_id, state=state, view=view))


def get_machine(machine_id: str, *, view: View | None = None) -> Call[Machine]:
    """``GET /machines/{machine_id}``.

    :param view: has no effect; the API takes it for lists only.
    """
    if view is not None:
        warnings.warn("get_machine takes no view any more: only lists have one", DeprecationWarning, stacklevel=2)
    return reading(starts.MACHINE, Machine, machine_id=machine_id)


def list_suspension_events(machine_id: str) -> Paged[SuspensionEvent]:
    """``GET /machines/{machine_id}/suspension_events``, all pages."""
    return listing_models(f"{starts.MACHINE}/suspension_events", SuspensionEvent, machine_id=machine_id)


def get_suspension_event(machine_id: str, event_id: str) -> Call[SuspensionEvent]:
    """``GET /machines/{machine_id}/suspension_events/{event_id}``."""
    route = f"{starts.MACHINE}/suspension_events/{{event_id}}"
    return reading(route, SuspensionEvent, machine_id=machine_id, event_id=event_id)


def get_cluster_capabilities(cluster_id: str) -> Call[ClusterCapabilities]:
    """``GET /clusters/{cluster_id}/capabilities``: as of their last refresh."""
    return reading(f"{starts.CLUSTER}/capabilities", ClusterCapabilities, cluster_id=cluster_id)


def get_cluster_kubeconfig(cluster_id: str) -> Call[AkuaKubeconfig]:
    """``GET /clusters/{cluster_id}/kubeconfig``: a credential."""
    return reading(f"{starts.CLUSTER}/kubeconfig", AkuaKubeconfig, cluster_id=cluster_id)


def list_worker_bootstraps(cluster_id: str) -> Paged[WorkerBootstrap]:
    """``GET /clusters/{cluster_id}/worker_bootstraps``, all pages."""
    return listing_models(starts.WORKER_BOOTSTRAPS, WorkerBootstrap, cluster_id=cluster_id)


def get_worker_bootstrap(cluster_id: str, worker_bootstrap_id: str) -> Call[WorkerBootstrap]:
    """``GET /clusters/{cluster_id}/worker_bootstraps/{worker_bootstrap_id}``."""
    return reading(
        starts.WORKER_BOOTSTRAP, WorkerBootstrap, cluster_id=cluster_id, worker_bootstrap_id=worker_bootstrap_id
    )
