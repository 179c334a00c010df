"""What a lost submit of a described API has started, and how it is found."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from airflow_provider_ops.apis.calls import Response
from airflow_provider_ops.apis.described import DescribedApi
from airflow_provider_ops.apis.submits import Intent, Submitted
from airflow_provider_ops.apis.whole_lists import IncompleteList
from airflow_provider_ops.exceptions import (
    AmbiguousSubmission,
    InvalidArgument,
    NotFound,
)
from tests.apis.answers import answer, drive
from tests.apis.jobs import API, KEY, OURS, SHORT, jobs


def find(api: DescribedApi, *answers: Response | Exception, json: Any = None) -> list[Submitted]:
    flow = api.find_submitted(
        Intent(api.with_idempotency_key(api.request("POST", "/jobs", json=json or {}), KEY), KEY, lambda: 5.0)
    )
    assert flow is not None
    found: list[Submitted] = drive(flow, *answers)
    return found


END = answer({"jobs": [], "operations": []})
THEIRS = {"id": 8, "labels": {"airflow": "other"}}


def test_a_lost_submit_is_found_by_our_key_and_only_by_that() -> None:
    lookup = answer({"operations": [{"id": "op_1", "created": 1}]})
    (found,) = find(API, answer({"jobs": [THEIRS, OURS]}), lookup)
    assert (found.operation_id, found.kind, found.resource_type, found.resource_id) == (
        "op_1",
        "job.create",
        "job",
        "7",
    )
    assert find(API, answer({"jobs": [THEIRS]})) == []


def test_an_answer_that_shows_no_list_does_not_say_that_nothing_was_started() -> None:
    for said in ({}, {"jobs": None}, {"error": {"code": "rate_limited"}}):
        with pytest.raises(IncompleteList, match="no list where 'entries'"):
            find(API, answer(said))
    with pytest.raises(IncompleteList, match="does not say that the list is empty"):
        find(API, NotFound(404, None, "none"))


def test_what_carries_our_key_and_has_no_operation_is_never_made_again() -> None:
    with pytest.raises(AmbiguousSubmission, match="job 7 has our key"):
        find(API, answer({"jobs": [OURS]}), answer({"operations": []}))


def test_a_search_without_key_proves_only_that_nothing_was_started() -> None:
    api = jobs(("      match: /labels/airflow\n", ""), ("?label=airflow%3D{mark}", "?state=new"))
    assert find(api, answer({"jobs": []})) == []
    with pytest.raises(AmbiguousSubmission, match="entry 8 may be its, and has no key of ours"):
        find(api, answer({"jobs": [THEIRS]}))


def test_a_value_of_the_users_own_stays_and_then_nothing_is_searched_for() -> None:
    api = jobs(("max: 63", "max: 63, keep: true"))
    submit = api.with_idempotency_key(api.request("POST", "/jobs", json={"labels": {"airflow": "mine"}}), KEY)
    assert submit.request.json == {"labels": {"airflow": "mine"}}
    assert api.find_submitted(Intent(submit, KEY)) is None


def test_since_is_told_by_the_clock_of_the_api() -> None:
    api = jobs(("?label=airflow%3D{mark}", "?after={since:epoch}"))
    flow = api.find_submitted(
        Intent(api.with_idempotency_key(api.request("POST", "/jobs", json={}), KEY), KEY, lambda: 30.0, is_exact=True)
    )
    assert flow is not None
    assert next(flow).request.path == "/me"  # type: ignore[union-attr]
    now = datetime(2031, 1, 1, tzinfo=timezone.utc)
    asked = flow.send(now)
    assert asked.request.query["after"] == int(now.timestamp()) - 30 - 120  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("mark", "idempotent"),
    [("{in: header, name: Idempotency-Key, idempotent: true}", True), ("{in: query, name: requestId}", False)],
)
def test_a_key_in_a_header_or_in_the_query(mark: str, idempotent: bool) -> None:
    api = jobs(("{in: body, name: /labels/airflow, max: 63}", mark))
    request = api.with_idempotency_key(api.request("POST", "/jobs", json={}), KEY).request
    assert SHORT in {**request.headers, **request.query}.values()
    assert request.idempotent is idempotent


def test_a_key_appends_to_a_list_and_never_replaces_what_is_no_list() -> None:
    api = jobs(("name: /labels/airflow", "name: /tags/-"), ("match: /labels/airflow", "match: /tags"))
    assert api.with_idempotency_key(api.request("POST", "/jobs", json={"tags": ["a"]}), KEY).request.json == {
        "tags": ["a", SHORT]
    }
    assert api.with_idempotency_key(api.request("POST", "/jobs"), KEY).request.json == {"tags": [SHORT]}
    with pytest.raises(InvalidArgument, match="cannot be put at /tags/-"):
        api.with_idempotency_key(api.request("POST", "/jobs", json={"tags": "a"}), KEY)
