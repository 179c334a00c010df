"""Operations that lists show late, or with dates that are wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from airflow_provider_ops.testing import early_dates, list_lag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ops.testing import SimulatorServer, VirtualClock


@pytest.fixture
def onvera(virtual_server: SimulatorServer) -> Iterator[Http]:
    with httpx.Client(base_url=virtual_server.base_url("onvera"), headers={"x-api-key": "key"}) as client:
        yield Http(client)


def test_lists_may_lag_behind_single_reads(
    manual_clock: VirtualClock, virtual_server: SimulatorServer, onvera: Http
) -> None:
    virtual_server.faults(list_lag(30.0))
    operation_id = onvera.create()
    manual_clock.advance(virtual_server.duration * 1.2)
    shown = [onvera.read(operation_id)["status"], onvera.listed("succeeded"), onvera.listed("running")]
    manual_clock.advance(30.0)
    assert shown == ["succeeded", [], [operation_id]]
    assert (onvera.listed("succeeded"), onvera.listed("running")) == ([operation_id], [])


@pytest.mark.parametrize(("no_end", "shows"), [(False, True), (True, False)])
def test_an_end_may_be_dated_early_or_not_at_all(
    manual_clock: VirtualClock, virtual_server: SimulatorServer, onvera: Http, no_end: bool, shows: bool
) -> None:
    virtual_server.faults(early_dates(no_end=no_end))
    operation_id = onvera.create()
    manual_clock.advance(virtual_server.duration * 1.2)
    read = onvera.read(operation_id)
    assert read["status"] == "succeeded"
    assert read.get("ended_at") == (read["requested_at"] if shows else None)


class Http:
    """Plain requests to Onvera."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def create(self) -> str:
        answer = self._client.post("/deployments", json={"app_type": "airflow"}).json()["data"]
        return str(answer["operation_id"] if "operation_id" in answer else answer["operation"]["id"])

    def read(self, operation_id: str) -> dict[str, Any]:
        return dict(self._client.get(f"/operations/{operation_id}").json()["data"])

    def listed(self, status: str) -> list[str]:
        items = self._client.get("/operations", params={"status": status}).json()["data"]["items"]
        return [item["id"] for item in items]
