"""Every call of Akua, over real sockets."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from airflow_provider_ops.exceptions import (
    Conflict,
    NotFound,
)
from airflow_provider_ops.hooks.akua import AkuaHook
from airflow_provider_ops.operators import akua as operators
from airflow_provider_ops.simulator.akua import WORKSPACE
from tests.operators.akua.parts import carry_out, done, etag, made, make_cluster, make_machine, make_package

# -- every call


def test_all_of_clusters_and_machines(hook: AkuaHook) -> None:
    cluster_id = make_cluster(hook)
    done(hook, hook.refresh_cluster_capabilities(cluster_id))
    machine_id = make_machine(hook, cluster_id)
    machine = hook.get_machine(machine_id)
    assert machine.provider_resource is not None
    assert (machine.state, machine.provider_resource.public_ip is not None) == ("ACTIVE", True)
    suspended = done(hook, hook.suspend_machine(machine_id, reason="manual", etag=etag(machine)))
    assert suspended.result is not None
    assert suspended.result["suspension_id"]
    assert [found.id for found in hook.list_machines(cluster_id=cluster_id, state="SUSPENDED")] == [machine_id]
    done(hook, hook.resume_machine(machine_id, etag=etag(hook.get_machine(machine_id))))
    with pytest.raises(Conflict, match="machine"):
        hook.delete_cluster(cluster_id, etag=etag(hook.get_cluster(cluster_id)))
    done(hook, hook.delete_machine(machine_id, etag=etag(hook.get_machine(machine_id))))
    done(hook, hook.suspend_cluster(cluster_id, etag=etag(hook.get_cluster(cluster_id))))
    assert hook.get_cluster(cluster_id).state == "suspended"
    done(hook, hook.resume_cluster(cluster_id, etag=etag(hook.get_cluster(cluster_id))))
    done(hook, hook.delete_cluster(cluster_id, etag=etag(hook.get_cluster(cluster_id))))
    assert list(hook.list_clusters()) == []
    with pytest.raises(NotFound):
        hook.get_machine(machine_id)


def test_all_of_packages_and_installs(hook: AkuaHook) -> None:
    package = make_package(hook)
    package_id = package.resource_id or ""
    (version,) = hook.list_package_versions(package_id)
    assert hook.get_package(package_id).latest_version_id == version.id
    assert hook.get_package_version(package_id, version.id).semver == "1.0.0"
    install_id = made(
        hook,
        hook.create_install(
            region_id="reg_eu", package_id=package_id, package_version_pin={"kind": "pinned", "version": "1.0.0"}
        ),
    )
    assert hook.get_install_status(install_id).state == "syncing"
    done(hook, f"install:{install_id}")
    install = hook.get_install(install_id)
    assert install.urls is not None
    assert (install.state, install.urls[0].url) == ("healthy", f"https://{install_id.replace('_', '-')}.example.com")
    assert install.package_version_id == version.id
    changed = hook.set_automatic_updates(install_id, automatic_updates_enabled=True, etag=etag(install))
    assert changed.install is not None
    assert changed.install.automatic_updates_enabled is True
    for skips, state in ((None, "skipped"), (False, "deployed")):
        render = hook.create_render(install_id, skip_unchanged=skips, message="again")
        done(hook, str(render.operation_id))
        shown = hook.get_render(install_id, render.id)
        assert (shown.state, shown.message) == (state, "again")
    pinned = done(hook, hook.bind_pinned_preview_hostname(install_id, render.id))
    floating = done(hook, hook.bind_floating_preview_hostname(install_id, "main", render.id, protocol="grpc"))
    assert pinned.result is not None
    assert floating.result is not None
    hostname_id = pinned.result["preview_hostname_id"]
    carry_out(hook, operators.AkuaDeletePreviewHostnameOperator, install_id=install_id, preview_hostname_id=hostname_id)
    with pytest.raises(NotFound):
        hook.delete_preview_hostname(install_id, hostname_id, etag="1")
    assert package.result is not None
    assert hook.get_repository(package.result["repository_id"]).purpose == "package"
    assert [found.id for found in hook.list_repositories(purpose="package")] == [package.result["repository_id"]]
    done(hook, hook.delete_install(install_id, etag=etag(hook.get_install(install_id))))
    assert list(hook.list_installs()) == []
    hook.delete_package(package_id, etag=etag(hook.get_package(package_id)))
    assert list(hook.list_packages()) == []


def test_all_of_workspaces(hook: AkuaHook) -> None:
    def now() -> str:
        return etag(hook.get_workspace(WORKSPACE))

    done(hook, hook.change_tier(WORKSPACE, "pro", etag=now()))
    cancelled = done(hook, hook.cancel_subscription(WORKSPACE, etag=now()))
    assert hook.describe_operation(cancelled.id).response.cancel_at is not None  # type: ignore[union-attr]
    done(hook, hook.reactivate_subscription(WORKSPACE, etag=now()))
    subdomain = hook.get_subdomain(WORKSPACE)
    named = done(hook, hook.set_subdomain_name(WORKSPACE, "team", etag=etag(subdomain)))
    assert (hook.get_subdomain(WORKSPACE).name, hook.get_subdomain(WORKSPACE).status) == ("team", "active")
    assert named.result is not None
    assert named.result["fqdn"].startswith("team.")
    target: Any = {"kind": "external", "endpoint": "https://example.com"}
    created = done(hook, hook.create_custom_domain(WORKSPACE, "www.example.com", target))
    asked: Any = hook.describe_operation(created.id).metadata
    assert (asked.hostname, asked.target.kind, asked.target.endpoint) == ("www.example.com", *target.values())
    domain = created.result
    assert domain is not None
    ids = {"workspace_id": WORKSPACE, "custom_domain_id": domain["custom_domain_id"]}
    carry_out(hook, operators.AkuaUpdateCustomDomainOperator, **ids, routing_mode="bypass_dispatcher")
    with pytest.raises(Conflict, match="ABORTED"):
        hook.delete_custom_domain(**ids, etag="1")
    carry_out(hook, operators.AkuaDeleteCustomDomainOperator, **ids)
    kinds = [operation.kind for operation in hook.list_operations(owner_type="workspace", owner_id=WORKSPACE)]
    assert kinds[0] == "custom_domain.delete"
    assert len(kinds) == 7
    done(hook, hook.delete_workspace(WORKSPACE, etag=now()))
    with pytest.raises(NotFound):
        hook.get_workspace(WORKSPACE)


def test_the_catalogue(hook: AkuaHook) -> None:
    assert [region.id for region in hook.list_regions()] == ["reg_eu", "reg_us"]
    assert hook.get_compute_config("cc_small").name == "Small"
    assert len(list(hook.list_compute_configs())) == 2
    cluster_id = make_cluster(hook)
    assert hook.get_quota("compute/clusters").usage == 1
    launching = {quota.metric: quota.limit for quota in hook.list_quotas(cluster_id=cluster_id)}
    assert launching["compute/launching_machines"] == 3
    assert hook.test_connection() == (True, f"Akua at {hook.settings().base_url} answers: workspace {WORKSPACE}")


VERSION: Any = {"semver": "2.0.0", "ref": "sha256:2", "input_schema": {"type": "object"}}


def test_what_is_imported_is_there_at_once(hook: AkuaHook) -> None:
    cluster = hook.import_cluster({"name": "mine", "region_id": "reg_eu", "kubeconfig": "apiVersion: v1"})
    assert (cluster.state, hook.get_cluster(cluster.id).provider) == ("active", "imported_byoc")
    package = hook.import_package({"name": "chart", "oci_ref": "oci://charts/chart", "version": VERSION})
    assert package.source is not None
    assert (package.source.kind, package.source.oci_ref) == ("oci", "oci://charts/chart")
    added = hook.create_package_version(package.id, {**VERSION, "semver": "3.0.0"})
    assert hook.get_package(package.id).latest_version_id == added.id


def test_change_requests_are_turned_down(hook: AkuaHook) -> None:
    result = make_package(hook).result
    assert result is not None
    parent: Any = {"parent_repository_id": result["repository_id"]}
    made = [
        carry_out(hook, operators.AkuaCreateRepositoryChangeRequestOperator, **parent, key=str(number))
        for number in range(2)
    ]
    first, second = (str(one.resource_id) for one in made)
    reject, withdraw = (
        operators.AkuaRejectRepositoryChangeRequestOperator,
        operators.AkuaWithdrawRepositoryChangeRequestOperator,
    )
    carry_out(hook, reject, repository_change_request_id=first, rejection_reason="too late")
    carry_out(hook, withdraw, repository_change_request_id=second)
    assert hook.get_repository_change_request(first).rejection_reason == "too late"
    rejected, withdrawn = (
        next(hook.list_operations(owner_type="repository_change_request", owner_id=one)) for one in (first, second)
    )
    assert (rejected.kind, withdrawn.kind) == (
        "repository_change_request.reject",
        "repository_change_request.withdraw",
    )
    assert hook.describe_operation(rejected.id).metadata.reason == "too late"  # type: ignore[union-attr]
    assert hook.describe_operation(withdrawn.id).response.withdrawn_at  # type: ignore[union-attr]
    with pytest.raises(Conflict):
        hook.withdraw_repository_change_request(first, etag=etag(hook.get_repository_change_request(first)))


def test_tokens_are_shown_once_and_never_in_a_repr(hook: AkuaHook) -> None:
    expiry = datetime(2030, 1, 1, tzinfo=timezone.utc)
    minted = hook.create_api_token("ci", expires_at=expiry)
    assert minted.token.startswith("sk_akua_")
    assert minted.token not in repr(minted)
    assert [(token.name, token.expires_at) for token in hook.list_api_tokens()] == [("ci", expiry)]
    hook.delete_api_token(minted.id)
    assert list(hook.list_api_tokens()) == []
