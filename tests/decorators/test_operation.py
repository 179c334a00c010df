"""@task.operation in Airflow: ids are waited for, requests are sent once, the function is asked when it must."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import task
from structlog.testing import capture_logs

from airflow_provider_ops._compat import AirflowSensorTimeout
from airflow_provider_ops.apis import onvera
from airflow_provider_ops.decorators import OperationRequest, operation_task
from airflow_provider_ops.decorators.operation import DecoratedOperationOperator, _keywords
from airflow_provider_ops.exceptions import InvalidArgument, OperationFailed, WaitTimeout
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.testing import drop_answer, never_settles, operation_cancelled, operation_fails
from tests.old_airflow import needs_state_store, told_as

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer, VirtualClock

CONN = "onvera_default"
FAST: dict[str, Any] = {"conn_id": CONN, "poll_interval": 0.05}
CREATE = OperationRequest("POST", "/deployments", {"app_type": "airflow", "name": "one"})


@pytest.fixture(autouse=True)
def _defer_at_once(monkeypatch: pytest.MonkeyPatch, retry_at_once: None) -> None:
    monkeypatch.setattr("airflow_provider_ops.lifecycle.attempt.SECONDS_BEFORE_DEFERRING", 0.0)


def created(world: SimulatorServer) -> int:
    return int(world.stats()["by_api"]["onvera"]["created"])


def start(*names: str) -> list[str]:
    """Operations that somebody else has started."""
    hook = OnveraHook(CONN)
    return [hook.create_deployment("airflow", name).operation_id for name in names]


# -- requests


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize("request_", [CREATE, onvera.create_deployment("airflow", "one")], ids=["plain", "builder"])
def test_a_request_is_sent_by_the_task(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, request_: Any, deferrable: bool
) -> None:
    with a_dag() as dag:

        @operation_task(**FAST, deferrable=deferrable)
        def create() -> Any:
            assert created(operations_simulator) == 0
            return request_

        create()
    ran = run_dag(dag)
    assert ran.states == {"create": "success"}
    (resource,) = operations_simulator.resources()
    result = ran.result("create")
    assert set(result) == {"operation_id", "resource_id", "state", "operation", "resource"}
    assert (result["state"], result["resource"]["name"]) == ("succeeded", "one")
    assert result["resource_id"] == resource["id"] == ran.xcom("create", "resource_id")
    assert ran.xcom("create", "operation_id") == result["operation_id"]
    assert ran.xcom("create", "_link_OperationLink") == result["resource"]["url"]


def test_it_is_mapped_overridden_and_given_context(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    with a_dag(params={"kind": "superset"}) as dag:

        @operation_task(**FAST)
        def create(name: str, app_type: str, run_id: Any = None) -> Any:
            return onvera.create_deployment(app_type, f"{name} {run_id}")  # type: ignore[arg-type]

        @task
        def names() -> list[str]:
            return ["a", "b"]

        many = (
            create.override(task_id="many", on_kill="leave").partial(app_type="{{ params.kind }}").expand(name=names())
        )

        @task
        def count(made: Any) -> int:
            return len(list(made))

        count(many)
    ran = run_dag(dag)
    assert ran.state == "success", ran.errors
    assert ran.result("count") == 2
    found = {(one["name"], one["kind"]) for one in operations_simulator.resources()}
    assert {name for name, _ in found} == {f"{letter} {ran.run.run_id}" for letter in "ab"}


def test_arguments_come_by_place_by_name_and_from_the_context() -> None:
    known = {"ti": 1, "run_id": "r", "b": 2, "other": 3}

    def some(a: int, b: int, *more: int, run_id: str = "") -> None: ...
    def all_(a: int, **context: Any) -> None: ...
    def shadowed(run_id: str) -> None: ...

    assert _keywords(some, 1, known) == {"b": 2, "run_id": "r"}
    assert _keywords(some, 4, known) == {"run_id": "r"}
    assert _keywords(all_, 1, known) == known
    assert _keywords(shadowed, 1, known) == {}


def test_without_waiting_it_ends_at_once(a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer) -> None:
    operations_simulator.faults(never_settles())
    with a_dag() as dag:
        operation_task(**FAST, wait_for_completion=False)(lambda: CREATE).override(task_id="create")()
    ran = run_dag(dag)
    assert ran.result("create")["state"] == "pending"


@pytest.mark.parametrize("durable", [True, False])
def test_a_lost_answer_is_found_out(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, durable: bool
) -> None:
    operations_simulator.faults(drop_answer())
    with a_dag() as dag:
        operation_task(**FAST, durable=durable)(lambda: CREATE).override(task_id="create")()
    assert run_dag(dag).states == {"create": "success"}
    assert created(operations_simulator) == 1


class Dying(DecoratedOperationOperator):
    """Airflow fails the task right after it was resumed, or right after it was submitted."""

    def execute_complete(self, context: Any, event: Any) -> Any:
        if context["ti"].try_number == 1:
            raise MemoryError("the worker was killed")
        return super().execute_complete(context, event)


@needs_state_store
def test_a_retry_goes_on_without_asking_again_and_a_name_made_of_the_clock_makes_no_second_resource(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_ops.decorators.operation.DecoratedOperationOperator", Dying)
    asked: list[str] = []

    def create() -> OperationRequest:
        asked.append(f"asked {len(asked)}")
        return OperationRequest("POST", "/deployments", {"app_type": "airflow", "name": asked[-1]})

    operations_simulator.duration = 1.0
    with a_dag(default_args={"retries": 1}) as dag:
        operation_task(**FAST)(create)()
    ran = run_dag(dag)
    assert (ran.state, ran.tries("create")) == ("success", 2)
    assert asked == ["asked 0"]
    assert created(operations_simulator) == 1
    assert ran.result("create")["resource"]["name"] == "asked 0"


def test_after_a_failed_operation_the_function_is_asked_again(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(operation_fails(n=1))
    asked: list[int] = []

    def create() -> OperationRequest:
        asked.append(1)
        return CREATE

    with a_dag(default_args={"retries": 1}) as dag:
        operation_task(**FAST)(create)()
    ran = run_dag(dag)
    assert (ran.state, ran.tries("create"), len(asked)) == ("success", 2, 2)
    assert created(operations_simulator) == 2


def test_the_timeout_policy_applies_to_what_was_started(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(never_settles(kind="deployment.create"))
    with a_dag() as dag:
        operation_task(**FAST, timeout=0.3, on_timeout="delete", deferrable=False)(lambda: CREATE).override(
            task_id="create"
        )()
    error = run_dag(dag).error("create")
    assert told_as(error) is WaitTimeout
    assert "delete" in str(error)


# -- ids


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize("count", [1, 3])
def test_ids_are_waited_for(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, deferrable: bool, count: int
) -> None:
    operations_simulator.duration = 0.5
    ids: list[str] = []

    def wait() -> Any:
        ids.extend(start(*"abc"[:count]))
        return ids if count > 1 else ids[0]

    with a_dag() as dag:
        operation_task(**FAST, deferrable=deferrable)(wait)()
    with capture_logs() as said:
        ran = run_dag(dag)
    assert ran.state == "success", ran.errors
    # the id is short from its second appearance on
    short = ids[0].partition("-")[0]
    assert len([line for line in said if "waiting " in line["event"].lower() and short in line["event"]]) == 1
    result = ran.result("wait")
    results = result if count > 1 else [result]
    assert [one["operation_id"] for one in results] == ids
    assert [one["resource"]["name"] for one in results] == list("abc"[:count])
    assert ran.xcom("wait", "operation_id") == (ids if count > 1 else ids[0])
    assert created(operations_simulator) == count


@pytest.mark.parametrize("fault", [operation_fails("no space"), operation_cancelled("by hand")])
def test_a_bad_end_fails_at_once_because_a_retry_would_find_the_same(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, fault: Any
) -> None:
    operations_simulator.faults(fault)
    ids = start("a")
    with a_dag(default_args={"retries": 3}) as dag:
        operation_task(**FAST)(lambda: ids).override(task_id="wait")()
    ran = run_dag(dag)
    assert (ran.state, ran.tries("wait")) == ("failed", 1)
    assert ids[0] in str(ran.error("wait"))


def test_any_of_several_is_enough(a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer) -> None:
    operations_simulator.faults(operation_fails(n=1))
    ids = start("bad", "good")
    with a_dag() as dag:
        operation_task(**FAST, wait_for="any")(lambda: ids).override(task_id="wait")()
    ran = run_dag(dag)
    assert [one["operation_id"] for one in ran.result("wait")] == ids[1:]


def test_running_out_of_time_is_a_sensors_timeout(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(never_settles())
    ids = start("a")
    with a_dag(default_args={"retries": 3}) as dag:
        operation_task(**FAST, timeout=0.2)(lambda: ids).override(task_id="wait")()
    ran = run_dag(dag)
    assert isinstance(ran.error("wait"), AirflowSensorTimeout)
    assert ran.tries("wait") == 1


TROUBLE: dict[str, tuple[str, dict[str, Any]]] = {
    "deferral timeout": ("__fail__", {"error": "Trigger timeout"}),
    "dead trigger": ("__fail__", {"error": "Trigger failure", "traceback": ["boom"]}),
}


@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("what", ["ids", "request"])
def test_a_dead_trigger_leads_to_another_look_and_no_other_question(
    a_dag: Any,
    run_dag: Any,
    operations_simulator: SimulatorServer,
    virtual_time: VirtualClock,
    monkeypatch: pytest.MonkeyPatch,
    trouble: str,
    what: str,
) -> None:
    legs: list[Any] = []
    asked: list[int] = []

    class Dead(DecoratedOperationOperator):
        def execute_complete(self, context: Any, event: Any) -> Any:
            legs.append(event)
            if len(legs) == 1:
                return self.resume_execution(*TROUBLE[trouble], context)
            return super().execute_complete(context, event)

        def ids_complete(self, context: Any, event: Any) -> Any:
            legs.append(event)
            if len(legs) == 1:
                return self.resume_execution(*TROUBLE[trouble], context)
            return super().ids_complete(context, event)

    def wait() -> Any:
        asked.append(1)
        return start("a") if what == "ids" else CREATE

    monkeypatch.setattr("airflow_provider_ops.decorators.operation.DecoratedOperationOperator", Dead)
    with a_dag() as dag:
        operation_task(conn_id=CONN, poll_interval=60)(wait)()
    ran = run_dag(dag)
    assert ran.state == "success", ran.errors
    assert legs
    assert asked == [1]
    assert created(operations_simulator) == 1


# -- what a function may not return


async def _async() -> str:
    return "op"


@pytest.mark.parametrize("returned", [None, 7, [], ["op_1", 2], {"operation_id": "op_1"}, "['op_1']"])
def test_anything_else_is_refused_at_once_by_name(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, returned: Any
) -> None:
    def careless() -> Any:
        return returned

    with a_dag(default_args={"retries": 3}) as dag:
        operation_task(**FAST)(careless)()
    ran = run_dag(dag)
    assert isinstance(ran.error("careless"), InvalidArgument)
    assert "careless returned" in str(ran.error("careless"))
    # no template has made it
    assert "render_template_as_native_obj" not in str(ran.error("careless"))
    assert operations_simulator.stats()["requests"] == 0


def test_ids_and_no_waiting_make_no_sense(a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer) -> None:
    with a_dag() as dag:
        operation_task(**FAST, wait_for_completion=False)(lambda: "op_1").override(task_id="wait")()
    assert "nothing to do" in str(run_dag(dag).error("wait"))


def test_an_async_function_is_refused_when_the_dag_is_read(a_dag: Any) -> None:
    with a_dag(), pytest.raises(InvalidArgument, match="use def"):
        operation_task(conn_id=CONN)(_async)()  # type: ignore[type-var]


def test_default_args_may_say_what_the_decorator_does_not(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    with a_dag(default_args={"conn_id": CONN, "deferrable": False, "poll_interval": 0.05}) as dag:
        operation_task()(lambda: CREATE).override(task_id="create")()
    (op,) = dag.tasks
    assert (op.conn_id, op.deferrable, op.poll_interval) == (CONN, False, 0.05)
    assert run_dag(dag).state == "success"


def test_the_connection_chooses_the_api(a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer) -> None:
    body = {"name": "c", "connectionId": "none"}
    with a_dag() as dag:
        operation_task(conn_id="lakesail_default")(lambda: OperationRequest("POST", "/infra/clusters", body)).override(
            task_id="create"
        )()
    run_dag(dag)
    assert operations_simulator.requests("lakesail")
    assert not operations_simulator.requests("onvera")


def test_a_failed_request_is_told_as_everywhere(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(operation_fails("quota exceeded"))
    with a_dag() as dag:
        operation_task(**FAST)(lambda: CREATE).override(task_id="create")()
    error = run_dag(dag).error("create")
    assert isinstance(error, OperationFailed)
    assert "quota exceeded" in str(error)
