"""What a spec calls secret is in nothing that is made of an answer, and no error brings it back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_ops.apis.calls import Response
from airflow_provider_ops.apis.described import DescribedApi
from airflow_provider_ops.apis.submits import Intent
from airflow_provider_ops.core.gate import REDACTED
from airflow_provider_ops.core.redaction import declared_redactor, redactor_of
from airflow_provider_ops.exceptions import TransportError
from airflow_provider_ops.http.responses import api_error
from airflow_provider_ops.operation import Operation, OperationState
from airflow_provider_ops.spec import ApiSpec
from tests.apis.answers import answer, drive
from tests.apis.jobs import KEY, jobs
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


#: What a submit has in its body that the spec calls secret, and texts of it that no message may show.
REQUESTED = {
    "short": ("hunter2!", ["hunter2!"]),
    "number": (48392, ["48392"]),
    "object": ({"user": "anna-b", "pin": 7731, "x": "ab"}, ["anna-b", "7731", '"ab"']),
    "list": (["first-token", {"deep": ["second-t"]}], ["first-token", "second-t"]),
    "not ascii": ("päßwörter", ["päßwörter", "p\\u00e4\\u00dfw", "p%C3%A4"]),
    "lines": ("-----BEGIN KEY-----\n" + "MIIEpAIBAAKCAQEA7bq" * 40, ["BEGIN KEY", "7bqMIIEpAIBAAKCAQEA7bqMIIEpAI"]),
    "too many": ([f"token-{number}" for number in range(2000)], ["token-7", "token-1999"]),
}  # fmt: skip


def refused(value: Any, body: bytes, api: Any = API, status: int = 400) -> str:
    request = api.request("POST", "/jobs", json={"login": {"key": value}}).request
    conceal = declared_redactor(tuple(api.concealed_in(request)))
    redact = redactor_of("a-key-of-the-connection", *api.secrets_in(request))
    response = Response(status, {}, body, redact, conceal=conceal)
    return str(api_error(api, request, response, 0.0))


@pytest.mark.parametrize(("value", "texts"), REQUESTED.values(), ids=REQUESTED)
@pytest.mark.parametrize(
    "form", [json.dumps, repr, lambda value: json.dumps(value)[:90]], ids=["json", "python", "cut"]
)
def test_no_error_shows_a_secret_of_the_request(value: Any, texts: list[str], form: Any) -> None:
    in_message = json.dumps({"error": {"code": "weak", "message": f"too weak: {form(value)}"}}).encode()
    anywhere = json.dumps({"echo": {"login": {"key": value}}}).encode()
    for body in (in_message, anywhere, f"<p>{form(value)}</p>".encode()):
        said = refused(value, body)
        assert [text for text in texts if text in said] == []


def test_a_word_of_three_letters_is_no_secret() -> None:
    assert "the job is too weak" in refused("job", json.dumps({"error": {"message": "the job is too weak"}}).encode())


def test_an_id_is_left_as_it_is_where_a_part_of_a_secret_is_in_it() -> None:
    request = API.request("POST", "/jobs", json={"login": {"key": {"type": "service_account", "id": "main"}}}).request
    conceal = declared_redactor(tuple(API.concealed_in(request)))
    body = json.dumps({"operation": {"id": "main-service_account-7"}}).encode()
    response = Response(200, {}, body, redactor_of("a-key", *API.secrets_in(request)), conceal=conceal)
    assert API.request("POST", "/jobs").parse(response).operation_id == "main-service_account-7"


DETAIL = jobs(("[$response.body#/job/password]", "[$response.body#/password, $response.body#/error/message]"))


@pytest.mark.parametrize("body", [
    {"password": SECRET, "why": "x"},
    {"error": {"message": SECRET, "code": "weak"}},
    {"error": {"message": {"text": SECRET}}},
])  # fmt: skip
def test_an_error_answer_is_blanked_before_it_is_read(body: Any) -> None:
    for status in (400, 404, 502):
        assert SECRET not in refused("", json.dumps(body).encode(), DETAIL, status)


def test_an_answer_that_was_cut_is_not_shown() -> None:
    cut = json.dumps({"password": SECRET, "why": "x"})[:-4].encode()
    assert SECRET not in refused("", cut, DETAIL, 502)
    with pytest.raises(TransportError) as caught:
        DETAIL.get_operation("op_1").parse(Response(200, {}, cut))
    assert SECRET not in str(caught.value)
    assert "Bad Gateway" in refused("", b"<h1>Bad Gateway</h1>", DETAIL, 502)


def test_a_search_that_repeats_a_secret_does_not_show_it() -> None:
    api = jobs(
        ("[$response.body#/job/password]", "$request.body#/pin"),
        ('"GET /jobs?label=airflow%3D{mark}"', '"GET /jobs?label={mark}&pin={$request.body#/pin}"'),
    )
    submit = api.with_idempotency_key(api.request("POST", "/jobs", json={"pin": "hunter2!"}), KEY)
    flow = api.find_submitted(Intent(submit, KEY))
    assert flow is not None
    search: Any = next(flow)
    assert search.request.query["pin"] == "hunter2!"
    assert "hunter2!" in api.concealed_in(search.request)


FIELDS = jobs(
    ("[$response.body#/job/password]", "[/error, $response.header.X-Phase]"),
    ("progress: /percent", "progress: /percent\n  phase: $response.header.X-Phase"),
)


def test_no_field_of_an_operation_is_read_from_a_secret() -> None:
    entry = {"id": "op_1", "status": "error", "error": {"code": SECRET, "message": SECRET}}
    single = FIELDS.get_operation("op_1").parse(answer({"operation": entry}, 200, **{"x-phase": SECRET}))
    for one in (single, FIELDS.open_operations()[0].read(entry)):
        assert one.state is OperationState.FAILED
        assert SECRET not in json.dumps(one.to_dict())


def test_a_secret_decides_and_is_not_shown() -> None:
    api = jobs(
        ("[$response.body#/job/password]", "[$response.body#/operation/error, /error]"),
        (
            "status: /status",
            "status: /status\n  verdict: {status: /error/code, states: {succeeded: null, failed: x}}",
        ),
        ("    succeeded: [success]\n", "    ended: [success]\n"),
    )
    entry = {"id": "op_1", "status": "success", "error": {"code": "x", "detail": SECRET}}
    found = api.get_operation("op_1").parse(answer({"operation": entry}))
    assert found.state is OperationState.FAILED
    assert SECRET not in json.dumps(found.to_dict())


STORED = """
name: z
base_url: http://x.example
secrets: [$request.body#/token, /password]
submit: {operation_url: $response.header.Location, operation_id: $response.body#/op}
calls: [{request: POST /jobs, kind: a.b}]
operation: {get: "GET /ops/{operation_id}", id: /id, status: /s, states: {running: run, succeeded: ok, failed: bad}}
result: {final_state_via: VIA}
"""


@pytest.mark.parametrize("via", ["original_uri", "location"])
@pytest.mark.parametrize("token", ["hunter2!", "a-token-that-is-long", 48392])
def test_no_address_with_a_secret_is_stored(via: str, token: Any) -> None:
    api = DescribedApi(ApiSpec.from_yaml(STORED.replace("VIA", via)))
    submit = api.request("POST", "/jobs", json={"token": token}, query={"token": token})
    found = submit.parse(answer({"op": "7"}, location=f"/results/7?token={token}"))
    assert (found.operation_id, found.result_path) == ("7", None)
    with pytest.raises(TransportError, match="cannot be stored"):
        submit.parse(answer({}, location=f"/other/7?token={token}"))
    other = api.request("POST", "/jobs", json={"token": "else"}, query={"size": "8"})
    assert other.parse(answer({"op": "7"}, location="/results/7?a=b")).result_path is not None
