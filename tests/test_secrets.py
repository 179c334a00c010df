"""The key is in the connection and in the request header, and nowhere else."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.exceptions import OpsError
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator, OnveraDestroyDeploymentOperator
from airflow_provider_ops.operators.operation import OperationRequestOperator
from airflow_provider_ops.sensors.operation import OperationSensor
from airflow_provider_ops.testing import (
    drop_answer,
    fail_first,
    html,
    operation_fails,
    reset_connection,
    truncated,
)
from airflow_provider_ops.triggers.operation import OperationTrigger

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer

CANARY = "sk-leak-canary"
PROXY_CANARY = "proxy-leak-canary"


@pytest.fixture(autouse=True)
def canary(operations_simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch, retry_at_once: None) -> None:
    """The default connection has a key that can be recognised."""
    connection = operations_simulator.connection_json("onvera", CANARY)
    monkeypatch.setenv("AIRFLOW_CONN_ONVERA_DEFAULT", connection)
    monkeypatch.setattr("airflow_provider_ops.lifecycle.attempt.SECONDS_BEFORE_DEFERRING", 0.0)
    monkeypatch.setattr("airflow_provider_ops.sensors.attempts.SECONDS_BEFORE_DEFERRING", 0.0)


def everything_in(database: Path) -> str:
    """All rows of all tables, as text."""
    with sqlite3.connect(database) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = [str(row) for table in tables for row in connection.execute(f'SELECT * FROM "{table}"')]  # noqa: S608
    connection.close()
    return "\n".join(rows)


def test_a_run_leaves_the_key_nowhere(
    a_dag: Any,
    run_dag: Any,
    airflow_db: Path,
    operations_simulator: SimulatorServer,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    operations_simulator.faults(
        operation_fails("no luck", name="broken", kind="deployment.create"),
        fail_first(1, method="GET"),
        reset_connection(1, method="GET"),
    )
    with a_dag() as dag:
        create = OnveraCreateDeploymentOperator(task_id="create", app_type="airflow", poll_interval=0.05)
        wait = OperationSensor(
            task_id="wait", conn_id="onvera_default", operation_id=create.output["operation_id"], poke_interval=0.1
        )
        wait >> OnveraDestroyDeploymentOperator(
            task_id="destroy", deployment_id=create.output["resource_id"], poll_interval=0.05
        )
        OnveraCreateDeploymentOperator(task_id="broken", app_type="airflow", name="broken", poll_interval=0.05)
        OperationRequestOperator(task_id="nonsense", conn_id="onvera_default", method="POST", path="/nonsense", json={})
    ran = run_dag(dag)
    assert ran.states == {
        "create": "success",
        "wait": "success",
        "destroy": "success",
        "broken": "failed",
        "nonsense": "failed",
    }
    output = capfd.readouterr()
    said = output.out + output.err + caplog.text
    assert ran.xcom("create")["operation_id"] in said, "the log was looked at"
    assert CANARY not in said
    rows = everything_in(airflow_db)
    assert ran.xcom("create")["operation_id"] in rows, "the database was looked at"
    assert CANARY not in rows
    home = Path(os.environ["AIRFLOW_HOME"])
    leaks = [file for file in home.rglob("*") if file.is_file() and CANARY.encode() in file.read_bytes()]
    assert leaks == []
    for errors in ran.errors.values():
        for error in errors:
            assert CANARY not in f"{error} {error!r} {vars(error)}"


def test_the_simulator_saw_the_key_in_its_header_only(operations_simulator: SimulatorServer) -> None:
    hook = OnveraHook()
    list(hook.list_deployments())
    hook.close()
    assert CANARY not in json.dumps(operations_simulator.requests())


async def test_neither_the_trigger_nor_its_event_has_the_key(
    operations_simulator: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hook = OnveraHook()
    operation_id = (await hook.acreate_deployment("airflow")).operation_id
    operations_simulator.faults(fail_first(1, status=401, method="GET"), truncated(1, method="GET"))
    trigger = OperationTrigger("onvera_default", [operation_id], poll_interval=0.05)
    events = [event.payload async for event in trigger.run()]
    text = json.dumps(trigger.serialize()) + repr(trigger) + repr(vars(trigger)) + json.dumps(events) + caplog.text
    assert CANARY not in text


FAULTS = [
    fail_first(99, status=401),
    fail_first(99, status=403),
    fail_first(99, status=400),
    fail_first(99, status=500),
    reset_connection(99),
    drop_answer(99),
    html(99),
    truncated(99),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["fault"] + str(fault.get("status", "")))
def test_no_error_shows_the_key(operations_simulator: SimulatorServer, fault: Any) -> None:
    operations_simulator.faults(fault)

    async def asynchronously() -> None:
        await OnveraHook().acreate_deployment("airflow")

    hook = OnveraHook()
    for call in (lambda: hook.create_deployment("airflow"), lambda: asyncio.run(asynchronously())):
        with pytest.raises(OpsError) as caught:
            call()
        error: BaseException | None = caught.value
        while error is not None:
            assert CANARY not in f"{error} {error!r} {vars(error)}"
            error = error.__cause__ or error.__context__
    hook.close()


def test_a_proxy_that_cannot_be_reached_does_not_show_its_password(
    operations_simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = f"http://me:{PROXY_CANARY}@127.0.0.1:9"
    monkeypatch.setenv(
        "AIRFLOW_CONN_ONVERA_DEFAULT", operations_simulator.connection_json("onvera", CANARY, proxy=proxy)
    )
    hook = OnveraHook()
    with pytest.raises(OpsError) as caught:
        hook.create_deployment("airflow")
    text = f"{caught.value} {caught.value!r} {hook.settings()!r} {hook.test_connection()}"
    hook.close()
    assert PROXY_CANARY not in text
    assert CANARY not in text


def test_reprs_do_not_show_the_key() -> None:
    hook = OnveraHook()
    client = hook.get_conn()
    operator = OnveraCreateDeploymentOperator(task_id="t", app_type="airflow")
    _ = operator.hook.get_conn()
    things = [hook, client, hook.settings(), client.settings, operator, operator.hook, copy.copy(operator)]
    assert CANARY not in " ".join(f"{thing!r} {thing}" for thing in things)
    assert CANARY not in " ".join(repr(vars(thing)) for thing in (hook, client, operator))
    operator.hook.close()
    hook.close()
