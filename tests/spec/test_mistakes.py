"""Seeded mistakes: each is named in one sentence, with its line, and nothing else is wrong."""

from __future__ import annotations

import pytest

from airflow_provider_ops.exceptions import InvalidSpec, SpecProblem
from airflow_provider_ops.spec.promises import review
from airflow_provider_ops.spec.source import read_source
from tests.spec.examples import JOBS

OPERATION = "operation:\n"
RESTART = "  - request: POST /jobs/{job}/restart\n    kind: job.restart\n"


def seeded(*edits: tuple[str, str]) -> str:
    text = JOBS
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def problems(text: str) -> list[SpecProblem]:
    """What is said about a text, without what is said about the example itself."""
    try:
        return [one for one in review(read_source(text)).advice if one.place != ("lists", "by_ids")]
    except InvalidSpec as error:
        return list(error.problems)


def test_nothing_is_said_about_the_example() -> None:
    assert problems(JOBS) == []


PAGING = "type: cursor, cursor_path: $response.body#/next, cursor_param: cursor, page_size: 100"
VERDICT = "  status: /status\n  verdict: {status: /e, states: {failed: x}}"
DELETE = "  - {request: 'DELETE /jobs/{j}', kind: job.delete, mark: {in: body, name: /m}}\n"

#: What cannot be used at all: old text, new text, what is said.
REFUSED = [
    ("status: /status", "status: status", "'/status'"),
    ("status: /status", "status: $.status", "JSONPath"),
    ("status: /status", "status: $response.body.status", "'$response.body#/status'"),
    ("  id: /id\n  kind", "  id: /id/\n  kind", "ends in '/'"),
    ("  id: /id\n  kind", "  id: $request.body#/id\n  kind", "reads the submit"),
    ("  created_at: /created", "  created_at: $request.header.date", "reads the submit"),
    ("get: GET /operations/{operation_id}", "get: GET /operations/{operaton_id}", "did you mean {operation_id}?"),
    ("get: GET /operations/{operation_id}", "get: GET /operations", "no {operation_id}"),
    ("  get: GET /operations/{operation_id}\n", "", "'get' is missing"),
    ("get: GET /operations/{operation_id}", "get: DELETE /operations/{operation_id}", "read by GET"),
    ("get: GET /operations/{operation_id}", "get: GTE /operations/{operation_id}", "use GET"),
    ("get: GET /operations/{operation_id}", "get: /operations/{operation_id}", "'GET /operations/{operation_id}'"),
    ("get: GET /operations/{operation_id}", "get: GET {operation_id}", "must begin with '/'"),
    ("get: GET /operations/{operation_id}", "get: GET https://a.b/{operation_id}", "names a host"),
    ("get: GET /operations/{operation_id}", "get: GET /jobs/{job}/{operation_id}", "nothing fills {job}"),
    ("get: GET /operations/{operation_id}", "get: GET /{$request.path.job}/{operation_id}", "not known any more"),
    ("check: GET /me", "check: GET /me?key={password}", "only auth's login"),
    ("    running: [active]", "    running: [active, Queued]", "'pending' and in 'running'"),
    ("    running: [active]", "    running: [active, ACTIVE]", "twice"),
    ("    succeeded: [success]\n", "", "no operation can succeed"),
    ("  status: /status\n", "", "'status' is missing"),
    ("    cancelled: [stopped]", "    canceled: [stopped]", "'cancelled'"),
    ("  states:\n", "  staets:\n", "'states'"),
    ("poll: {delay: 2, min: 1, max: 10}", "poll: {delay: 2, min: 20, max: 10}", "more than max"),
    ("poll: {delay: 2, min: 1, max: 10}", "poll: {delay: soon}", "valid number"),
    ("timeouts: {", "timeouts: {job.x: -1, ", "greater than 0"),
    ("in: body, name: /labels/airflow, max: 63", "in: body, name: labels, max: 63", "'/labels'"),
    ("in: body, name: /labels/airflow, max: 63", "in: body, name: /labels/airflow, max: 20", "more than max 20"),
    (
        "in: body, name: /labels/airflow, max: 63",
        'in: body, name: /labels/airflow, max: 63, format: "{mark:uuid}{mark}"',
        "once",
    ),
    ("in: body, name: /labels/airflow, max: 63", "in: body, name: /labels/a, format: af", "must have {mark}"),
    ("in: body, name: /labels/airflow, max: 63", 'in: body, name: /a, format: "{mrk}"', "nothing fills {mrk}"),
    ("in: body, name: /labels/airflow, max: 63", "in: body, name: /labels/*/airflow", "'*' has no meaning"),
    ("in: body, name: /labels/airflow, max: 63", "in: body, name: /labels/-/airflow", "the last part"),
    ("in: body, name: /labels/airflow, max: 63", "in: header, name: X Key", "cannot be the name"),
    ("in: body, name: /labels/airflow, max: 63", "in: bdy, name: /labels/airflow", "'header', 'body' or 'query'"),
    ("  - request: POST /jobs\n", "  - request: GET /jobs\n", "starts nothing"),
    ("{job}/restart", "{job}/restart/{job}", "stands twice in the path"),
    (RESTART, RESTART + RESTART.replace("{job}", "{id}"), "same call as number 2"),
    ("    kind: job.restart\n", "    kind: restart job\n", "kind 'restart job'"),
    ("  http: {200: succeeded}", "  http: {404: succeeded}", "200 to 299"),
    ("  http: {200: succeeded}", "  http: {200: done}", "'succeeded'"),
    ("    resource_id: /id\n", "    resource: /id\n", "'resource_id'"),
    ('request: "GET /operations?id={ids}", max: 25', 'request: "GET /operations", max: 25', "no {ids}"),
    ("  open: GET /operations?open=true", "  open: GET /operations?after={since}", "nothing fills {since}"),
    ("type: cursor, cursor_path: $response.body#/next,", "type: cursor,", "cannot advance"),
    (" cursor_param: cursor,", "", "goes nowhere"),
    (" cursor_param: cursor,", " cursor_body_path: /cursor,", "has no body"),
    (PAGING, "type: offset, offset_param: o", "cannot advance"),
    (PAGING, "type: json_link, page_size: 1", "next_url_path"),
    ("type: cursor,", "type: cursors,", "'cursor'"),
    ("/wait?timeout={seconds:int}", "/wait", "no {seconds}"),
    ("/wait?timeout={seconds:int}", "/wait?timeout={seconds:integer}", "unknown form"),
    ("cancel: POST /operations/{operation_id}/cancel", "cancel: POST /operations/cancel", "about no operation"),
    ("delete: DELETE /jobs/{resource_id}", "delete: DELETE /jobs/{operation_id}", "no {resource_id}"),
    ("  project: {title", "  mark: {title", "meaning of its own"),
    ("auth: bearer", "auth: barer", "'bearer'"),
    ("auth: bearer", "auth: {api_key: {in: header}}", "'name' is missing"),
    ("auth: bearer", "auth: {oauth2_client_credentials: {token_url: http://a.b/t}}", "https://"),
    ("base_url: https://api.example.com/v1", "base_url: api.example.com/v1", "https://"),
    ("base_url: https://api.example.com/v1\n", "", "'base_url' is missing"),
    ("name: jobs", "name: My Jobs", "small letters"),
    ("budget: 5", "budget: 0", "greater than or equal"),
    ('X-Project: "{project}"', 'X-Project: "{projekt}"', "{project}"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), REFUSED)
def test_a_mistake_is_refused_in_one_sentence_with_its_line(old: str, new: str, said: str) -> None:
    found = problems(seeded((old, new)))
    assert said in " ".join(one.message for one in found)
    assert all(one.line is not None for one in found if one.place)
    with pytest.raises(InvalidSpec):
        review(read_source(seeded((old, new))))


#: What can be used and is probably not meant: old text, new text, what is said.
ADVISED = [
    ("    cancelled: [stopped]\n", "", "no word means 'cancelled'"),
    ("    failed: [error]\n", "", "no operation can fail"),
    ("    failed: [error]", '    failed: [error, "*"]', "adds later"),
    ("    running: [active]", "    running: [active]\n    ended: [ended]", "'ended' without 'verdict'"),
    ("  status: /status", VERDICT, "'verdict' without 'ended'"),
    ("    running: [active]", "    running: [active, NO]", "make false of it"),
    ("    running: [active]", "    running: [active, 000604]", "make 388 of it"),
    ("    running: [active]", "    running: [active, 1:30]", "make 90 of it"),
    ("  status: /status", "  status: /status\n  http: {202: pending}", "only where no 'status'"),
    ("      resource_id: /id\n", "", "names nothing that it finds"),
    ("    mark: {in: body, name: /labels/airflow, max: 63}\n", "", "proves only"),
    ("    creates: job\n", "", "is never used"),
    ("delete: DELETE /jobs/{resource_id}\n", "", "what a failed create left stays"),
    ("  order: newest\n", "", "'recent' without 'order'"),
    ("  open: GET /operations?open=true", "  open: POST /operations/list", "POST without 'body'"),
    ("page_size: 100,", "page_size: 100, offset_param: o,", "no meaning for cursor"),
    (" page_size: 100,", "", "page_size_param without page_size"),
    ("  operation_id: [$", '  operation_id: ["jobs/{$response.body#/run}", $', "write {+operation_id}"),
    ("auth: bearer", "auth: {oauth2_client_credentials: {token_url: https://login.example.com/t}}", "another origin"),
    ("  http: {200: succeeded}\n", "", "names no operation is ambiguous"),
    ("  project: {title", "  region: {default: x}\n  project: {title", "{region} stands in no request"),
    ("budget: 5", "budget: {ratelimit_remaining_header: x-left}", "go together"),
    ("calls:\n", "mark: {in: header, name: Key}\ncalls:\n", "inherits mark"),
    (RESTART, RESTART + DELETE, "DELETE has none"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), ADVISED)
def test_what_is_probably_not_meant_is_said_in_one_sentence_with_its_line(old: str, new: str, said: str) -> None:
    found = problems(seeded((old, new)))
    assert said in " ".join(one.message for one in found)
    assert all(one.line is not None for one in found if one.place)
    review(read_source(seeded((old, new))))


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("status: /status", "status: status", "operation.status"),
        ("    running: [active]", "    running: [active, 0x1F]", "operation.states.running.1"),
        ("airflow%3D{mark}", "airflow%3D{mrk}", "calls.0.find.request"),
        ("  order: newest", "  ordre: newest", "lists.ordre"),
        ("    kind: job.restart", "    kind: job restart", "calls.1.kind"),
    ],
)
def test_the_line_and_the_key_are_those_of_the_mistake(old: str, new: str, place: str) -> None:
    text = seeded((old, new))
    (found,) = problems(text)
    lines = text.splitlines()
    assert new.strip() in lines[(found.line or 0) - 1]
    assert ".".join(map(str, found.place)) == place


def test_there_are_sixty_mistakes() -> None:
    assert len(REFUSED) + len(ADVISED) >= 60
