"""What the docs show runs."""

from __future__ import annotations

import asyncio
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.airflow.test_examples import hurry, parse, parse_all

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def test_the_quick_start_runs_green(run_dag: Any, operations_simulator: SimulatorServer, retry_at_once: None) -> None:
    dag = parse(EXAMPLES / "quickstart.py")
    hurry(dag)
    assert run_dag(dag).states == {"create": "success", "use": "success", "destroy": "success"}
    assert [row["deleted"] for row in operations_simulator.resources()] == [True]


def test_the_hooks_do_what_the_docs_say(operations_simulator: SimulatorServer) -> None:
    hooks = runpy.run_path(str(EXAMPLES / "hooks.py"))
    assert hooks["create_and_look"](30) == "succeeded"
    assert hooks["ready_deployments"]() == ["by hand"]
    hooks["start_elsewhere"]()
    assert asyncio.run(hooks["running_in_akua"]()) == []


def test_the_simulator_does_what_the_docs_say() -> None:
    simulator = runpy.run_path(str(EXAMPLES / "simulator.py"))
    assert "AIRFLOW_CONN_ONVERA_DEFAULT" in simulator["powers"]()


@pytest.mark.parametrize("file", sorted((EXAMPLES / "guides").glob("*.py")), ids=lambda file: file.stem)
def test_the_dags_of_the_guides_can_be_read(file: Path) -> None:
    code = compile(file.read_text(encoding="utf-8"), file.name, "exec")
    # what is migrated from is no dependency
    if "airflow.providers.http" not in str(code.co_names):
        dags = parse_all(file)
        assert dags
        assert all(dag.tasks for dag in dags)
