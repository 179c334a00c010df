"""What goes wrong around a task heals: triggers, payloads, deadlines, connections."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.exceptions import (
    InvalidConnection,
    InvalidRequest,
    OperationFailed,
    WaitTimeout,
)
from airflow_provider_ops.testing import (
    never_settles,
    operation_fails,
)

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer
from tests.lifecycle.attempt.parts import FAST, Create, created, operations
from tests.old_airflow import told_as

TROUBLE: dict[str, tuple[str, dict[str, Any]]] = {
    "deferral timeout": ("__fail__", {"error": "Trigger timeout"}),
    "dead trigger": ("__fail__", {"error": "Trigger failure", "traceback": ["boom"]}),
}


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("fault", [None, operation_fails("quota exceeded")], ids=["succeeds", "fails"])
def test_a_dead_trigger_leads_to_one_more_look_and_the_right_end(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, trouble: str, fault: Any
) -> None:
    operations_simulator.faults(*([fault] if fault else []))

    class Dead(Create):
        legs: list[Any] = []  # noqa: RUF012

        def execute_complete(self, context: Any, event: Any) -> Any:
            Dead.legs.append(event)
            if len(Dead.legs) == 1:
                return self.resume_execution(*TROUBLE[trouble], context)
            return super().execute_complete(context, event)

    with a_dag() as dag:
        Dead(task_id="create", app_type="airflow", **FAST)
    ran = run_dag(dag)
    assert Dead.legs
    assert created(operations_simulator) == 1
    if fault:
        assert told_as(ran.error("create")) is OperationFailed
    else:
        assert ran.xcom("create")["state"] == "succeeded"


@pytest.mark.parametrize("trouble", TROUBLE)
def test_a_dead_trigger_while_the_operation_goes_on_waits_on(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, trouble: str
) -> None:
    operations_simulator.duration = 1.0

    class Dead(Create):
        deferred: list[Any] = []  # noqa: RUF012

        def defer(self, **kwargs: Any) -> Any:
            Dead.deferred.append(kwargs["trigger"])
            if len(Dead.deferred) == 1:
                self.resume_execution(*TROUBLE[trouble], self._context)
            super().defer(**kwargs)

        def execute(self, context: Any) -> Any:
            self._context = context
            return super().execute(context)

    with a_dag() as dag:
        Dead(task_id="create", app_type="airflow", **FAST)
    ran = run_dag(dag)
    assert ran.states == {"create": "success"}
    assert len(Dead.deferred) == 2
    assert created(operations_simulator) == 1


def test_a_deferral_timeout_after_the_deadline_carries_out_the_policy(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(never_settles())

    class Dead(Create):
        def execute_complete(self, context: Any, event: Any) -> Any:  # noqa: ARG002
            self.keep_start(context)
            return self.resume_execution(*TROUBLE["deferral timeout"], context)

    with a_dag() as dag:
        Dead(task_id="create", app_type="airflow", timeout=1.0, on_timeout="delete", **FAST)
    assert told_as(run_dag(dag).error("create")) is WaitTimeout
    assert operations(operations_simulator) == 2


PAYLOADS: list[Any] = [
    None,
    {},
    "text",
    {"version": 99, "waits": "elsewhere"},
    {"version": 99, "waits": {"op_1": {"outcome": "paused"}}},
    {"status": "error", "error": "KeyError: boom", "operation_ids": []},
    {"status": "error"},
]


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("payload", PAYLOADS, ids=repr)
def test_a_payload_that_cannot_be_read_leads_to_one_more_look(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, payload: Any
) -> None:
    class Strange(Create):
        legs: list[Any] = []  # noqa: RUF012

        def execute_complete(self, context: Any, event: Any) -> Any:
            Strange.legs.append(event)
            return super().execute_complete(context, payload if len(Strange.legs) == 1 else event)

    with a_dag() as dag:
        Strange(task_id="create", app_type="airflow", **FAST)
    ran = run_dag(dag)
    assert ran.states == {"create": "success"}
    assert ran.xcom("create")["state"] == "succeeded"
    assert created(operations_simulator) == 1


# -- the connection

CONNECTIONS = {
    "missing": (None, "it does not exist"),
    "without a key": ({"conn_type": "onvera"}, "no API key"),
    "of another type": ({"conn_type": "http", "password": "k"}, "needs one of type 'onvera'"),
    "unencrypted": ({"conn_type": "onvera", "host": "http://api.onvera.io/api/v1", "password": "k"}, "https://"),
    "with a path too many": (
        {"conn_type": "onvera", "host": "https://api.onvera.io/api/v1/deployments", "password": "k"},
        "must end with '/api/v1'",
    ),
}


@pytest.mark.parametrize("what", CONNECTIONS)
def test_a_connection_that_cannot_work_is_told_when_the_task_starts(
    a_dag: Any, run_dag: Any, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    fields, words = CONNECTIONS[what]
    if fields:
        monkeypatch.setenv("AIRFLOW_CONN_BAD", json.dumps(fields))
    with a_dag() as dag:
        Create(task_id="create", conn_id="bad", app_type="airflow")
    error = run_dag(dag).error("create")
    assert isinstance(error, InvalidConnection)
    assert words in str(error)
    assert "\n" not in str(error)


def test_a_refused_request_fails_the_task_with_the_words_of_the_api(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(
        {"fault": "status", "status": 400, "code": "QUOTA", "message": "no more", "method": "POST"}
    )
    with a_dag() as dag:
        Create(task_id="create", app_type="airflow")
    error = run_dag(dag).error("create")
    assert told_as(error) is InvalidRequest
    assert "QUOTA: no more" in str(error)
