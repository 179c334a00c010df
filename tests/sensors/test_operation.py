"""The sensor gives the same verdicts however it waits."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops._compat import AirflowSensorTimeout, AirflowSkipException
from airflow_provider_ops.core.history import KEY, read_record
from airflow_provider_ops.core.poll_interval import Tolerance
from airflow_provider_ops.exceptions import (
    AuthenticationError,
    InvalidConnection,
    NotFound,
    OperationCancelled,
    OperationFailed,
)
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.sensors.operation import OperationSensor, OperationSensorTimeout
from airflow_provider_ops.testing import fail_sometimes, never_settles, operation_cancelled, operation_fails
from tests.old_airflow import needs_state_store, told_as

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ops.testing import SimulatorServer

MODES: dict[str, dict[str, Any]] = {
    "poke": {"deferrable": False},
    "reschedule": {"mode": "reschedule"},
    "deferred": {"deferrable": True},
}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, retry_at_once: None) -> None:
    """Short operations are deferred as well, and what may be a passing refusal passes sooner."""
    monkeypatch.setattr("airflow_provider_ops.sensors.attempts.SECONDS_BEFORE_DEFERRING", 0.0)
    quick = Tolerance(refused=0.2, missing=0.2, invalid=0.2, longest_pause=0.1)
    monkeypatch.setattr("airflow_provider_ops.core.wait_state._TOLERANCE", quick)


class Sensor(OperationSensor):
    """Notes how it was resumed."""

    resumed: list[Any] = []  # noqa: RUF012

    def execute_complete(self, context: Any, event: Any) -> Any:
        Sensor.resumed.append(event)
        return super().execute_complete(context, event)


@pytest.fixture(autouse=True)
def resumed() -> list[Any]:
    Sensor.resumed.clear()
    return Sensor.resumed


class Ops:
    """Starts its operations when a template asks for their ids, so that the sensor meets them young."""

    def __init__(self, start: Any, letters: str) -> None:
        self.start, self.letters = start, letters
        self.ids: list[str] = []

    def __call__(self) -> Any:
        self.ids = self.ids or self.start(self.letters)
        return self.ids if len(self.letters) > 1 else self.ids[0]


@pytest.fixture
def ops_dag(a_dag: Any, ops: Any) -> Any:
    """A DAG in whose templates ``{{ ids() }}`` are the ids of operations that will end as the letters say."""

    @contextmanager
    def make(letters: str, **arguments: Any) -> Iterator[tuple[Any, Ops]]:
        started = Ops(ops, letters)
        with a_dag(user_defined_macros={"ids": started}, render_template_as_native_obj=True, **arguments) as dag:
            yield dag, started

    return make


@pytest.fixture
def ops(operations_simulator: SimulatorServer) -> Any:
    """Start operations that will end as their letters say: succeed, fail, cancel, endless; ``?`` is nobody's."""
    ends = {"f": operation_fails("quota exceeded"), "c": operation_cancelled("maintenance"), "e": never_settles()}

    def start(letters: str) -> list[str]:
        hook, ids = OnveraHook(), []
        for letter in letters:
            operations_simulator.faults(*([ends[letter]] if letter in ends else []))
            ids.append("op_nobody" if letter == "?" else hook.create_deployment("airflow").operation_id)
        operations_simulator.faults()
        hook.close()
        return ids

    return start


CASES: list[tuple[str, dict[str, Any], str, type[BaseException] | None]] = [
    ("s", {}, "success", None),
    ("f", {}, "failed", OperationFailed),
    ("c", {}, "failed", OperationCancelled),
    ("e", {"timeout": 0.7}, "failed", AirflowSensorTimeout),
    ("e", {"timeout": 0.7, "soft_fail": True}, "skipped", None),
    ("f", {"soft_fail": True}, "failed", OperationFailed),
    ("?", {}, "failed", NotFound),
    ("?", {"soft_fail": True}, "failed", NotFound),
    ("sss", {}, "success", None),
    ("sfe", {}, "failed", OperationFailed),
    ("se", {"timeout": 0.9}, "failed", AirflowSensorTimeout),
    ("fes", {"wait_for": "any"}, "success", None),
    ("fc", {"wait_for": "any"}, "failed", OperationFailed),
    ("fe", {"wait_for": "any", "timeout": 0.7, "soft_fail": True}, "skipped", None),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("letters", "options", "state", "error"), CASES, ids=lambda value: str(value)[:40])
def test_the_verdict_is_the_same_in_every_mode(
    ops_dag: Any,
    run_dag: Any,
    operations_simulator: SimulatorServer,
    resumed: list[Any],
    mode: str,
    letters: str,
    options: dict[str, Any],
    state: str,
    error: type[BaseException] | None,
) -> None:
    if mode == "deferred":
        # still running when the sensor looks for the first time
        operations_simulator.duration = 1.0
    with ops_dag(letters) as (dag, started):
        Sensor(
            task_id="wait",
            conn_id="onvera_default",
            operation_id="{{ ids() }}",
            **{"poke_interval": 0.1, "timeout": 20, **MODES[mode], **options},
        )
    ran = run_dag(dag)
    assert ran.states == {"wait": state}
    assert bool(resumed) == (mode == "deferred")
    if error:
        assert isinstance(ran.error("wait"), error)
    else:
        assert not ran.errors
    if state == "success":
        result = ran.xcom("wait")
        assert isinstance(result, list) == (len(letters) > 1)
        settled = result if isinstance(result, list) else [result]
        good = {one for one, letter in zip(started.ids, letters, strict=True) if letter == "s"}
        assert {one["id"] for one in settled} == good
        assert {one["state"] for one in settled} == {"succeeded"}


@pytest.mark.parametrize("mode", MODES)
def test_failing_to_look_is_not_failing(
    a_dag: Any, run_dag: Any, ops: Any, operations_simulator: SimulatorServer, mode: str
) -> None:
    (operation_id,) = ops("s")
    operations_simulator.faults(fail_sometimes(0.5), {"fault": "reset", "probability": 0.2})
    with a_dag() as dag:
        Sensor(
            task_id="wait",
            conn_id="onvera_default",
            operation_id=operation_id,
            poke_interval=0.1,
            timeout=60,
            **MODES[mode],
        )
    assert run_dag(dag).states == {"wait": "success"}


@pytest.mark.parametrize("mode", MODES)
def test_a_key_that_stays_refused_fails_as_what_it_is(
    a_dag: Any, run_dag: Any, ops: Any, operations_simulator: SimulatorServer, mode: str
) -> None:
    (operation_id,) = ops("s")
    operations_simulator.faults({"fault": "status", "status": 401})
    with a_dag() as dag:
        Sensor(
            task_id="wait",
            conn_id="onvera_default",
            operation_id=operation_id,
            poke_interval=0.1,
            timeout=60,
            soft_fail=True,
            **MODES[mode],
        )
    ran = run_dag(dag)
    assert ran.states == {"wait": "failed"}
    assert isinstance(ran.error("wait"), AuthenticationError)


def test_a_failure_tells_the_reason_and_what_is_no_longer_waited_for(a_dag: Any, run_dag: Any, ops: Any) -> None:
    failing, endless_one = ops("fe")
    with a_dag() as dag:
        Sensor(
            task_id="wait", conn_id="onvera_default", operation_id=[failing, endless_one], poke_interval=0.1, timeout=20
        )
    text = str(run_dag(dag).error("wait"))
    for part in ("quota exceeded", failing, endless_one, "Not waited for any more"):
        assert part in text


def test_a_timeout_is_final_and_tells_what_goes_on(a_dag: Any, run_dag: Any, ops: Any, virtual_time: Any) -> None:
    with a_dag(default_args={"retries": 2}) as dag:
        Sensor(
            task_id="wait",
            conn_id="onvera_default",
            operation_id=ops("e")[0],
            poke_interval=30,
            timeout=timedelta(hours=2),
            # Airflow's own end of it comes after ours: what we say and keep must not be cut off
            execution_timeout=timedelta(hours=1),
            deferrable=False,
        )
    ran = run_dag(dag)
    assert ran.tries("wait") == 1
    assert told_as(ran.error("wait")) is OperationSensorTimeout
    assert "within 59 minutes 50 seconds" in str(ran.error("wait"))
    assert "continues remotely" in str(ran.error("wait"))


@pytest.mark.parametrize("soft_fail", [False, True])
def test_a_rescheduled_sensor_times_out_in_its_own_words(
    a_dag: Any, run_dag: Any, ops: Any, monkeypatch: pytest.MonkeyPatch, soft_fail: bool
) -> None:
    skipped: list[str] = []

    class Soft(Sensor):
        def execute(self, context: Any) -> Any:
            try:
                return super().execute(context)
            except AirflowSkipException as skip:
                skipped.append(str(skip))
                raise

    monkeypatch.setattr("airflow_provider_ops.sensors.operation.event_guard", lambda *_: 0.0)
    (one,) = ops("e")
    with a_dag() as dag:
        Soft(
            task_id="wait",
            conn_id="onvera_default",
            operation_id=one,
            mode="reschedule",
            poke_interval=0.1,
            timeout=1.5,
            soft_fail=soft_fail,
        )
    ran = run_dag(dag)
    text = skipped[0] if soft_fail else str(ran.error("wait"))
    if not soft_fail:
        assert told_as(ran.error("wait")) is OperationSensorTimeout
    for part in (one, "did not settle within", "clear the task to wait for it again"):
        assert part in text
    history = read_record(ran.xcom("wait", KEY))
    assert history is not None
    assert history.is_over
    assert history.operation(one).outcome == "timeout"


@needs_state_store
def test_a_rescheduled_sensor_keeps_what_its_first_poll_has_seen(
    a_dag: Any, run_dag: Any, ops: Any, operations_simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_ops.sensors.operation.event_guard", lambda *_: 0.0)
    operations_simulator.duration = 2.0
    (one,) = ops("s")
    with a_dag() as dag:
        Sensor(
            task_id="wait", conn_id="onvera_default", operation_id=one, mode="reschedule", poke_interval=0.1, timeout=60
        )
    history = read_record(run_dag(dag).xcom("wait", KEY))
    assert history is not None
    timeline = history.operation(one).timeline
    assert len(timeline.entries) >= 2
    assert timeline.entries[-1][0] > 0


TROUBLE: dict[str, tuple[str, dict[str, Any]]] = {
    "deferral timeout": ("__fail__", {"error": "Trigger timeout"}),
    "dead trigger": ("__fail__", {"error": "Trigger failure"}),
    "unknown payload": ("execute_complete", {"event": {"version": 99, "waits": {"op": "new"}}}),
    "no payload": ("execute_complete", {"event": None}),
    "error": ("execute_complete", {"event": {"status": "error", "error": "boom"}}),
}


@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize(("letter", "state"), [("s", "success"), ("f", "failed")])
def test_a_dead_trigger_leads_to_one_more_look_and_the_right_end(
    ops_dag: Any, run_dag: Any, virtual_time: Any, trouble: str, letter: str, state: str
) -> None:
    class Dead(OperationSensor):
        legs: list[Any] = []  # noqa: RUF012

        def execute_complete(self, context: Any, event: Any) -> Any:
            Dead.legs.append(event)
            if len(Dead.legs) == 1:
                method, kwargs = TROUBLE[trouble]
                if method == "execute_complete":
                    return super().execute_complete(context, **kwargs)
                return self.resume_execution(method, kwargs, context)
            return super().execute_complete(context, event)

    with ops_dag(letter) as (dag, _):
        Dead(
            task_id="wait",
            conn_id="onvera_default",
            operation_id="{{ ids() }}",
            poke_interval=30,
            timeout=7200,
            soft_fail=True,
        )
    ran = run_dag(dag)
    assert ran.states == {"wait": state}
    assert Dead.legs


def test_ids_are_templated_and_may_come_from_other_tasks(a_dag: Any, run_dag: Any, ops: Any) -> None:
    ids = ops("ss")
    with a_dag(params={"ids": ids}, render_template_as_native_obj=True) as dag:
        Sensor(
            task_id="wait",
            conn_id="{{ 'onvera' }}_default",
            operation_id="{{ params.ids }}",
            poke_interval=0.1,
            deferrable=False,
        )
    ran = run_dag(dag)
    assert ran.states == {"wait": "success"}
    assert len(ran.xcom("wait")) == 2


def test_an_id_given_twice_is_looked_at_once(
    a_dag: Any, run_dag: Any, ops: Any, operations_simulator: SimulatorServer
) -> None:
    (one,) = ops("e")
    with a_dag() as dag:
        Sensor(
            task_id="wait",
            conn_id="onvera_default",
            operation_id=[one, one],
            poke_interval=5,
            deferrable=False,
            timeout=1,
        )
    run_dag(dag)
    # at the start and at the deadline
    assert operations_simulator.stats()["by_route"]["GET /onvera/api/v1/operations/{id}"] == 2


def test_a_missing_connection_is_told_when_the_task_starts(a_dag: Any, run_dag: Any) -> None:
    with a_dag() as dag:
        Sensor(task_id="wait", conn_id="nobody", operation_id="op_1")
    assert isinstance(run_dag(dag).error("wait"), InvalidConnection)
