"""Nirvana Labs: VMs, volumes, VPCs, Connect, Kubernetes (NKS).

Source: the fact sheet of the API, made from its reference (docs.nirvanalabs.io), its official SDKs and Terraform
provider. "[Nirvana: section n]" names a section of it.
"""

from airflow_provider_ops.apis.nirvana import compute, networking, nks, platform
from airflow_provider_ops.apis.nirvana.api import Nirvana
from airflow_provider_ops.apis.nirvana.starts import availability, cost, cost_change, submits

API = Nirvana()

__all__ = [
    "API",
    "Nirvana",
    "availability",
    "compute",
    "cost",
    "cost_change",
    "networking",
    "nks",
    "platform",
    "submits",
]
