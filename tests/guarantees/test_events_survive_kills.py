"""Forty operations settle within two seconds while triggerers are killed: each reaches a DAG run exactly once.

Real Airflow: scheduler, DAG processor, triggerer and API server, each a process of its own.
"""

from __future__ import annotations

import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest

from dev.processes import free_ports
from dev.simulator import Simulator
from dev.stack import AirflowStack, StackOptions
from tests.old_airflow import needs_stores_of_assets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DAG_ID = "told"
OPERATIONS = 40
KEY = "any-key"
#: The simulator spreads the ends over a tenth of this to either side: two seconds.
DURATION = 10.0
DAG = """
from airflow.sdk import DAG, Asset, AssetWatcher, task
from airflow_provider_ops.triggers.events import OperationEventTrigger, settled_operations

trigger = OperationEventTrigger("onvera_default", kinds="deployment.create", poll_interval=1.5)
SETTLED = Asset("settled", watchers=[AssetWatcher(name="onvera", trigger=trigger)])

with DAG("told", schedule=[SETTLED], is_paused_upon_creation=False, default_args={"retries": 2}):

    @task(inlets=[SETTLED])
    def take(triggering_asset_events=None, inlet_events=None):
        return [operation.id for operation in settled_operations(triggering_asset_events, inlet_events)]

    take()
"""
ENV = {
    "PYTHONPATH": str(Path(__file__).parents[2]),
    # a triggerer that was killed is taken for dead after this, else after half a minute
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "6",
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
}


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[tuple[AirflowStack, Simulator]]:
    dags = tmp_path / "dags"
    dags.mkdir()
    (dags / "told.py").write_text(DAG)
    simulator = Simulator(free_ports(1)[0], duration=DURATION)
    options = StackOptions(tmp_path / "airflow", dags, env={**simulator.connections(KEY), **ENV})
    with AirflowStack(options) as stack:
        stack.processes.start("simulator", simulator.command, stack.env, cwd=Path(__file__).parents[2])
        stack.start()
        stack.wait_healthy()
        stack.wait_for_dags()
        stack.wait_until(stack.api.watches_all_assets, "the watermark of the first look", timeout=60)
        yield stack, simulator
        simulator.close()


@needs_stores_of_assets
@pytest.mark.stack
@pytest.mark.timeout(400)  # as long on a machine with much else to do; a quarter of that on a quiet one
def test_forty_operations_reach_a_dag_run_exactly_once_although_the_triggerer_is_killed(
    stack: tuple[AirflowStack, Simulator],
) -> None:
    airflow, simulator = stack
    started = _start(simulator)
    # the worst moment: Airflow has the event, the watermark does not know it
    airflow.wait_until(lambda: bool(_events(airflow)), "the first event", timeout=60, interval=0.05)
    _kill_triggerer(airflow)
    before = _events(airflow)
    time.sleep(2)
    airflow.start_service("triggerer")
    airflow.wait_until(lambda: set(_told(airflow)) >= started, "all operations to be told", timeout=90, interval=1)
    # what is told twice comes with the next look at the latest
    time.sleep(5)

    told = _told(airflow)
    assert Counter(told.values()) == {1: OPERATIONS}
    assert set(told) == started
    # the watermark never knew of the event before the kill
    first = {one["id"] for event in before for one in event["extra"]["payload"]["operations"]}
    again = {one for event in _events(airflow)[len(before) :] for one in event["extra"]["payload"]["redelivered"]}
    assert again <= first


def _start(simulator: Simulator) -> set[str]:
    def create(number: int) -> str:
        answer = httpx.post(
            f"{simulator.url}/onvera/api/v1/deployments",
            headers={"X-API-Key": KEY},
            json={"app_type": "airflow", "name": f"n{number}"},
            trust_env=False,
        )
        return str(answer.raise_for_status().json()["data"]["operation_id"])

    with ThreadPoolExecutor(10) as pool:
        return set(pool.map(create, range(OPERATIONS)))


def _events(airflow: AirflowStack) -> list[Mapping[str, Any]]:
    found = airflow.api.request("GET", "/assets/events", params={"limit": 100, "order_by": "timestamp"})
    return list(found["asset_events"])


def _told(airflow: AirflowStack) -> Counter[str]:
    """How many runs were given each operation."""
    tasks = [task for task in airflow.api.task_instances(DAG_ID) if task.state == "success"]
    return Counter(operation for task in tasks for operation in airflow.api.xcom(task) or ())


def _kill_triggerer(airflow: AirflowStack) -> None:
    pid = airflow.processes.components["triggerer"].pid
    children = psutil.Process(pid).children(recursive=True)
    airflow.kill("triggerer", signal.SIGKILL)
    for child in children:
        child.kill()
