"""What is created on this API, which a spec of the catalogue describes, and what may be expected of it."""

from __future__ import annotations

from typing import Final

from dev.guarantees.api_case import ApiCase

CASE: Final = ApiCase(
    "hetzner",
    ("operation", "OperationRequestOperator"),
    {
        "conn_id": "hetzner_default",
        "method": "POST",
        "path": "/servers",
        "json": {"name": "{{ run_id }}", "server_type": "cx22", "image": "debian-12"},
    },
    create="/servers",
    ending=("DELETE", "/servers/{id}"),
    is_described=True,
    is_in_ci=False,
    reads="/actions/*",
)
