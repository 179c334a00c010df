"""What a spec calls secret is in nothing that is made of an answer, and no error brings it back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_ops.apis.calls import Response
from airflow_provider_ops.apis.described import DescribedApi
from airflow_provider_ops.core.gate import REDACTED
from airflow_provider_ops.core.redaction import redactor_of
from airflow_provider_ops.http.responses import api_error
from airflow_provider_ops.operation import Operation, OperationState
from airflow_provider_ops.spec import ApiSpec
from tests.apis.answers import answer, drive
from tests.spec.examples import JOBS

SECRET = "root-password-7f3a"
SECRETS = "[$response.body#/operation/password, /password, $request.body#/login/key]"
API = DescribedApi(
    ApiSpec.from_yaml(
        JOBS.replace("[$response.body#/job/password]", SECRETS).replace(
            "poll: {", "result: {request: 'GET /jobs/{resource_id}'}\npoll: {"
        )
    )
)
ENTRY = {"id": "op_1", "status": "success", "job_id": 7, "password": SECRET, "more": {"password": "not this one"}}


def entries(found: Any) -> list[Operation]:
    return list(found.items())


@pytest.mark.parametrize(
    "operation",
    [
        API.get_operation("op_1").parse(answer({"operation": ENTRY})),
        API.get_operations(["op_1"]).parse(answer({"operations": [ENTRY]}))["op_1"],
        API.list_operations().first.parse(answer({"operations": [ENTRY]})).items[0],
        API.open_operations()[0].read(ENTRY),
        API.cancel_operation("op_1").parse(answer({"operation": ENTRY})),
    ],
    ids=["read", "by ids", "list", "entry", "cancel"],
)
def test_an_operation_has_no_secret(operation: Operation) -> None:
    assert operation.raw["password"] == REDACTED
    assert operation.raw["more"] == {"password": "not this one"}
    assert SECRET not in json.dumps(operation.to_dict())
    assert SECRET not in repr(operation)


def test_a_result_has_no_secret() -> None:
    done = Operation("op_1", "jobs", "job.create", OperationState.SUCCEEDED, "success", resource_id="7")
    found = drive(API.read_resource(done), answer({"id": 7, "password": SECRET}))
    assert found == {"id": 7, "password": REDACTED}


def test_an_error_brings_no_secret_of_the_request_back() -> None:
    request = API.request("POST", "/jobs", json={"login": {"key": SECRET}}).request
    assert API.secrets_in(request) == (SECRET,)
    body = json.dumps({"error": {"code": "weak", "message": f"{SECRET} is too weak"}}).encode()
    said = str(api_error(API, request, Response(400, {}, body, redactor_of("a-key", *API.secrets_in(request))), 0.0))
    assert SECRET not in said
    assert "is too weak" in said
