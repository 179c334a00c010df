"""A search that has not seen all that there is never counts as "nothing was started"."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from airflow_provider_ops.exceptions import AmbiguousSubmission, OpsError, TransportError
from tests.lifecycle.submission import described
from tests.lifecycle.submission.described import LOST, OPERATION
from tests.lifecycle.submission.parts import StateStore
from tests.played import Request, reply

FIND = {"request": "GET /jobs", "entries": "/jobs", "match": "/labels/k", "operation_id": "/op"}
SPEC: dict[str, Any] = {
    "name": "jobs",
    "base_url": "http://127.0.0.1:1",
    "auth": "none",
    "submit": {"operation_id": "$response.body#/op"},
    "calls": [
        {
            "request": "POST /jobs",
            "kind": "job.create",
            "mark": {"in": "body", "name": "/labels/k"},
            "find": FIND,
        }
    ],
    "operation": OPERATION,
}
NUMBERED = {"type": "page_number", "page_size": 20, "page_size_param": "size"}
OFFSET = {"type": "offset", "limit": 50}
CURSOR = {"type": "cursor", "cursor_path": "$response.body#/next", "cursor_param": "c"}
MOST_REQUESTS = 300


class Server:
    """An API whose first answer to a POST is lost.

    :param listed: what it answers to a search, from the query and the jobs, the oldest first.
    """

    def __init__(self, listed: Callable[[Mapping[str, str], list[Any]], Any], older: int = 25) -> None:
        self.jobs: list[Any] = [{"op": f"old{number}", "labels": {"k": f"other-{number}"}} for number in range(older)]
        self.listed = listed
        self.posts = self.searches = 0

    def __call__(self, request: Request) -> bytes:
        if request.method == "POST":
            self.posts += 1
            self.jobs.append({"op": f"op{self.posts}", "labels": json.loads(request.body)["labels"]})
            return LOST if self.posts == 1 else reply(202, {"op": f"op{self.posts}"})
        self.searches += 1
        answer = self.listed(request.query, self.jobs)
        return answer if isinstance(answer, bytes) else reply(200, answer)


def submitted(server: Server, paging: Any = None, find: Mapping[str, Any] | None = None, **other: Any) -> str | None:
    """Return the operation of a create whose answer was lost."""
    call = {**SPEC["calls"][0], "find": {**FIND, **(find or {})}, **other}
    data = {**SPEC, "calls": [call], **({"paging": paging} if paging else {})}
    return described.submitted(data, server, "POST", "/jobs", json={"labels": {}})


def rows(query: Mapping[str, str], jobs: list[Any], *, at_most: int = 50) -> Any:
    start, limit = int(query.get("offset", 0)), int(query.get("limit", 50))
    return {"jobs": jobs[start : start + min(limit, at_most)], "total": len(jobs)}


def by_number(query: Mapping[str, str], jobs: list[Any]) -> Any:
    start, size = (int(query["page"]) - 1) * 500, 500
    return {"jobs": jobs[start : start + size]}


def after_an_empty_page(query: Mapping[str, str], jobs: list[Any]) -> Any:
    return {"jobs": jobs} if "c" in query else {"jobs": [], "next": "c1"}


def with_long_cursor(query: Mapping[str, str], jobs: list[Any]) -> Any:
    return {"jobs": jobs[20:]} if "c" in query else {"jobs": jobs[:20], "next": "c" * 2001}


def linked(query: Mapping[str, str], jobs: list[Any]) -> bytes:
    if "page" in query:
        return reply(200, {"jobs": jobs})
    return reply(200, {"jobs": []}, headers={"link": '</jobs?page=2>; rel="next"'})


COMPLETE: dict[str, tuple[Any, Callable[..., Any], int]] = {
    "a capped limit": (OFFSET, lambda query, jobs: rows(query, jobs, at_most=10), 25),
    "a capped limit and a total": (
        {**OFFSET, "total_path": "$response.body#/total"},
        lambda query, jobs: rows(query, jobs, at_most=10),
        25,
    ),
    "more than ten thousand entries": (NUMBERED, by_number, 10_500),
    "an empty page with a cursor": (CURSOR, after_an_empty_page, 25),
    "an empty page with a link": ({"type": "header_link"}, linked, 25),
}


@pytest.mark.parametrize("name", COMPLETE)
def test_a_list_is_searched_to_its_end(name: str) -> None:
    paging, listed, older = COMPLETE[name]
    server = Server(listed, older)
    assert (submitted(server, paging), server.posts) == ("op1", 1)


def alternating(query: Mapping[str, str], jobs: list[Any]) -> Any:
    number = {None: 0, "A": 1, "B": 2}[query.get("c")]
    return {"jobs": [{**jobs[number], "read": number}], "next": "B" if query.get("c") == "A" else "A"}


def endless(query: Mapping[str, str], _jobs: list[Any]) -> Any:
    page = int(query.get("page", 1))
    return {"jobs": [{"op": f"o{page}", "labels": {}}]}


def an_error(_query: Mapping[str, str], _jobs: list[Any]) -> Any:
    return {"ok": False, "error": {"code": "rate_limited", "message": "slow down"}}


#: The paging, what a search is answered, and what the error says.
CUT_SHORT: dict[str, tuple[Any, Callable[..., Any], str]] = {
    "a cursor that is too long": (CURSOR, with_long_cursor, "2001 characters"),
    "a cursor that stands still": (CURSOR, lambda _query, jobs: {"jobs": jobs[:5], "next": "A"}, "same"),
    "a cursor that is no text": (CURSOR, lambda _query, jobs: {"jobs": jobs[:5], "next": {"at": 1}}, "no text"),
    "cursors in a circle": (CURSOR, alternating, "read before"),
    "a link to itself": (
        {"type": "header_link"},
        lambda _query, jobs: reply(200, {"jobs": jobs[:5]}, headers={"link": '</jobs>; rel="next"'}),
        "itself",
    ),
    "paging that is not known": (NUMBERED, lambda _query, jobs: {"jobs": jobs[:20]}, "same entries"),
    "a list without end": (NUMBERED, endless, "more than 200 pages"),
    "a total that is not reached": (
        {**OFFSET, "total_path": "$response.body#/total"},
        lambda query, jobs: {"jobs": [] if query.get("offset") != "0" else jobs[:5], "total": 90},
        "90",
    ),
    "a page that is missing": (
        {**NUMBERED, "total_path": "$response.body#/pages"},
        lambda query, jobs: {"jobs": jobs[:5] if query["page"] == "1" else [], "pages": 3},
        "page 2 of 3 is empty",
    ),
    "a later page that is not found": (
        NUMBERED,
        lambda query, jobs: {"jobs": jobs[:20]} if query["page"] == "1" else reply(404, {"message": "no such page"}),
        "404",
    ),
    "a next page that the spec does not know": (
        None,
        lambda _query, jobs: reply(200, {"jobs": jobs[:20]}, headers={"link": '</jobs?page=2>; rel="next"'}),
        "no paging",
    ),
    "an error with 200": (None, an_error, "no list where 'entries' (/jobs) points to"),
    "an error with 200 in pages": (NUMBERED, an_error, "no list where 'entries' (/jobs) points to"),
    "an empty object": (None, lambda _query, _jobs: {}, "no list"),
    "null": (None, lambda _query, _jobs: {"jobs": None, "error": "x"}, "no list"),
    "a JSON 404 of a gateway": (
        None,
        lambda _query, _jobs: reply(404, {"message": "no Route matched with those values"}),
        "no Route matched",
    ),
}


@pytest.mark.parametrize("name", CUT_SHORT)
def test_a_search_that_was_cut_short_fails(name: str) -> None:
    paging, listed, said = CUT_SHORT[name]
    server = Server(listed)
    with pytest.raises(TransportError) as caught:
        submitted(server, paging)
    assert server.posts == 1
    assert server.searches <= MOST_REQUESTS
    assert caught.value.reason == "unreadable"
    assert "the search for what it started" in str(caught.value)
    assert said in str(caught.value)


def test_what_is_found_in_a_part_of_a_list_is_adopted_all_the_same() -> None:
    server = Server(lambda _query, jobs: {"jobs": jobs[::-1][:20]})
    assert (submitted(server, NUMBERED), server.posts) == ("op1", 1)
    assert server.searches == 2


def test_a_search_that_is_not_paged_says_so() -> None:
    seen: list[Mapping[str, str]] = []

    def listed(query: Mapping[str, str], jobs: list[Any]) -> Any:
        seen.append(query)
        return {"jobs": jobs[:1]}

    server = Server(listed, older=1)
    assert submitted(server, NUMBERED, {"paging": None}) == "op2"
    assert set(map(str, seen)) == {"{}"}


#: What one object by our key, or none, looks like; ``None`` for an answer that says nothing.
ONE: dict[str, tuple[Any, str | None]] = {
    "none": (reply(404, {"message": "no such job"}), "op2"),
    "of somebody else": ({"op": "old", "labels": {"k": "other"}}, "op2"),
    "an error with 200": ({"ok": False, "error": "rate_limited"}, None),
    "no content": (reply(204, None), None),
    "null": (reply(200, content=b"null"), None),
    "a list": ([], None),
}


@pytest.mark.parametrize("name", ONE)
def test_an_object_by_our_key_is_there_or_its_404_says_that_it_is_not(name: str) -> None:
    answer, expected = ONE[name]
    server = Server(lambda _query, _jobs: answer)
    find = {"request": "GET /jobs/{mark}", "entries": []}
    if expected is not None:
        assert submitted(server, None, find) == expected
        return
    with pytest.raises(TransportError, match="the search for what it started"):
        submitted(server, None, find)
    assert server.posts == 1


def test_the_error_says_how_the_search_is_mended() -> None:
    with pytest.raises(OpsError) as caught:
        submitted(Server(endless), NUMBERED)
    for word in ("'find'", "'paging'", "query parameter"):
        assert word in str(caught.value)


#: Lists of two entries with nothing where the key is searched for, and what a task has after them; ``None``: it fails.
FIELDS: dict[str, tuple[Mapping[str, Any], list[Any], str | None]] = {
    "an empty list": ({"match": "/ref"}, [], "op2"),
    "the field in one of them": ({"match": "/ref"}, [{"op": "a"}, {"op": "b", "ref": "other"}], "op2"),
    "null": ({"match": "/ref"}, [{"op": "a", "ref": None}], "op2"),
    "no tags": ({"match": "/tags"}, [{"op": "a", "tags": []}], "op2"),
    "no tags that have a name": ({"match": "/tags/*/name"}, [{"op": "a", "tags": []}], "op2"),
    "a map without our key": ({"match": "/labels/k"}, [{"op": "a", "labels": {}}], "op2"),
    "null for a map": ({"match": "/labels/k"}, [{"op": "a", "labels": None}], "op2"),
    "one of two places": ({"match": ["/ref", "/name"]}, [{"op": "a", "name": "n"}], "op2"),
    "no field": ({"match": "/ref"}, [{"op": "a"}, {"op": "b"}], None),
    "no map": ({"match": "/labels/k"}, [{"op": "a"}, {"op": "b"}], None),
    "a text for a map": ({"match": "/labels/k"}, [{"op": "a", "labels": "k=v"}], None),
    "no field, though the API filters": ({"request": "GET /jobs?ref={mark}", "match": "/ref"}, [{"op": "a"}], None),
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_list_that_shows_no_keys_proves_nothing(name: str) -> None:
    find, listed, expected = FIELDS[name]
    server = Server(lambda _query, _jobs: {"jobs": listed})
    if expected is not None:
        assert submitted(server, None, find) == expected
        return
    with pytest.raises(TransportError, match="the search for what it started") as caught:
        submitted(server, None, find)
    assert server.posts == 1
    assert caught.value.reason == "unreadable"
    assert f"none of {len(listed)} entries has a field at" in caught.value.what
    assert "'match'" in caught.value.advice


def test_a_lookup_that_shows_no_resources_proves_nothing() -> None:
    lookup = {"request": "GET /ops", "entries": "/ops", "match": "/job", "operation_id": "/id"}
    find = {"operation_id": [], "resource_id": "/op"}

    def listed(_query: Mapping[str, str], jobs: list[Any]) -> Any:
        return {"jobs": jobs, "ops": [{"id": "a"}, {"id": "b"}]}

    server = Server(listed)
    with pytest.raises(TransportError, match="none of 2 entries has a field at /job"):
        submitted(server, None, find, lookup=lookup)
    assert server.posts == 1


@pytest.mark.parametrize("without", ["find", None])
def test_a_search_is_said_only_where_there_is_one(without: str | None) -> None:
    server, said, state = Server(lambda _query, jobs: {"jobs": jobs}), list[str](), StateStore()
    call = {name: value for name, value in SPEC["calls"][0].items() if name != without}

    def submit(tries: int) -> str | None:
        where: dict[str, Any] = {"json": {"labels": {}}, "state": state, "tries": tries, "log": said.append}
        return described.submitted({**SPEC, "calls": [call]}, server, "POST", "/jobs", **where)

    if without is None:
        assert submit(1) == "op1"
    else:
        for tries in (1, 2):
            with pytest.raises(AmbiguousSubmission, match="no way to find out"):
                submit(tries)
    assert any("searching for what it started" in line for line in said) is (without is None)
    assert sum("cannot be searched" in line for line in said) == (0 if without is None else 2)
