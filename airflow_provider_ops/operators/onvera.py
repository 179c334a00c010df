"""Operators of Onvera: create and destroy managed Airflow and Superset deployments."""

from __future__ import annotations

from typing_extensions import Unpack

from airflow_provider_ops.apis import onvera
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.operators.arguments import OperatorArguments, Templated
from airflow_provider_ops.operators.base import OperationOperator
from airflow_provider_ops.operators.declared import request_fields


class OnveraCreateDeploymentOperator(OperationOperator):
    """Create a deployment and wait until it is ready [api-reference/deployments].

    ``resource`` in the result is the deployment: ``id``, ``name``, ``app_type``, ``status``, ``url`` and more.

    :param app_type: ``airflow`` or ``superset``.
    :param name: name for people; without one a name is derived from the task run, which is what makes the
        create findable after a crash. Give names that no other task run uses.
    """

    hook_class = OnveraHook
    build_request = staticmethod(onvera.create_deployment)

    @request_fields
    def __init__(
        self,
        *,
        app_type: Templated[onvera.AppType],
        name: Templated[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class OnveraDestroyDeploymentOperator(OperationOperator):
    """Destroy a deployment with its data and wait until it is gone [api-reference/deployments].

    :param deployment_id: id of the deployment, bare or with ``dep_``.
    """

    hook_class = OnveraHook
    build_request = staticmethod(onvera.destroy_deployment)

    @request_fields
    def __init__(self, *, deployment_id: Templated[str], **kwargs: Unpack[OperatorArguments]) -> None: ...
