"""Another task gave None for what decides which account, which call, or which operation: nothing is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG, task

from airflow_provider_ops.decorators import operation_task
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.operators.lakesail import LakeSailCreateSessionOperator
from airflow_provider_ops.operators.nirvana import NirvanaCreateVolumeOperator
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator
from airflow_provider_ops.operators.operation import OperationRequestOperator
from airflow_provider_ops.sensors.lakesail import LakeSailSessionSensor
from airflow_provider_ops.sensors.operation import OperationSensor

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer

pytestmark = pytest.mark.usefixtures("retry_at_once")

FAST: dict[str, Any] = {"deferrable": False}
CALL: dict[str, Any] = {"conn_id": "onvera_default", "method": "POST", "path": "/deployments", "json": {}}


def create(none: Any, field: str) -> None:
    OnveraCreateDeploymentOperator(**{"task_id": "t", "app_type": "airflow", field: none, **FAST})


def request(none: Any, field: str) -> None:
    OperationRequestOperator(**{"task_id": "t", **CALL, field: none, **FAST})


def sense(none: Any, field: str) -> None:
    OperationSensor(**{"task_id": "t", "conn_id": "onvera_default", "operation_id": "op_1", field: none, **FAST})


def sense_a_session(none: Any, field: str) -> None:
    LakeSailSessionSensor(**{"task_id": "t", "session_id": "A1", field: none, **FAST})


def decorated(none: Any, field: str) -> None:
    operation_task(**{"task_id": "t", "conn_id": "onvera_default", field: none, **FAST})(lambda: str(1 / 0))()


def volume(none: Any, field: str) -> None:
    fields = {"name": "v", "region": "r", "size": 1, "type": "nvme", field: none}
    NirvanaCreateVolumeOperator(**{"task_id": "t", **fields, **FAST})


GIVEN = [
    *((create, name) for name in ("operation_id", "conn_id", "app_type")),
    *((request, name) for name in ("operation_id", "conn_id", "method", "path")),
    *((sense, name) for name in ("operation_id", "conn_id")),
    *((sense_a_session, name) for name in ("session_id", "conn_id")),
    *((decorated, name) for name in ("operation_id", "conn_id")),
    *((volume, name) for name in ("name", "size", "type")),
]


@pytest.mark.parametrize(("make", "field"), GIVEN, ids=lambda value: getattr(value, "__name__", value))
def test_none_of_another_task_is_refused_by_name_in_one_try(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, make: Any, field: str
) -> None:
    with a_dag(default_args={"retries": 2}) as dag:

        @task
        def none() -> None:
            return None

        make(none(), field)
    ran = run_dag(dag)
    assert isinstance(error := ran.error("t"), InvalidArgument), error
    assert str(error).startswith(f"{field} ")
    assert "None" in str(error)
    assert (ran.tries("t"), operations_simulator.resources()) == (1, [])


@pytest.mark.parametrize("field", ["operation_id", "conn_id"])
@pytest.mark.parametrize("has_default", [False, True])
def test_none_that_a_task_is_mapped_over_is_refused(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, field: str, has_default: bool
) -> None:
    defaults = {"retries": 2} | ({field: "onvera_default"} if has_default else {})
    with a_dag(default_args=defaults) as dag:

        @task
        def nones() -> Any:
            return [None]

        @task
        def arguments() -> Any:
            return [{field: None, "name": "a"}]

        partial: dict[str, Any] = {"app_type": "airflow", **FAST}
        OnveraCreateDeploymentOperator.partial(task_id="a", **partial).expand(**{field: nones()})
        OnveraCreateDeploymentOperator.partial(task_id="b", **partial).expand_kwargs(arguments())
    ran = run_dag(dag)
    for name in ("a[0]", "b[0]"):
        assert (str(ran.error(name)), ran.tries(name)) == (
            f"{field} is None: the task that was to give it gave None",
            1,
        )
    assert operations_simulator.resources() == []


@pytest.mark.parametrize("field", ["operation_id", "conn_id"])
def test_mapping_over_a_literal_none_is_refused_when_the_dag_is_parsed(field: str) -> None:
    for method, given in (("expand", {field: [None]}), ("expand_kwargs", {"kwargs": [{field: None}]})):
        with pytest.raises(InvalidArgument, match=f"{field} is None"), DAG("d", schedule=None):
            getattr(OnveraCreateDeploymentOperator.partial(task_id="t", app_type="airflow"), method)(**given)


class Team(OnveraCreateDeploymentOperator):
    """Hands on what it was not given."""

    def __init__(self, *, conn_id: str | None = None, operation_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(conn_id=conn_id, operation_id=operation_id, **kwargs)


@pytest.mark.parametrize("cls", [OnveraCreateDeploymentOperator, Team])
def test_a_literal_none_leaves_them_out(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, cls: Any
) -> None:
    out: dict[str, Any] = {"conn_id": None, "operation_id": None, "app_type": "airflow", **FAST}
    with a_dag() as dag:

        @task
        def arguments() -> Any:
            return [{"name": "c"}]

        cls(task_id="a", name="a", **out)
        cls.partial(task_id="b", **out).expand(name=["b"])
        cls.partial(task_id="c", app_type="airflow", **FAST).expand_kwargs(arguments())
    ran = run_dag(dag)
    assert ran.state == "success", ran.errors
    assert sorted(one["name"] for one in operations_simulator.resources()) == ["a", "b", "c"]


def test_none_leaves_out_what_has_a_default(a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer) -> None:
    with a_dag() as dag:

        @task
        def none() -> None:
            return None

        nothing = none()
        OnveraCreateDeploymentOperator(task_id="name", app_type="airflow", name=nothing, **FAST)
        LakeSailCreateSessionOperator(task_id="body", body=nothing, **FAST)
        NirvanaCreateVolumeOperator(
            task_id="flag", name="v", region="us-sva-2", size=64, type="abs", preflight=nothing, tags=nothing, **FAST
        )
    ran = run_dag(dag)
    assert {name for name, state in ran.states.items() if state != "success"} <= {"body"}, ran.errors
    assert [one["api"] for one in operations_simulator.resources()].count("nirvana") == 1
