from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from dev.airflow_api import Dag, Event, TaskInstance
from dev.runs import (
    PlannedRun,
    RunReport,
    Told,
    Totals,
    creators,
    deferrals,
    plan,
    problems,
    retried,
    second_attempts,
    submits,
)
from dev.simulator import Resource

START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def dag(dag_id: str, *tags: str) -> Dag:
    return Dag(dag_id, frozenset(tags), f"/dags/{dag_id}.py")


def event(second: float, name: str, task_id: str | None = "create", map_index: int = -1) -> Event:
    return Event(START + timedelta(seconds=second), name, task_id, map_index, 1)


def task(task_id: str, operator: str, map_index: int = -1) -> TaskInstance:
    return TaskInstance("dag", "run", task_id, map_index, "success", operator, 1, START)


def resource(number: int, *, deleted: bool = True) -> Resource:
    return Resource("onvera", "deployment", f"dep_{number}", f"Team {number}", f"op_{number}", deleted)


def report(*operations: str, created_by: tuple[str, ...] = (), state: str = "success") -> RunReport:
    return RunReport(PlannedRun("dag"), state, operations=frozenset(operations), created_by=created_by)


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


class TestPlan:
    def test_a_dag_runs_once_and_should_succeed(self) -> None:
        assert plan([dag("one", "onvera")], {}) == [PlannedRun("one", "success")]

    def test_a_tag_says_that_a_dag_should_fail(self) -> None:
        assert plan([dag("one", "onvera", "expected:failed")], {}) == [PlannedRun("one", "failed")]

    def test_a_dag_whose_work_can_fail_runs_both_ways(self) -> None:
        runs = plan([dag("one")], {"one": {"work_fails": False}})

        assert runs == [PlannedRun("one", "success"), PlannedRun("one", "failed", {"work_fails": True})]
        assert [run.title for run in runs] == ["plain", "work_fails=true"]


class TestDeferrals:
    def test_a_deferral_lasts_until_the_next_leg(self) -> None:
        events = [event(0, "running"), event(1, "deferred"), event(13, "running")]

        assert deferrals(events, at(60)) == {("create", -1): 12}

    def test_several_deferrals_of_a_task_add_up(self) -> None:
        events = [event(1, "deferred"), event(3, "running"), event(4, "deferred"), event(9, "running")]

        assert deferrals(events, at(60)) == {("create", -1): 7}

    def test_mapped_tasks_are_told_apart(self) -> None:
        events = [
            event(1, "deferred", map_index=0),
            event(2, "deferred", map_index=1),
            event(11, "running", map_index=1),
            event(12, "running", map_index=0),
        ]

        assert deferrals(events, at(60)) == {("create", 0): 11, ("create", 1): 9}

    def test_a_deferral_that_no_leg_follows_lasts_until_the_end(self) -> None:
        assert deferrals([event(10, "deferred")], at(30)) == {("create", -1): 20}

    def test_entries_without_a_task_and_tasks_that_never_defer_do_not_count(self) -> None:
        assert deferrals([event(0, "running"), event(1, "deferred", task_id=None)], at(30)) == {}


class TestCreators:
    @pytest.mark.parametrize(
        "operator",
        [
            "OnveraCreateDeploymentOperator",
            "NirvanaCreateVMOperator",
            "LakeSailCreateThingOperator",
            "AkuaCreateInstallOperator",
        ],
    )
    def test_create_operators_ask_for_a_resource(self, operator: str) -> None:
        assert creators([task("create", operator)], [event(0, "running")]) == ["create"]

    @pytest.mark.parametrize(
        "operator",
        ["OnveraDestroyDeploymentOperator", "NirvanaRestartVMOperator", "OperationSensor", "_PythonOperator"],
    )
    def test_others_do_not(self, operator: str) -> None:
        assert creators([task("create", operator)], [event(0, "running")]) == []

    def test_a_create_task_that_never_ran_has_not_asked(self) -> None:
        tasks = [task("create", "OnveraCreateDeploymentOperator", index) for index in (0, 1)]

        assert creators(tasks, [event(0, "running", map_index=1)]) == ["create[1]"]

    def test_a_task_that_ran_twice_has_asked_for_one(self) -> None:
        events = [event(0, "running"), event(20, "running")]

        assert creators([task("create", "OnveraCreateDeploymentOperator")], events) == ["create"]


class TestVerdict:
    def test_nothing_is_wrong_when_both_sides_agree(self) -> None:
        reports = [report("op_1", "op_2", created_by=("create",))]
        totals = Totals.of(reports, [resource(1)], operations_started=2)

        assert totals.agree
        assert problems(reports, totals) == []

    def test_a_run_that_ends_otherwise_is_named(self) -> None:
        reports = [report(state="failed")]

        assert problems(reports, Totals.of(reports, [], 0)) == [
            "dag (plain) ended failed and should have ended success"
        ]

    def test_a_resource_created_twice_is_found(self) -> None:
        reports = [report("op_1", created_by=("create",))]
        totals = Totals.of(reports, [resource(1), resource(2)], operations_started=2)

        assert not totals.agree
        assert problems(reports, totals) == [
            "1 tasks asked for a resource, but 2 were created",
            "onvera deployment dep_2 (Team 2) was created by op_2, an operation that no task knows",
            "the tasks know 1 operations, but 2 were started",
        ]

    def test_a_resource_that_is_left_behind_is_found(self) -> None:
        reports = [report("op_1", created_by=("create",))]
        totals = Totals.of(reports, [resource(1, deleted=False)], operations_started=1)

        assert totals.agree
        assert problems(reports, totals) == ["onvera deployment dep_1 (Team 1) was left behind"]


class TestRequests:
    def test_a_generic_post_asks_for_a_resource_and_a_delete_does_not(self) -> None:
        events = [event(0, "running", task_id) for task_id in ("make", "drop")]
        sent = [
            replace(task("make", "OperationRequestOperator"), fields={"method": "POST"}),
            replace(task("drop", "OperationRequestOperator"), fields={"method": "DELETE"}),
        ]

        assert creators(sent, events) == ["make"]

    def test_of_decorated_functions_only_one_called_create_asks_for_a_resource(self) -> None:
        events = [event(0, "running", map_index=index) for index in (0, 1)]
        events += [replace(one, task_id="destroy") for one in events]
        decorated = [task(name, "@task.operation", index) for name in ("create", "destroy") for index in (0, 1)]

        assert creators(decorated, events) == ["create[0]", "create[1]"]

    @pytest.mark.parametrize(
        ("operator", "may"),
        [("OnveraDestroyDeploymentOperator", True), ("@task.operation", True), ("OperationSensor", False)],
    )
    def test_what_a_sensor_knows_was_started_by_another(self, operator: str, may: bool) -> None:
        assert submits(task("any", operator)) is may

    def test_what_one_operation_makes_counts_once(self) -> None:
        boot_volume = replace(resource(1), kind="volume", id="vol_1")

        assert Totals.of([report("op_1", created_by=("create",))], [resource(1), boot_volume], 1).agree

    def test_what_a_plain_call_makes_was_asked_for_by_no_operator(self) -> None:
        job = replace(resource(2), operation_id=None)

        assert Totals.of([report("op_1", created_by=("create",))], [resource(1), job], 1).agree


class TestSecondAttempts:
    def test_a_task_with_one_attempt_or_none_needed_no_second(self) -> None:
        assert retried([task("a", "X"), replace(task("b", "X"), try_number=0)]) == []

    def test_each_task_that_needed_one_is_named_whoever_started_its_run(self) -> None:
        again = retried([replace(task("create", "X", 3), try_number=2), task("other", "X")])

        found = second_attempts([replace(report(), retried=again)], [Told.of("watcher", [], [], ["tell"])])

        assert found == ["dag.create[3] needed a second attempt", "watcher.tell needed a second attempt"]


class TestEvents:
    def test_what_events_start_is_not_planned(self) -> None:
        assert plan([dag("one"), dag("watcher", "event-driven")], {}) == [PlannedRun("one", "success")]

    def test_each_operation_is_told_once(self) -> None:
        told = Told.of("watcher", ["success", "success"], [["op_1", "op_2"], ["op_3"], None])

        assert set(told.operations) == {"op_1", "op_2", "op_3"}
        assert told.problems == []

    @pytest.mark.parametrize(
        ("told", "problem"),
        [
            (Told.of("watcher", [], []), "no event started watcher"),
            (Told.of("watcher", ["failed"], [["op_1"]]), "a run of watcher ended failed"),
            (Told.of("watcher", ["success"], [[]]), "the runs of watcher were told of no operation"),
            (Told.of("watcher", ["success"], [["op_1"], ["op_1"]]), "watcher was told of op_1 more than once"),
        ],
    )
    def test_what_is_wrong_is_said(self, told: Told, problem: str) -> None:
        assert told.problems == [problem]
