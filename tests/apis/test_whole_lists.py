"""Lists that are read whole, or say why they may not be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis import akua
from airflow_provider_ops.apis.akua.schemas import listing as akua_listing
from airflow_provider_ops.apis.calls import Call, Page, Paged, Request
from airflow_provider_ops.apis.lakesail.shapes import by_marker, objects
from airflow_provider_ops.apis.nirvana.schemas import listing as nirvana_listing
from airflow_provider_ops.apis.submits import Intent
from airflow_provider_ops.apis.whole_lists import IncompleteList, all_items, read_list
from tests.apis.answers import answer, drive

if TYPE_CHECKING:
    from airflow_provider_ops.apis.calls import Response

KEY = "airflow-0123456789abcdef01234567"


def numbered(number: int, cut: str | None = None) -> Call[Page[Any]]:
    """Return the call for a page of a list without end."""

    def parse(response: Response) -> Page[Any]:
        return Page(response.json(), numbered(number + 1), cut=cut)

    return Call(Request("GET", "/things", "/things", query={"page": number}), parse)


def test_a_list_of_many_pages_is_read_up_to_a_bound() -> None:
    pages = [answer([number]) for number in range(3)]
    read = drive(read_list(Paged(numbered(0)), most_pages=3), *pages)
    assert read.items == [0, 1, 2]
    assert "more than 3 pages" in read.gap.what
    with pytest.raises(IncompleteList, match=r"GET /things.* 1 entries were read, and there may be more"):
        drive(all_items(Paged(numbered(0, cut="nobody knows"))), answer([1]), *[answer([])] * 199)


def test_nothing_is_read_behind_what_is_wanted() -> None:
    read = drive(read_list(Paged(numbered(0)), is_last=lambda page: 2 in page.items), answer([1]), answer([2]))
    assert (read.items, read.gap) == ([1, 2], None)


LISTS: dict[str, tuple[Paged[Any], Any]] = {
    "akua": (akua_listing("/operations", lambda row: row), lambda cursor: {"next_cursor": cursor}),
    "nirvana": (
        nirvana_listing("/v1/operations", lambda row: row),
        lambda cursor: {"pagination": {"next_cursor": cursor}},
    ),
    "lakesail": (
        by_marker("/sessions", "/sessions", {}, lambda response: objects(response, "sessions")),
        lambda cursor: {"marker": cursor},
    ),
}


@pytest.mark.parametrize("name", LISTS)
def test_lists_of_the_apis_of_this_package_say_where_they_were_cut_short(name: str) -> None:
    paged, following = LISTS[name]
    rows = "data" if name == "akua" else "items"
    first, second = ({rows: [{"id": one}], **following(cursor)} for one, cursor in (("1", "A"), ("2", "B")))
    assert len(drive(all_items(paged), answer(first), answer(second), answer({rows: []}))) == 2
    for last in ({"error": {"code": "rate_limited"}}, {**first, rows: []}):
        with pytest.raises(IncompleteList):
            drive(all_items(paged), answer(first), answer(second), answer(last), *[answer({"error": "x"})])


@pytest.mark.parametrize("said", [{}, {"error": {"code": "rate_limited", "message": "slow down"}}])
def test_an_error_with_200_does_not_say_that_nothing_was_started(said: Any) -> None:
    submit = akua.submits(akua.workspaces.reactivate_subscription)("ws_1", etag="e")
    flow = akua.API.find_submitted(Intent(akua.API.with_idempotency_key(submit, KEY), KEY, lambda: 60.0))
    assert flow is not None
    with pytest.raises(IncompleteList, match="no list 'data'"):
        drive(flow, answer(said))
