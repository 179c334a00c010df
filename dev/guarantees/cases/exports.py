"""What is started on an API of the user's own, whose spec has neither key, search nor cancel."""

from __future__ import annotations

from typing import Final

from dev.guarantees.api_case import ApiCase

CASE: Final = ApiCase(
    "exports",
    ("operation", "OperationRequestOperator"),
    {"conn_id": "exports_default", "method": "POST", "path": "/exports", "json": {"name": "{{ run_id }}"}},
    create="/exports",
    finds="no",
    is_described=True,
)
