"""What an operator waits for after its operation has succeeded: an install that is to become healthy."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.exceptions import OperationFailed
from airflow_provider_ops.hooks.akua import AkuaHook
from airflow_provider_ops.operators.akua import AkuaCreateInstallOperator
from tests.old_airflow import needs_state_store

if TYPE_CHECKING:
    from airflow_provider_ops.apis.akua.installs import HelmSource
    from airflow_provider_ops.testing import SimulatorServer

RETRY = {"retries": 1, "retry_delay": timedelta(0)}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch, retry_at_once: None) -> None:
    monkeypatch.setattr("airflow_provider_ops.lifecycle.attempt.SECONDS_BEFORE_DEFERRING", 0.0)


@pytest.fixture
def install(operations_simulator: SimulatorServer) -> dict[str, Any]:
    """Arguments of an install of a package that is there."""
    hook = AkuaHook()
    source: HelmSource = {"kind": "helm", "repo_url": "oci://charts", "target_revision": "1.0.0"}
    package = hook.wait_for_operation(hook.create_package(name="web", sources=[source]).id, poll_interval=0.05)
    hook.close()
    return {
        "task_id": "install",
        "region_id": "reg_eu",
        "package_id": package.resource_id,
        "package_version_pin": {"kind": "latest"},
        "initial_values": {"simulated_health": "failed"},
        "wait_until_healthy": True,
        "poll_interval": 0.05,
    }


def installs(world: SimulatorServer) -> list[dict[str, Any]]:
    return [row for row in world.resources("akua") if row["kind"] == "install"]


def test_a_retry_looks_again_at_an_install_that_did_not_become_healthy(
    a_dag: Any, run_dag: Any, install: dict[str, Any], operations_simulator: SimulatorServer
) -> None:
    with a_dag(default_args=RETRY) as dag:
        AkuaCreateInstallOperator(**install)
    ran = run_dag(dag)
    assert ran.states == {"install": "failed"}
    first, second = ran.errors["install"]
    assert isinstance(first, OperationFailed)
    assert isinstance(second, OperationFailed)
    assert "A retry checks it again, and submits nothing." in str(first)
    assert len(installs(operations_simulator)) == 1


@needs_state_store
def test_an_install_that_a_policy_removed_is_submitted_again_by_the_retry(
    a_dag: Any, run_dag: Any, install: dict[str, Any], operations_simulator: SimulatorServer
) -> None:
    with a_dag(default_args=RETRY) as dag:
        AkuaCreateInstallOperator(**install, on_failure="delete")
    ran = run_dag(dag)
    assert ran.states == {"install": "failed"}
    deleted = [row["kind"] for row in operations_simulator.operations("akua")].count("install.delete")
    assert (len(installs(operations_simulator)), deleted) == (2, 2)
