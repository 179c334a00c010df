"""Telling from a triggerer: only changes, one by one, in a small share of the supervisor's time, never in the way."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.core.aftermath import Aftermath
from airflow_provider_ops.core.history import WaitHistory, read_record
from airflow_provider_ops.core.poll_interval import PollPolicy
from airflow_provider_ops.core.wait_state import WaitState
from airflow_provider_ops.lifecycle import triggerer_reporter as triggerer
from airflow_provider_ops.lifecycle.triggerer_reporter import ReportQueue, TriggerReporter
from airflow_provider_ops.operation import Operation, OperationState, Progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager


class Time:
    """A clock that moves only when somebody sleeps or works."""

    def __init__(self) -> None:
        self.now = 1000.0

    def time(self) -> float:
        return self.now

    monotonic = time

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    async def asleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)

    def busy(self) -> AbstractContextManager[None]:
        return nullcontext()

    def from_wall(self, at: float) -> float:
        return at


class Airflow:
    """Takes what triggers keep; each call takes the supervisor some time."""

    def __init__(self, clock: Time) -> None:
        self.clock = clock
        self.cost = 0.02
        self.fails = False
        self.kept: dict[str, Any] = {}
        self.writes: list[str] = []
        self.busy = 0.0

    async def push(self, ti: Any, _key: str, value: Any) -> None:
        self.clock.now += self.cost
        self.busy += self.cost
        await asyncio.sleep(0)
        if self.fails:
            raise RuntimeError("the supervisor is unwell")
        self.writes.append(ti.task_id)
        self.kept[ti.task_id] = value

    async def pull(self, ti: Any, _key: str) -> Any:
        return self.kept.get(ti.task_id)


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def airflow(clock: Time, monkeypatch: pytest.MonkeyPatch) -> Airflow:
    made = Airflow(clock)
    monkeypatch.setattr(triggerer, "push_plain_async", made.push)
    monkeypatch.setattr(triggerer, "pull_plain_async", made.pull)
    triggerer._QUEUES.clear()
    return made


def operation(state: str, phase: str) -> Operation:
    return Operation("op_1", "onvera", "k", OperationState(state), state, progress=Progress(phase))


def waiting(clock: Time, name: str = "t") -> tuple[WaitState, Callable[[WaitState], None], TriggerReporter]:
    watch = WaitState("op_1", now=clock.time(), policy=PollPolicy(), deadline=1e9)
    story = WaitHistory("onvera", "c", 1, "triggerer")
    report = TriggerReporter(SimpleNamespace(task_id=name), story, [watch], clock, None)
    return watch, report.record, report


def look(watch: WaitState, say: Callable[[WaitState], None], clock: Time, phase: str, state: str = "running") -> None:
    if watch.on_result(operation(state, phase), clock.time()):
        say(watch)


async def idle() -> None:
    for _ in range(2000):
        await asyncio.sleep(0)


async def told_all(clock: Time) -> None:
    while triggerer.queue_of_loop(clock)._waiting:
        await idle()
    await idle()


async def test_a_change_is_kept_and_looks_that_show_the_same_are_not(airflow: Airflow, clock: Time) -> None:
    watch, say, _ = waiting(clock)
    for _ in range(100):
        look(watch, say, clock, "one")
        await idle()
    assert airflow.writes == ["t"]
    look(watch, say, clock, "two")
    await idle()
    assert airflow.writes == ["t", "t"]
    assert [phase for _, _, phase in airflow.kept["t"]["operations"][0]["phases"]] == ["one", "two"]


async def test_what_the_worker_has_told_is_not_told_again(airflow: Airflow, clock: Time) -> None:
    from airflow_provider_ops.core.history import digest  # noqa: PLC0415

    watch, _, _ = waiting(clock)
    watch.on_result(operation("running", "one"), clock.time())
    told = digest([watch])
    fresh = WaitState("op_1", now=clock.time(), policy=PollPolicy(), deadline=1e9)
    report = TriggerReporter(
        SimpleNamespace(task_id="t"), WaitHistory("onvera", "c", 1, "triggerer"), [fresh], clock, told
    )
    triggerer.queue_of_loop(clock)._idle_pushed_at = clock.time()
    look(fresh, report.record, clock, "one")
    await idle()
    assert airflow.writes == []


async def test_a_thousand_waits_that_change_together_take_a_tenth_of_the_supervisor_at_most(
    airflow: Airflow, clock: Time
) -> None:
    began = clock.time()
    waits = [waiting(clock, f"t{number}") for number in range(1_000)]
    for phase in ("one", "two"):
        for watch, say, _ in waits:
            look(watch, say, clock, phase)
    await told_all(clock)
    assert len(airflow.writes) == 1_000, "the latest of each, once"
    assert airflow.busy <= 0.11 * (clock.time() - began)


async def test_the_end_is_left_to_the_worker(airflow: Airflow, clock: Time) -> None:
    watch, say, report = waiting(clock)
    look(watch, say, clock, "one")
    await idle()
    look(watch, say, clock, "done", "succeeded")
    told = report.end()
    await idle()
    assert airflow.writes == ["t"]
    assert [phase for _, _, phase in told["op_1"]["phases"]] == ["one", "done"]


async def test_a_report_that_is_over_is_not_told_any_more(airflow: Airflow, clock: Time) -> None:
    watch, say, report = waiting(clock)
    look(watch, say, clock, "one")
    report.end()
    await idle()
    assert airflow.writes == []


async def test_a_failing_push_disturbs_nobody_and_is_tried_less_and_less(airflow: Airflow, clock: Time) -> None:
    airflow.fails = True
    began = clock.time()
    watch, say, _ = waiting(clock)
    for number in range(10):
        look(watch, say, clock, f"phase {number}")
        await idle()
    assert clock.time() - began > 300, "it rests longer each time"
    airflow.fails = False
    look(watch, say, clock, "at last")
    await idle()
    assert airflow.kept["t"]["operations"][0]["operation"]["progress"]["phase"] == "at last"


async def test_one_of_many_that_changes_costs_as_much_as_one(
    airflow: Airflow, clock: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [f"op_{number}" for number in range(300)]
    watches = [WaitState(name, now=clock.time(), policy=PollPolicy(), deadline=1e9) for name in ids]
    report = TriggerReporter(
        SimpleNamespace(task_id="t"), WaitHistory("onvera", "c", 1, "triggerer"), watches, clock, None
    )
    noted: list[int] = []
    monkeypatch.setattr(WaitHistory, "record", lambda _self, some, _now: noted.append(len(list(some))))
    for watch in watches:
        look(watch, report.record, clock, "one")
    assert noted == [1] * 300
    await idle()
    assert airflow.writes == ["t"]


async def test_a_fault_in_telling_does_not_reach_the_poller(
    airflow: Airflow, clock: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, _, report = waiting(clock)
    asked: list[object] = []

    def faulty(watches: object) -> None:
        asked.append(watches)
        raise RuntimeError("our own fault")

    monkeypatch.setattr(triggerer, "digest", faulty)
    report.record(watch)
    assert asked


async def test_after_a_restart_the_story_goes_on(airflow: Airflow, clock: Time) -> None:
    watch, say, _ = waiting(clock)
    look(watch, say, clock, "one")
    await idle()
    clock.now += 100
    again, say, _ = waiting(clock)
    look(again, say, clock, "two")
    await idle()
    assert [phase for _, _, phase in airflow.kept["t"]["operations"][0]["phases"]] == ["one", "two"]


async def test_that_a_wait_goes_on_is_told_only_where_nobody_needs_the_turn(airflow: Airflow, clock: Time) -> None:
    waits = [waiting(clock, f"t{number}") for number in range(50)]
    for watch, say, _ in waits:
        look(watch, say, clock, "one")
    await told_all(clock)
    before = len(airflow.writes)
    clock.now += 400
    for watch, say, _ in waits:
        look(watch, say, clock, "one")  # a heartbeat
    await idle()
    assert len(airflow.writes) - before == 1


def test_the_queue_is_one_per_event_loop() -> None:
    async def mine() -> ReportQueue:
        return triggerer.queue_of_loop(Time())

    assert asyncio.run(mine()) is not asyncio.run(mine())


@pytest.mark.parametrize(("try_number", "is_recorded"), [(1, True), (2, False)])
async def test_what_a_kill_has_left_is_added_to_the_record_of_its_own_try(
    airflow: Airflow, clock: Time, try_number: int, is_recorded: bool
) -> None:
    story = WaitHistory("onvera", "c", 1, "triggerer", on_kill="cancel")
    story.operation("op_1").on_result(operation("running", "one"), 990.0)
    airflow.kept["t"] = story.to_record(990.0)
    ti = SimpleNamespace(task_id="t", try_number=try_number)
    await triggerer.record_aftermath(ti, Aftermath("asked to cancel", clock.time()))
    found = read_record(airflow.kept["t"])
    assert found is not None
    assert (found.aftermath is not None) is is_recorded
    # nothing was learned of the operation
    assert (found.written_at, found.on_kill) == (990.0, "cancel")
