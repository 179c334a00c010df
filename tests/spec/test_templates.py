"""Placeholders: forms, types, and that none leaves its place."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ops.spec.requests import parse_line
from airflow_provider_ops.spec.templates import Placeholder, fill_json, parse_template

SINCE = datetime(2026, 7, 1, 12, 0, 0, 250_000, timezone.utc)
VALUES: dict[str, Any] = {"id": "a/b c", "since": SINCE, "ids": ["x", "y"], "n": "7", "mark": "m" * 32, "up": "../x"}


def look_up(one: Placeholder) -> Any:
    return VALUES.get(one.name)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("/a/{id}", "/a/a%2Fb%20c"),
        ("/a/{+id}/x", "/a/a/b%20c/x"),
        ("/since/{since:epoch}", "/since/1782907200"),
        ("/since/{since:epoch_ms}", "/since/1782907200250"),
        ("/ids/{ids:comma}", "/ids/x%2Cy"),
    ],
)
def test_values_in_a_path(text: str, filled: str) -> None:
    assert parse_template(text).fill_path(look_up) == filled


@pytest.mark.parametrize(
    "value",
    ["..", ".", "", "a/../b", "%2e%2e", "%252e%252e/x", "a//b", "/a", "a?b", "a#b", "a%3Fb", "a\\..\\b", "None"],
)
def test_no_value_leaves_its_place_in_a_path(value: str) -> None:
    with pytest.raises(ValueError, match="cannot stand in a path"):
        parse_template("/a/{+x}").fill_path(lambda _: value)


@given(value=st.text(min_size=1, max_size=20))
def test_a_plain_placeholder_is_one_part_of_a_path(value: str) -> None:
    try:
        path = parse_template("/a/{x}/b").fill_path(lambda _: value)
    except (ValueError, UnicodeEncodeError):
        return
    first, second, third = path[1:].split("/")
    assert (first, unquote(second), third) == ("a", value, "b")
    assert second not in (".", "..")


def test_a_text_that_is_one_placeholder_takes_its_type() -> None:
    body = {"ids": "{ids}", "n": "{n:int}", "text": "n={n}", "deep": [{"since": "{since:epoch}"}], "five": 5}
    assert fill_json(body, look_up) == {
        "ids": ["x", "y"],
        "n": 7,
        "text": "n=7",
        "deep": [{"since": 1782907200}],
        "five": 5,
    }
    assert parse_template("{since}").fill(look_up) == "2026-07-01T12:00:00.250Z"


@pytest.mark.parametrize("text", ['{"a": 1}', "{}", "{ id }", "a{b", "{{", "{1}"])
def test_other_braces_are_text(text: str) -> None:
    assert parse_template(text).fill(look_up) == text


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("{since:epoc}", "{since:epoch}"),
        ("{n:uuid}", "{mark} only"),
        ("{n:hexagon}", "use int"),
        ("{$response.bdy#/a}", "'$response.body'"),
    ],
)
def test_an_unknown_form_is_refused(text: str, remedy: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is looked at
        parse_template(text)
    assert remedy in str(caught.value)


def test_a_placeholder_without_a_value_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"nothing gives a value for \{other\}"):
        parse_template("/x/{other}").fill(look_up)


@pytest.mark.parametrize(
    ("line", "method", "path", "values"),
    [
        ("POST /jobs", "POST", "/jobs", {}),
        ("POST /jobs", "POST", "/jobs/7", None),
        ("POST /jobs", "PUT", "/jobs", None),
        ("POST /jobs/{job}/stop", "POST", "/jobs/a%20b/stop", {"job": "a b"}),
        ("POST /jobs/{job}/stop", "POST", "/jobs/7/start", None),
        ("POST /jobs/{job}:stop", "POST", "/jobs/7:stop", {"job": "7"}),
        ("POST /jobs/{job}:stop", "POST", "/jobs/:stop", None),
        ("PUT /{+scope}/providers/{name}", "PUT", "/a/b/c/providers/n", {"scope": "a/b/c", "name": "n"}),
        ("PUT /{+scope}/providers/{name}", "PUT", "/providers/n", None),
    ],
)
def test_a_call_knows_its_paths(line: str, method: str, path: str, values: dict[str, str] | None) -> None:
    assert parse_line(line).match(method, path) == values


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("/jobs", "'GET /jobs'"),
        ("GTE /jobs", "use GET"),
        ("GET jobs", "'/jobs'"),
        ("GET https://other.example.com/jobs", "names a host"),
        ("GET /jobs/../x", "'..'"),
        ("GET /jobs/%2e%2e/x", "'..'"),
        ("GET /jobs//x", "'//'"),
        ("GET /jobs?x", "name=value"),
        ("GET /jobs#x", "'#'"),
        ("GET /{+a}/{+b}", "only one"),
        ("GET /jobs/{job id}", "placeholder"),
    ],
)
def test_what_is_no_request_is_said_with_a_remedy(line: str, remedy: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is looked at
        parse_line(line)
    assert remedy in str(caught.value)


def test_the_query_of_a_request_is_decoded_once() -> None:
    line = parse_line("GET /jobs?label=airflow%3D{mark}&{n}=1&x=")
    assert [(name, value.fill(look_up)) for name, value in line.query] == [
        ("label", "airflow=" + "m" * 32),
        ("{n}", "1"),
        ("x", ""),
    ]
