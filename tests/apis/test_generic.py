"""Calls that no API knows: which operation their answer names."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ops.apis.onvera import API as ONVERA
from airflow_provider_ops.apis.submits import generic_submit
from airflow_provider_ops.exceptions import InvalidArgument, TransportError
from tests.apis.answers import answer

WHERE = "/v1/operations/op_1?x=1"


@pytest.mark.parametrize(
    ("body", "location"),
    [
        ({"operation_id": "op_1", "id": "res_1"}, None),
        ({"operationId": "op_1", "id": "res_1"}, None),
        ({"data": {"operation_id": "op_1", "id": "res_1"}}, None),
        ({"operation": {"id": "op_1"}, "id": "res_1"}, None),
        ({"data": {"operation": {"id": "op_1"}}}, None),
        ({"install": {"id": "res_1"}, "render": {"id": "res_2", "operation_id": "op_1"}}, None),
        ({"id": "op_1"}, None),
        ({"id": "op_1"}, "/v1/resources/res_1"),
        ({"data": {"id": "op_1"}}, None),
        # of two names that of an operation counts
        ({"id": "res_1"}, WHERE),
        ({"data": {"id": "res_1"}}, f"https://api.example.com{WHERE}"),
        (None, WHERE),
        ([], "https://api.example.com/v1/operations/op_1/"),
        ({"operation_id": 7, "operation": None, "data": "x"}, WHERE),
        (None, "/v1/things/op_1"),
        (None, "op_1"),
    ],
)
def test_the_operation_is_found_in_every_known_place(body: Any, location: str | None) -> None:
    headers = {} if location is None else {"location": location}
    assert generic_submit("POST", "/things").parse(answer(body, 202, **headers)).operation_id == "op_1"


@pytest.mark.parametrize("body", [None, {}, [], "op_1", {"id": None}, {"id": ""}, {"name": "x"}])
def test_an_answer_that_names_none_is_unreadable(body: Any) -> None:
    with pytest.raises(TransportError, match="names no operation") as caught:
        generic_submit("POST", "/things").parse(answer(body, 202))
    assert caught.value.reason == "unreadable"


@pytest.mark.parametrize(("method", "path"), [("GET", "/a"), ("POST", "a"), ("POST", "/a/../b"), ("POST", "//host/a")])
def test_what_could_leave_the_api_is_refused(method: str, path: str) -> None:
    with pytest.raises(InvalidArgument):
        generic_submit(method, path)


def test_what_is_given_to_a_known_path_is_sent() -> None:
    known = ONVERA.request("delete", "/deployments/dep_d1")
    assert (known.kind, known.request.path) == ("deployment.destroy", "/deployments/d1")
    asked = ONVERA.request("DELETE", "/deployments/d1", query={"force": "true"})
    assert (asked.kind, asked.request.query) == ("", {"force": "true"})
    assert ONVERA.request("DELETE", "/deployments/d1", json={"a": 1}).request.json == {"a": 1}
