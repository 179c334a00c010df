"""A way through everything that hook and operators of Akua can do."""

from __future__ import annotations

from typing import Any

from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.operators import akua as operators
from airflow_provider_ops.simulator.akua import WORKSPACE
from dev.conform.driver import Driver

#: A failed and a cancelled operation look different from one that succeeded.
_FAULTS = ("operation_fails", "operation_cancelled")
_HELM: Any = {"kind": "helm", "repo_url": "oci://charts", "target_revision": "1.0.0", "chart": "web"}
_VERSION: Any = {"semver": "2.0.0", "ref": "sha256:2", "input_schema": {"type": "object"}}


def walk(akua: Driver) -> None:
    """Use every method and every operator, in an order in which each can succeed."""
    for part in (_catalogue, _clusters, _machines, _packages, _installs, _hostnames, _changes, _operations, _workspace):
        part(akua)


def _made(akua: Driver, operator: Any, **fields: Any) -> str:
    operation = akua.carry_out(operator, **fields)
    if operation.state is not OperationState.SUCCEEDED or operation.resource_id is None:
        raise RuntimeError(f"{operator.__name__} ended as {operation}")
    return operation.resource_id


def _catalogue(akua: Driver) -> None:
    region = akua.create_region("Mars", icon="https://example.com/mars.svg")
    region = akua.update_region(region.id, name="Venus", icon="", etag=region.etag)
    akua.delete_region(region.id, etag=region.etag)
    akua.list_regions()
    akua.get_compute_config(akua.list_compute_configs()[0].id)
    akua.get_product(akua.list_products()[0].id)
    akua.get_quota(akua.list_quotas()[0].metric)
    token = akua.create_api_token("ci")
    akua.list_api_tokens()
    akua.delete_api_token(token.id)


def _clusters(akua: Driver) -> None:
    for fault in _FAULTS:
        akua.server.faults({"fault": fault})
        akua.carry_out(operators.AkuaCreateClusterOperator, name="fails", region_id="reg_eu")
        akua.server.faults()
    cluster = _made(akua, operators.AkuaCreateClusterOperator, name="c", region_id="reg_eu")
    akua.import_cluster({"name": "mine", "region_id": "reg_eu", "kubeconfig": "apiVersion: v1"})
    akua.get_cluster(akua.list_clusters()[0].id)
    akua.get_cluster_capabilities(cluster)
    _made(akua, operators.AkuaRefreshClusterCapabilitiesOperator, cluster_id=cluster)
    akua.get_cluster_capabilities(cluster)
    akua.get_cluster_kubeconfig(cluster)
    akua.create_worker_bootstrap(cluster)
    bootstrap = akua.create_worker_bootstrap(cluster, ttl_seconds=60)
    akua.list_worker_bootstraps(cluster)
    revoke: Any = operators.AkuaRevokeWorkerBootstrapOperator
    _made(akua, revoke, cluster_id=cluster, worker_bootstrap_id=bootstrap.id)
    akua.get_worker_bootstrap(cluster, bootstrap.id)
    _made(akua, operators.AkuaSuspendClusterOperator, cluster_id=cluster)
    _made(akua, operators.AkuaResumeClusterOperator, cluster_id=cluster)
    _made(akua, operators.AkuaDeleteClusterOperator, cluster_id=cluster)


def _cluster(akua: Driver) -> str:
    fields = {"region_id": "reg_eu", "network_profile": "linux_cilium"}
    return _made(akua, operators.AkuaCreateClusterOperator, name="next", **fields)


def _machines(akua: Driver) -> None:
    cluster = _cluster(akua)
    create: Any = operators.AkuaCreateMachineOperator
    machine = _made(akua, create, cluster_id=cluster, instance_type="m", compute_config_id="cc_small", name="one")
    system = _made(akua, create, cluster_id=cluster, instance_type="m", node_claim={"taints": []})
    akua.get_machine(system)
    akua.list_quotas(cluster_id=cluster)
    akua.get_quota("compute/launching_machines", cluster_id=cluster)
    _made(akua, operators.AkuaSuspendMachineOperator, machine_id=machine, reason="manual")
    akua.list_machines(cluster_id=cluster, state="SUSPENDED", view="full")
    (event,) = akua.list_suspension_events(machine)
    _made(akua, operators.AkuaResumeMachineOperator, machine_id=machine)
    akua.get_suspension_event(machine, event.id)
    _made(akua, operators.AkuaDeleteMachineOperator, machine_id=machine)


def _package(akua: Driver) -> str:
    return _made(akua, operators.AkuaCreatePackageOperator, name="p", sources=[_HELM])


def _packages(akua: Driver) -> None:
    package = _package(akua)
    akua.list_packages(view="full")
    akua.get_package(package)
    version = akua.create_package_version(package, _VERSION)
    akua.list_package_versions(package)
    akua.get_package_version(package, version.id)
    akua.get_package_version_inputs(package, version.id)
    published = {"name": "published", "oci_ref": "oci://example.com/p", "version": _VERSION}
    imported = akua.import_package(published)
    akua.delete_package(imported.id, etag=imported.etag)
    repository = akua.create_repository()
    akua.create_repository_token(repository.id)
    akua.create_repository_token(repository.id, revoke_after_seconds=60)
    hosted: Any = [{"kind": "hosted", "repository_id": repository.id, "ref": "main"}]
    _made(akua, operators.AkuaCreatePackageOperator, name="h", sources=hosted, keep_source_repository=True)
    akua.list_repositories(purpose="workspace")
    akua.get_repository(repository.id)


def _installs(akua: Driver) -> None:
    cluster, package = _cluster(akua), _package(akua)
    create: Any = operators.AkuaCreateInstallOperator
    _made(akua, create, region_id="reg_eu", product_id="prod_simulated")
    for extra in ({"simulated_sandbox": True}, {"simulated_health": "failed"}):
        _made(akua, create, region_id="reg_eu", product_id="prod_simulated", initial_values=extra)
    pin = {"kind": "pinned", "version": "1.0.0"}
    fields: Any = {"package_id": package, "package_version_pin": pin, "region_id": "reg_eu", "cluster_id": cluster}
    install = _made(akua, create, **fields)
    akua.get_install_status(install)
    akua.done(f"install:{install}")
    for read in (akua.get_install, akua.get_install_status, akua.list_pods):
        read(install)
    akua.list_installs()
    akua.list_repositories(purpose="deploy")
    second = akua.create_package_version(package, _VERSION)
    _made(akua, operators.AkuaUpdateInstallOperator, install_id=install, package_version_id=second.id)
    oldest = akua.list_renders(install)[-1]
    akua.get_render(install, oldest.id)
    _made(akua, operators.AkuaRestoreInstallOperator, install_id=install, render_id=oldest.id)
    switch: Any = operators.AkuaSetAutomaticUpdatesOperator
    for wanted in (True, False):
        _made(akua, switch, install_id=install, automatic_updates_enabled=wanted)
    _made(akua, operators.AkuaCreateRenderOperator, install_id=install)
    again = {"message": "again", "skip_unchanged": False, "extra_annotations": {"a": "b"}}
    _made(akua, operators.AkuaCreateRenderOperator, install_id=install, **again)
    _made(akua, operators.AkuaDeleteInstallOperator, install_id=install)


def _hostnames(akua: Driver) -> None:
    install = _made(akua, operators.AkuaCreateInstallOperator, region_id="reg_eu", product_id="prod_simulated")
    render = akua.list_renders(install)[0].id
    pinned: Any = operators.AkuaBindPinnedPreviewHostnameOperator
    floating: Any = operators.AkuaBindFloatingPreviewHostnameOperator
    akua.carry_out(pinned, install_id=install, render_id=render)
    akua.carry_out(floating, install_id=install, render_id=render, track="main", protocol="grpc")
    newest, oldest = akua.list_preview_hostnames(install)
    akua.get_preview_hostname(install, oldest.id)
    akua.carry_out(operators.AkuaDeletePreviewHostnameOperator, install_id=install, preview_hostname_id=newest.id)
    targets: Any = [
        {"kind": "install", "install_id": install},
        {"kind": "cluster", "cluster_id": _cluster(akua)},
        {"kind": "external", "endpoint": "https://example.com"},
    ]
    for number, target in enumerate(targets):
        create: Any = operators.AkuaCreateCustomDomainOperator
        akua.carry_out(create, workspace_id=WORKSPACE, hostname=f"d{number}.example.com", target=target)
    domain = akua.list_custom_domains(WORKSPACE)[0]
    ids = {"workspace_id": WORKSPACE, "custom_domain_id": domain.id}
    akua.carry_out(operators.AkuaUpdateCustomDomainOperator, **ids, routing_mode="bypass_dispatcher", target=targets[0])
    akua.get_custom_domain(WORKSPACE, domain.id)
    akua.carry_out(operators.AkuaDeleteCustomDomainOperator, **ids)


def _changes(akua: Driver) -> None:
    package = _package(akua)
    parent = next(one.id for one in akua.list_repositories(purpose="package") if one.package_id == package)
    evidence: Any = {"summary": "s", "likely_fix": "f", "resource_refs": [{"resource": "install", "id": "inst_1"}]}
    create: Any = operators.AkuaCreateRepositoryChangeRequestOperator
    asked = [
        _made(akua, create, parent_repository_id=parent),
        _made(akua, create, parent_repository_id=parent, kind="wizard", expires_at_seconds=60),
        _made(akua, create, parent_repository_id=parent, kind="agent", agent_id="agt_1", remediation_evidence=evidence),
    ]
    akua.create_repository_change_request({"parent_repository_id": parent, "kind": "user"})
    akua.create_repository_change_request_token(asked[0])
    akua.create_repository_change_request_token(asked[0], scope="read", expires_in_seconds=60)
    name = "repository_change_request_id"
    _made(akua, operators.AkuaAcceptRepositoryChangeRequestOperator, **{name: asked[0]})
    _made(akua, operators.AkuaRejectRepositoryChangeRequestOperator, **{name: asked[1]}, rejection_reason="no")
    _made(akua, operators.AkuaWithdrawRepositoryChangeRequestOperator, **{name: asked[2]})
    akua.list_repository_change_requests(parent_repository=parent, state="REJECTED")
    akua.get_repository_change_request(asked[1])
    akua.list_repositories(purpose="repository_change_request")


def _operations(akua: Driver) -> None:
    running = akua.create_cluster(name="cancelled", region_id="reg_eu")
    akua.list_operations(owner_type="cluster", owner_id=running.resource_id)
    akua.describe_operation(running.id)
    akua.hook.cancel_operation(running.id)
    akua.done(running)
    akua.list_operations()


def _workspace(akua: Driver) -> None:
    akua.list_workspaces()
    akua.carry_out(operators.AkuaChangeTierOperator, workspace_id=WORKSPACE, tier="pro")
    (change,) = akua.list_subscription_change_requests(WORKSPACE)
    akua.get_subscription_change_request(WORKSPACE, change.id)
    akua.carry_out(operators.AkuaCancelSubscriptionOperator, workspace_id=WORKSPACE)
    akua.get_subscription(WORKSPACE)
    akua.carry_out(operators.AkuaReactivateSubscriptionOperator, workspace_id=WORKSPACE)
    akua.carry_out(operators.AkuaSetSubdomainNameOperator, workspace_id=WORKSPACE, name="team")
    akua.get_subdomain(WORKSPACE)
    akua.get_workspace(WORKSPACE)
    akua.carry_out(operators.AkuaDeleteWorkspaceOperator, workspace_id=WORKSPACE)
