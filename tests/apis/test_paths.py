"""Paths that users give, as whoever decodes them would read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ops.apis.calls import Request, check_path
from airflow_provider_ops.exceptions import InvalidArgument


@pytest.mark.parametrize(
    "path",
    [
        "/%2e%2e/%2e%2e/admin", "/%2E%2E/x", "/.%2e/x", "/%252e%252e/x", "/%25252e%25252e/x", "/a/%2e/b", "/./x", "/..",
        "/%00", "/a%0d%0aX-Evil:1", "/%0a", "/a%20b", "/%7f", "/%c2%80", "/%ff", "/%", "/%2", "/%zz", "/%25zz",
        "/a%3fb=c", "/a%23b", "/a%5cb", "/a%2f%2fb", "//x", "/a//b", "/a?b", "/a#b", "/a b", "/a\n", "a", "", None, 7,
    ],
)  # fmt: skip
def test_a_path_that_means_another_place_is_refused(path: object) -> None:
    with pytest.raises(InvalidArgument, match="path"):
        check_path("POST", path)


@pytest.mark.parametrize("path", ["/deployments", "/a/b-c/d_e.f/~g", "/x:cancel", "/vms/%C3%BC", "/a%3Ab"])
def test_a_plain_path_is_taken(path: str) -> None:
    check_path("POST", path)


@given(st.from_regex(r"/[A-Za-z0-9._~:%/\-]{1,40}", fullmatch=True))
def test_no_path_is_taken_that_leaves_when_it_is_decoded(path: str) -> None:
    from urllib.parse import unquote  # noqa: PLC0415

    try:
        check_path("POST", path)
    except InvalidArgument:
        return
    for _ in range(6):
        path = unquote(path)
        assert ".." not in path
        assert "//" not in path
        assert path.isprintable()


def test_the_ids_of_a_request_are_those_of_its_path() -> None:
    request = Request("POST", "/a/x%2Fy/operations/op_1:wait", "/a/{a_id}/operations/{operation_id}:wait")
    assert request.ids == {"a_id": "x/y", "operation_id": "op_1"}
    assert Request("GET", "/a", "/a").ids == {}
