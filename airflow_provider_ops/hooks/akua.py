"""Hook of Akua (Kubernetes clusters, worker machines, packages and installs)."""

from __future__ import annotations

from airflow_provider_ops.apis.akua import API, clusters, installs, related, workspaces
from airflow_provider_ops.apis.akua.starts import with_etag
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.hooks.endpoint import endpoint, listing


class AkuaHook(OperationsHook):
    """The calls of the Akua API that start, watch, list or cancel operations, and the reads around them.

    Calls that change something want the ``etag`` of the last read. Those that take an idempotency key get a new one
    where none is given.

    :param conn_id: Airflow connection of type ``akua``.
    """

    conn_type = "akua"
    default_conn_name = "akua_default"
    hook_name = "Akua"
    api = API

    list_operations, alist_operations = listing(API.list_operations)
    describe_operation, adescribe_operation = endpoint(API.describe_operation)

    create_cluster, acreate_cluster = endpoint(clusters.create_cluster)
    delete_cluster, adelete_cluster = endpoint(with_etag(clusters.delete_cluster))
    suspend_cluster, asuspend_cluster = endpoint(with_etag(clusters.suspend_cluster))
    resume_cluster, aresume_cluster = endpoint(with_etag(clusters.resume_cluster))
    refresh_cluster_capabilities, arefresh_cluster_capabilities = endpoint(clusters.refresh_cluster_capabilities)
    revoke_worker_bootstrap, arevoke_worker_bootstrap = endpoint(with_etag(clusters.revoke_worker_bootstrap))
    import_cluster, aimport_cluster = endpoint(related.import_cluster)
    list_clusters, alist_clusters = listing(clusters.list_clusters)
    get_cluster, aget_cluster = endpoint(clusters.get_cluster)

    create_machine, acreate_machine = endpoint(clusters.create_machine)
    delete_machine, adelete_machine = endpoint(with_etag(clusters.delete_machine))
    suspend_machine, asuspend_machine = endpoint(with_etag(clusters.suspend_machine))
    resume_machine, aresume_machine = endpoint(with_etag(clusters.resume_machine))
    list_machines, alist_machines = listing(clusters.list_machines)
    get_machine, aget_machine = endpoint(clusters.get_machine)

    create_package, acreate_package = endpoint(installs.create_package)
    delete_package, adelete_package = endpoint(related.delete_package)
    import_package, aimport_package = endpoint(related.import_package)
    list_packages, alist_packages = listing(installs.list_packages)
    get_package, aget_package = endpoint(installs.get_package)
    create_package_version, acreate_package_version = endpoint(related.create_package_version)
    list_package_versions, alist_package_versions = listing(installs.list_package_versions)
    get_package_version, aget_package_version = endpoint(installs.get_package_version)
    list_repositories, alist_repositories = listing(installs.list_repositories)
    get_repository, aget_repository = endpoint(installs.get_repository)

    create_install, acreate_install = endpoint(installs.create_install)
    delete_install, adelete_install = endpoint(with_etag(installs.delete_install))
    update_install, aupdate_install = endpoint(with_etag(installs.update_install))
    restore_install, arestore_install = endpoint(with_etag(installs.restore_install))
    set_automatic_updates, aset_automatic_updates = endpoint(related.set_automatic_updates)
    list_installs, alist_installs = listing(installs.list_installs)
    get_install, aget_install = endpoint(installs.get_install)
    get_install_status, aget_install_status = endpoint(installs.get_install_status)
    create_render, acreate_render = endpoint(related.create_render)
    get_render, aget_render = endpoint(installs.get_render)

    bind_pinned_preview_hostname, abind_pinned_preview_hostname = endpoint(installs.bind_pinned_preview_hostname)
    bind_floating_preview_hostname, abind_floating_preview_hostname = endpoint(installs.bind_floating_preview_hostname)
    delete_preview_hostname, adelete_preview_hostname = endpoint(with_etag(installs.delete_preview_hostname))
    create_repository_change_request, acreate_repository_change_request = endpoint(
        related.create_repository_change_request
    )
    accept_repository_change_request, aaccept_repository_change_request = endpoint(
        with_etag(installs.accept_repository_change_request)
    )
    reject_repository_change_request, areject_repository_change_request = endpoint(
        related.reject_repository_change_request
    )
    withdraw_repository_change_request, awithdraw_repository_change_request = endpoint(
        related.withdraw_repository_change_request
    )

    get_workspace, aget_workspace = endpoint(workspaces.get_workspace)
    delete_workspace, adelete_workspace = endpoint(with_etag(workspaces.delete_workspace))
    cancel_subscription, acancel_subscription = endpoint(with_etag(workspaces.cancel_subscription))
    reactivate_subscription, areactivate_subscription = endpoint(with_etag(workspaces.reactivate_subscription))
    change_tier, achange_tier = endpoint(with_etag(workspaces.change_tier))
    set_subdomain_name, aset_subdomain_name = endpoint(with_etag(workspaces.set_subdomain_name))
    create_custom_domain, acreate_custom_domain = endpoint(workspaces.create_custom_domain)
    update_custom_domain, aupdate_custom_domain = endpoint(with_etag(workspaces.update_custom_domain))
    delete_custom_domain, adelete_custom_domain = endpoint(with_etag(workspaces.delete_custom_domain))

    list_regions, alist_regions = listing(workspaces.list_regions)
    list_compute_configs, alist_compute_configs = listing(workspaces.list_compute_configs)
    get_compute_config, aget_compute_config = endpoint(workspaces.get_compute_config)
    list_quotas, alist_quotas = listing(workspaces.list_quotas)
    get_quota, aget_quota = endpoint(workspaces.get_quota)

    create_api_token, acreate_api_token = endpoint(related.create_api_token)
    list_api_tokens, alist_api_tokens = listing(related.list_api_tokens)
    delete_api_token, adelete_api_token = endpoint(related.delete_api_token)
