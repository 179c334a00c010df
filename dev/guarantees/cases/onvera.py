"""What is created on this API, and what may be expected of it."""

from __future__ import annotations

from typing import Final

from dev.guarantees.api_case import ApiCase

CASE: Final = ApiCase(
    "onvera",
    ("onvera", "OnveraCreateDeploymentOperator"),
    {"app_type": "airflow"},
    create="/deployments",
    can_delete=True,
    ending=("DELETE", "/deployments/{id}"),
    derives_name=True,
)
