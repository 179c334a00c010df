"""What real servers have answered, read by the specs of our catalogue (Prefect 3.9.1, Airflow 3.3.2)."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ops.apis.described import DescribedApi
from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.specs import load
from tests.apis.answers import answer

RUN = "f1425e5c-a834-4622-a157-42f76f11f98b"
DEPLOYMENT = "9f5eddc1-544a-4779-b0b5-1e2a793c8402"
INVALID = {"type": "dict_type", "loc": ["body", "parameters"], "msg": "Input should be a valid dictionary", "input": 3}
REJECTED = {
    "state": {"id": "01a22513-f418-7a7a-bc5b-178f0b2e46be", "type": "CANCELLED", "name": "Cancelled"},
    "status": "REJECT",
    "details": {"type": "reject_details", "reason": "Scheduled flow run has no infrastructure to terminate."},
}


@pytest.mark.parametrize(
    ("name", "status", "body", "code", "message"),
    [
        (
            "prefect",
            422,
            {"exception_message": "Invalid request received.", "exception_detail": [INVALID], "request_body": {}},
            None,
            "Input should be a valid dictionary",
        ),
        ("prefect", 401, {"exception_message": "Unauthorized"}, None, "Unauthorized"),
        ("prefect", 404, {"detail": "Deployment not found"}, None, "Deployment not found"),
        (
            "airflow",
            500,
            {"detail": {"reason": "Database error", "message": "Serious error when handling your request."}},
            "Database error",
            "Serious error when handling your request.",
        ),
    ],
)
def test_a_refusal_is_read(name: str, status: int, body: Any, code: str | None, message: str) -> None:
    error = DescribedApi(load(name)).error(answer(body, status))
    assert (error.code, error.message, error.is_from_api) == (code, message, True)


def test_a_flow_run_is_read() -> None:
    api = DescribedApi(load("prefect"))
    body = {
        "id": RUN,
        "created": "2026-11-29T02:13:06.453982Z",
        "deployment_id": DEPLOYMENT,
        "start_time": "2026-11-29T02:13:11.065782Z",
        "end_time": "2026-11-29T02:13:14.159962Z",
        "state": {"type": "COMPLETED", "name": "Completed", "message": None, "data": None},
    }
    submit = api.request("POST", f"/deployments/{DEPLOYMENT}/create_flow_run", json={"parameters": {"seconds": 3}})
    for status in (201, 200):
        # 200: a key that was known
        started = submit.parse(answer(body, status))
        assert (started.operation_id, started.resource_id) == (RUN, DEPLOYMENT)
    operation = api.get_operation(RUN).parse(answer(body))
    assert (operation.state, operation.resource_id) == (OperationState.SUCCEEDED, DEPLOYMENT)
    assert None not in (operation.created_at, operation.started_at, operation.ended_at)


def test_the_answer_to_a_cancel_is_no_verdict() -> None:
    cancel = DescribedApi(load("prefect")).cancel_operation(RUN)
    assert cancel.parse(answer(REJECTED, 201)).state == OperationState.UNKNOWN
