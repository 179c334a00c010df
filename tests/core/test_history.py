"""What is kept of a wait for people to see: complete, bounded, and the same across legs."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.core import history, operation_history
from airflow_provider_ops.core.history import WaitHistory, digest, read_record
from airflow_provider_ops.core.operation_history import OperationHistory
from airflow_provider_ops.core.poll_interval import PollPolicy
from airflow_provider_ops.core.timeline import Timeline
from airflow_provider_ops.core.wait_state import Settled, TimedOut, Unobservable, WaitState
from airflow_provider_ops.exceptions import AuthenticationError, ServerError
from airflow_provider_ops.operation import Operation, OperationError, OperationState, Progress, Step

if TYPE_CHECKING:
    from collections.abc import Callable

Make = Any


def story(try_number: int = 1, where: str = "triggerer") -> WaitHistory:
    return WaitHistory("onvera", "onvera_default", try_number, where, "all", 2_000.0)


def watching(operation_id: str = "op_1", now: float = 100.0) -> WaitState:
    return WaitState(operation_id, now=now, policy=PollPolicy(), deadline=2_000.0)


def through_airflow(told: WaitHistory, now: float = 0.0) -> WaitHistory:
    back = read_record(json.loads(json.dumps(told.to_record(now), allow_nan=False)))
    assert back is not None
    return back


def with_steps(make: Make, *states: str) -> Operation:
    steps = tuple(Step(f"s{number}", state) for number, state in enumerate(states))
    made: Operation = make("running")
    return Operation(**{**_fields(made), "progress": Progress(phase="p", steps=steps)})


def _fields(operation: Operation) -> dict[str, Any]:
    return {name: getattr(operation, name) for name in Operation.__slots__}


def test_a_story_survives_the_journey_through_airflow(operation: Make) -> None:
    watch, told = watching(), story()
    watch.on_result(operation("running", "preparing"), 101.0)
    told.record([watch], 101.0)
    watch.on_error(ServerError(503, None, "down"), 110.0)
    told.record([watch], 110.0)
    back = through_airflow(told, 111.0)
    assert back.to_record(111.0) == told.to_record(111.0)
    assert back.written_at == 111.0
    (chapter,) = back.operations.values()
    assert chapter.failed_polls == 1
    assert chapter.is_failing
    assert "down" in (chapter.last_error or "")
    assert chapter.next_poll == watch.next_poll_at


def test_phases_are_told_once_each_with_their_times(operation: Make) -> None:
    watch, told = watching(), story()
    for at, phase in ((101.0, "one"), (105.0, "one"), (109.0, "two"), (120.0, "one")):
        watch.on_result(operation("running", phase), at)
        told.record([watch], at)
    assert told.operation("op_1").phases == [
        (101.0, "running", "one"),
        (109.0, "running", "two"),
        (120.0, "running", "one"),
    ]


def test_steps_without_times_are_told_with_the_times_at_which_they_were_seen(operation: Make) -> None:
    told = story()
    for at, states in (
        (10.0, ("running", "pending")),
        (20.0, ("succeeded", "running")),
        (30.0, ("succeeded", "running")),
    ):
        told.operation("op_1").on_result(with_steps(operation, *states), at)
    assert told.operation("op_1").seen == {
        "s0": {"running": 10.0, "succeeded": 20.0},
        "s1": {"pending": 10.0, "running": 20.0},
    }


def test_another_triggerer_goes_on_where_the_first_stopped(operation: Make) -> None:
    first, before = watching(now=100.0), story()
    first.on_result(operation("running", "one"), 101.0)
    before.record([first], 101.0)
    first.on_error(ServerError(503, None, "down"), 105.0)
    before.record([first], 105.0)

    second, after = watching(now=200.0), story()
    second.on_result(operation("running", "one"), 201.0)
    after.record([second], 201.0)
    after.continue_from(before.to_record(106.0))
    second.on_error(ServerError(502, None, "still down"), 210.0)
    second.on_result(operation("running", "two"), 215.0)
    after.record([second], 215.0)

    chapter = after.operation("op_1")
    assert chapter.phases == [(101.0, "running", "one"), (215.0, "running", "two")]
    assert chapter.failed_polls == 2
    assert chapter.timeline.start == 100.0
    assert [at for at, _ in chapter.timeline.entries] == sorted(at for at, _ in chapter.timeline.entries)
    # what the second leg found when it began is what the first had noted
    assert [text for _, text in chapter.timeline.entries].count("running (one)") == 1


def test_however_many_legs_find_the_same_each_change_is_noted_once(operation: Make) -> None:
    told: WaitHistory | None = None
    for leg in range(5):
        now = 100.0 * (leg + 1)
        watch, here = watching(now=now), story(where="worker" if leg % 2 else "triggerer")
        watch.on_result(operation("running", "one"), now + 1)
        watch.on_error(ServerError(503, None, "down"), now + 2)
        here.record([watch], now + 2)
        here.continue_from(told.to_record(now) if told else None)
        here.record([watch], now + 3)
        told = here
    watch.on_result(operation("running", "two"), 620.0)
    assert told is not None
    told.record([watch], 620.0)
    chapter = told.operation("op_1")
    assert [text for _, text in chapter.timeline.entries] == [
        "running (one)",
        "could not poll: 503 down",
        "can poll again after 1 failed poll",
        "running (two)",
    ]
    assert [phase for _, _, phase in chapter.phases] == ["one", "two"]


def test_a_change_back_is_a_change(operation: Make) -> None:
    told: WaitHistory | None = None
    for now, phase in ((100.0, "one"), (200.0, "two"), (300.0, "one")):
        watch, here = watching(now=now), story()
        watch.on_result(operation("running", phase), now + 1)
        here.continue_from(told.to_record(now) if told else None)
        here.record([watch], now + 1)
        told = here
    assert told is not None
    assert [text for _, text in told.operation("op_1").timeline.entries] == [
        "running (one)",
        "running (two)",
        "running (one)",
    ]


def test_noting_the_same_again_changes_nothing(operation: Make) -> None:
    watch, told = watching(now=200.0), story()
    told.continue_from(through_airflow(_ended_story(operation)).to_record(0.0))
    watch.on_result(operation("running", "two"), 201.0)
    told.record([watch], 201.0)
    once = told.to_record(0.0)
    told.record([watch], 201.0)
    assert told.to_record(0.0) == once


def _ended_story(operation: Make) -> WaitHistory:
    watch, told = watching(), story()
    watch.on_result(operation("running", "one"), 101.0)
    told.record([watch], 101.0)
    return told


def test_an_earlier_try_is_not_taken_for_this_one(operation: Make) -> None:
    told = story(try_number=2)
    told.continue_from(_ended_story(operation).to_record(0.0))
    assert told.operations == {}


@pytest.mark.parametrize("record", [None, "", "{", [], {}, {"operations": 3}, {"operations": [{}]}, 7, "nonsense"])
def test_what_cannot_be_read_is_no_story(record: object) -> None:
    assert read_record(record) is None
    told = story()
    told.continue_from(record)
    told.merge(record)
    assert told.operations == {}


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (lambda op: Settled(op("succeeded")), "succeeded"),
        (lambda op: Settled(op("failed", error=OperationError("no room", "QUOTA"))), "failed: QUOTA: no room"),
        (lambda op: TimedOut(op("running"), None), "the deadline passed; last seen running"),
        (lambda _: TimedOut(None, None), "the deadline passed"),
        (
            lambda op: Unobservable(op("running"), AuthenticationError(401, None, "bad key")),
            "it could not be polled any more: ",
        ),
    ],
)
def test_the_end_is_told_in_a_line(operation: Make, outcome: Callable[[Make], Any], said: str) -> None:
    chapter = OperationHistory("op_1")
    chapter.ended(outcome(operation), None, 300.0)
    assert chapter.summary.startswith(said)
    assert chapter.has_succeeded is (said == "succeeded")
    assert chapter.next_poll is None


def test_the_event_brings_what_could_not_be_kept(operation: Make) -> None:
    watch, there = watching(), story()
    watch.on_result(operation("running", "one"), 101.0)
    there.record([watch], 101.0)
    watch.on_error(ServerError(503, None, "down"), 103.0)
    watch.on_result(operation("running", "two"), 109.0)
    there.record([watch], 109.0)
    here = story(where="worker")
    here.merge(json.loads(json.dumps(there.to_event())))
    here.operation("op_1").ended(Settled(operation("succeeded")), watch.timeline, 200.0)
    chapter = here.operation("op_1")
    assert [phase for _, _, phase in chapter.phases] == ["one", "two", None]
    assert chapter.failed_polls == 1


def test_a_record_of_many_operations_stays_small(operation: Make) -> None:
    told = story()
    watches = [watching(f"op_{number}") for number in range(history.MOST_OPERATIONS + 50)]
    for watch in watches:
        for at in range(12):
            watch.on_result(operation("running", f"phase {at}", id=watch.operation_id), 101.0 + at)
            told.record([watch], 101.0 + at)
    record = told.to_record(0.0)
    assert record["omitted"] == 50
    assert len(json.dumps(record)) < 700_000
    assert all(len(entry["timeline"]["entries"]) == 3 for entry in record["operations"])
    assert record["operations"][0]["timeline"]["dropped"] == 9


def test_a_record_of_many_operations_of_several_phases_each_can_be_read(operation: Make) -> None:
    told = story()
    watches = [watching(f"op_{number}_{'x' * 40}") for number in range(history.MOST_OPERATIONS)]
    for at, phase in enumerate(("preparing", "provisioning_db", "configuring", "verifying"), 101):
        for watch in watches:
            watch.on_result(operation("running", phase, resource_id="r" * 40), float(at))
        told.record(watches, float(at))
    chapters = through_airflow(told, 111.0).operations.values()
    assert len(chapters) == history.MOST_OPERATIONS
    assert {chapter.phases[0][2] for chapter in chapters} == {"preparing"}


def test_changes_that_were_cut_are_left_out() -> None:
    kept = {"start": 100.0, "entries": [[0.4, "queued"], "[cut, 3 items in all]"]}
    assert Timeline.from_dict(kept).entries == [(0.4, "queued")]
    told = story()
    told.merge({"op_1": {"phases": [[101.0, "queued", None], "[cut, 3 items in all]"], "failed_looks": 0}})
    assert told.operations["op_1"].phases == [(101.0, "queued", None)]


def test_a_record_of_a_talkative_operation_stays_small(operation: Make) -> None:
    steps = tuple(Step(f"resource {number}", "running", message="x" * 5_000) for number in range(2_000))
    huge = Operation(**{**_fields(operation("running")), "progress": Progress("p", "y" * 90_000, steps)})
    told = story()
    told.operation("op_1").on_result(huge, 1.0)
    for number in range(500):
        told.operation("op_1").on_result(operation("running", f"phase {number}"), float(number))
    told.operation("op_1").on_result(huge, 501.0)
    record = told.to_record(0.0)
    assert len(record["operations"][0]["operation"]["progress"]["steps"]) == operation_history.MOST_STEPS
    assert len(record["operations"][0]["phases"]) <= 41
    assert len(json.dumps(record)) < 300_000


def test_a_leg_that_hands_over_has_not_reached_a_deadline(operation: Make) -> None:
    watch = WaitState("op_1", now=100.0, policy=PollPolicy(), deadline=102.0)
    watch.on_result(operation("running", "one"), 101.0)
    watch.on_result(operation("running", "one"), 102.0)
    assert isinstance(watch.outcome, TimedOut)
    told = story()
    told.record([watch], 102.0)
    chapter = told.operation("op_1")
    assert (chapter.outcome, [text for _, text in chapter.timeline.entries]) == (None, ["running (one)"])
    chapter.ended(watch.outcome, watch.timeline, 103.0)
    assert [text for _, text in chapter.timeline.entries] == ["running (one)", "deadline reached"]


def test_results_are_not_part_of_it(operation: Make) -> None:
    told = story()
    told.operation("op_1").on_result(operation("succeeded", result={"password": "of the database"}), 1.0)
    assert "of the database" not in json.dumps(told.to_record(0.0))


def test_the_mark_changes_with_what_there_is_to_tell(operation: Make) -> None:
    watch = watching()
    marks = [digest([watch])]
    watch.on_result(operation("running", "one"), 101.0)
    marks.append(digest([watch]))
    watch.on_result(operation("running", "one"), 102.0)
    assert digest([watch]) == marks[-1]
    watch.on_error(ServerError(503, None, "down"), 103.0)
    marks.append(digest([watch]))
    watch.on_result(operation("running", "two"), 104.0)
    marks.append(digest([watch]))
    assert len(set(marks)) == len(marks)


def test_the_end_of_an_operation_is_where_the_api_says_it_was(operation: Make) -> None:
    chapter = OperationHistory("op_1")
    ended = operation("succeeded")
    chapter.ended(Settled(ended), None, 1e12)
    assert ended.state is OperationState.SUCCEEDED
    assert chapter.phases[-1][0] == (ended.started_at + timedelta(minutes=4)).timestamp()
