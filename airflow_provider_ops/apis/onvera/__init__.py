"""Onvera: managed Airflow and Superset deployments.

Source: onvera.io/docs/api-reference (overview, operations, deployments, authentication, errors).
"""

from airflow_provider_ops.apis.onvera.api import (
    API,
    AppType,
    Onvera,
    OperationStatus,
    check_app_type,
    create_deployment,
    destroy_deployment,
)
from airflow_provider_ops.apis.onvera.schemas import (
    Deployment,
    DeploymentLinks,
    DeploymentSubmitted,
    Environment,
    bare_id,
)

__all__ = [
    "API",
    "AppType",
    "Deployment",
    "DeploymentLinks",
    "DeploymentSubmitted",
    "Environment",
    "Onvera",
    "OperationStatus",
    "bare_id",
    "check_app_type",
    "create_deployment",
    "destroy_deployment",
]
