"""A spec is the same in YAML, JSON and Python, and says where it is wrong."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from airflow_provider_ops.exceptions import InvalidArgument, InvalidSpec
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.spec.states import StateTable
from tests.spec.examples import JOBS
from tests.spec.mistakes import UNREADABLE

if TYPE_CHECKING:
    from pathlib import Path

SMALL: dict[str, Any] = {
    "name": "small",
    "base_url": "https://api.example.com",
    "submit": {"operation_id": "/id"},
    "operation": {"get": "GET /jobs/{operation_id}", "status": "/status", "states": {"succeeded": "ok"}},
}


def small(**changes: Any) -> ApiSpec:
    return ApiSpec.model_validate({**SMALL, **changes})


def test_yaml_json_and_python_are_the_same(tmp_path: Path) -> None:
    spec = ApiSpec.from_yaml(JOBS)
    file = tmp_path / "jobs.yaml"
    file.write_text(JOBS)
    again = ApiSpec.model_validate_json(spec.model_dump_json())
    ways = [ApiSpec.from_yaml(file), ApiSpec.from_yaml(str(file)), ApiSpec.from_yaml(spec.model_dump_json()), again]
    ways.append(ApiSpec(**spec.model_dump()))
    assert all(one == spec and one.hash == spec.hash for one in ways)
    assert again.model_dump_json() == spec.model_dump_json()


def test_null_is_not_the_same_as_left_out_and_survives_json() -> None:
    spec = small(calls=[{"request": "POST /a", "kind": "a", "mark": None}, {"request": "POST /b", "kind": "b"}])
    spec = ApiSpec.model_validate_json(spec.model_dump_json())
    assert [call.has("mark") for call in spec.calls] == [True, False]


def test_a_spec_is_frozen() -> None:
    with pytest.raises(ValidationError):
        ApiSpec.from_yaml(JOBS).name = "other"  # type: ignore[misc]


def test_scalars_stay_as_written_and_bodies_have_types() -> None:
    spec = ApiSpec.from_yaml("""
name: "n"
base_url: https://api.example.com
query: {api-version: 1.10}
submit: {operation_id: /id}
operation:
  get: {request: "POST /x/{operation_id}", body: {limit: 10, dry: false, none: null, zip: 000604, text: "10", no: NO}}
  status: /s
  states: {pending: NO, running: [1:30, 000604, 0x1F], succeeded: [200, on], failed: 1.10}
""")
    assert spec.operation.states.lists() == {
        "pending": ("NO",),
        "running": ("1:30", "000604", "0x1F"),
        "ended": (),
        "succeeded": ("200", "on"),
        "failed": ("1.10",),
        "cancelled": (),
    }
    assert spec.operation.get is not None
    assert spec.operation.get.body == {
        "limit": 10, "dry": False, "none": None, "zip": "000604", "text": "10", "no": "NO",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "state"),
    [
        ("OK", "succeeded"),
        ("ok ", "succeeded"),
        (200, "succeeded"),
        (True, "running"),
        (None, "pending"),
        ("x", "failed"),
    ],
)
def test_states_compare_as_text_in_any_case(value: Any, state: str) -> None:
    table = StateTable([("succeeded", ["ok", "200"]), ("running", ["TRUE"]), ("pending", [None]), ("failed", ["*"])])
    assert table[value] == state


def test_a_word_that_is_not_listed_is_no_state() -> None:
    assert StateTable([("succeeded", ["ok"])])["other"] is None
    assert StateTable([("succeeded", ["*"])])[None] is None
    assert StateTable([("failed", ["*"]), ("succeeded", [None])])[{"code": 1}] == "failed"


@pytest.mark.parametrize(
    ("auth", "kinds"),
    [
        ("bearer", ["bearer"]),
        ("none", ["none"]),
        ({"api_key": {"name": "X-Key"}}, ["api_key"]),
        ({"type": "api_key", "in": "query", "name": "key"}, ["api_key"]),
        (
            ["http_basic", {"oauth2_client_credentials": {"token_url": "/token"}}],
            ["http_basic", "oauth2_client_credentials"],
        ),
        ({"login": {"request": "POST /login", "body": {"u": "{login}", "p": "{password}"}}}, ["login"]),
    ],
)
def test_ways_to_write_auth(auth: Any, kinds: list[str]) -> None:
    spec = small(auth=auth)
    assert [one.type for one in spec.auth] == kinds
    assert ApiSpec.model_validate_json(spec.model_dump_json()) == spec


def test_a_request_may_be_written_as_an_object() -> None:
    long = small(check={"request": {"request": "GET /me", "headers": {"A": "b"}}})
    assert long == small(check={"request": "GET /me", "headers": {"A": "b"}})


def test_the_error_is_an_invalid_argument_and_can_be_pickled() -> None:
    with pytest.raises(InvalidSpec) as caught:
        ApiSpec.from_yaml(JOBS.replace("status: /status", "staus: /status"))
    error: InvalidSpec = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - what executors do with it
    assert isinstance(error, InvalidArgument)
    assert isinstance(error, ValueError)
    assert (str(error), error.problems) == (str(caught.value), caught.value.problems)


def test_python_names_the_key_as_well() -> None:
    with pytest.raises(ValueError, match=r"unknown key 'sumbit': did you mean 'submit'\?"):
        ApiSpec.model_validate({**SMALL, "sumbit": {}})


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=list(UNREADABLE))
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidSpec):
        ApiSpec.from_yaml(text)


def test_the_schema_knows_every_key() -> None:
    schema = ApiSpec.model_json_schema()
    assert set(schema["properties"]) == set(ApiSpec.model_fields)
    assert schema["properties"]["timeouts"]["description"]


def test_numbers_are_short_forms_in_python_and_json_as_well() -> None:
    read = ApiSpec.from_yaml(JOBS)
    data = {**read.model_dump(mode="json"), "budget": 5, "poll": 2, "variables": {"project": "main"}}
    made = ApiSpec.model_validate(data)
    assert made.budget is not None
    assert (made.budget.requests_per_second, made.poll.delay) == (5.0, 2.0)
    assert made.variables["project"].default == "main"
