"""What is started on this API, which a spec of the catalogue describes, and what may be expected of it."""

from __future__ import annotations

from typing import Final

from dev.guarantees.api_case import ApiCase

CASE: Final = ApiCase(
    "airflow",
    ("operation", "OperationRequestOperator"),
    {
        "conn_id": "airflow_default",
        "method": "POST",
        "path": "/api/v2/dags/{{ run_id }}/dagRuns",
        "json": {"logical_date": None},
    },
    create="/api/v2/dags/{dag_id}/dagRuns",
    can_cancel=True,
    ending=("PATCH", "/api/v2/{operation_id}"),
    is_described=True,
    makes_resources=False,
    reads="*dagRuns/*",
)
