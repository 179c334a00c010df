"""What a call says of result, cancel, timeout and poll is its own, with a kind or without."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ops.apis.described import DescribedApi
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.exceptions import CancelNotSupported, InvalidSpec
from airflow_provider_ops.operation import Operation, OperationState
from airflow_provider_ops.spec import ApiSpec
from tests.apis.answers import answer, drive

ALPHA = "request: POST /alpha, result: {request: GET /alpha-result}, cancel: null, timeout: 5, poll: {min: 7, max: 7}"
SPEC = """
name: z
base_url: http://x.example
submit: {operation_id: $response.body#/op}
calls: CALLS
cancel: POST /ops/{operation_id}/cancel
operation: {get: "GET /ops/{operation_id}", id: /id, status: /s, states: {running: run, succeeded: ok, failed: bad}}
"""


def api(*calls: str) -> DescribedApi:
    return DescribedApi(ApiSpec.from_yaml(SPEC.replace("CALLS", "".join(f"\n  - {{{call}}}" for call in calls))))


def result(of: DescribedApi, kind: str, *answers: Any) -> Any:
    return drive(of.read_resource(Operation("7", "z", kind, OperationState.SUCCEEDED, "ok")), *answers)


def cancelled(of: DescribedApi, kind: str) -> str:
    return str(of.cancel_submitted(Handle.placeholder(kind, api="z", operation_id="7")).request)


def both(first: str, second: str) -> DescribedApi:
    return api(ALPHA + first, f'request: "POST /alpha/{{name}}/beta"{second}')


@pytest.mark.parametrize(
    ("first", "second"),
    [("", ""), (", kind: job", ", kind: job.beta"), (", kind: job", "")],
    ids=["no kind", "kinds that begin alike", "one kind"],
)
def test_settings_of_a_call_are_its_own(first: str, second: str) -> None:
    found = both(first, second)
    alpha, beta = found.request("POST", "/alpha").kind, found.request("POST", "/alpha/n/beta").kind
    assert len({alpha, beta, "", "POST"}) == 4
    assert result(found, alpha, answer({"of": "alpha"})) == {"of": "alpha"}
    assert result(found, beta) is None
    with pytest.raises(CancelNotSupported):
        cancelled(found, alpha)
    assert cancelled(found, beta) == "POST /ops/7/cancel"
    assert [found.default_timeout(kind) for kind in (alpha, beta, "", "POST")] == [5, 3600, 3600, 3600]
    assert [found.poll_policy(kind).cap for kind in (alpha, beta, "", "POST")] == [7, 10, 10, 10]


def test_a_call_without_kind_is_named_by_its_request() -> None:
    assert both("", "").request("POST", "/alpha/n/beta").kind == "POST /alpha/{name}/beta"


def test_a_handle_of_an_earlier_release_has_no_kind() -> None:
    only = api(ALPHA)
    assert result(only, "", answer({"of": "alpha"})) == {"of": "alpha"}
    with pytest.raises(CancelNotSupported):
        cancelled(only, "")
    # which of the two it is cannot be known
    assert result(both("", ""), "") is None
    assert cancelled(both("", ""), "") == "POST /ops/7/cancel"


def test_a_spec_is_written_and_hashed_without_the_kind_that_it_does_not_give() -> None:
    spec = api(ALPHA).spec
    assert "kind" not in spec.model_dump_json()
    assert ApiSpec.model_validate_json(spec.model_dump_json()) == spec
    assert spec.hash == "8e06b15cfe5e8b71"


@pytest.mark.parametrize("own", ["timeout: 9", "poll: 3", "cancel: null", "result: none"])
def test_two_calls_of_one_kind_with_different_settings_are_refused(own: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        api("request: POST /alpha, kind: job", f"request: POST /beta, kind: job, {own}")
    (problem,) = caught.value.problems
    assert problem.line == 7
    assert "'job' is the kind of POST /alpha too" in problem.message
    assert own.partition(":")[0] in problem.message
    # the same is not refused
    api(f"request: POST /alpha, kind: job, {own}", f"request: POST /beta, kind: job, {own}")
