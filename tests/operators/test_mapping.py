"""Mapped tasks are checked when the DAG is parsed, have the retry policy, and take any of Airflow's sequences."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG, task

from airflow_provider_ops.decorators import operation_task
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.operators.akua import AkuaCreateInstallOperator
from airflow_provider_ops.operators.nirvana import NirvanaCreateVMOperator
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator, OnveraDestroyDeploymentOperator
from airflow_provider_ops.operators.operation import OperationRequestOperator
from airflow_provider_ops.retry_policy import OperationRetryPolicy
from airflow_provider_ops.sensors.lakesail import LakeSailSessionSensor
from airflow_provider_ops.sensors.operation import OperationSensor
from tests.old_airflow import needs_retry_policy

if TYPE_CHECKING:
    from collections.abc import Callable


FAST: dict[str, Any] = {"poll_interval": 0.05}


class Team(OnveraCreateDeploymentOperator):
    """Takes ``app_type`` for something else than the request does."""

    def __init__(self, *, app_type: int, **kwargs: Any) -> None:
        super().__init__(app_type="airflow" if app_type else "superset", **kwargs)


class Minutes(OnveraCreateDeploymentOperator):
    """Takes a common argument in a form of its own."""

    def __init__(self, *, timeout: str = "5m", on_kill: bool = False, **kwargs: Any) -> None:
        seconds = 60 * int(timeout.removesuffix("m"))
        super().__init__(timeout=seconds, on_kill="cancel" if on_kill else None, **kwargs)


class Adopting(OnveraCreateDeploymentOperator):
    """Takes a whole result."""

    def __init__(self, *, operation_id: Any, **kwargs: Any) -> None:
        super().__init__(app_type="airflow", operation_id=operation_id and operation_id["id"], **kwargs)


class Results(OperationSensor):
    """Takes whole results."""

    def __init__(self, *, operation_id: Any, **kwargs: Any) -> None:
        super().__init__(operation_id=[one["id"] for one in operation_id], **kwargs)


class Session(LakeSailSessionSensor):
    """Takes a whole session."""

    def __init__(self, *, session_id: Any, **kwargs: Any) -> None:
        super().__init__(session_id=session_id["id"], **kwargs)


class Call(OperationRequestOperator):
    """Takes the parts of a path."""

    def __init__(self, *, path: Any, **kwargs: Any) -> None:
        super().__init__(path=f"/{'/'.join(path)}", **kwargs)


def _decorated(**arguments: Any) -> Any:
    return operation_task(**{"conn_id": "c", **arguments})(lambda name: name)


BAD: list[tuple[Callable[[], Any], str]] = [
    (lambda: OnveraCreateDeploymentOperator.partial(task_id="t", app_type="jupyter"), "app_type 'jupyter'"),
    (lambda: OnveraCreateDeploymentOperator.partial(task_id="t", on_kill="stop"), "on_kill 'stop'"),
    (lambda: OnveraCreateDeploymentOperator.partial(task_id="t", on_failure="cancel"), "on_failure 'cancel'"),
    (lambda: OnveraCreateDeploymentOperator.partial(task_id="t", timeout="5"), "timeout must be"),
    (lambda: OnveraCreateDeploymentOperator.partial(task_id="t", poll_interval=0), "poll_interval must be"),
    (lambda: OnveraCreateDeploymentOperator.partial(task_id="t", default_args={"timeout": "5"}), "timeout must be"),
    (lambda: OnveraDestroyDeploymentOperator.partial(task_id="t", deployment_id="a b"), "deployment_id"),
    (lambda: OnveraCreateDeploymentOperator.partial(task_id="t").expand(app_type=["airflow", "x"]), "app_type 'x'"),
    (lambda: OnveraCreateDeploymentOperator.partial(task_id="t").expand_kwargs([{"app_type": "x"}]), "app_type 'x'"),
    (lambda: OnveraCreateDeploymentOperator.partial(task_id="t").expand(timeout=["5"]), "timeout must be"),
    (lambda: NirvanaCreateVMOperator.partial(task_id="t", boot_volume={"size": 1, "type": "x"}), "boot_volume.type"),
    (lambda: AkuaCreateInstallOperator.partial(task_id="t", wait_until_healthy="False"), "wait_until_healthy must be"),
    (lambda: OperationRequestOperator.partial(task_id="t", method="GET"), "method 'GET'"),
    (lambda: OperationRequestOperator.partial(task_id="t").expand(path=["/a", "b"]), "path 'b'"),
    (lambda: OperationSensor.partial(task_id="t", timeout="5"), "timeout must be"),
    (lambda: OperationSensor.partial(task_id="t", poll_interval=-1), "poll_interval must be"),
    (lambda: OperationSensor.partial(task_id="t", wait_for="both"), "wait_for 'both'"),
    (lambda: OperationSensor.partial(task_id="t").expand(operation_id=["op_1", "a b"]), "operation_id 'a b'"),
    (lambda: LakeSailSessionSensor.partial(task_id="t").expand(session_id=["a/b"]), "session_id 'a/b'"),
    (lambda: _decorated(on_kill="stop"), "on_kill 'stop'"),
    (lambda: _decorated(timeout="5"), "timeout must be"),
    (lambda: _decorated(wait_for="both"), "wait_for 'both'"),
    (lambda: _decorated().override(on_kill="stop"), "on_kill 'stop'"),
]


@pytest.mark.parametrize(("make", "words"), BAD, ids=lambda value: value if isinstance(value, str) else "")
def test_partial_refuses_what_the_operator_refuses(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(InvalidArgument, match=words.replace("[", r"\[")), DAG("d", schedule=None):
        make()


def test_partial_checks_default_arguments() -> None:
    with (
        pytest.raises(InvalidArgument, match="on_kill 'stop'"),
        DAG("d", schedule=None, default_args={"on_kill": "stop"}),
    ):
        OnveraCreateDeploymentOperator.partial(task_id="t")


def test_what_may_still_change_and_what_a_subclass_means_otherwise_is_left_alone() -> None:
    with DAG("d", schedule=None, default_args={"timeout": timedelta(hours=1)}) as dag:
        OnveraCreateDeploymentOperator.partial(task_id="a", app_type="{{ params.t }}").expand(name=["{{ ds }}", None])
        ids = OnveraCreateDeploymentOperator(task_id="b", app_type="airflow").output
        OperationSensor.partial(task_id="c", conn_id="c").expand(operation_id=ids)
        Team.partial(task_id="d").expand(app_type=[1, 2])
        Team.partial(task_id="e").expand_kwargs([{"app_type": 1}, {"app_type": ids}])
        Minutes.partial(task_id="f", timeout="5m", on_kill=True).expand(app_type=["airflow"])
        Minutes.partial(task_id="g", app_type="airflow").expand(timeout=["5m", "6m"])
        Adopting.partial(task_id="h").expand(operation_id=[{"id": "op_1"}, None])
        Results.partial(task_id="i", conn_id="c").expand(operation_id=[[{"id": "op_1"}]])
        Session.partial(task_id="j", session_id={"id": "A1"}).expand(conn_id=["a", "b"])
        Call.partial(task_id="k", conn_id="c", method="POST").expand(path=[["a", "b"]])
    assert set(dag.task_ids) == set("abcdefghijk")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Minutes.partial(task_id="t", poll_interval="5"), "poll_interval must be"),
        (lambda: Minutes.partial(task_id="t", app_type="x"), "app_type 'x'"),
        (lambda: Minutes(task_id="t", app_type="airflow", timeout="-1m"), "timeout must be"),
        (lambda: Adopting(task_id="t", operation_id={"id": "a b"}), "operation_id 'a b'"),
        (lambda: Results.partial(task_id="t", timeout="5"), "timeout must be"),
        (lambda: Results(task_id="t", conn_id="c", operation_id=[{"id": "a b"}]), "operation_id[0] 'a b'"),
        (lambda: Session.partial(task_id="t", poke_interval="5"), "poke_interval must be"),
        (lambda: Session(task_id="t", session_id={"id": "a/b"}), "session_id 'a/b'"),
        (lambda: Call.partial(task_id="t", method="GET"), "method 'GET'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_subclass_hands_on_is_checked(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(InvalidArgument, match=words.replace("[", r"\[")), DAG("d", schedule=None):
        make()


# -- the retry policy


@needs_retry_policy
def test_mapped_tasks_have_the_policy_before_they_are_made() -> None:
    mine = OperationRetryPolicy(starts_anew=False)
    with DAG("d", schedule=None) as dag:
        OnveraCreateDeploymentOperator.partial(task_id="a").expand(app_type=["airflow"])
        OperationSensor.partial(task_id="b", conn_id="c").expand(operation_id=["op_1"])
        _decorated(task_id="c").expand(name=["x"])
        OnveraCreateDeploymentOperator.partial(task_id="d", retry_policy=mine).expand(app_type=["airflow"])
        _decorated(task_id="e", default_args={"retry_policy": mine}).expand(name=["x"])
    assert [dag.task_dict[name].retry_policy for name in "abcde"] == [
        OperationRetryPolicy(),
        OperationRetryPolicy(starts_anew=False),
        OperationRetryPolicy(),
        mine,
        mine,
    ]


def test_an_argument_that_only_a_run_shows_to_be_wrong_is_not_tried_again(a_dag: Any, run_dag: Any) -> None:
    with a_dag(default_args={"retries": 2}) as dag:

        @task
        def types() -> list[str]:
            return ["jupyter"]

        OnveraCreateDeploymentOperator.partial(task_id="create").expand(app_type=types())
    ran = run_dag(dag)
    assert (ran.states["create[0]"], ran.tries("create[0]")) == ("failed", 1)


# -- Airflow's sequences


@pytest.mark.usefixtures("operations_simulator")
@pytest.mark.parametrize("deferrable", [True, False])
def test_the_results_of_mapped_tasks_are_lists(a_dag: Any, run_dag: Any, deferrable: bool) -> None:
    hook = OnveraHook()
    ids = [hook.create_deployment("airflow", name).operation_id for name in "ab"]
    with a_dag() as dag:

        @task
        def one(operation_id: str) -> str:
            return operation_id

        @operation_task(conn_id="onvera_default", deferrable=deferrable, **FAST)
        def decorated(given: Any) -> Any:
            return given

        @task
        def pair(both: Any) -> str:
            return str(both[1])

        mapped = one.expand(operation_id=ids)
        fast: Any = {"conn_id": "onvera_default", "deferrable": deferrable, **FAST}
        OperationSensor(task_id="lazy", operation_id=mapped, **fast)
        OperationSensor(task_id="changed", operation_id=mapped.map(lambda found: found), **fast)
        OperationSensor.partial(task_id="pairs", **fast).expand(operation_id=mapped.zip(mapped))
        decorated(mapped)
        pair.expand(both=mapped.zip(mapped))
        OperationRequestOperator(
            task_id="request",
            conn_id="onvera_default",
            method="POST",
            path="/deployments",
            json={"app_type": "airflow", "name": "c", "tags": mapped},
            **FAST,
        )
    ran = run_dag(dag)
    failed = {name: ran.errors.get(name) for name, state in ran.states.items() if state != "success"}
    assert set(failed) <= {"request"}, failed
    assert [len(ran.result(name)) for name in ("lazy", "changed", "decorated", "pairs[0]")] == [2, 2, 2, 1]
    # Onvera knows no tags and may say so; that they were sent is what counts
    assert "LazyXComSequence" not in str(ran.errors.get("request"))


def test_what_was_never_mapped_is_warned_of_as_airflow_does() -> None:
    with pytest.warns(UserWarning, match="was never mapped"), DAG("d", schedule=None):
        OnveraCreateDeploymentOperator.partial(task_id="t")
