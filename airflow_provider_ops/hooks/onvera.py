"""Hook of Onvera (managed Airflow and Superset deployments)."""

from __future__ import annotations

from airflow_provider_ops.apis.onvera import API
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.hooks.endpoint import endpoint, listing


class OnveraHook(OperationsHook):
    """Call the Onvera API, in seven methods [onvera.io/docs/api-reference], sync and async.

    :param conn_id: Airflow connection of type ``onvera``.
    """

    conn_type = "onvera"
    default_conn_name = "onvera_default"
    hook_name = "Onvera"
    api = API

    list_operations, alist_operations = listing(API.list_operations)
    create_deployment, acreate_deployment = endpoint(API.create_deployment)
    list_deployments, alist_deployments = listing(API.list_deployments)
    get_deployment, aget_deployment = endpoint(API.get_deployment)
    destroy_deployment, adestroy_deployment = endpoint(API.destroy_deployment)
    list_environments, alist_environments = listing(API.list_environments)
