"""Akua: Kubernetes clusters, worker machines, packages and installs.

Source: the Akua sheet; its tag A (OpenAPI of 13 Aug 2026) unless a docstring says otherwise.
"""

from __future__ import annotations

from airflow_provider_ops.apis.akua import clusters, installs, workspaces
from airflow_provider_ops.apis.akua.api import Akua
from airflow_provider_ops.apis.akua.starts import submits
from airflow_provider_ops.apis.akua.wire import AkuaOperation, OwnerType

API = Akua()

__all__ = ["API", "Akua", "AkuaOperation", "OwnerType", "clusters", "installs", "submits", "workspaces"]
