"""The arguments that operators, sensors and hooks share: durations, the kill policy, what help() shows."""

from __future__ import annotations

import inspect
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator

from airflow_provider_ops.apis.described import DescribedApi
from airflow_provider_ops.core.arguments import check_seconds
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.hooks.operations import OperationsApiHook
from airflow_provider_ops.lifecycle.submit_text import submitted_text
from airflow_provider_ops.operators.akua import AkuaDeleteClusterOperator
from airflow_provider_ops.operators.arguments import AirflowArguments, OperatorArguments, SensorArguments
from airflow_provider_ops.operators.base import OperationOperator
from airflow_provider_ops.operators.describing import parameters_of, with_all_arguments
from airflow_provider_ops.operators.lakesail import LakeSailCreateSessionOperator
from airflow_provider_ops.operators.nirvana import NirvanaCreateVMOperator
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator
from airflow_provider_ops.operators.operation import OperationRequestOperator
from airflow_provider_ops.sensors.lakesail import LakeSailSessionSensor
from airflow_provider_ops.sensors.operation import OperationSensor
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.testing import SimulatorServer, VirtualClock
from tests.naming import shown
from tests.operators.test_subclasses import OPERATORS
from tests.spec.examples import JOBS

HOUR = timedelta(hours=1)


def create(**arguments: Any) -> OnveraCreateDeploymentOperator:
    return OnveraCreateDeploymentOperator(task_id="t", app_type="airflow", **arguments)


def sense(**arguments: Any) -> OperationSensor:
    return OperationSensor(task_id="t", conn_id="c", operation_id="op_1", **arguments)


# -- durations


def test_durations_are_seconds_or_a_timedelta() -> None:
    assert (create(timeout=HOUR).timeout, create(timeout=3600).timeout, create().timeout) == (3600, 3600, None)
    assert create(poll_interval=timedelta(seconds=2.5)).poll_interval == 2.5
    assert (sense(timeout=HOUR).timeout, sense(timeout=60).timeout) == (3600, 60)
    assert check_seconds("x", timedelta(milliseconds=1), above=0) == 0.001


@pytest.mark.parametrize("name", ["poke_interval", "poll_interval"])
@pytest.mark.parametrize("value", [5, timedelta(seconds=5)])
def test_a_sensor_knows_its_interval_by_both_names(name: str, value: Any) -> None:
    task = sense(**{name: value})
    assert (task.poll_interval, task.poke_interval) == (5, 5)


@pytest.mark.parametrize(("given", "interval"), [({}, 30), ({"poll_interval": 5}, 5)], ids=["default", "own"])
def test_an_interval_for_all_sensors_of_a_dag_does_not_win(given: dict[str, Any], interval: float) -> None:
    with DAG("d", schedule=None, default_args={"poke_interval": 30}):
        assert sense(**given).poll_interval == interval


@pytest.mark.parametrize("value", ["5", True, timedelta(days=400), timedelta(seconds=-1), object()], ids=shown)
@pytest.mark.parametrize("make", [create, sense, lambda **a: OnveraHook().wait_state("op_1", **a)])
def test_what_is_no_duration_is_refused_by_name(make: Any, value: Any) -> None:
    with pytest.raises(InvalidArgument, match="timeout must be seconds or a timedelta"):
        make(timeout=value)


@pytest.mark.parametrize("value", ["False", "yes", 2], ids=shown)
@pytest.mark.parametrize(
    ("make", "name"),
    [(create, "wait_for_completion"), (create, "deferrable"), (create, "durable"), (sense, "deferrable")],
    ids=shown,
)
def test_text_is_no_flag(make: Any, name: str, value: Any) -> None:
    with pytest.raises(InvalidArgument, match=f"{name} {value!r} is not known: use True, False"):
        make(**{name: value})


def test_a_hook_waits_for_a_timedelta(hook: OnveraHook, world: SimulatorServer, operator_clock: VirtualClock) -> None:
    world.duration = 30
    submitted = hook.create_deployment("airflow", "x")
    settled = hook.wait_for_operation(submitted.operation_id, timeout=HOUR, poll_interval=timedelta(seconds=5))
    assert settled.state.is_terminal


# -- the kill policy


@pytest.mark.parametrize(
    ("make", "policy"),
    [
        (create, "leave"),
        (lambda **a: NirvanaCreateVMOperator(task_id="t", **VM, **a), "leave"),
        (lambda **a: LakeSailCreateSessionOperator(task_id="t", **a), "leave"),
        (lambda **a: AkuaDeleteClusterOperator(task_id="t", cluster_id="c", **a), "cancel"),
        (lambda **a: request("onvera", **a), "leave"),
        (lambda **a: request("akua", **a), "cancel"),
    ],
)
def test_by_default_a_kill_does_what_the_api_can(make: Any, policy: str, world: SimulatorServer) -> None:
    assert make().kill_policy == policy
    assert make(on_kill=None).kill_policy == policy
    for explicit in ("cancel", "delete", "leave"):
        assert make(on_kill=explicit).kill_policy == explicit


def request(api: str, **arguments: Any) -> OperationRequestOperator:
    return OperationRequestOperator(
        task_id="t", conn_id=f"{api}_default", method="POST", path="/deployments", **arguments
    )


VM: Any = {
    "name": "vm",
    "region": "r",
    "instance_type": "m",
    "os_image_name": "o",
    "boot_volume": {"size": 64, "type": "nvme"},
    "subnet_id": "s",
    "ssh_key": {"public_key": "ssh-ed25519 AAAA"},
    "public_ip_enabled": True,
}


@pytest.mark.parametrize(("api", "policy"), [("onvera", "leave"), ("akua", "cancel")])
def test_the_trigger_is_handed_the_policy_that_holds(api: str, policy: str, world: SimulatorServer) -> None:
    place = {"dag_id": "d", "run_id": "r", "task_id": "t", "map_index": -1}
    ti: Any = SimpleNamespace(**place, try_number=1, max_tries=0, start_date=datetime.now(timezone.utc))
    attempt = request(api)._new_attempt({"ti": ti})
    facts = attempt._trigger_facts(Handle.placeholder("x"))
    trigger: Any = attempt._make_waiter("x").trigger(["op_1"], "x", facts)
    assert trigger.serialize()[1]["on_kill"] == policy


def test_what_is_submitted_is_said_with_the_kill_policy() -> None:
    task = create(name="reports")
    said = submitted_text(task._attempt_options(), task.hook, task.submit())
    assert said == (
        "Request to Onvera (onvera_default): POST /deployments (deployment.create) app_type='airflow' name='reports'; "
        "on_kill=leave (Onvera cannot cancel)"
    )
    task = create(on_kill="delete")
    assert submitted_text(task._attempt_options(), task.hook, task.submit()).endswith("; on_kill=delete")
    task = create(on_kill="cancel")
    said = submitted_text(task._attempt_options(), task.hook, task.submit())
    assert said.endswith("; on_kill=cancel (Onvera cannot cancel: the operation continues)")


def test_what_is_secret_or_long_is_not_said() -> None:
    machine = NirvanaCreateVMOperator(task_id="t", **{**VM, "name": "x" * 500})
    said = submitted_text(machine._attempt_options(), machine.hook, machine.submit())
    assert "AAAA" not in said
    assert "x" * 100 not in said
    body = {"api_token": "t0p", "password": "t0p", "values": {"secret": "t0p"}, "n": 1} | {
        f"k{n}": n for n in range(99)
    }
    task = request("onvera", json=body)
    task.make_hook = OnveraHook  # type: ignore[method-assign]
    said = submitted_text(task._attempt_options(), task.hook, task.submit())
    assert "t0p" not in said
    assert "n=1" in said
    assert len(said) < 600


def test_what_a_spec_calls_secret_is_not_said() -> None:
    names = "[$request.body#/cred, $request.body#/pin, $request.query.who]"
    api = DescribedApi(ApiSpec.from_yaml(JOBS.replace("[$response.body#/job/password]", names)))
    asked = {"cred": f"{'x' * 76}hunter2!", "pin": 48392, "name": "anna"}
    submit = api.request("POST", "/jobs", json=asked, query={"who": "anna-b"})
    said = submitted_text(create()._attempt_options(), OperationsApiHook("jobs", api=api), submit)
    assert "who='***' cred='***' pin=*** name='anna';" in said


# -- help

#: Arguments of Airflow that its help does not have yet.
LATER = {"render_template_as_native_obj"} - set(inspect.signature(BaseOperator.__init__).parameters)


@pytest.mark.parametrize("cls", [*OPERATORS, OperationRequestOperator, OperationOperator])
def test_help_shows_every_argument_of_an_operator_once(cls: type[OperationOperator]) -> None:
    shown = parameters_of(cls.__doc__)
    own = set(inspect.signature(cls.__init__).parameters) - {"self", "kwargs", "fields"}
    assert set(shown) == (own | set(OperatorArguments.__annotations__)) - LATER
    assert all(text[:1].strip() for text in shown.values())
    assert cls.__doc__
    assert cls.__doc__.count(":param timeout:") == 1


@pytest.mark.parametrize("cls", [OperationSensor, LakeSailSessionSensor])
def test_help_shows_every_argument_of_a_sensor(cls: type[OperationSensor]) -> None:
    own = set(inspect.signature(cls.__init__).parameters) - {"self", "kwargs"}
    shown = parameters_of(cls.__doc__)
    assert set(shown) == (own | set(SensorArguments.__annotations__)) - LATER
    assert all(text[:1].strip() for text in shown.values())


def test_the_arguments_of_airflow_are_those_of_its_base_operator() -> None:
    base = set(inspect.signature(BaseOperator.__init__).parameters) - {"self", "kwargs"}
    ours = set(AirflowArguments.__annotations__)
    # names that have no effect any more, and those that only later releases know
    assert base - ours <= {"sla", "start_from_trigger", "start_trigger_args"}
    assert ours - base <= {"retry_policy", "render_template_as_native_obj", "allow_nested_operators"}


def test_without_docstrings_there_is_nothing_to_add_to() -> None:
    assert with_all_arguments(None, {"a": "b"}, {"a": int}) is None
