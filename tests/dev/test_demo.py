from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_provider_ops.simulator.rules import parse_plan
from dev.demo import CHECKOUT, arguments
from dev.simulator import APIS, Simulator


def test_a_fault_plan_that_does_not_exist_is_refused_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(["--faults", "no-such-plan.json"])

    assert "there is no fault plan no-such-plan.json" in capsys.readouterr().err


@pytest.mark.parametrize("plan", sorted((CHECKOUT / "dev" / "faults").glob("*.json")), ids=lambda path: path.name)
def test_the_simulator_understands_the_fault_plans(plan: Path) -> None:
    assert parse_plan(plan.read_text())


def test_every_api_gets_a_connection_to_the_simulator() -> None:
    connections = Simulator(8099).connections("a-key")

    assert connections.keys() == {f"AIRFLOW_CONN_{api.upper()}_DEFAULT" for api in APIS}
    described = Simulator(8099, described=("hetzner",))
    assert json.loads(described.connections("a-key")["AIRFLOW_CONN_HETZNER_DEFAULT"]) == {
        "conn_type": "operations",
        "host": "http://127.0.0.1:8099/hetzner",
        "password": "a-key",
        "extra": {"api": "hetzner"},
    }
    assert described.command[-2] == "--spec"
    onvera = json.loads(connections["AIRFLOW_CONN_ONVERA_DEFAULT"])
    assert onvera == {
        "conn_type": "onvera",
        "host": "http://127.0.0.1:8099/onvera/api/v1",
        "password": "a-key",
        "extra": {},
    }
