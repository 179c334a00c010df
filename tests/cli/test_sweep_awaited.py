"""``sweep``: what a task only waited for, or only adopted, is listed and never deleted, however its id came there."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG, task

from airflow_provider_ops.cli.records import add_rendered, read_task
from airflow_provider_ops.cli.tables import TaskPlace, TaskRow
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.hooks.lakesail import LakeSailHook
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.operation import Operation, OperationState
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator
from airflow_provider_ops.sensors.lakesail import LakeSailSessionSensor
from airflow_provider_ops.sensors.operation import OperationSensor
from tests.old_airflow import needs_state_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ops.testing import SimulatorServer

HURRY: dict[str, Any] = {"poll_interval": 0.05, "deferrable": False}
QUICK: dict[str, Any] = {"conn_id": "onvera_default", "deferrable": False, "poke_interval": 0.05}
START = datetime(2026, 1, 1, tzinfo=timezone.utc)
AWAITED = "left behind: the task only waited for it"
ADOPTED = "left behind: the task only adopted it"


def begun(name: str) -> str:
    return OnveraHook().create_deployment("airflow", name).operation_id


def fates(swept: Any) -> dict[str, str]:
    return {row["name"]: row["fate"] for row in json.loads(swept.out)}


def existing(world: SimulatorServer) -> set[str]:
    return {one["name"] for one in world.resources() if not one["deleted"]}


def make_older(ran: Any) -> None:
    """Let all runs have begun two days from now: what there is was there before."""
    from airflow.models.dagrun import DagRun  # noqa: PLC0415
    from airflow.utils.session import create_session  # noqa: PLC0415

    with create_session() as session:
        (run,) = session.query(DagRun).filter(DagRun.run_id == ran.run.run_id, DagRun.dag_id == ran.run.dag_id)
        run.run_after = run.end_date = datetime.now(timezone.utc) + timedelta(days=2)


def pushed() -> Any:
    @task
    def begin(ti: Any = None) -> None:
        ti.xcom_push(key="op", value=begun("one"))

    made: Any = begin()
    OperationSensor(task_id="wait", operation_id=made["op"], **QUICK)


def nested() -> Any:
    @task
    def begin() -> Any:
        return {"made": [{"operation_id": begun("one")}]}

    begin() >> OperationSensor(task_id="wait", operation_id="{{ ti.xcom_pull('begin').made[0].operation_id }}", **QUICK)


def mapped() -> Any:
    @task
    def begin() -> Any:
        return [{"operation_id": begun(name)} for name in ("one", "two")]

    ids = begin().map(lambda made: made["operation_id"])
    OperationSensor.partial(task_id="wait", **QUICK).expand(operation_id=ids)


def returned() -> Any:
    @task.operation(conn_id="onvera_default", **HURRY)
    def begin() -> str:
        return begun("one")

    begin()


def several() -> Any:
    @task.operation(conn_id="onvera_default", **HURRY)
    def begin() -> list[str]:
        return [begun("one"), begun("two")]

    begin()


def constant() -> Any:
    OperationSensor(task_id="wait", operation_id=[begun("one"), begun("two")], **QUICK)


def rescheduled() -> Any:
    OperationSensor(task_id="wait", operation_id=begun("one"), mode="reschedule", **QUICK)


def session() -> Any:
    # nothing uses it, so that it never becomes active
    session_id = str(LakeSailHook().create_session().resource_id)
    late: dict[str, Any] = {"timeout": 0.1, "soft_fail": True, "deferrable": False, "poke_interval": 0.05}
    LakeSailSessionSensor(task_id="wait", session_id=session_id, **late)


@pytest.mark.parametrize("how", [pushed, nested, mapped, returned, several, constant, rescheduled])
def test_what_a_task_waited_for_is_listed_however_its_id_travelled(
    how: Callable[[], Any], world: SimulatorServer, run_dag: Any, sweep: Any
) -> None:
    with DAG(f"waited_{how.__name__}", schedule=None, start_date=START) as dag:
        how()
    ran = run_dag(dag)
    assert ran.state == "success", ran.errors
    made = existing(world)
    listed = sweep(ran)
    assert (listed.code, fates(listed)) == (1, dict.fromkeys(made, AWAITED)), listed.err
    deleted = sweep(ran, "--yes")
    assert (deleted.code, existing(world)) == (1, made)
    assert set(fates(deleted).values()) == {"left alone: the task only waited for it"}


def test_what_was_there_before_the_run_is_listed_and_is_not_left_by_it(
    world: SimulatorServer, run_dag: Any, sweep: Any
) -> None:
    with DAG("waited_older", schedule=None, start_date=START) as dag:
        constant()
        OnveraCreateDeploymentOperator(task_id="adopt", app_type="airflow", operation_id=begun("given"), **HURRY)
    ran = run_dag(dag)
    assert ran.state == "success", ran.errors
    make_older(ran)
    for arguments in ((), ("--yes",)):
        swept = sweep(ran, *arguments)
        said = {"one": "waited for", "two": "waited for", "given": "adopted"}
        assert fates(swept) == {name: f"older than its run: the task only {how} it" for name, how in said.items()}
        assert swept.code == 0
        assert "Nothing is left behind" in swept.err
    assert existing(world) == {"one", "two", "given"}


def test_what_a_task_was_given_is_never_deleted(world: SimulatorServer, run_dag: Any, sweep: Any) -> None:
    operation_id = begun("production")
    with DAG("only_adopted", schedule=None, start_date=START) as dag:
        OnveraCreateDeploymentOperator(task_id="adopt", app_type="airflow", operation_id=operation_id, **HURRY)
        OnveraCreateDeploymentOperator(task_id="own", app_type="airflow", name="own", **HURRY)
    ran = run_dag(dag)
    assert ran.state == "success", ran.errors
    assert fates(sweep(ran)) == {"production": ADOPTED, "own": "left behind"}
    deleted = sweep(ran, "--yes")
    assert (deleted.code, existing(world)) == (1, {"production"})
    assert "Not searched" not in deleted.err


def test_what_a_task_of_the_run_made_is_deleted_although_others_waited_for_it(
    world: SimulatorServer, run_dag: Any, sweep: Any
) -> None:
    with DAG("waited_for_own", schedule=None, start_date=START) as dag:
        made = OnveraCreateDeploymentOperator(
            task_id="z_make", app_type="airflow", name="own", wait_for_completion=False, **HURRY
        )
        operation_id = made.output["operation_id"]
        OperationSensor(task_id="a_wait", operation_id=operation_id, **QUICK)
        OnveraCreateDeploymentOperator(task_id="b_adopt", app_type="airflow", operation_id=operation_id, **HURRY)
    ran = run_dag(dag)
    assert ran.state == "success", ran.errors
    (row,) = json.loads(sweep(ran).out)
    assert (row["task"], row["found_by"], row["fate"]) == ("z_make", "record", "left behind")
    assert (sweep(ran, "--yes").code, existing(world)) == (0, set())


@needs_state_store
def test_what_a_try_submitted_and_a_later_one_was_given_stays_its_own(
    world: SimulatorServer, run_dag: Any, sweep: Any
) -> None:
    begun: list[str] = []

    class Create(OnveraCreateDeploymentOperator):
        """The first try dies after its submit; the user gives the second what that has started."""

        def execute(self, context: Any) -> Any:
            self.operation_id = begun[0] if begun else None
            result = super().execute(context)
            if not begun:
                begun.append(result["operation_id"])
                raise RuntimeError
            return result

    with DAG("adopts_own", schedule=None, start_date=START, default_args={"retries": 1}) as dag:
        Create(task_id="create", app_type="airflow", name="own", retry_delay=0, **HURRY)
    ran = run_dag(dag)
    assert (ran.state, ran.tries("create")) == ("success", 2), ran.errors
    assert fates(sweep(ran)) == {"own": "left behind"}
    assert (sweep(ran, "--yes").code, existing(world)) == (0, set())


@needs_state_store
def test_what_a_try_before_waited_for_is_listed(world: SimulatorServer, run_dag: Any, sweep: Any) -> None:
    class Wait(OperationSensor):
        """The first try dies after its wait; the second is given another id."""

        def execute(self, context: Any) -> Any:
            result = super().execute(context)
            if context["ti"].try_number == 1:
                raise RuntimeError
            return result

    with DAG("waited_twice", schedule=None, start_date=START, default_args={"retries": 1}) as dag:

        @task
        def begin() -> list[str]:
            return [begun("one"), begun("two")]

        operation_id = "{{ ti.xcom_pull('begin')[ti.try_number - 1] }}"
        begin() >> Wait(task_id="wait", operation_id=operation_id, retry_delay=0, **QUICK)
    ran = run_dag(dag)
    assert (ran.state, ran.tries("wait")) == ("success", 2), ran.errors
    listed = sweep(ran)
    assert (listed.code, fates(listed)) == (1, {"one": AWAITED, "two": AWAITED}), listed.err


def test_a_session_that_a_sensor_waited_for_is_listed(world: SimulatorServer, run_dag: Any, sweep: Any) -> None:
    with DAG("waited_session", schedule=None, start_date=START) as dag:
        session()
    ran = run_dag(dag)
    assert ran.state == "success", ran.errors
    (row,) = json.loads(sweep(ran).out)
    assert (row["resource_type"], row["fate"]) == ("session", AWAITED)


def test_an_operation_that_cannot_be_read_is_said_first(world: SimulatorServer, run_dag: Any, sweep: Any) -> None:
    with DAG("waited_unknown", schedule=None, start_date=START) as dag:
        OperationSensor(task_id="wait", operation_id="f4392eaf-3047-404e-aacc-2670370584ca", **QUICK)
    ran = run_dag(dag)
    assert ran.state == "failed"
    swept = sweep(ran)
    assert (swept.code, json.loads(swept.out)) == (5, [])
    assert swept.err.startswith("Not searched: Onvera (onvera_default): operation f4392eaf-3047-404e-aacc-2670370584ca")


def _row(**kept: Any) -> TaskRow:
    return TaskRow(TaskPlace("run", "task", -1), "success", 1, has_started=True, **kept)


GIVEN = {"api": "onvera", "kind": "deployment.create", "key": "", "creates": False, "generation": 0}
OWN = {"api": "onvera", "kind": "deployment.create", "key": "k-1", "creates": True, "generation": 1}
HANDLE, TRIES = "airflow_provider_ops.handle", "airflow_provider_ops.tries"


@pytest.mark.parametrize(
    ("xcoms", "store", "submitted", "awaited"),
    [
        ({"operation_id": "op_1"}, {HANDLE: {**GIVEN, "operation_id": "op_1"}}, [], ["op_1"]),
        ({}, {HANDLE: {**GIVEN, "key": "k-1", "operation_id": "op_1"}}, ["op_1"], []),
        (
            {"operation_id": "op_2"},
            {
                HANDLE: {**GIVEN, "operation_id": "op_2"},
                TRIES: [{"try_number": 1, "first": {"operation_id": "op_1", "submitted_at": 1.0, "adopted_at": None}}],
            },
            ["op_1"],
            ["op_2"],
        ),
        (
            {"operation_id": "op_2"},
            {
                HANDLE: {**OWN, "operation_id": "op_2"},
                TRIES: [{"try_number": 1, "first": {"operation_id": "op_1", "submitted_at": None, "adopted_at": 1.0}}],
            },
            ["op_2"],
            ["op_1"],
        ),
        (
            # the handle is of a try after the one that waited for ids of a function
            {},
            {
                HANDLE: {**OWN, "operation_id": "op_3"},
                TRIES: [
                    {
                        "try_number": 1,
                        "first": {"operation_id": "op_1", "submitted_at": None, "adopted_at": None},
                        "others": ["op_2"],
                    }
                ],
            },
            ["op_3"],
            ["op_1", "op_2"],
        ),
        # a sensor that was cleared
        ({}, {TRIES: [{"try_number": 1, "operation_id": "op_1", "first": {"operation_id": "op_1"}}]}, [], ["op_1"]),
        ({"awaited_operations": ["op_1", "op_2"]}, {}, [], ["op_1", "op_2"]),
    ],
)
def test_what_records_say_of_who_has_started_it(
    xcoms: dict[str, Any], store: dict[str, Any], submitted: list[str], awaited: list[str]
) -> None:
    found = read_task(_row(xcoms=xcoms, store=store))
    assert (sorted(found.submitted), sorted(found.awaited)) == (submitted, awaited)


@pytest.mark.parametrize(
    ("given", "ids"),
    [("op_1", ["op_1"]), (["op_1", "op_2"], ["op_1", "op_2"]), ("Truncated. You are likely", []), (None, [])],
)
def test_what_a_sensor_was_given_that_has_recorded_nothing(given: Any, ids: list[str]) -> None:
    row = _row(fields={"conn_id": "onvera_default", "operation_id": given})
    found = read_task(row)
    add_rendered(found, row)
    assert list(found.awaited) == ids


def test_a_handle_of_what_a_task_was_given_keeps_the_key_of_the_try_that_submitted_it() -> None:
    operation = Operation(
        api="onvera", id="op_1", kind="deployment.create", state=OperationState.RUNNING, raw_state="RUNNING"
    )
    assert Handle.of_existing(operation, before=None).generation == 0
    before = Handle("onvera", "deployment.create", "k-1", 2, "", 0, 1, 5.0)
    own = Handle.of_existing(operation, before=before.answered("op_1"))
    assert (own.key, own.submitted_at, own.generation, own.creates) == ("k-1", 5.0, 2, False)
    other = Handle.of_existing(operation, before=before.answered("op_2"))
    assert (other.key, other.generation) == ("", 2)
