"""Rows: how a wait ends badly."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from airflow_provider_ops.core.event_codec import from_event
from airflow_provider_ops.core.gate import LineLog
from airflow_provider_ops.lifecycle.options import WaitOptions
from airflow_provider_ops.lifecycle.results import checked
from airflow_provider_ops.operators.akua import AkuaCreateClusterOperator
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator, OnveraDestroyDeploymentOperator
from airflow_provider_ops.sensors.attempts import SensorAttempt
from airflow_provider_ops.sensors.operation import OperationSensor
from airflow_provider_ops.triggers.operation import OperationTrigger
from tests.messages.table import Area

WAIT = Area(
    "The wait",
    "`OperationFailed` and `OperationCancelled` are the API's own final word. `WaitTimeout` means that our deadline "
    "passed: raise `timeout` (or `execution_timeout`, which shortens it) if the API simply needs longer. All three "
    "carry the operation.",
)


def _onvera(**arguments: Any) -> Any:
    given: dict[str, Any] = {"deferrable": False, "app_type": "airflow", "timeout": 300, **arguments}
    return lambda: OnveraCreateDeploymentOperator(task_id="create", **given)


def _akua(**arguments: Any) -> Any:
    given: dict[str, Any] = {"deferrable": False, "name": "shop", "region_id": "reg_eu", "timeout": 300, **arguments}
    return lambda: AkuaCreateClusterOperator(task_id="create", **given)


def _with(fault: dict[str, Any], make: Any, **arguments: Any) -> Any:
    return lambda s: s.world.faults(fault) or s.failed(make, **arguments)


FAILS = {"fault": "operation_fails", "reason": "Quota of region eu exceeded"}
ENDLESS = {"fault": "endless"}
RETRIES = {"default_args": {"retries": 1}}


def _polls_answered(status: int) -> dict[str, Any]:
    return {"fault": "status", "status": status, "method": "GET", "skip": 1, "message": "what the API says"}


WAIT.add(
    {
        "The operation failed": _with(FAILS, _onvera(timeout=None)),
        "The operation failed, and what it left is removed": _with(FAILS, _onvera(timeout=None, on_failure="delete")),
        "The operation failed, and a retry follows": _with(FAILS, _akua(timeout=None), **RETRIES),
        "The operation failed without a reason": _with({**FAILS, "reason": ""}, _onvera(timeout=None)),
        "Someone has cancelled the operation": _with(
            {"fault": "operation_cancelled", "reason": "maintenance"}, _onvera(timeout=None)
        ),
        "The deadline passed": _with(ENDLESS, _onvera()),
        "The deadline passed, and a retry follows": _with(ENDLESS, _onvera(), **RETRIES),
        "The deadline passed, and the operation is cancelled": _with(ENDLESS, _akua(on_timeout="cancel"), **RETRIES),
        "The deadline passed, and the API cannot cancel": _with(ENDLESS, _onvera(on_timeout="cancel")),
        "The deadline passed, and what was made is deleted": _with(ENDLESS, _onvera(on_timeout="delete")),
        "The deadline passed, nothing is stored, and a retry follows": _with(
            ENDLESS, _onvera(durable=False), **RETRIES
        ),
        "The deadline passed while the API could not be read": _with(_polls_answered(503), _onvera()),
        "The key is no longer good": _with(_polls_answered(401), _onvera()),
        "The key may not read": _with(_polls_answered(403), _onvera(), **RETRIES),
        "The operation is not known any more": _with(_polls_answered(404), _onvera()),
    }
)


@WAIT.row("The deadline passed, and the deletion is refused")
def _refused_deletion(s: Any) -> object:
    s.world.faults(ENDLESS, {"fault": "status", "status": 409, "method": "DELETE", "message": "a backup is running"})
    return s.failed(_onvera(on_timeout="delete"))


@WAIT.row("What a successful operation made does not exist")
def _gone(s: Any) -> object:
    s.world.faults({"fault": "status", "status": 404, "method": "GET", "route": "/deployments/*"})
    return s.failed(_onvera(timeout=None))


@WAIT.row("A deletion is not done in time")
def _deletion(s: Any) -> object:
    made = s.hook().create_deployment("airflow")
    s.hook().wait_for_operation(made.operation_id)
    s.world.faults(ENDLESS)
    fields = {"deployment_id": made.deployment_id, "deferrable": False, "timeout": 60, "on_timeout": "delete"}
    return s.failed(lambda: OnveraDestroyDeploymentOperator(task_id="destroy", **fields))


def _sensor(operation_id: Any, **arguments: Any) -> Any:
    given = {"conn_id": "onvera_default", "operation_id": operation_id, "deferrable": False, "timeout": 60, **arguments}
    return lambda: OperationSensor(task_id="wait", **given)


def _started(s: Any, *faults: dict[str, Any]) -> str:
    s.world.faults(*faults)
    return str(s.hook().create_deployment("airflow").operation_id)


@WAIT.row("A sensor's operation failed")
def _sensor_failed(s: Any) -> object:
    ids = [_started(s, FAILS), _started(s, ENDLESS)]
    return s.failed(_sensor(ids, timeout=3600))


@WAIT.row("A sensor's time has passed", "With `soft_fail=True` the task is skipped instead.")
def _sensor_late(s: Any) -> object:
    return s.failed(_sensor(_started(s, ENDLESS)))


@WAIT.row("A sensor waits for an id that does not exist")
def _sensor_unknown(s: Any) -> object:
    return s.failed(_sensor("op_00000000-0000-4000-8000-000000000000", timeout=3600))


@WAIT.row("A sensor's time has passed before it could read anything")
def _sensor_blind(s: Any) -> object:
    operation_id = _started(s)
    s.world.faults({"fault": "status", "status": 503, "message": "maintenance"})
    return s.failed(_sensor(operation_id))


def _concluded(s: Any, outcome: Any) -> object:
    hook = s.hook()
    options = WaitOptions(defer=print, make_trigger=OperationTrigger)
    ti = SimpleNamespace(try_number=1)
    waits = SensorAttempt(hook, ["op_1"], options, started_at=0.0, timeout=1.0, ti=ti, log=LineLog(None), store=None)
    return s.as_task(hook, lambda: waits._conclude({"op_1": outcome}))


def _told(error: Any) -> Any:
    """Return the outcome of a trigger's event that tells of an error."""
    waits = from_event({"version": 1, "waits": {"op_1": {"outcome": "gave_up", "error": error}}})
    return waits["op_1"][0]


WAIT.add(
    {
        "A wait that ends without an outcome": lambda s: _concluded(s, None),
        "A trigger gave up and did not say why": lambda s: _concluded(s, _told(None)),
        "A trigger gave up over an error that has no class": lambda s: _concluded(
            s, _told({"message": "what it says"})
        ),
        "A trigger gave up over an answer of the API": lambda s: _concluded(
            s, _told({"status": 403, "message": "no", "what": "GET /operations/op_1 answered 403 no"})
        ),
        "A trigger gave up over a connection": lambda s: _concluded(
            s, _told({"message": "GET /operations/op_1: no connection", "reason": "connect"})
        ),
    }
)


@WAIT.row("A hook's time has passed")
def _hook_late(s: Any) -> object:
    operation_id = _started(s, ENDLESS)
    return s.hook().wait_for_operation(operation_id, timeout=60)


@WAIT.row("A hook may not read")
def _hook_refused(s: Any) -> object:
    operation_id = _started(s, _polls_answered(401))
    return s.hook().wait_for_operation(operation_id, timeout=3600)


def _result(**facts: Any) -> Any:
    return lambda s: checked({"operation_id": "op_1", **facts}, succeeded="Onvera operation op_1")


WAIT.add(
    {
        "A result has an id that cannot be one": _result(resource_id="dep\u20281"),
        "A field of a result is too large": _result(resource={"kubeconfig": "k" * 300_000}),
        "A result is too large": _result(resource={f"field_{number}": "x" * 200_000 for number in range(9)}),
    }
)
