"""Reading on behalf of everybody who looks: once for all, in bounded time, with whatever goes wrong told."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.testing import hang, never_settles
from airflow_provider_ops.view import live
from airflow_provider_ops.view.live import Reader

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer


@pytest.fixture
def operation_id(operations_simulator: SimulatorServer) -> str:
    operations_simulator.faults(never_settles())
    hook = OnveraHook()
    made = hook.create_deployment("airflow")
    hook.close()
    return str(made.operation_id)


def reads(simulator: SimulatorServer) -> int:
    routes = simulator.stats()["by_route"]
    return sum(count for route, count in routes.items() if route.endswith("/operations/{id}"))


async def test_fifty_who_look_cost_one_read(operations_simulator: SimulatorServer, operation_id: str) -> None:
    reader, before = Reader(), reads(operations_simulator)
    looks = await asyncio.gather(*(reader.read("onvera_default", operation_id) for _ in range(50)))
    assert {look.operation.id for look in looks if look.operation} == {operation_id}
    await reader.read("onvera_default", operation_id)
    assert reads(operations_simulator) == before + 1


async def test_after_some_seconds_it_is_read_again(
    operations_simulator: SimulatorServer, operation_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "FRESH", 0.0)
    reader, before = Reader(), reads(operations_simulator)
    for _ in range(3):
        assert (await reader.read("onvera_default", operation_id)).operation
    assert reads(operations_simulator) == before + 3


@pytest.mark.parametrize(
    ("conn_id", "operation", "said"),
    [
        ("no_such_connection", None, "no_such_connection"),
        ("onvera_default", "op_unknown", "not"),
        ("onvera_default", "../escape", "operation_id"),
    ],
)
async def test_what_goes_wrong_is_told(operation_id: str, conn_id: str, operation: str | None, said: str) -> None:
    look = await Reader().read(conn_id, operation or operation_id)
    assert look.operation is None
    assert said in (look.error or "").lower()


async def test_an_api_that_hangs_holds_up_nobody(
    operations_simulator: SimulatorServer, operation_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_PATIENCE", 0.3)
    operations_simulator.faults(hang(2.0))
    look = await asyncio.wait_for(Reader().read("onvera_default", operation_id), 1.5)
    assert "0.3 s" in (look.error or "")


async def test_somebody_who_leaves_takes_nothing_from_the_others(operation_id: str) -> None:
    reader = Reader()
    leaves = asyncio.ensure_future(reader.read("onvera_default", operation_id))
    stays = asyncio.ensure_future(reader.read("onvera_default", operation_id))
    await asyncio.sleep(0)
    leaves.cancel()
    assert (await stays).operation is not None


async def test_a_connection_of_airflows_database_is_found_as_the_api_server_finds_it(
    operations_simulator: SimulatorServer, operation_id: str, airflow_db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.models.connection import Connection  # noqa: PLC0415 - needs the database
    from airflow.utils.session import create_session  # noqa: PLC0415

    # what `airflow api-server` sets for itself
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    stored = json.loads(operations_simulator.connection_json("onvera", "key"))
    with create_session() as session:
        session.add(Connection("onvera_stored", "onvera", host=stored["host"], password="key"))
    look = await Reader().read("onvera_stored", operation_id)
    assert (look.error, look.operation is not None) == (None, True)
