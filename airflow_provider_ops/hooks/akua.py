"""Hook of Akua (Kubernetes clusters, worker machines, packages and installs)."""

from __future__ import annotations

from airflow_provider_ops.apis.akua import API, change_requests, clusters, installs, packages, related, workspaces
from airflow_provider_ops.apis.akua.starts import with_etag
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.hooks.endpoint import endpoint, listing


class AkuaHook(OperationsHook):
    """Call the Akua API: start, watch, list and cancel operations, and read what they act on; sync and async.

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
    create_worker_bootstrap, acreate_worker_bootstrap = endpoint(related.create_worker_bootstrap)
    list_worker_bootstraps, alist_worker_bootstraps = listing(clusters.list_worker_bootstraps)
    get_worker_bootstrap, aget_worker_bootstrap = endpoint(clusters.get_worker_bootstrap)
    import_cluster, aimport_cluster = endpoint(related.import_cluster)
    list_clusters, alist_clusters = listing(clusters.list_clusters)
    get_cluster, aget_cluster = endpoint(clusters.get_cluster)
    get_cluster_capabilities, aget_cluster_capabilities = endpoint(clusters.get_cluster_capabilities)
    get_cluster_kubeconfig, aget_cluster_kubeconfig = endpoint(clusters.get_cluster_kubeconfig)

    create_machine, acreate_machine = endpoint(clusters.create_machine)
    delete_machine, adelete_machine = endpoint(with_etag(clusters.delete_machine))
    suspend_machine, asuspend_machine = endpoint(with_etag(clusters.suspend_machine))
    resume_machine, aresume_machine = endpoint(with_etag(clusters.resume_machine))
    list_machines, alist_machines = listing(clusters.list_machines)
    get_machine, aget_machine = endpoint(clusters.get_machine)
    list_suspension_events, alist_suspension_events = listing(clusters.list_suspension_events)
    get_suspension_event, aget_suspension_event = endpoint(clusters.get_suspension_event)

    create_package, acreate_package = endpoint(installs.create_package)
    delete_package, adelete_package = endpoint(packages.delete_package)
    import_package, aimport_package = endpoint(packages.import_package)
    list_packages, alist_packages = listing(packages.list_packages)
    get_package, aget_package = endpoint(packages.get_package)
    create_package_version, acreate_package_version = endpoint(packages.create_package_version)
    list_package_versions, alist_package_versions = listing(packages.list_package_versions)
    get_package_version, aget_package_version = endpoint(packages.get_package_version)
    get_package_version_inputs, aget_package_version_inputs = endpoint(packages.get_package_version_inputs)
    list_products, alist_products = listing(packages.list_products)
    get_product, aget_product = endpoint(packages.get_product)
    list_repositories, alist_repositories = listing(packages.list_repositories)
    get_repository, aget_repository = endpoint(packages.get_repository)
    create_repository, acreate_repository = endpoint(packages.create_repository)
    create_repository_token, acreate_repository_token = endpoint(packages.create_repository_token)

    create_install, acreate_install = endpoint(installs.create_install)
    delete_install, adelete_install = endpoint(with_etag(installs.delete_install))
    update_install, aupdate_install = endpoint(with_etag(installs.update_install))
    restore_install, arestore_install = endpoint(with_etag(installs.restore_install))
    set_automatic_updates, aset_automatic_updates = endpoint(with_etag(installs.set_automatic_updates))
    list_installs, alist_installs = listing(installs.list_installs)
    get_install, aget_install = endpoint(installs.get_install)
    get_install_status, aget_install_status = endpoint(installs.get_install_status)
    list_pods, alist_pods = listing(installs.list_pods)
    create_render, acreate_render = endpoint(installs.create_render)
    list_renders, alist_renders = listing(installs.list_renders)
    get_render, aget_render = endpoint(installs.get_render)

    bind_pinned_preview_hostname, abind_pinned_preview_hostname = endpoint(installs.bind_pinned_preview_hostname)
    bind_floating_preview_hostname, abind_floating_preview_hostname = endpoint(installs.bind_floating_preview_hostname)
    delete_preview_hostname, adelete_preview_hostname = endpoint(with_etag(installs.delete_preview_hostname))
    list_preview_hostnames, alist_preview_hostnames = listing(installs.list_preview_hostnames)
    get_preview_hostname, aget_preview_hostname = endpoint(installs.get_preview_hostname)

    create_repository_change_request, acreate_repository_change_request = endpoint(
        change_requests.create_repository_change_request
    )
    accept_repository_change_request, aaccept_repository_change_request = endpoint(
        with_etag(change_requests.accept_repository_change_request)
    )
    reject_repository_change_request, areject_repository_change_request = endpoint(
        with_etag(change_requests.reject_repository_change_request)
    )
    withdraw_repository_change_request, awithdraw_repository_change_request = endpoint(
        with_etag(change_requests.withdraw_repository_change_request)
    )
    create_repository_change_request_token, acreate_repository_change_request_token = endpoint(
        change_requests.create_repository_change_request_token
    )
    list_repository_change_requests, alist_repository_change_requests = listing(
        change_requests.list_repository_change_requests
    )
    get_repository_change_request, aget_repository_change_request = endpoint(
        change_requests.get_repository_change_request
    )

    list_workspaces, alist_workspaces = listing(workspaces.list_workspaces)
    get_workspace, aget_workspace = endpoint(workspaces.get_workspace)
    delete_workspace, adelete_workspace = endpoint(with_etag(workspaces.delete_workspace))
    get_subscription, aget_subscription = endpoint(workspaces.get_subscription)
    list_subscription_change_requests, alist_subscription_change_requests = listing(
        workspaces.list_subscription_change_requests
    )
    get_subscription_change_request, aget_subscription_change_request = endpoint(
        workspaces.get_subscription_change_request
    )
    cancel_subscription, acancel_subscription = endpoint(with_etag(workspaces.cancel_subscription))
    reactivate_subscription, areactivate_subscription = endpoint(with_etag(workspaces.reactivate_subscription))
    change_tier, achange_tier = endpoint(with_etag(workspaces.change_tier))
    get_subdomain, aget_subdomain = endpoint(workspaces.get_subdomain)
    set_subdomain_name, aset_subdomain_name = endpoint(with_etag(workspaces.set_subdomain_name))
    create_custom_domain, acreate_custom_domain = endpoint(workspaces.create_custom_domain)
    update_custom_domain, aupdate_custom_domain = endpoint(with_etag(workspaces.update_custom_domain))
    delete_custom_domain, adelete_custom_domain = endpoint(with_etag(workspaces.delete_custom_domain))

    list_custom_domains, alist_custom_domains = listing(workspaces.list_custom_domains)
    get_custom_domain, aget_custom_domain = endpoint(workspaces.get_custom_domain)

    create_region, acreate_region = endpoint(related.create_region)
    update_region, aupdate_region = endpoint(related.update_region)
    delete_region, adelete_region = endpoint(related.delete_region)
    list_regions, alist_regions = listing(workspaces.list_regions)
    list_compute_configs, alist_compute_configs = listing(workspaces.list_compute_configs)
    get_compute_config, aget_compute_config = endpoint(workspaces.get_compute_config)
    list_quotas, alist_quotas = listing(workspaces.list_quotas)
    get_quota, aget_quota = endpoint(workspaces.get_quota)

    create_api_token, acreate_api_token = endpoint(related.create_api_token)
    list_api_tokens, alist_api_tokens = listing(related.list_api_tokens)
    delete_api_token, adelete_api_token = endpoint(related.delete_api_token)
