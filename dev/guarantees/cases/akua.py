"""What is created on this API, and what may be expected of it."""

from __future__ import annotations

from typing import Final

from dev.guarantees.api_case import ApiCase

CASE: Final = ApiCase(
    "akua",
    ("akua", "AkuaCreateClusterOperator"),
    {"name": "{{ run_id }}", "region_id": "reg_eu"},
    create="/clusters",
    finds="key",
    can_cancel=True,
    can_delete=True,
    ending=("POST", "/operations/{id}:cancel"),
)
