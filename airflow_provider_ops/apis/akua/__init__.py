"""Akua: Kubernetes clusters, worker machines, packages and installs.

Checked against Akua's OpenAPI 1.0.0 of 13 August 2026 and the requests of its command line 0.11.4 (see `dev/conform`).
"""

from __future__ import annotations

from airflow_provider_ops.apis.akua import change_requests, clusters, installs, packages, workspaces
from airflow_provider_ops.apis.akua.api import Akua
from airflow_provider_ops.apis.akua.schemas import AkuaOperation, OwnerType
from airflow_provider_ops.apis.akua.starts import submits

API = Akua()

__all__ = [
    "API",
    "Akua",
    "AkuaOperation",
    "OwnerType",
    "change_requests",
    "clusters",
    "installs",
    "packages",
    "submits",
    "workspaces",
]
