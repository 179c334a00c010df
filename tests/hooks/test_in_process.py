"""A trigger that ``airflow dags test`` runs in its own process, where Airflow answers no asynchronous questions."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import ConnectionResult, ErrorResponse, GetConnection
from airflow.sdk.execution_time.supervisor import InProcessSupervisorComms

from airflow_provider_ops._compat import get_connection, get_connection_async, secrets_of_this_airflow
from airflow_provider_ops.exceptions import ConnectionMissing


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow as such a trigger sees it, with one connection, which is in the database only."""

    def answer(message: Any, _log: Any, _number: int) -> None:
        empty: dict[str, Any] = dict.fromkeys(("host", "schema", "login", "password", "port"))
        found = ConnectionResult(conn_id="stored", conn_type="onvera", extra='{"timeout": 7}', **empty)
        is_asked_for = isinstance(message, GetConnection) and message.conn_id == "stored"
        comms.messages.append(found if is_asked_for else ErrorResponse())

    comms = InProcessSupervisorComms(supervisor=SimpleNamespace(_handle_request=answer))  # type: ignore[arg-type]
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", comms, raising=False)


@pytest.mark.usefixtures("stored")
async def test_it_reads_a_connection_that_is_in_the_database() -> None:
    conn, extra = await get_connection_async("stored")
    assert (conn.conn_type, extra) == ("onvera", {"timeout": 7})


@pytest.mark.usefixtures("stored")
async def test_it_says_that_there_is_none() -> None:
    with pytest.raises(ConnectionMissing) as caught:
        await get_connection_async("other")
    assert "Outside a task" not in str(caught.value)


def test_outside_a_task_it_says_that_the_database_was_not_asked() -> None:
    with pytest.raises(ConnectionMissing) as caught:
        get_connection("other")
    assert "Outside a task only environment variables and secrets backends are read" in str(caught.value)
    with secrets_of_this_airflow(), pytest.raises(ConnectionMissing) as caught:
        get_connection("other")
    assert "Outside a task" not in str(caught.value)
