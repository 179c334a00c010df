"""For the tests of the APIs: answers, what is made of them, and answers gone wrong."""

from __future__ import annotations

import json
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from airflow_provider_ops.apis.calls import Call, Flow, Page, Paged, Response
from airflow_provider_ops.exceptions import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime


def answer(body: Any, status: int = 200, **headers: str) -> Response:
    return Response(status, headers, b"" if body is None else json.dumps(body).encode())


def sent_just_now() -> float:
    """Age of a request, in seconds."""
    return 0.0


def dated(at: datetime) -> str:
    """``Date`` of an answer."""
    return format_datetime(at, usegmt=True)


def drive(flow: Flow[Any], *answers: Response | Exception) -> Any:
    """The result of a flow to whose calls these are the answers."""
    left = list(answers)
    try:
        wish = next(flow)
        while True:
            assert isinstance(wish, Call), wish
            given_ = left.pop(0)
            wish = flow.throw(given_) if isinstance(given_, Exception) else flow.send(wish.parse(given_))
    except StopIteration as end:
        assert not left
        return end.value


def pages(paged: Paged[Any], *answers: Response) -> tuple[list[Any], list[dict[str, Any]]]:
    """All items, and the queries that were sent."""
    items: list[Any] = []
    queries: list[dict[str, Any]] = []
    call: Call[Page[Any]] | None = paged.first
    for one in answers:
        assert call is not None
        queries.append(dict(call.request.query))
        page = call.parse(one)
        items += page.items
        call = page.next
    assert call is None
    return items, queries


JUNK = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just({}), st.just([]))


@st.composite
def mutated(draw: st.DrawFn, sample: Any) -> Any:
    """A sample with fields dropped, replaced by anything, and added, at every depth."""
    if isinstance(sample, list):
        return [draw(mutated(one)) for one in sample]
    if not isinstance(sample, dict):
        return draw(st.one_of(st.just(sample), st.just(sample), JUNK))
    changed = {}
    for name, value in sample.items():
        what = draw(st.sampled_from(["keep", "keep", "drop", "junk", "deeper"]))
        if what != "drop":
            changed[name] = {"keep": value, "junk": draw(JUNK), "deeper": draw(mutated(value))}[what]
    return {**changed, **draw(st.dictionaries(st.text(max_size=4), JUNK, max_size=2))}


def value_or_unreadable(parse: Callable[[], Any]) -> None:
    try:
        parse()
    except TransportError as error:
        assert error.reason == "unreadable"  # noqa: PT017 - a value is fine as well
