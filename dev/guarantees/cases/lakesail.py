"""What is created on this API, and what may be expected of it."""

from __future__ import annotations

from typing import Final

from dev.guarantees.api_case import ApiCase

CASE: Final = ApiCase(
    "lakesail",
    ("operation", "OperationRequestOperator"),
    {
        "conn_id": "lakesail_default",
        "method": "POST",
        "path": "/infra/networks",
        "json": {
            "name": "{{ run_id }}",
            "connectionId": "C3V7X1Z5QM",
            "region": "eu-west-1",
            "config": {"cidr": "10.0.0.0/16"},
        },
    },
    create="/infra/networks",
    finds="no",
)
