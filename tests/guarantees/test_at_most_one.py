"""Whatever crashes, whenever, and whatever the API answers: one task run never has two resources of one generation.

Users clear it, its DAG changes ``retries``, it loops, and what it has stored gets lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from airflow_provider_ops.apis import onvera
from airflow_provider_ops.apis.onvera import Onvera
from airflow_provider_ops.apis.terminate import terminate
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.exceptions import OpsError
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.lifecycle.handle_store import HandleStore
from airflow_provider_ops.lifecycle.submitter import Submitter
from airflow_provider_ops.testing import SimulatorServer, VirtualClock
from tests.attempts import RUN, attempt, identity_of

DURATION = 40.0


class Killed(BaseException):
    """SIGKILL: nothing of the provider runs after it."""


@dataclass
class Fuse:
    """Ends the process at the n-th instruction that touches the world outside."""

    left: int | None = None

    def burn(self) -> None:
        if self.left is None:
            return
        self.left -= 1
        if self.left < 0:
            raise Killed


@dataclass
class TaskStateStore:
    """Airflow's store as its contract describes it; the process may die right before or right after a write."""

    fuse: Fuse
    data: dict[str, Any] = field(default_factory=dict)
    broken: bool = False

    def get(self, key: str) -> Any:
        return self.data.get(key)

    def set(self, key: str, value: Any) -> None:
        self.fuse.burn()
        if self.broken:
            raise ConnectionError("the API server is away")
        self.data[key] = value
        self.fuse.burn()


class MortalClock(VirtualClock):
    """Time that a process may die in."""

    fuse: Fuse


class MortalHook(OnveraHook):
    """A hook whose process may die in a pause."""

    clock: MortalClock

    def pause(self, seconds: float) -> None:
        self.clock.fuse.burn()
        super().pause(seconds)


@dataclass(frozen=True)
class Try:
    """One try of the task, and what happens to it.

    :param dies: after so many writes and sleeps.
    :param faults: what becomes of its submits, in order.
    :param store_away: whether the task state store takes nothing after the intent.
    :param ends: how the operation it starts will end.
    :param gap: seconds until the next try.
    :param cleared: whether a user clears the task afterwards, rather than Airflow retrying it; ``late`` where the old
        trigger's ``on_kill`` comes only after the next try.
    :param forgets: whether the store is lost then, as by a clear on Airflow 3.4.
    :param retries: what the DAG says from then on.
    :param iteration: which pass of a loop it belongs to; its passes share all names.
    """

    dies: int | None
    faults: tuple[str, ...]
    ends: str
    gap: float
    cleared: str = ""
    forgets: bool = False
    retries: int = 3
    iteration: int = 0


FAULTS: dict[str, dict[str, Any]] = {
    "accept_then_drop": {"fault": "accept_then_drop"},
    "reset": {"fault": "reset"},
    "500 after": {"fault": "status", "status": 500, "execute": True},
    "500 instead": {"fault": "status", "status": 500},
    "502 after": {"fault": "status", "status": 502, "execute": True},
    "unreadable": {"fault": "truncated"},
    "refused": {"fault": "status", "status": 400},
    "busy": {"fault": "status", "status": 429},
}

tries = st.lists(
    st.builds(
        Try,
        dies=st.none() | st.integers(0, 12),
        faults=st.lists(st.sampled_from(sorted(FAULTS)), max_size=3).map(tuple),
        ends=st.sampled_from(["succeeded", "operation_fails", "endless"]),
        gap=st.floats(0, 200),
        cleared=st.sampled_from(["", "", "now", "late"]),
        forgets=st.sampled_from([False, False, False, True]),
        retries=st.sampled_from([3, 3, 3, 0, 1, 5]),
        iteration=st.sampled_from([0, 0, 1]),
    ),
    min_size=1,
    max_size=6,
)


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[SimulatorServer, MortalClock]]:
    clock = MortalClock()
    clock.fuse = Fuse()
    with SimulatorServer(duration=DURATION, clock=clock) as server:
        yield server, clock


@pytest.fixture(scope="module", autouse=True)
def _connection(world: tuple[SimulatorServer, MortalClock]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in world[0].environ().items():
            patch.setenv(name, value)
        yield


@dataclass
class TaskRun:
    """One run of a task that creates a deployment, from the first try to the last."""

    server: SimulatorServer
    clock: MortalClock
    policy: str
    store: TaskStateStore
    iteration: int = 0
    retries: int = 3
    max_tries: int = 3
    clear_number: int = 0
    try_number: int = 0
    #: What the trigger of a cleared task was waiting for, which it ends only after the next try has begun.
    late: Handle | None = None

    def attempt(self, plan: Try) -> str:
        end = self._attempt(plan)
        late, self.late = self.late, None
        if late is not None and not self._hook().get_operation(late.operation_id or "").state.is_terminal:
            self._end(late)
        return end

    def _attempt(self, plan: Try) -> str:
        self.try_number += 1
        self._set_faults(plan)
        self.clock.fuse.left = plan.dies
        try:
            self._submission().run()
        except Killed:
            return "killed"
        except OpsError as error:
            return type(error).__name__
        finally:
            self.clock.fuse.left = None
        return "started"

    def forget(self) -> None:
        """The store is lost."""
        self.store = TaskStateStore(self.clock.fuse)

    def clear(self, *, late: bool = False) -> None:
        """A user clears the task: Airflow raises its limit, and some time later the old trigger ends the operation."""
        self.max_tries, self.clear_number = self.try_number + self.retries, self.clear_number + 1
        handle = HandleStore(self.store, print).load()
        if handle is not None and handle.operation_id is not None:
            if late:
                self.late = handle
            else:
                self._end(handle)

    def _end(self, handle: Handle) -> None:
        self._hook().run(terminate(Onvera(), handle, self.policy))

    def _hook(self) -> OnveraHook:
        return MortalHook(clock=self.clock)

    def _set_faults(self, plan: Try) -> None:
        rules: list[Any] = [
            {**FAULTS[fault], "method": "POST", "count": 1, "skip": skip} for skip, fault in enumerate(plan.faults)
        ]
        # A rule counts only the requests that no rule before it has taken.
        rules = [{**rule, "skip": 0} for rule in rules]
        if plan.ends != "succeeded":
            rules.append({"fault": plan.ends, "kind": "deployment.create"})
        self.server.faults(*rules)

    def _submission(self) -> Submitter:
        submit = onvera.create_deployment("airflow")
        now = attempt(self.try_number, max_tries=self.max_tries, retries=self.retries, clear_number=self.clear_number)
        run = replace(RUN, region_id="0b3f6a9e-7b1f-4c40-9f4e-2f7b8f2f9b11", region_index=self.iteration)
        identity = identity_of(
            submit, now, run=run, kill_policy_terminates=self.policy == "delete", kill_policy=self.policy
        )
        deadline = self.clock.time() + 3600
        return Submitter(self._hook(), submit, identity, HandleStore(self.store, print), deadline=deadline, log=print)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(plans=tries, policy=st.sampled_from(["cancel", "delete"]))
def test_any_interleaving_of_crashes_answers_and_retries_makes_at_most_one_resource_per_generation(
    world: tuple[SimulatorServer, MortalClock], plans: list[Try], policy: str
) -> None:
    server, clock = world
    server.reset()
    passes = [
        TaskRun(server, clock, policy, TaskStateStore(clock.fuse), iteration=iteration)
        for iteration in sorted({plan.iteration for plan in plans})
    ]
    for plan in plans:
        run = next(one for one in passes if one.iteration == plan.iteration)
        event(run.attempt(plan))
        clock.advance(plan.gap)
        run.retries = plan.retries
        if plan.cleared:
            run.clear(late=plan.cleared == "late")
        if plan.forgets:
            run.forget()
    # The last try of all meets no trouble; without a handle it may find several and then makes none.
    calm = Try(dies=None, faults=(), ends="succeeded", gap=0)
    before = len(server.resources("onvera"))
    ends = [run.attempt(calm) for run in passes]
    lost = any(plan.forgets for plan in plans)
    assert all(end == "started" or (lost and end == "AmbiguousSubmission") for end in ends), ends
    made = server.resources("onvera")
    assert len(made) - before <= ends.count("started")
    assert max(Counter(item["name"] for item in made).values()) == 1, "two resources of one generation"
    if "AmbiguousSubmission" in ends:
        return
    handles = [HandleStore(run.store, print).load() for run in passes]
    waited_for = {handle.operation_id for handle in handles if handle is not None}
    assert len(waited_for) == len(passes), "two passes of a loop share an operation"
    states = {operation["id"]: operation["stage"] for operation in server.operations()}
    assert waited_for <= states.keys()
    others = [item["operation_id"] for item in made if item["operation_id"] not in (None, *waited_for)]
    assert not [other for other in others if states[other] in ("queued", "running")], "an operation nobody waits for"


@pytest.mark.parametrize("dies", range(8))
@pytest.mark.parametrize("fault", [None, *sorted(FAULTS)])
def test_a_crash_at_each_point_is_recovered_by_the_next_try(
    world: tuple[SimulatorServer, MortalClock], dies: int, fault: str | None
) -> None:
    server, clock = world
    server.reset()
    run = TaskRun(server, clock, "cancel", TaskStateStore(clock.fuse))
    run.attempt(Try(dies, (fault,) if fault else (), "succeeded", 0))
    clock.advance(5)
    assert run.attempt(Try(None, (), "succeeded", 0)) == "started"
    assert len(server.resources("onvera")) == 1


@pytest.mark.parametrize("gap", [0, DURATION * 2])
def test_a_store_that_fails_after_the_submit_neither_abandons_nor_doubles_it(
    world: tuple[SimulatorServer, MortalClock], gap: float
) -> None:
    server, clock = world
    server.reset()

    class FailsAfterIntent(TaskStateStore):
        def set(self, key: str, value: Any) -> None:
            super().set(key, value)
            self.broken = True

    store = FailsAfterIntent(clock.fuse)
    run = TaskRun(server, clock, "cancel", store)
    calm = Try(None, (), "succeeded", 0)
    assert run.attempt(calm) == "started"
    clock.advance(gap)
    store.broken = False
    assert run.attempt(calm) == "started"
    assert len(server.resources("onvera")) == 1


def test_what_is_found_after_a_clear_is_joined_by_the_retry_after_it(
    world: tuple[SimulatorServer, MortalClock],
) -> None:
    server, clock = world
    server.reset()
    run = TaskRun(server, clock, "delete", TaskStateStore(clock.fuse))
    calm = Try(None, (), "succeeded", 0)
    assert run.attempt(Try(2, (), "endless", 0)) == "killed", "before the handle is stored"
    run.clear()
    assert run.attempt(calm) == "started"
    assert run.attempt(calm) == "started"
    assert len(server.resources("onvera")) == 1


def test_clearing_a_deferred_task_ends_the_old_operation_however_late_its_trigger_is(
    world: tuple[SimulatorServer, MortalClock],
) -> None:
    server, clock = world
    server.reset()
    run = TaskRun(server, clock, "delete", TaskStateStore(clock.fuse))
    calm = Try(None, (), "succeeded", 0)
    run.attempt(calm)
    clock.advance(5)
    run.clear(late=True)
    run.attempt(calm)
    old, new = sorted(server.operations(), key=lambda item: item["kind"] == "deployment.destroy")[:2]
    stages = {item["resource_name"]: item["stage"] for item in (old, new)}
    assert sorted(stages.values()) == ["cancelled", "queued"]
    assert [item["kind"] for item in server.operations()].count("deployment.destroy") == 1
