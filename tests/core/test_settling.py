"""The watermark: nothing is missed, nothing comes twice unmarked, whatever the lists do and whenever a process dies."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ops.core.settling import (
    MOST_DELIVERED,
    MOST_FOLLOWED,
    MOST_REMEMBERED,
    SLACK,
    EventFilter,
    SettledOperation,
    Snapshot,
    Watermark,
    digest,
    from_payload,
    is_newest_first,
    latest,
    moment,
    to_payload,
)
from airflow_provider_ops.operation import Operation, OperationError, OperationState, Progress

START = 1_800_000_000.0
ALL = EventFilter()


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(START + seconds, timezone.utc)


def operation(name: str, ended: float | None = 0.0, **changes: Any) -> Operation:
    made = Operation(
        name, "onvera", "deployment.create", OperationState.SUCCEEDED, "succeeded", "deployment", f"dep-{name}"
    )
    return replace(made, ended_at=None if ended is None else at(ended), **changes)


def look(*ended: tuple[str, float], since: float = -SLACK, newest: float | None = None) -> Snapshot:
    found = [SettledOperation(operation(name, second), START + second) for name, second in ended]
    latest = max([second for _, second in ended], default=0.0) if newest is None else newest
    return Snapshot(found, START + since, START + latest, lambda _who, _since: None)


def names(news: list[SettledOperation]) -> list[str]:
    return [one.operation.id for one in news]


class TestWatermark:
    def test_begins_with_what_settles_from_now_on(self) -> None:
        mark = Watermark.now(look(("old", 0), ("older", -60)), ALL)

        assert names(mark.news(look(("older", -60), ("old", 0), ("new", 5)), ALL)) == ["new"]

    def test_finds_an_end_that_lists_show_late_and_out_of_order(self) -> None:
        mark = Watermark.now(look(("a", 0)), ALL)
        second = look(("a", 0), ("c", 20))
        mark = mark.confirm(mark.news(second, ALL)).caught_up(second)

        assert names(mark.news(look(("late", 3), ("a", 0), ("c", 20)), ALL)) == ["late"]

    def test_finds_ends_of_the_same_second(self) -> None:
        mark = Watermark.now(look(("a", 0)), ALL)

        assert names(mark.news(look(("a", 0), ("b", 0)), ALL)) == ["b"]

    def test_what_was_told_is_no_news_although_its_time_changes(self) -> None:
        mark = Watermark(START)
        mark = mark.confirm(mark.news(look(("a", 0)), ALL))

        assert mark.news(look(("a", 500)), ALL) == []

    def test_the_floor_follows_and_the_doubt_below_it_goes(self) -> None:
        mark = Watermark(START).announce(look(("a", 0)).ended)
        mark = mark.caught_up(look(newest=2 * SLACK))

        assert (mark.floor, mark.unconfirmed) == (START + SLACK, {})

    @pytest.mark.parametrize(("floor", "stays"), [(0.5, True), (0.999, True), (1.0, False)])
    def test_a_doubt_goes_when_all_of_its_second_is_below_the_floor(self, floor: float, stays: bool) -> None:
        """An end is remembered by its whole second, so that it may lie above a floor within that second."""
        mark = Watermark(START).announce(look(("a", 0.7)).ended).caught_up(look(newest=SLACK + floor))

        assert mark.floor == START + floor
        assert bool(mark.unconfirmed) is stays

    def test_what_was_announced_and_not_stored_is_told_again_and_marked(self) -> None:
        mark = Watermark(START)
        mark = mark.announce(mark.news(look(("a", 1), ("b", 1)), ALL))
        news = mark.news(look(("a", 1), ("b", 1), ("c", 2)), ALL)

        assert names(news) == ["a", "b", "c"]
        assert mark.in_doubt(news) == ["a", "b"]
        assert mark.confirm(news).unconfirmed == {}

    def test_takes_in_what_another_one_has_told_meanwhile(self) -> None:
        mine = Watermark(START).announce(look(("a", 1), ("b", 1)).ended)
        other = Watermark(START + 1).confirm(look(("a", 1)).ended)
        merged = mine.merged(other)

        assert names(merged.news(look(("a", 1), ("b", 1)), ALL)) == ["b"]
        assert merged.floor == START + 1

    def test_survives_the_store(self) -> None:
        mark = Watermark(START).confirm(look(("a", 1)).ended).announce(look(("b", 2)).ended)

        assert Watermark.from_dict(json.loads(json.dumps(mark.to_dict()))) == mark

    @pytest.mark.parametrize(
        "stored", [None, 7, [], {}, {"version": 2, "floor": 0, "seen": {}, "doubt": {}}, {"version": 1, "floor": "x"}]
    )
    def test_what_is_no_watermark_is_none(self, stored: Any) -> None:
        assert Watermark.from_dict(stored) is None

    def test_is_bounded_and_forgets_nothing_that_could_come_back(self) -> None:
        many = look(*((f"op_{number:05}", number / 10) for number in range(MOST_REMEMBERED + 500)))
        mark = Watermark(START).confirm(many.ended)

        assert len(mark.delivered) == MOST_REMEMBERED
        assert len(json.dumps(mark.to_dict())) < 65_535
        assert mark.news(many, ALL) == []

    def test_as_many_as_can_be_remembered_are(self) -> None:
        mark = Watermark(START).confirm(look(*((f"op_{number}", number) for number in range(MOST_REMEMBERED))).ended)

        assert (mark.floor, mark.pruned, len(mark.delivered)) == (START, (0, ""), MOST_REMEMBERED)

    def test_forgetting_one_leaves_what_ended_right_after_it_to_be_told(self) -> None:
        mark = Watermark(START).confirm(
            look(*((f"op_{number}", 2 * number) for number in range(MOST_REMEMBERED + 1))).ended
        )

        assert names(mark.news(look(("op_0", 0), ("between", 1), ("op_1", 2)), ALL)) == ["between"]

    def test_forgetting_one_keeps_as_many_as_can_be_remembered(self) -> None:
        mark = Watermark(START).confirm(
            look(*((f"op_{number}", number) for number in range(MOST_REMEMBERED + 1))).ended
        )

        assert len(mark.delivered) == MOST_REMEMBERED
        assert mark.pruned == (START, digest("op_0"))

    @pytest.mark.parametrize(("floor", "after"), [(0, 49), (60, 60)])
    def test_the_floor_follows_what_is_forgotten_and_is_never_lowered(self, floor: float, after: float) -> None:
        many = look(*((f"op_{number:05}", number / 10) for number in range(MOST_REMEMBERED + 500)))

        assert Watermark(START + floor).confirm(many.ended).floor == START + after

    def test_what_another_one_has_forgotten_is_not_taken_back(self) -> None:
        pruned = (int(START) + 5000, "x")
        mark = Watermark(START, pruned=pruned).confirm(
            look(*((f"op_{number}", number) for number in range(MOST_REMEMBERED + 1))).ended
        )

        assert mark.pruned == pruned

    def test_the_oldest_go_into_the_first_of_several_events(self) -> None:
        ends = [(f"op_{number}", number) for number in range(MOST_DELIVERED + 1)]
        mark = Watermark(START)

        assert names(mark.news(look(*reversed(ends)), ALL)) == [name for name, _ in ends[:MOST_DELIVERED]]

    @pytest.mark.parametrize(("since", "newest", "floor"), [(-SLACK, 10, 0), (100, SLACK, 100), (0, SLACK + 50, 50)])
    def test_the_floor_is_what_a_look_has_certainly_shown_and_is_never_lowered(
        self, since: float, newest: float, floor: float
    ) -> None:
        assert Watermark(START).caught_up(look(since=since, newest=newest)).floor == START + floor

    def test_an_event_settles_the_doubt_about_what_is_in_it_only(self) -> None:
        mark = Watermark(START).announce(look(("a", 1)).ended).announce(look(("b", 2)).ended)
        mark = mark.confirm(look(("b", 2)).ended)

        assert (list(mark.unconfirmed), list(mark.delivered)) == ([digest("a")], [digest("b")])
        assert list(mark.confirm(look(("c", 3)).ended).delivered) == [digest("b"), digest("c")]

    def test_two_that_tell_the_same_know_together_what_each_knew(self) -> None:
        mine = (
            Watermark(START, pruned=(7, "mine")).confirm(look(("a", 1)).ended).announce(look(("b", 1), ("c", 1)).ended)
        )
        other = Watermark(START, pruned=(3, "other")).confirm(look(("b", 1)).ended)

        for merged in (mine.merged(other), other.merged(mine)):
            assert set(merged.delivered) == {digest("a"), digest("b")}
            assert merged.pruned == (7, "mine")
        assert list(mine.merged(other).unconfirmed) == [digest("c")]

    def test_remembers_nothing_that_is_not_wanted(self) -> None:
        assert Watermark.now(look(("a", 1)), EventFilter(kinds=["vm.*"])).delivered == {}


class TestWanted:
    @pytest.mark.parametrize(
        ("wanted", "takes"),
        [
            (EventFilter(), True),
            (EventFilter(kinds=["deployment.create"]), True),
            (EventFilter(kinds=["vm.*", "deployment.*"]), True),
            (EventFilter(kinds=["deployment"]), False),
            (EventFilter(states=["failed"]), False),
            (EventFilter(states=["failed", "succeeded"]), True),
            (EventFilter(resource_ids=["dep-x"]), True),
            (EventFilter(kinds=["deployment.*"], resource_ids=["other"]), False),
        ],
    )
    def test_all_parts_must_agree(self, wanted: EventFilter, takes: bool) -> None:
        assert wanted.accepts(operation("x")) is takes

    def test_what_is_not_wanted_is_no_news(self) -> None:
        assert Watermark(START).news(look(("a", 1)), EventFilter(kinds=["vm.*"])) == []


class TestTimes:
    def test_the_end_counts_then_the_last_change(self) -> None:
        changed = operation("x", None, updated_at=at(3), created_at=at(1))

        assert moment(operation("x", 2), START + 9) == START + 2
        assert moment(changed, START + 9) == START + 3
        assert moment(operation("x", None), START + 9) == START + 9

    def test_an_end_is_not_before_the_start(self) -> None:
        assert moment(operation("x", 2, created_at=at(5)), START + 9) == START + 5

    @pytest.mark.parametrize(("now", "found"), [(2, START + 2), (3, START + 3), (9, START + 3), (0, 0.0)])
    def test_the_latest_time_is_none_after_now(self, now: float, found: float) -> None:
        assert latest(operation("x", 3, created_at=at(1), updated_at=at(2)), START + now) == found

    def test_a_clock_that_is_ahead_does_not_move_the_floor_ahead(self) -> None:
        assert moment(operation("x", 3600), START) == START

    @pytest.mark.parametrize(
        ("ends", "newest_first"), [([3, 2, 2, 1], True), ([1, 2], False), ([2, 3, 1], False), ([1], True)]
    )
    def test_the_order_of_a_page_is_seen(self, ends: list[float], newest_first: bool) -> None:
        assert is_newest_first([operation(str(end), end) for end in ends]) is newest_first


class TestPayload:
    def test_carries_operations_and_doubt(self) -> None:
        news = list(look(("a", 1), ("b", 2)).ended)
        payload = json.loads(json.dumps(to_payload("conn", news, ["a"])))

        assert from_payload(payload) == ([one.operation for one in news], frozenset({"a"}))
        assert "raw" not in payload["operations"][0]

    def test_of_a_huge_operation_carries_what_matters(self) -> None:
        huge = operation(
            "x",
            error=OperationError("no " * 5000, details={"x": "y" * 9000}),
            result={"x": "y" * 9000},
            progress=Progress(message="z" * 9000),
        )
        (back,), _ = from_payload(to_payload("conn", [SettledOperation(huge, START)], []))

        assert len(json.dumps(to_payload("conn", [SettledOperation(huge, START)], []))) < 9000
        assert (back.id, back.state, back.resource_id) == (huge.id, huge.state, huge.resource_id)
        assert back.error is not None
        assert back.error.message.startswith("no no")

    @pytest.mark.parametrize("payload", [None, 1, "x", {}, {"operations": 7}])
    def test_of_others_is_nothing(self, payload: Any) -> None:
        assert from_payload(payload) == ([], frozenset())


ends = st.lists(st.tuples(st.integers(0, 900), st.integers(0, 500)), min_size=1, max_size=25)
deaths = st.lists(st.sampled_from(["lives", "announced", "yielded", "stored", "told"]), max_size=12)


@given(ends, deaths)
def test_any_interleaving_of_ends_and_deaths_tells_each_operation_once(
    ends: list[tuple[int, int]], deaths: list[str]
) -> None:
    """An end is (second, how much later the lists show it); a process dies after a step of telling, or lives.

    What is marked and was in an event before is what the reader leaves out.
    """
    mark = stored = Watermark.now(look(newest=0), ALL)
    events: list[tuple[list[str], list[str]]] = []
    fate = iter([*deaths, *["lives"] * 300])
    for now in range(0, 3000, 20):
        shown = [(f"op{n}", end) for n, (end, late) in enumerate(ends) if end + late <= now]
        seen = look(*shown, since=-SLACK, newest=max([end for _, end in shown], default=0))
        news = mark.news(seen, ALL)
        if not news:
            mark = mark.caught_up(seen)
            continue
        died = next(fate)
        marked = mark.in_doubt(news)
        stored = mark = mark.announce(news)
        if died in ("stored", "told", "lives"):
            events.append((names(news), marked))
        if died in ("told", "lives"):
            stored = mark = mark.confirm(news)
        if died != "lives":
            mark = Watermark.from_dict(stored.to_dict()) or pytest.fail("not readable")
    told: list[str] = []
    for ids, marked in events:
        told += [name for name in ids if not (name in marked and name in told)]
    assert sorted(told) == sorted(f"op{n}" for n in range(len(ends)))


def test_of_thousands_that_ended_in_the_same_second_each_is_told_once() -> None:
    ends = [ended(f"op_{number}", 1000.0 + number % 3 / 4) for number in range(2 * MOST_REMEMBERED)]
    everything = Snapshot(sorted(ends, key=lambda one: one.at), 0.0, 1000.0, lambda _who, _since: None)
    mark, told = Watermark(0.0), list[str]()
    while news := mark.news(everything, EventFilter()):
        told += [one.operation.id for one in news]
        mark = Watermark.from_dict(json.loads(json.dumps(mark.announce(news).confirm(news).to_dict()))) or mark
    assert sorted(told) == sorted(one.operation.id for one in ends)
    assert len(mark.delivered) <= MOST_REMEMBERED


def test_what_ended_exactly_at_the_floor_is_told() -> None:
    look = Snapshot([ended("below", 999.9), ended("at", 1000.0)], 0.0, 1000.0, lambda _who, _since: None)
    assert [one.operation.id for one in Watermark(1000.0).news(look, EventFilter())] == ["at"]


def test_open_operations_are_remembered_by_id_when_no_date_could_tell_their_end() -> None:
    floor = 5000.0 - SLACK
    began = {"old": 100.0, "just below": floor - 0.5, "at": floor, "young": 4900.0}
    mark = Watermark(0.0).caught_up(Snapshot([], 0.0, 5000.0, lambda _who, _since: None, began))
    # what begins at the floor cannot end below it
    assert mark.open == {"old", "just below"}
    assert Watermark.from_dict(mark.to_dict()) == mark


def test_of_too_many_open_operations_those_that_began_first_are_remembered() -> None:
    began = {f"op_{number}": float(number) for number in range(MOST_FOLLOWED + 1)}
    mark = Watermark(0.0).caught_up(Snapshot([], 0.0, 5000.0, lambda _who, _since: None, began))
    assert mark.open == set(began) - {f"op_{MOST_FOLLOWED}"}


def ended(name: str, at: float) -> SettledOperation:
    return SettledOperation(Operation(name, "onvera", "deployment.create", OperationState.SUCCEEDED, "succeeded"), at)
