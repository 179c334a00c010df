"""What expressions find, and what is said about texts that are none."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ops.spec.expressions import MOST_FOUND, Exchange, follow, parse_expression, parse_pointer
from airflow_provider_ops.spec.values import find_all, find_first, find_text, parse_value

BODY = {"a/b": 1, "m~n": 2, "list": [{"id": "x"}, {"id": None}, {"id": "y"}], "zero": 0, "none": None, "*": "star"}
EXCHANGE = Exchange(
    url="https://api.example.com/jobs/7",
    method="POST",
    status=202,
    path={"job": "7"},
    query={"dry": True},
    headers={"x-a": "b"},
    body={"name": "n"},
    response_headers={"location": "/operations/1"},
    response_body=BODY,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("$url", ["https://api.example.com/jobs/7"]),
        ("$method", ["POST"]),
        ("$statusCode", [202]),
        ("$request.path.job", ["7"]),
        ("$request.query.dry", [True]),
        ("$request.header.X-A", ["b"]),
        ("$request.body#/name", ["n"]),
        ("$request.body", [{"name": "n"}]),
        ("$response.header.Location", ["/operations/1"]),
        ("$response.body#/a~1b", [1]),
        ("$response.body#/m~0n", [2]),
        ("$response.body#/list/0/id", ["x"]),
        ("$response.body#/list/*/id", ["x", "y"]),
        ("$response.body#/*", ["star"]),
        ("$response.body#/zero", [0]),
        ("$response.body#/none", []),
        ("$response.body#/list/9", []),
        ("$response.body#/zero/0", []),
        ("$request.query.other", []),
    ],
)
def test_every_expression(text: str, found: list[Any]) -> None:
    assert parse_expression(text).find_all(EXCHANGE) == found


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("response.body#/id", "'$response.body#/id'"),
        ("$.data.id", "'$response.body#/data/id'"),
        ("$response.body.id", "'$response.body#/id'"),
        ("$response.body/id", "'$response.body#/id'"),
        ("$response.body#id", "'/id'"),
        ("$responce.body#/id", "'$response'"),
        ("$response.headers.location", "'$response.header'"),
        ("$response.query.id", "no part 'query'"),
        ("$request.path.", "names no path"),
        ("$statusCode.x", "'$statusCode'"),
        ("$response.body#/a/~2", "~1"),
        ("$response.body#/a/", "leave that out"),
        ("data.id", "'/data/id'"),
        ("$response.body#/" + "/".join("a" * 40), "32 parts"),
        ("/" + "a" * 2000, "1000 characters"),
    ],
)
def test_what_is_no_expression_is_said_with_a_remedy(text: str, remedy: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is looked at
        parse_expression(text)
    assert remedy in str(caught.value)


def test_a_pointer_is_relative_to_the_entry() -> None:
    assert parse_value("/id").find_all(EXCHANGE, {"id": 5}) == [5]
    assert parse_value("jobs/{/dag}/{/run}").find_all(EXCHANGE, {"dag": "a", "run": "b"}) == ["jobs/a/b"]
    assert parse_value("jobs/{/dag}/{/run}").find_all(EXCHANGE, {"dag": "a"}) == []
    assert parse_value("jobs/{$response.body#/list/0/id}").find_all(EXCHANGE) == ["jobs/x"]


def test_the_first_that_finds_something_counts_and_of_operations_all() -> None:
    texts = ("$response.body#/none", "$response.body#/zero", "$response.body#/list/*/id", "$response.body#/zero")
    assert find_first(texts, EXCHANGE) == 0
    assert find_all(texts, EXCHANGE) == [0, "x", "y"]
    assert find_text(("$response.body#/list",), EXCHANGE) is None
    assert find_text(("$statusCode",), EXCHANGE) == "202"


@pytest.mark.parametrize("entry", [{"id": 5, "a": {"b": "c"}}, {"id": None}, [{"id": 1}], "id", None])
@pytest.mark.parametrize(
    "text",
    [
        *("/id", "/a/b", "/0/id", "/*/id", "", "/", "$statusCode", "$request.body#/name", "$response.body#/list/*/id"),
        *("$response.body#/zero", "$request.query.other", "jobs/{/id}", "constant"),
    ],
)
def test_what_is_found_first_is_the_first_of_all(text: str, entry: Any) -> None:
    with contextlib.suppress(ValueError):
        assert [find_first((text,), EXCHANGE, entry)] == (parse_value(text).find_all(EXCHANGE, entry)[:1] or [None])


def test_what_one_expression_finds_is_bounded() -> None:
    wide = [[list(range(1000))] * 100] * 100
    assert len(follow(wide, ("*", "*", "*"))) == MOST_FOUND


@given(text=st.text(max_size=40) | st.from_regex(r"\$?(response|request)\.[a-z]{0,8}[#./a-z*~]{0,12}", fullmatch=True))
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(parse_expression(text).find_all(EXCHANGE, BODY), list)


@given(parts=st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=5))
def test_a_pointer_leads_to_every_name(parts: list[str]) -> None:
    value: Any = "here"
    for part in reversed(parts):
        value = {part: value}
    text = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)
    assert follow(value, parse_pointer(text)) == ["here"]
