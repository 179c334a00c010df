"""What is created on this API, and what may be expected of it."""

from __future__ import annotations

from typing import Final

from dev.guarantees.api_case import ApiCase

CASE: Final = ApiCase(
    "nirvana",
    ("nirvana", "NirvanaCreateVPCOperator"),
    {"name": "{{ run_id }}", "region": "us-sva-2", "subnet_name": "{{ run_id }}-subnet"},
    create="/v1/networking/vpcs",
    can_delete=True,
    ending=("DELETE", "/v1/networking/vpcs/{id}"),
)
