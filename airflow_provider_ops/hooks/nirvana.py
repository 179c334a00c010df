"""Hook of Nirvana Labs (VMs, volumes, VPCs, Connect, Kubernetes)."""

from __future__ import annotations

from airflow_provider_ops.apis.nirvana import API, availability, compute, cost, cost_change, networking, nks, platform
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.hooks.endpoint import endpoint, listing


class NirvanaHook(OperationsHook):
    """Call the Nirvana API, sync and async.

    Calls that start something return their ``Operation`` at once; ``wait_for_operation`` waits for it. ``project_id``
    is optional everywhere: without it the connection's extra ``project_id`` is used.

    :param conn_id: Airflow connection of type ``nirvana``.
    """

    conn_type = "nirvana"
    default_conn_name = "nirvana_default"
    hook_name = "Nirvana"
    api = API

    list_operations, alist_operations = listing(platform.list_operations)

    # Starting operations: compute.
    create_vm, acreate_vm = endpoint(compute.create_vm)
    update_vm, aupdate_vm = endpoint(compute.update_vm)
    delete_vm, adelete_vm = endpoint(compute.delete_vm)
    restart_vm, arestart_vm = endpoint(compute.restart_vm)
    create_volume, acreate_volume = endpoint(compute.create_volume)
    update_volume, aupdate_volume = endpoint(compute.update_volume)
    delete_volume, adelete_volume = endpoint(compute.delete_volume)
    attach_volume, aattach_volume = endpoint(compute.attach_volume)
    detach_volume, adetach_volume = endpoint(compute.detach_volume)
    # Asking before: what could be had, and for how much.
    check_vm, acheck_vm = endpoint(availability(compute.create_vm))
    check_vm_update, acheck_vm_update = endpoint(availability(compute.update_vm))
    get_vm_cost, aget_vm_cost = endpoint(cost(compute.create_vm))
    get_vm_update_cost, aget_vm_update_cost = endpoint(cost_change(compute.update_vm))
    check_volume, acheck_volume = endpoint(availability(compute.create_volume))
    check_volume_update, acheck_volume_update = endpoint(availability(compute.update_volume))
    get_volume_cost, aget_volume_cost = endpoint(cost(compute.create_volume))
    get_volume_update_cost, aget_volume_update_cost = endpoint(cost_change(compute.update_volume))
    # Reading: compute.
    list_vms, alist_vms = listing(compute.list_vms)
    get_vm, aget_vm = endpoint(compute.get_vm)
    list_vm_volumes, alist_vm_volumes = listing(compute.list_vm_volumes)
    get_vm_metrics, aget_vm_metrics = endpoint(compute.get_vm_metrics)
    list_metric_descriptors, alist_metric_descriptors = listing(compute.list_metric_descriptors)
    list_os_images, alist_os_images = listing(compute.list_os_images)
    list_volumes, alist_volumes = listing(compute.list_volumes)
    get_volume, aget_volume = endpoint(compute.get_volume)

    # Starting operations: networking.
    create_vpc, acreate_vpc = endpoint(networking.create_vpc)
    update_vpc, aupdate_vpc = endpoint(networking.update_vpc)
    delete_vpc, adelete_vpc = endpoint(networking.delete_vpc)
    create_firewall_rule, acreate_firewall_rule = endpoint(networking.create_firewall_rule)
    update_firewall_rule, aupdate_firewall_rule = endpoint(networking.update_firewall_rule)
    delete_firewall_rule, adelete_firewall_rule = endpoint(networking.delete_firewall_rule)
    create_connect_connection, acreate_connect_connection = endpoint(networking.create_connect_connection)
    update_connect_connection, aupdate_connect_connection = endpoint(networking.update_connect_connection)
    delete_connect_connection, adelete_connect_connection = endpoint(networking.delete_connect_connection)
    # Asking before: what could be had, and for how much.
    check_vpc, acheck_vpc = endpoint(availability(networking.create_vpc))
    check_vpc_update, acheck_vpc_update = endpoint(availability(networking.update_vpc))
    get_vpc_cost, aget_vpc_cost = endpoint(cost(networking.create_vpc))
    get_vpc_update_cost, aget_vpc_update_cost = endpoint(cost_change(networking.update_vpc))
    get_connect_connection_cost, aget_connect_connection_cost = endpoint(cost(networking.create_connect_connection))
    get_connect_connection_update_cost, aget_connect_connection_update_cost = endpoint(
        cost_change(networking.update_connect_connection)
    )
    # Reading: networking.
    list_vpcs, alist_vpcs = listing(networking.list_vpcs)
    get_vpc, aget_vpc = endpoint(networking.get_vpc)
    list_firewall_rules, alist_firewall_rules = listing(networking.list_firewall_rules)
    get_firewall_rule, aget_firewall_rule = endpoint(networking.get_firewall_rule)
    list_connect_connections, alist_connect_connections = listing(networking.list_connect_connections)
    get_connect_connection, aget_connect_connection = endpoint(networking.get_connect_connection)
    list_connect_routes, alist_connect_routes = listing(networking.list_connect_routes)

    # Starting operations: nks.
    create_nks_cluster, acreate_nks_cluster = endpoint(nks.create_nks_cluster)
    update_nks_cluster, aupdate_nks_cluster = endpoint(nks.update_nks_cluster)
    delete_nks_cluster, adelete_nks_cluster = endpoint(nks.delete_nks_cluster)
    create_nks_node_pool, acreate_nks_node_pool = endpoint(nks.create_nks_node_pool)
    update_nks_node_pool, aupdate_nks_node_pool = endpoint(nks.update_nks_node_pool)
    delete_nks_node_pool, adelete_nks_node_pool = endpoint(nks.delete_nks_node_pool)
    delete_nks_node, adelete_nks_node = endpoint(nks.delete_nks_node)
    update_nks_load_balancer, aupdate_nks_load_balancer = endpoint(nks.update_nks_load_balancer)
    # Asking before: what could be had, and for how much.
    check_nks_cluster, acheck_nks_cluster = endpoint(availability(nks.create_nks_cluster))
    check_nks_cluster_update, acheck_nks_cluster_update = endpoint(availability(nks.update_nks_cluster))
    get_nks_cluster_cost, aget_nks_cluster_cost = endpoint(cost(nks.create_nks_cluster))
    get_nks_cluster_update_cost, aget_nks_cluster_update_cost = endpoint(cost_change(nks.update_nks_cluster))
    check_nks_node_pool, acheck_nks_node_pool = endpoint(availability(nks.create_nks_node_pool))
    check_nks_node_pool_update, acheck_nks_node_pool_update = endpoint(availability(nks.update_nks_node_pool))
    get_nks_node_pool_cost, aget_nks_node_pool_cost = endpoint(cost(nks.create_nks_node_pool))
    get_nks_node_pool_update_cost, aget_nks_node_pool_update_cost = endpoint(cost_change(nks.update_nks_node_pool))
    # Reading: nks.
    list_kubernetes_versions, alist_kubernetes_versions = listing(nks.list_kubernetes_versions)
    list_nks_clusters, alist_nks_clusters = listing(nks.list_nks_clusters)
    get_nks_cluster, aget_nks_cluster = endpoint(nks.get_nks_cluster)
    get_nks_kubeconfig, aget_nks_kubeconfig = endpoint(nks.get_nks_kubeconfig)
    list_nks_controllers, alist_nks_controllers = listing(nks.list_nks_controllers)
    get_nks_controller, aget_nks_controller = endpoint(nks.get_nks_controller)
    list_nks_controller_volumes, alist_nks_controller_volumes = listing(nks.list_nks_controller_volumes)
    get_nks_controller_volume, aget_nks_controller_volume = endpoint(nks.get_nks_controller_volume)
    list_nks_load_balancers, alist_nks_load_balancers = listing(nks.list_nks_load_balancers)
    get_nks_load_balancer, aget_nks_load_balancer = endpoint(nks.get_nks_load_balancer)
    list_nks_volume_claims, alist_nks_volume_claims = listing(nks.list_nks_volume_claims)
    get_nks_volume_claim, aget_nks_volume_claim = endpoint(nks.get_nks_volume_claim)
    list_nks_node_pools, alist_nks_node_pools = listing(nks.list_nks_node_pools)
    get_nks_node_pool, aget_nks_node_pool = endpoint(nks.get_nks_node_pool)
    list_nks_node_pool_volumes, alist_nks_node_pool_volumes = listing(nks.list_nks_node_pool_volumes)
    list_nks_nodes, alist_nks_nodes = listing(nks.list_nks_nodes)
    get_nks_node, aget_nks_node = endpoint(nks.get_nks_node)
    list_nks_node_volumes, alist_nks_node_volumes = listing(nks.list_nks_node_volumes)
    get_nks_node_volume, aget_nks_node_volume = endpoint(nks.get_nks_node_volume)

    # Reading: platform.
    list_instance_types, alist_instance_types = listing(platform.list_instance_types)
    get_instance_type, aget_instance_type = endpoint(platform.get_instance_type)
    list_regions, alist_regions = listing(platform.list_regions)
    get_region, aget_region = endpoint(platform.get_region)
    list_quotas, alist_quotas = listing(platform.list_quotas)
    get_quota, aget_quota = endpoint(platform.get_quota)
    list_projects, alist_projects = listing(platform.list_projects)
    get_project, aget_project = endpoint(platform.get_project)
    list_audit_logs, alist_audit_logs = listing(platform.list_audit_logs)
    get_audit_log, aget_audit_log = endpoint(platform.get_audit_log)
    list_usage, alist_usage = listing(platform.list_usage)
    get_usage, aget_usage = endpoint(platform.get_usage)
    get_user, aget_user = endpoint(platform.get_user)
    list_organizations, alist_organizations = listing(platform.list_organizations)
