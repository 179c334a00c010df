"""What a spec makes of requests and answers."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ops.apis.calls import Response
from airflow_provider_ops.apis.described import DescribedApi
from airflow_provider_ops.apis.described.submits import NamesResourceOnly
from airflow_provider_ops.apis.submits import Intent
from airflow_provider_ops.core.changes import WarningLine
from airflow_provider_ops.exceptions import (
    CancelNotSupported,
    Conflict,
    InvalidArgument,
    NotFound,
    RateLimited,
    TransportError,
)
from airflow_provider_ops.http.responses import parse_response, pause_asked
from airflow_provider_ops.operation import OperationState
from tests.apis.answers import answer, drive, mutated, pages, value_or_unreadable
from tests.apis.jobs import API, KEY, OPERATION, OURS, SHORT, jobs, one
from tests.spec.examples import JOBS


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("queued", OperationState.PENDING),
        ("ACTIVE", OperationState.RUNNING),
        ("success", OperationState.SUCCEEDED),
        ("error", OperationState.FAILED),
        ("stopped", OperationState.CANCELLED),
        ("resting", OperationState.UNKNOWN),
        (None, OperationState.UNKNOWN),
        (7, OperationState.UNKNOWN),
    ],
)
def test_every_word_has_its_state(word: Any, state: OperationState) -> None:
    operation = one({**OPERATION, "status": word})
    assert (operation.state, operation.raw_state) == (state, "missing" if word is None else str(word))


def test_every_field_is_read() -> None:
    operation = one({**OPERATION, "status": "error"})
    assert (operation.api, operation.kind, operation.resource_type, operation.resource_id) == (
        "jobs", "job.create", "job", "7",
    )  # fmt: skip
    assert (operation.progress.done, operation.progress.total) == (40, 100)
    assert str(operation.error) == "quota: no room"
    assert operation.created_at == datetime(2026, 7, 1, 12, tzinfo=timezone.utc)
    assert one(OPERATION).error is None


@pytest.mark.parametrize("body", [b"<html>ok</html>", b'"op_1"', b"{}", b'{"operation": {"status": "success"}}'])
def test_what_is_not_the_apis_answer_settles_nothing(body: bytes) -> None:
    with pytest.raises(TransportError) as caught:
        API.get_operation("op_1").parse(Response(200, {}, body))
    assert caught.value.reason == "unreadable"


VERDICT = jobs(
    ("status: /status", "status: /done\n  verdict: {status: /error, states: {succeeded: null, failed: '*'}}"),
    ("    running: [active]", "    running: [null, false]\n    ended: ['true']"),
)


@pytest.mark.parametrize(
    ("data", "state"),
    [
        ({"done": False}, OperationState.RUNNING),
        ({}, OperationState.RUNNING),
        ({"done": True}, OperationState.SUCCEEDED),
        ({"done": True, "error": {"code": 5, "message": "gone"}}, OperationState.FAILED),
    ],
)
def test_a_second_field_decides_what_has_ended(data: dict[str, Any], state: OperationState) -> None:
    assert one({"id": "op_1", **data}, VERDICT).state is state


STATUS = jobs(("  status: /status\n", "  http: {200: succeeded, 202: running, 303: succeeded, 422: failed}\n"))


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (200, OperationState.SUCCEEDED),
        (202, OperationState.RUNNING),
        (303, OperationState.SUCCEEDED),
        (422, OperationState.FAILED),
        (204, OperationState.UNKNOWN),
    ],
)
def test_the_http_status_can_be_the_state(status: int, state: OperationState) -> None:
    assert one({"id": "op_1"}, STATUS, status).state is state
    assert status in {200, 204, *STATUS.get_operation("op_1").accepts}


def test_a_known_call_has_its_kind_key_and_search() -> None:
    submit = API.with_idempotency_key(API.request("post", "/jobs", json={"name": "n", "labels": {"team": "a"}}), KEY)
    assert (submit.kind, submit.creates, submit.request.idempotent) == ("job.create", True, False)
    assert submit.request.json == {"name": "n", "labels": {"team": "a", "airflow": SHORT}}
    prepared = API.apply_connection_defaults(submit.request, {})
    assert prepared.headers == {"X-Project": "main"}
    assert jobs(project="blue").apply_connection_defaults(submit.request, {}).headers == {"X-Project": "blue"}


def test_a_call_that_is_not_listed_has_the_defaults() -> None:
    submit = API.with_idempotency_key(API.request("POST", "/other/things", json={"a": 1}), KEY)
    assert (submit.kind, submit.creates, submit.request.json) == ("POST", False, {"a": 1})
    assert API.find_submitted(Intent(submit, KEY)) is None


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        ({"operation": {"id": "op_1"}}, ("op_1", ())),
        ({"operation": {"id": 1}, "next": [{"id": 2}, {"id": 3}, {"id": 1}]}, ("1", ("2", "3"))),
    ],
)
def test_all_operations_of_an_answer_are_named(body: dict[str, Any], ids: Any) -> None:
    submitted = API.request("POST", "/jobs", json={}).parse(answer({**body, "job": {"id": 7}}, 201))
    assert (submitted.operation_id, submitted.others) == ids
    assert (submitted.resource_type, submitted.resource_id) == ("job", "7")


def test_an_answer_without_operation_means_what_http_says() -> None:
    submit = API.request("POST", "/jobs/7/restart")
    operation = submit.parse(answer({}, 200)).operation
    assert operation is not None
    assert operation.state is OperationState.SUCCEEDED
    with pytest.raises(TransportError, match="names no operation"):
        submit.parse(answer({}, 202))


def test_an_answer_with_the_resource_only_is_looked_up() -> None:
    api = jobs(("  operation_id: [$response.body#/operation/id, $response.body#/next/*/id]\n", ""))
    submit = api.with_idempotency_key(api.request("POST", "/jobs", json={}), KEY)
    listed = {"operations": [{"id": "op_2", "created": 20}, {"id": "op_1", "created": 10}]}
    with pytest.raises(NamesResourceOnly) as caught:
        submit.parse(answer({"job": {"id": 7}}, 201))
    found = drive(api.submit_flow(submit), caught.value, answer(listed))
    assert (found.operation_id, found.resource_id) == ("op_1", "7")


def test_lists_go_on_by_cursor_and_never_stand_still() -> None:
    listed = API.open_operations()[0]
    first, second = ({"operations": [OPERATION], "next": cursor} for cursor in ("c1", "c2"))
    items, queries = pages(listed.entries, answer(first), answer(second), answer({}))
    assert [listed.id_of(item) for item in items] == ["op_1", "op_1"]
    assert [query.get("cursor") for query in queries] == [None, "c1", "c2"]
    assert queries[0] == {"open": "true", "limit": 100}
    items, _ = pages(listed.entries, answer(first), answer({**first, "next": "c1"}))
    assert len(items) == 2


def test_operations_are_those_of_all_lists_once_each() -> None:
    opened, ended = ([{**OPERATION, "id": one} for one in ids] for ids in (["op_1", "op_2"], ["op_2", "op_3"]))
    answers = [answer({"operations": opened, "next": "c1"}), answer({}), answer({"operations": ended})]
    listed = API.list_operations()
    for _ in range(2):
        items, queries = pages(listed, *answers)
        assert [one.id for one in items] == ["op_1", "op_2", "op_3"]
        assert [query["open"] for query in queries] == ["true", "true", "false"]
    # filters may make one list of two
    assert pages(API.list_operations(open=None, kind="job.create"), answers[2])[1] == [
        {"kind": "job.create", "limit": 100}
    ]


@pytest.mark.parametrize(
    ("paging", "queries"),
    [
        ("{type: page_number, base_page: 0}", [{"page": 0}, {"page": 1}, {"page": 2}]),
        ("{type: page_number, total_path: $response.body#/pages}", [{"page": 1}, {"page": 2}]),
        # the server gives one entry a page
        ("{type: offset, limit: 2}", [{"offset": n, "limit": 2} for n in (0, 1, 2)]),
        ("{type: offset, limit: 2, total_path: $response.body#/total}", [{"offset": n, "limit": 2} for n in (0, 1)]),
    ],
)
def test_pages_by_number_end_at_an_empty_page_or_the_total(paging: str, queries: list[Any]) -> None:
    text = next(line for line in JOBS.splitlines() if line.startswith("paging"))
    listed = jobs((text, f"paging: {paging}")).recent_operations()[0]
    page = {"operations": [OPERATION], "pages": 2, "total": 2}
    answers = [answer(page), answer(page), answer({**page, "operations": []})][: len(queries)]
    _, seen = pages(listed.entries, *answers)
    assert seen == [{"open": "false", **query} for query in queries]


@pytest.mark.parametrize(
    ("link", "path"),
    [
        ("https://api.example.com/v1/operations?page=2", "/operations"),
        ("https://evil.example.com/v1/operations?page=2", "/operations"),
        ("/v1/operations?page=2", "/operations"),
        ("?page=2", "/operations"),
        ("/v1/../admin?page=2", None),
        ("/v1/other?page=2", None),
    ],
)
def test_links_to_next_pages_never_leave_the_api(link: str, path: str | None) -> None:
    text = next(line for line in JOBS.splitlines() if line.startswith("paging"))
    by_json = jobs((text, "paging: {type: json_link, next_url_path: $response.body#/next}")).open_operations()[0]
    by_header = jobs((text, "paging: {type: header_link}")).open_operations()[0]
    header = f'</first>; rel="first", <{link}>; rel="next"'
    for listed, response in (
        (by_json, answer({"operations": [OPERATION], "next": link})),
        (by_header, answer({"operations": [OPERATION]}, link=header)),
    ):
        if path is None:
            with pytest.raises(TransportError, match="another list"):
                listed.entries.first.parse(response)
            continue
        following = listed.entries.first.parse(response).next
        assert following is not None
        assert (following.request.path, following.request.query) == (path, {"open": "true", "page": "2"})


def test_long_poll_and_cancel_and_delete() -> None:
    held = API.long_poll("op_1", 500.0).request
    assert (held.path, held.query, held.read_timeout) == ("/operations/op_1/wait", {"timeout": 60}, 70.0)
    cancel = API.cancel_operation("op 1")
    assert (cancel.request.method, cancel.request.path) == ("POST", "/operations/op%201/cancel")
    assert cancel.parse(answer(None, 204)).state is OperationState.UNKNOWN
    flow = API.delete_resource("job", "7")
    assert flow is not None
    assert drive(flow, answer({"operation": {"id": "op_9"}})).operation_id == "op_9"
    assert API.delete_resource("other", "7") is None
    with pytest.raises(CancelNotSupported):
        jobs(("cancel: POST /operations/{operation_id}/cancel\n", "")).cancel_operation("op_1")


def test_a_busy_resource_is_asked_again() -> None:
    locked = NotFound(423, "locked", "wait")
    assert API.is_busy(locked)
    assert not API.is_busy(RateLimited(429, None, "slow"))


def test_a_call_says_for_itself_when_its_resource_is_busy() -> None:
    api = jobs(
        ("  - request: POST /jobs/{job}/restart\n", "  - request: POST /jobs/{job}/restart\n    busy: {status: 409}\n")
    )
    conflict, locked = Conflict(409, "in_use", "wait"), NotFound(423, "locked", "wait")
    restart, create = api.request("POST", "/jobs/7/restart"), api.request("POST", "/jobs")
    assert [api.is_busy(one, restart) for one in (conflict, locked)] == [True, False]
    assert [api.is_busy(one, create) for one in (conflict, locked)] == [False, True]


@pytest.mark.parametrize(
    ("auth", "headers", "query"),
    [
        ("bearer", {"Authorization": "Bearer k"}, {}),
        ("none", {}, {}),
        ("{api_key: {name: X-Key, prefix: 'Token '}}", {"X-Key": "Token k"}, {}),
        ("{api_key: {in: query, name: key}}", {}, {"key": "k"}),
        ("http_basic", {"Authorization": "Basic bWU6aw=="}, {}),
    ],
)
def test_every_way_to_prove_who_it_is(auth: str, headers: dict[str, str], query: dict[str, str]) -> None:
    api = jobs(("auth: bearer", f"auth: {auth}"))
    signed = api.sign(api.get_operation("op_1").request, "me", "k")
    assert (signed.headers, signed.query) == (headers, query)


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"type": "about:blank", "title": "Bad", "detail": "no room"}, "about:blank", "no room"),
        ({"error": {"code": 5, "message": "no room"}}, "5", "no room"),
        ({"error": "no room"}, None, "no room"),
        ({"errors": [{"code": "q", "message": "no room"}]}, "q", "no room"),
        ({"detail": "no room"}, None, "no room"),
    ],
)
def test_common_envelopes_of_errors_are_understood(body: Any, code: str | None, message: str) -> None:
    api = jobs(("error: {code: /error/code, message: /error/message}\nsecrets", "secrets"))
    found = api.error(answer(body, 400))
    assert (found.code, found.message, found.is_from_api) == (code, message, True)
    assert not api.error(Response(502, {}, b"<html>")).is_from_api
    assert not API.error(answer({"detail": "x"}, 400)).is_from_api


@pytest.mark.parametrize("operation_id", ["", "None", " op", "op\n1", 5, None, "['a']", "x" * 300, "..", "a\ufffd"])
def test_what_cannot_be_an_id_is_refused(operation_id: Any) -> None:
    with pytest.raises(InvalidArgument):
        API.validate_operation_id(operation_id)


def test_variables_are_checked() -> None:
    with pytest.raises(InvalidArgument, match="'colour'"):
        jobs(colour="red")
    with pytest.raises(InvalidArgument, match="must give 'project'"):
        jobs(("{title: Project, default: main}", "{title: Project}"))


LIST = {"operations": [OPERATION], "next": "c1", "operation": OPERATION, "job": {"id": 7}, "jobs": [OURS]}


@given(body=mutated(LIST))
def test_mutated_answers(body: Any) -> None:
    submit = API.with_idempotency_key(API.request("POST", "/jobs", json={}), KEY)
    calls = [
        API.get_operation("op_1"),
        submit,
        API.cancel_operation("op_1"),
        API.check(),
        *(listed.entries.first for listed in (*API.open_operations(), *API.recent_operations())),
    ]
    for call in calls:
        value_or_unreadable(lambda call=call: call.parse(answer(body)))  # type: ignore[misc]
    listed = API.open_operations()[0]
    entries = body["operations"] if isinstance(body.get("operations"), list) else []
    for entry in entries:
        value_or_unreadable(lambda entry=entry: listed.read(entry))  # type: ignore[misc]
        assert isinstance(listed.id_of(entry), str)


@given(body=st.one_of(mutated(LIST), mutated({"error": {"code": "x", "message": "no"}})))
def test_mutated_errors(body: Any) -> None:
    API.error(answer(body, 400))


BUDGET = jobs(
    ("budget: 5", "budget: {ratelimit_remaining_header: RateLimit-Remaining, ratelimit_reset_header: RateLimit-Reset}")
)
NOW = 1_780_000_000.0


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"ratelimit-remaining": "3", "ratelimit-reset": "30"}, None),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "30"}, 30.0),
        ({"ratelimit-remaining": "0", "ratelimit-reset": str(int(NOW) + 40)}, 40.0),
        # by the clock of the API, not ours
        (
            {
                "ratelimit-remaining": "0",
                "ratelimit-reset": "Wed, 21 Oct 2026 07:28:50 GMT",
                "date": "Wed, 21 Oct 2026 07:28:00 GMT",
            },
            50.0,
        ),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "30", "retry-after": "7"}, 7.0),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "soon"}, None),
        ({"ratelimit-remaining": "0"}, None),
        ({}, None),
    ],
)
def test_a_spent_budget_is_a_pause(headers: dict[str, str], pause: float | None) -> None:
    assert pause_asked(BUDGET, Response(200, headers, b"{}"), NOW) == pause
    assert pause_asked(API, Response(200, headers, b"{}"), NOW) == (7.0 if "retry-after" in headers else None)


def _explained(api: DescribedApi, entry: Any, *, listed: bool = False) -> str:
    return api.explain_unknown_state(one(entry, api), listed=listed)


def test_a_pointer_to_the_state_that_finds_nothing_is_named_in_a_warning() -> None:
    api = jobs(("  status: /status\n", "  status: /state\n"))
    line = _explained(api, OPERATION)
    assert isinstance(line, WarningLine)
    assert "/state finds nothing in the answer of GET /operations/{operation_id}" in line
    assert "operation.status in the spec of Jobs" in line
    assert "in an entry of the lists" in _explained(api, OPERATION, listed=True)


@pytest.mark.parametrize("word", ["resting", "missing"])
def test_a_word_that_the_spec_does_not_list_is_no_warning(word: str) -> None:
    line = _explained(API, {**OPERATION, "status": word})
    assert not isinstance(line, WarningLine)
    assert f"status {word!r} is not one of the states that the spec lists" in line


def test_a_state_that_the_spec_lists_as_absent_is_known() -> None:
    api = jobs(("    running: [active]\n", "    running: [active, null]\n"))
    assert one({**OPERATION, "status": None}, api).state is OperationState.RUNNING


@pytest.mark.parametrize("found", [{"id": "cancel-op-77"}, {"id": "cancel-op-77", "status": "active"}])
def test_an_answer_to_a_cancel_about_something_else_is_an_answer(found: dict[str, Any]) -> None:
    call = API.cancel_operation("op_1")
    for body in ({"operation": found}, found):
        cancelled = parse_response(API, call, answer(body, 202), 0.0)
        assert (cancelled.id, cancelled.state) == ("op_1", OperationState.UNKNOWN)
    same = parse_response(API, call, answer({"operation": {"id": "op_1", "status": "stopped"}}), 0.0)
    assert same.state is OperationState.CANCELLED
