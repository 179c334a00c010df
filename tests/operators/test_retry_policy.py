"""The retry policy in Airflow: how often a task is really tried."""

from __future__ import annotations

import pickle
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import BaseOperator

from airflow_provider_ops import _compat
from airflow_provider_ops._compat import ASKS_RETRY_POLICY, AirflowFailException, never_retried
from airflow_provider_ops.exceptions import (
    AuthenticationError,
    InvalidArgument,
    InvalidRequest,
    OperationFailed,
    OpsError,
    RateLimited,
    ServerError,
)
from airflow_provider_ops.hooks.lakesail import LakeSailHook
from airflow_provider_ops.operation import Operation, OperationState
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator
from airflow_provider_ops.operators.operation import OperationRequestOperator
from airflow_provider_ops.retry_policy import OperationRetryPolicy
from airflow_provider_ops.sensors.operation import OperationSensor
from airflow_provider_ops.testing import fail_first, operation_fails
from tests.old_airflow import needs_reschedule, needs_retry_policy

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer

RETRIES = {"retries": 2}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, retry_at_once: None) -> None:
    monkeypatch.setattr("airflow_provider_ops.lifecycle.attempt.SECONDS_BEFORE_DEFERRING", 0.0)


@pytest.fixture
def bad_key(operations_simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ONVERA_DEFAULT", operations_simulator.connection_json("onvera", "invalid-key"))


def create_cluster(**arguments: Any) -> OperationRequestOperator:
    (connection, *_) = LakeSailHook("lakesail_default").list_connections()
    return OperationRequestOperator(
        task_id="create",
        conn_id="lakesail_default",
        method="POST",
        path="/infra/clusters",
        json={"name": "c", "connectionId": connection.id},
        poll_interval=0.05,
        **arguments,
    )


@pytest.mark.usefixtures("bad_key")
def test_a_refused_key_is_not_tried_again(a_dag: Any, run_dag: Any) -> None:
    with a_dag(default_args=RETRIES) as dag:
        OnveraCreateDeploymentOperator(task_id="create", app_type="airflow")
    ran = run_dag(dag)
    assert ran.tries("create") == 1
    assert type(ran.error("create")).__name__ == "AuthenticationError"
    assert isinstance(ran.error("create"), AuthenticationError)


@pytest.mark.usefixtures("bad_key")
def test_nor_is_it_in_a_mapped_task(a_dag: Any, run_dag: Any) -> None:
    with a_dag(default_args=RETRIES) as dag:
        OnveraCreateDeploymentOperator.partial(task_id="create").expand(app_type=["airflow", "superset"])
    ran = run_dag(dag)
    assert [ran.tries(f"create[{index}]") for index in (0, 1)] == [1, 1]


def test_a_request_the_api_refuses_is_not_sent_again(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(fail_first(9, status=422, method="POST"))
    with a_dag(default_args=RETRIES) as dag:
        OnveraCreateDeploymentOperator(task_id="create", app_type="airflow")
    ran = run_dag(dag)
    assert isinstance(ran.error("create"), InvalidRequest)
    assert [one["method"] for one in operations_simulator.requests("onvera")].count("POST") == 1


def test_a_failed_operation_is_tried_again_as_often_as_the_task_says(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(operation_fails())
    with a_dag(default_args=RETRIES) as dag:
        OnveraCreateDeploymentOperator(task_id="create", app_type="airflow", poll_interval=0.05)
    assert run_dag(dag).tries("create") == 3


@needs_retry_policy
@pytest.mark.parametrize(("retryable", "tries"), [(True, 3), (False, 1)])
def test_what_the_api_says_of_a_failed_operation_decides(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, retryable: bool, tries: int
) -> None:
    operations_simulator.faults(operation_fails("quota exceeded", retryable=retryable, retry_after=30))
    with a_dag(default_args=RETRIES) as dag:
        create_cluster()
    ran = run_dag(dag)
    assert ran.tries("create") == tries
    last = ran.errors["create"][-1]
    assert isinstance(last, OperationFailed)
    assert "Clear the task to submit a new one" in str(last)
    assert ("A retry submits a new one" in str(ran.errors["create"][0])) is (tries > 1)


def test_a_sensor_does_not_look_again_at_what_has_failed(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(operation_fails())
    from airflow_provider_ops.hooks.onvera import OnveraHook  # noqa: PLC0415

    operation_id = OnveraHook().create_deployment("airflow").operation_id
    with a_dag(default_args=RETRIES) as dag:
        OperationSensor(task_id="wait", conn_id="onvera_default", operation_id=operation_id, poke_interval=0.05)
    ran = run_dag(dag)
    assert (ran.states, ran.tries("wait")) == ({"wait": "failed"}, 1)


# -- whose policy it is


@needs_reschedule
def test_an_api_that_refuses_for_now_uses_up_no_retry() -> None:
    from airflow.sdk.definitions.retry_policy import RetryAction  # noqa: PLC0415

    decision = OperationRetryPolicy().evaluate(RateLimited(429, None, "busy", retry_after=400.0), 1, 2)
    # by its name: earlier releases have no such action
    assert decision.action.name == "RESCHEDULE"
    assert decision.retry_delay == timedelta(seconds=400)
    assert vars(decision)["reschedule_timeout"] == timedelta(hours=1)
    assert OperationRetryPolicy().evaluate(ServerError(500, None, "no"), 1, 2).action is RetryAction.DEFAULT


def test_an_endless_policy_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="reschedule_timeout"):
        OperationRetryPolicy(reschedule_timeout=timedelta(0))


class Always(OperationRetryPolicy):
    """The user's own."""

    def evaluate(self, *_: Any, **__: Any) -> Any:
        from airflow.sdk.definitions.retry_policy import RetryDecision  # noqa: PLC0415

        return RetryDecision.retry(delay=timedelta(0))


@needs_retry_policy
@pytest.mark.usefixtures("bad_key")
@pytest.mark.parametrize("where", ["argument", "default_args", "partial"])
def test_the_users_policy_wins(a_dag: Any, run_dag: Any, where: str) -> None:
    mine: dict[str, Any] = {"retry_policy": Always()}
    with a_dag(default_args={**RETRIES, **(mine if where == "default_args" else {})}) as dag:
        if where == "partial":
            OnveraCreateDeploymentOperator.partial(task_id="create", **mine).expand(app_type=["airflow"])
        else:
            further = mine if where == "argument" else {}
            OnveraCreateDeploymentOperator(task_id="create", app_type="airflow", **further)
    assert run_dag(dag).tries("create[0]" if where == "partial" else "create") == 3


def test_an_explicit_none_is_as_good_as_nothing() -> None:
    none: Any = {"retry_policy": None} if ASKS_RETRY_POLICY else {}
    tasks: list[BaseOperator] = [
        OnveraCreateDeploymentOperator(task_id="a", app_type="airflow", **none),
        OperationSensor(task_id="b", conn_id="onvera_default", operation_id="op_1", **none),
    ]
    assert [vars(task)["retry_policy"] for task in tasks] == [
        OperationRetryPolicy(),
        OperationRetryPolicy(starts_anew=False),
    ]


# -- before Airflow 3.3


@pytest.fixture
def nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_compat, "ASKS_RETRY_POLICY", False)
    # what Airflow 3.3 would do all the same
    monkeypatch.setattr(OperationRetryPolicy, "evaluate", Always.evaluate)


@pytest.mark.usefixtures("nobody_asks", "bad_key")
def test_without_policies_what_is_final_is_never_retried_and_still_itself(a_dag: Any, run_dag: Any) -> None:
    with a_dag(default_args=RETRIES) as dag:
        OnveraCreateDeploymentOperator(task_id="create", app_type="airflow")
    ran = run_dag(dag)
    error = ran.error("create")
    assert ran.tries("create") == 1
    assert isinstance(error, AirflowFailException)
    assert isinstance(error, AuthenticationError)
    assert (type(error).__name__, error.status) == ("AuthenticationError", 401)


@pytest.mark.usefixtures("nobody_asks")
def test_without_policies_the_rest_is_retried(a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer) -> None:
    operations_simulator.faults(operation_fails())
    with a_dag(default_args=RETRIES) as dag:
        OnveraCreateDeploymentOperator(task_id="create", app_type="airflow", poll_interval=0.05)
    assert run_dag(dag).tries("create") == 3


@pytest.mark.usefixtures("nobody_asks")
@pytest.mark.parametrize("mode", [{"mode": "reschedule"}, {"deferrable": False}, {}])
def test_without_policies_a_failed_operation_is_still_no_skip(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, mode: Any
) -> None:
    operations_simulator.faults(operation_fails())
    from airflow_provider_ops.hooks.onvera import OnveraHook  # noqa: PLC0415

    operation_id = OnveraHook().create_deployment("airflow").operation_id
    with a_dag(default_args=RETRIES) as dag:
        OperationSensor(
            task_id="wait",
            conn_id="onvera_default",
            operation_id=operation_id,
            poke_interval=0.05,
            soft_fail=True,
            **mode,
        )
    ran = run_dag(dag)
    assert (ran.states, ran.tries("wait")) == ({"wait": "failed"}, 1)


@pytest.mark.usefixtures("nobody_asks")
@pytest.mark.parametrize(
    "error",
    [
        AuthenticationError(401, "NO", "expired", "req-1", request="GET /x"),
        OperationFailed("failed", Operation("op_1", "onvera", "", OperationState.FAILED, "failed")),
        ServerError(500, None, "x"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_the_converted_error_says_and_pickles_the_same(error: OpsError) -> None:
    final = never_retried(error)
    assert final is not None
    assert isinstance(final, type(error))
    assert (str(final), vars(final)) == (str(error), vars(error))
    back = pickle.loads(pickle.dumps(final))  # noqa: S301 - our own
    assert (type(back), str(back), vars(back)) == (type(error), str(error), vars(error))
    assert never_retried(final) is None
