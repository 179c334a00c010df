"""Seeded mistakes: each is named in one sentence, with its line, and nothing else is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ops.exceptions import InvalidSpec, SpecProblem
from airflow_provider_ops.spec.promises import review
from airflow_provider_ops.spec.source import read_source
from tests.spec.examples import JOBS
from tests.spec.mistakes import MISTAKES, PAGING, RESTART, seeded


def problems(text: str) -> list[SpecProblem]:
    """What is said about a text, without what is said about the example itself."""
    try:
        # no request of the example reads a job by its id
        return [one for one in review(read_source(text)).advice if "reads it nowhere" not in one.message]
    except InvalidSpec as error:
        return list(error.problems)


def test_nothing_is_said_about_the_example() -> None:
    assert problems(JOBS) == []


VERDICT = "  status: /status\n  verdict: {status: /e, states: {succeeded: null, failed: x}}"
LOOKUP = JOBS[JOBS.index("    lookup:\n") : JOBS.index("  - request: POST /jobs/{job}/restart")]
FIND = 'find: {request: "GET /jobs?new=true", entries: $response.body#/jobs, operation_id: /op}\n'
DELETE = "  - {request: 'DELETE /jobs/{j}', kind: job.delete, mark: {in: body, name: /m}}\n"


@pytest.mark.parametrize("edit", MISTAKES.values(), ids=list(MISTAKES))
def test_a_mistake_is_refused_with_its_line(edit: tuple[str, str]) -> None:
    found = problems(seeded(edit))
    assert found
    assert all(one.line is not None for one in found)
    with pytest.raises(InvalidSpec):
        review(read_source(seeded(edit)))


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
    ("  order: newest", "  order: oldest", "ask for the newest first"),
    ("  open: GET /operations?open=true", "  open: POST /operations/list", "POST without 'body'"),
    ("page_size: 100,", "page_size: 100, offset_param: o,", "no meaning for cursor"),
    (" page_size: 100,", "", "page_size_param without page_size"),
    ("  operation_id: [$", '  operation_id: ["jobs/{$response.body#/run}", $', "write {+operation_id}"),
    ("auth: bearer", "auth: {oauth2_client_credentials: {token_url: https://login.example.com/t}}", "another origin"),
    ("  project: {title", "  region: {default: x}\n  project: {title", "{region} stands in no request"),
    ("budget: 5", "budget: {ratelimit_remaining_header: x-left}", "go together"),
    ("calls:\n", "mark: {in: header, name: Key}\ncalls:\n", "inherits mark"),
    ("calls:\n", f"{FIND}calls:\n", "inherits find"),
    (LOOKUP, "", "'resource_id' without 'lookup'"),
    (RESTART, RESTART + DELETE, "DELETE has none"),
    ("  busy: {status: 423}", "  busy: {status: 423}\n  already: {status: 409}", "finds nothing to adopt"),
    (RESTART, f"{RESTART}    already: {{status: 409}}\n", "finds nothing to adopt"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), ADVISED)
def test_what_is_probably_not_meant_is_said_in_one_sentence_with_its_line(old: str, new: str, said: str) -> None:
    found = problems(seeded((old, new)))
    assert said in " ".join(one.message for one in found)
    assert all(one.line is not None for one in found if one.place)
    review(read_source(seeded((old, new))))


PAGED = f"paging: {{{PAGING}, page_size_param: limit}}\n"
ONE_PAGE = "on the first page counts as not there"


@pytest.mark.parametrize(
    ("edits", "places"),
    [
        (((PAGED, ""),), {("calls", 0, "find"), ("calls", 0, "lookup")}),
        (
            (
                (PAGED, ""),
                ("      match: /labels/airflow\n", "      match: /labels/airflow\n      paging: null\n"),
            ),
            {("calls", 0, "lookup")},
        ),
        (
            (
                (PAGED, ""),
                ("      entries: $response.body#/operations\n      op", "      paging: page_number\n      op"),
            ),
            {("calls", 0, "find")},
        ),
        ((), set()),
    ],
)
def test_a_search_without_paging_is_noted(edits: tuple[tuple[str, str], ...], places: set[Any]) -> None:
    found = review(read_source(seeded(*edits)))
    assert {one.place for one in found.advice if ONE_PAGE in one.message} == places
    is_noted = ("calls", 0, "find") in places
    assert ("on the first page" in found.promises[0].exactly_once) is is_noted


def test_a_search_by_paging_of_its_own_is_checked_as_well() -> None:
    match = "      match: /labels/airflow\n"
    (found,) = problems(seeded((match, f"{match}      paging: {{type: json_link}}\n")))
    assert found.place == ("calls", 0, "find", "paging", "next_url_path")


@pytest.mark.parametrize(
    ("edits", "is_noted"),
    [
        ((("  created_at: /created\n", ""), ("  order: newest\n", "")), True),
        ((("  created_at: /created\n", ""),), False),
        ((("  order: newest\n", ""),), False),
        (
            (
                ("  created_at: /created\n", ""),
                ("  order: newest\n", ""),
                ("    lookup:\n", "    lookup:\n      order: oldest\n"),
            ),
            False,
        ),
    ],
)
def test_a_lookup_that_cannot_say_which_operation_is_meant_is_noted(
    edits: tuple[tuple[str, str], ...], is_noted: bool
) -> None:
    places = [one.place for one in problems(seeded(*edits)) if "nothing says which" in one.message]
    assert places == [("calls", 0, "lookup")] * is_noted


@pytest.mark.parametrize(("method", "is_noted"), [("POST", False), ("PUT", True), ("PATCH", True), ("DELETE", True)])
def test_what_to_write_for_an_answer_without_an_operation_is_said_where_it_is_likely(
    method: str, is_noted: bool
) -> None:
    call = f"  - {{request: '{method} /jobs/{{j}}/size', kind: job.resize}}\n"
    found = problems(seeded(("  http: {200: succeeded}\n", ""), (RESTART, RESTART + call)))
    assert [one.place for one in found] == [("calls", 2)] * is_noted
    assert all("'http: {204: succeeded}'" in one.message for one in found)


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


@pytest.mark.parametrize(
    "edits",
    [
        [
            ("[$response.body#/operation/id,", "[$response.body.operation.id,", "submit.operation_id.0"),
            ("cursor, page_size: 100", "cursor, page_sise: 100", "paging.page_sise"),
            ("    succeeded: [success]", "    succeeded: [success, Active]", "operation.states.succeeded"),
        ],
        [
            ("  status: /status\n", "  status: /status\n  phasee: /p\n", "operation.phasee"),
            ("  progress: /percent\n", "  progress: percent\n", "operation.progress"),
            ("max: 63}", "max: 3}", "calls.0.mark.max"),
            ("cursor_path: $response.body#/next, ", "", "paging.cursor_path"),
        ],
    ],
)
def test_mistakes_in_several_sections_are_named_at_once(edits: list[tuple[str, str, str]]) -> None:
    found = problems(seeded(*((old, new) for old, new, _ in edits)))
    assert sorted(".".join(map(str, one.place)) for one in found) == sorted(place for _, _, place in edits)
    assert all(one.line is not None for one in found)


def test_several_requests_per_poll_stand_in_the_cost() -> None:
    two = seeded(("  open: GET /operations?open=true", '  open: ["GET /operations?a=1", "GET /operations?a=2"]'))
    assert (
        "many waits share 2 lists of open operations, read in pages of 100" in review(read_source(two)).promises[0].wait
    )


def test_there_are_sixty_mistakes() -> None:
    assert len(MISTAKES) + len(ADVISED) >= 60


@pytest.mark.parametrize(
    ("result", "is_noted"),
    [("", True), ("GET /r/{resource_id}", False), ("GET /o/{operation_id}", True)],
)
def test_what_no_request_reads_by_its_id_is_noted(result: str, is_noted: bool) -> None:
    text = """
name: mine
base_url: https://mine.example.com
auth: bearer
operation:
  get: "GET /operations/{operation_id}"
  status: /status
  states: {running: [RUNNING], succeeded: [DONE], failed: [FAILED]}
submit:
  operation_id: $response.body#/id
  resource: {type: thing, id: $response.body#/resource}
delete: "DELETE /r/{resource_id}"
calls:
  - kind: thing.create
    request: POST /r
    creates: thing
"""
    text += f'    result: {{request: "{result}"}}\n' if result else ""
    found = review(read_source(text)).advice
    assert [one.place for one in found if "reads it nowhere" in one.message] == [("calls", 0, "creates")] * is_noted
