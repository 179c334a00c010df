"""``sweep``: what a real run of a DAG left behind is found and deleted, and nothing else is touched."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG

from airflow_provider_ops.apis.submits import OwnedResource
from airflow_provider_ops.cli.runs import ScannedRun
from airflow_provider_ops.hooks.nirvana import NirvanaHook
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.operators.akua import AkuaCreatePackageOperator
from airflow_provider_ops.operators.nirvana import NirvanaCreateVMOperator, NirvanaCreateVPCOperator
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator
from airflow_provider_ops.testing import fail_first

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ops.testing import SimulatorServer

    Operations = Callable[..., Any]

HURRY: dict[str, Any] = {"poll_interval": 0.05, "deferrable": False}
VM: dict[str, Any] = {
    "region": "us-sva-2",
    "instance_type": "n1-standard-2",
    "os_image_name": "ubuntu-noble-2025-10-01",
    "boot_volume": {"size": 64, "type": "nvme"},
    "ssh_key": {"public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample example"},
    "public_ip_enabled": False,
}


def leaver() -> DAG:
    """Leaves something at three APIs, a mapped task and a network with a machine in it among them."""
    with DAG("leaver", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=timezone.utc)) as dag:
        OnveraCreateDeploymentOperator.partial(task_id="deploy", **HURRY).expand(app_type=["airflow", "superset"])
        OnveraCreateDeploymentOperator(task_id="named", app_type="airflow", name="kept", durable=False, **HURRY)
        OnveraCreateDeploymentOperator(task_id="alone", app_type="airflow", durable=False, **HURRY)
        vpc = NirvanaCreateVPCOperator(task_id="vpc", name="net", region="us-sva-2", subnet_name="web", **HURRY)
        subnet = "{{ ti.xcom_pull('vpc')['resource']['subnet']['id'] }}"
        vpc >> NirvanaCreateVMOperator(task_id="vm", name="machine", subnet_id=subnet, **VM, **HURRY)
        source = {"kind": "helm", "repo_url": "oci://r.example.com/c", "chart": "shop", "target_revision": "1.0.0"}
        AkuaCreatePackageOperator(task_id="package", name="shop", sources=[source], **HURRY)
    return dag


@pytest.fixture
def left(world: SimulatorServer, run_dag: Any) -> str:
    """The id of a run that left things behind, beside what others made."""
    forget_runs("leaver")
    OnveraHook().create_deployment("airflow", "by hand")
    # somebody likes our kind of names
    OnveraHook().create_deployment("airflow", f"airflow-{'0' * 24}")
    NirvanaHook().create_vpc(name="by hand", region="us-sva-2", subnet_name="s", tags=["mine"])
    ran = run_dag(leaver())
    assert ran.state == "success", ran.errors
    return str(ran.run.run_id)


def rows(ran: Any) -> list[dict[str, Any]]:
    return sorted(json.loads(ran.out), key=lambda row: (row["resource_type"], row["task"]))


def what(ran: Any) -> list[tuple[str, str]]:
    return [(row["resource_type"], row["task"]) for row in rows(ran)]


LEFT = [
    ("deployment", "alone"),
    ("deployment", "deploy[0]"),
    ("deployment", "deploy[1]"),
    ("deployment", "named"),
    ("package", "package"),
    ("vm", "vm"),
    ("volume", "vm"),
    ("vpc", "vpc"),
]


def existing(world: SimulatorServer) -> set[str]:
    return {one["name"] for one in world.resources() if not one["deleted"]}


def test_what_a_run_left_is_listed_and_then_deleted_and_nothing_else(
    left: str, world: SimulatorServer, operations: Operations
) -> None:
    before = existing(world)
    listed = operations("sweep", "--dag-id", "leaver", "-o", "json")
    assert (listed.code, what(listed)) == (1, LEFT)
    assert {row["run_id"] for row in rows(listed)} == {left}
    assert {row["fate"] for row in rows(listed)} == {"left behind"}
    assert existing(world) == before, "without --yes nothing changes"

    deleted = operations("sweep", "--dag-id", "leaver", "--yes", "-o", "json")
    assert (deleted.code, what(deleted)) == (0, LEFT), deleted.err
    assert existing(world) == {"by hand", f"airflow-{'0' * 24}"}

    again = operations("sweep", "--dag-id", "leaver", "-o", "json")
    assert (again.code, json.loads(again.out)) == (0, [])
    assert "Nothing is left behind" in again.err


def test_what_cannot_be_deleted_is_told_and_the_rest_goes_on(
    left: str, world: SimulatorServer, operations: Operations
) -> None:
    world.faults(fail_first(1, status=403, method="DELETE", api="onvera"))
    ran = operations("sweep", "--dag-id", "leaver", "--conn-id", "onvera_default", "--yes", "-o", "json")
    assert ran.code == 1
    fates = [row["fate"] for row in rows(ran)]
    assert sum(fate.startswith("deleted by operation") for fate in fates) == 3
    assert sum("403" in fate for fate in fates) == 1
    assert "1 left behind" in ran.err


def test_a_deletion_whose_end_cannot_be_read_says_so(left: str, world: SimulatorServer, operations: Operations) -> None:
    world.faults(fail_first(100, status=401, method="GET", api="onvera", route="/operations/{id}"))
    where = ("--dag-id", "leaver", "--conn-id", "onvera_default", "--timeout", "0.1")
    ran = operations("sweep", *where, "--yes", "-o", "json")
    assert ran.code == 1
    fates = [row["fate"] for row in rows(ran)]
    assert sum("its end could not be read" in fate and "401" in fate for fate in fates) == 4, ran.err


def test_an_api_that_cannot_be_asked_is_not_taken_for_empty(
    left: str, world: SimulatorServer, operations: Operations
) -> None:
    world.faults(fail_first(100, status=401, api="onvera"))
    ran = operations("sweep", "--dag-id", "leaver", "--conn-id", "onvera_default")
    assert ran.code == 5
    assert "Onvera (onvera_default): could not be asked" in ran.err
    assert "of what was searched" in ran.err


@pytest.mark.parametrize("of", ["run", "task"])
def test_what_a_run_in_progress_may_need_is_left_alone(
    of: str, left: str, world: SimulatorServer, operations: Operations
) -> None:
    set_state(left, of, "running")
    before = existing(world)
    ran = operations("sweep", "--dag-id", "leaver", "--yes", "-o", "json")
    assert (ran.code, ran.out) == (5, "[]\n")
    assert "Nothing else is left behind" in ran.err
    assert f"Left alone, because {'a task' if of == 'task' else 'still in progress'}" in ran.err
    assert left in ran.err
    assert existing(world) == before


def test_a_run_that_begins_anew_meanwhile_keeps_what_it_has(
    left: str, world: SimulatorServer, operations: Operations, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_ops.cli import sweep  # noqa: PLC0415

    introduce = sweep._introduce

    def then_clear(*args: Any) -> None:
        introduce(*args)
        set_state(left, "run", "queued")

    monkeypatch.setattr(sweep, "_introduce", then_clear)
    before = existing(world)
    ran = operations("sweep", "--dag-id", "leaver", "--yes", "-o", "json")
    assert ran.code == 1
    assert {row["fate"] for row in rows(ran)} == {"left alone: its run is in progress again"}
    assert existing(world) == before


def test_only_the_runs_that_are_named(left: str, world: SimulatorServer, run_dag: Any, operations: Operations) -> None:
    other = str(run_dag(leaver()).run.run_id)
    ran = operations("sweep", "--dag-id", "leaver", "--run-id", other, "-o", "json")
    assert what(ran) == LEFT
    assert {row["run_id"] for row in rows(ran)} == {other}
    assert len(rows(operations("sweep", "--dag-id", "leaver", "-o", "json"))) == 2 * len(LEFT)


def test_a_dag_or_run_that_airflow_does_not_know(left: str, operations: Operations) -> None:
    ran = operations("sweep", "--dag-id", "nobody")
    assert ran.code == 4
    assert "no DAG nobody" in ran.err
    ran = operations("sweep", "--dag-id", "leaver", "--run-id", "nobody")
    assert ran.code == 4
    assert "no run nobody" in ran.err


def forget_runs(dag_id: str) -> None:
    """Each test has a world with the same ids in it, and the records of another test's run would name them."""
    from airflow.models.dagrun import DagRun  # noqa: PLC0415
    from airflow.utils.session import create_session  # noqa: PLC0415

    with create_session() as session:
        for run in session.query(DagRun).filter(DagRun.dag_id == dag_id):
            session.delete(run)


def set_state(run_id: str, of: str, state: str) -> None:
    from airflow.models.dagrun import DagRun  # noqa: PLC0415
    from airflow.utils.session import create_session  # noqa: PLC0415

    with create_session() as session:
        (run,) = session.query(DagRun).filter(DagRun.run_id == run_id, DagRun.dag_id == "leaver").all()
        if of == "run":
            run._state = state
        else:
            run.get_task_instances(session=session)[0].state = state


@pytest.mark.parametrize(
    ("hours", "may"), [(-3, False), (-0.5, True), (1, True), (2.5, True), (6, False), (None, True)]
)
def test_a_run_made_nothing_long_before_or_after_it(hours: float | None, may: bool) -> None:
    began = datetime(2026, 1, 1, tzinfo=timezone.utc)
    run = ScannedRun("dag", "run", "success", began, began + timedelta(hours=2))
    at = None if hours is None else began + timedelta(hours=hours)
    assert run.may_have_made(OwnedResource("key", "vm", "1", created_at=at)) is may
