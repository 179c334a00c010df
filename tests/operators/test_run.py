"""Operators in Airflow: real task runner, API, state store, XCom and trigger, against the simulator."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import task as airflow_task

from airflow_provider_ops.client.pace import SystemClock
from airflow_provider_ops.exceptions import (
    AmbiguousSubmission,
    DifferentRequest,
    InvalidConnection,
    InvalidRequest,
    OperationCancelled,
    OperationFailed,
    WaitTimeout,
)
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator, OnveraDestroyDeploymentOperator
from airflow_provider_ops.operators.operation import OperationRequestOperator
from airflow_provider_ops.testing import (
    drop_answer,
    endless,
    fail_first,
    fail_sometimes,
    operation_cancelled,
    operation_fails,
    reset_connection,
)

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer

FAST: dict[str, Any] = {"poll_interval": 0.05}


@pytest.fixture(autouse=True)
def _defer_at_once(monkeypatch: pytest.MonkeyPatch, retry_at_once: None) -> None:
    """Operations of a test settle before the look that spares short deferrals is over."""
    monkeypatch.setattr("airflow_provider_ops.operators.run.LOOK_BEFORE_DEFERRING", 0.0)


class Create(OnveraCreateDeploymentOperator):
    """Notes the events of its triggers. Keeps the start of the try, which Airflow does and ``dag.test`` does not."""

    events: list[Any] = []  # noqa: RUF012
    starts_at: dict[Any, Any] = {}  # noqa: RUF012

    def execute(self, context: Any) -> Any:
        ti = context["ti"]
        Create.starts_at[ti.id, ti.try_number] = ti.start_date
        return super().execute(context)

    def execute_complete(self, context: Any, event: Any) -> Any:
        Create.events.append(event)
        self.keep_start(context)
        return super().execute_complete(context, event)

    def keep_start(self, context: Any) -> None:
        context["ti"].start_date = Create.starts_at[context["ti"].id, context["ti"].try_number]


@pytest.fixture(autouse=True)
def events() -> list[Any]:
    Create.events.clear()
    return Create.events


@pytest.fixture
def unhurried(operations_simulator: SimulatorServer) -> None:
    """Operations still run at the first look, also on a machine that is busy, so that the task defers."""
    operations_simulator.duration = 1.0


def created(world: SimulatorServer) -> int:
    return world.stats()["by_api"]["onvera"]["created"]


def operations(world: SimulatorServer) -> int:
    return world.stats()["by_api"]["onvera"]["operations"]


# -- the whole way


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("deferrable", [True, False])
def test_create_and_destroy_run_to_their_end(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, events: list[Any], deferrable: bool
) -> None:
    with a_dag() as dag:
        create = Create(task_id="create", app_type="airflow", deferrable=deferrable, **FAST)
        OnveraDestroyDeploymentOperator(
            task_id="destroy", deployment_id=create.output["resource_id"], deferrable=deferrable, **FAST
        )
    ran = run_dag(dag)
    assert ran.states == {"create": "success", "destroy": "success"}
    assert len(events) == deferrable
    assert (created(operations_simulator), operations(operations_simulator)) == (1, 2)
    (resource,) = operations_simulator.resources()
    assert resource["deleted"]

    result = ran.xcom("create")
    assert set(result) == {"operation_id", "resource_id", "state", "operation", "resource"}
    assert result["state"] == "succeeded"
    assert result["operation_id"] == result["operation"]["id"] == resource["operation_id"]
    assert result["resource_id"] == result["resource"]["id"] == resource["id"]
    assert result["resource"]["url"].startswith("https://")
    assert ran.xcom("create", "operation_id") == result["operation_id"]
    assert ran.xcom("create", "resource_id") == result["resource_id"]
    assert ran.xcom("destroy")["resource"] is None
    assert json.loads(json.dumps(result)) == result


def test_the_link_of_a_task_leads_to_the_deployment(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    with a_dag() as dag:
        Create(task_id="create", app_type="airflow", **FAST)
    ran = run_dag(dag)
    assert ran.xcom("create", "_link_OperationLink") == ran.xcom("create")["resource"]["url"]


@pytest.mark.usefixtures("unhurried")
def test_the_event_is_small_json_that_tells_the_story(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, events: list[Any]
) -> None:
    with a_dag() as dag:
        Create(task_id="create", app_type="airflow", **FAST)
    run_dag(dag)
    (event,) = events
    assert event["status"] == "succeeded"
    (wait,) = event["waits"].values()
    assert wait["timeline"]["entries"]
    assert len(json.dumps(event)) < 4000


def test_without_waiting_the_ids_are_there_and_nothing_is_waited_for(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, events: list[Any]
) -> None:
    operations_simulator.faults(endless())
    with a_dag() as dag:
        Create(task_id="create", app_type="airflow", wait_for_completion=False, **FAST)
    ran = run_dag(dag)
    assert ran.states == {"create": "success"}
    assert not events
    assert ran.xcom("create")["state"] == "pending"
    assert ran.xcom("create")["resource"] is None
    assert ran.xcom("create", "operation_id") == operations_simulator.operations()[0]["id"]


def test_ids_are_in_xcom_before_the_wait(a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer) -> None:
    seen: list[Any] = []

    class Looks(Create):
        def defer(self, **kwargs: Any) -> Any:
            ti = seen[0]
            seen.extend(ti.xcom_pull(task_ids="create", key=key) for key in ("operation_id", "resource_id"))
            super().defer(**kwargs)

        def execute(self, context: Any) -> Any:
            seen.append(context["ti"])
            return super().execute(context)

    with a_dag() as dag:
        Looks(task_id="create", app_type="airflow", **FAST)
    run_dag(dag)
    (resource,) = operations_simulator.resources()
    assert seen[1:] == [resource["operation_id"], resource["id"]]


@pytest.mark.usefixtures("unhurried")
def test_mapped_tasks_have_an_operation_each(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, events: list[Any]
) -> None:
    with a_dag() as dag:
        create = Create.partial(task_id="create", app_type="airflow", **FAST).expand(name=["a {{ run_id }}", "b", "c"])

        @airflow_task
        def names(made: Any) -> list[str]:
            return sorted(one["resource"]["name"] for one in made)

        names(create.output)
    ran = run_dag(dag)
    assert ran.state == "success"
    assert ran.xcom("names") == [f"a {ran.run.run_id}", "b", "c"]
    assert created(operations_simulator) == 3
    assert len({event["operation_ids"][0] for event in events}) == 3


def test_fields_and_connection_are_templated(a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer) -> None:
    with a_dag(params={"kind": "superset"}) as dag:
        Create(
            task_id="create",
            conn_id="{{ 'onvera' }}_default",
            app_type="{{ params.kind }}",
            name="bi {{ run_id }}",
            wait_for_completion=False,
        )
    ran = run_dag(dag)
    assert ran.state == "success"
    (resource,) = operations_simulator.resources()
    assert resource["name"] == f"bi {ran.run.run_id}"


def test_a_template_that_renders_to_nonsense_is_told_by_name(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    with a_dag(params={"kind": "jupyter"}) as dag:
        Create(task_id="create", app_type="{{ params.kind }}")
    assert "'airflow' or 'superset'" in str(run_dag(dag).error("create"))
    assert operations_simulator.stats()["requests"] == 0


# -- retries


RETRY = {"retries": 2}


def hook_that_dies(times: int) -> type[OnveraHook]:
    """A worker that is gone after its request was carried out and before it could store the answer."""

    class Dying(OnveraHook):
        left = times

        def run(self, flow: Any) -> Any:
            result = super().run(flow)
            if hasattr(result, "operation_id") and Dying.left:
                Dying.left -= 1
                raise MemoryError("the worker was killed")
            return result

    return Dying


def test_a_retry_goes_on_with_what_a_dead_try_has_submitted(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    dying = hook_that_dies(1)

    class Dies(Create):
        def make_hook(self) -> OnveraHook:
            return dying(conn_id=self.conn_id)

    with a_dag(default_args=RETRY) as dag:
        Dies(task_id="create", app_type="airflow", **FAST)
    ran = run_dag(dag)
    assert ran.states == {"create": "success"}
    assert ran.tries("create") == 2
    assert created(operations_simulator) == 1


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_retry_joins_the_running_operation(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, deferrable: bool
) -> None:
    class Breaks(Create):
        broken: list[int] = []  # noqa: RUF012

        def _break(self) -> None:
            if not Breaks.broken:
                Breaks.broken.append(1)
                msg = "the worker lost its mind while waiting"
                raise RuntimeError(msg)

        def defer(self, **kwargs: Any) -> Any:
            self._break()
            super().defer(**kwargs)

        def make_hook(self) -> OnveraHook:
            breaks = self._break

            class Hook(OnveraHook):
                def watch(self, *args: Any, **kwargs: Any) -> Any:
                    breaks()
                    return super().watch(*args, **kwargs)

            return Hook(conn_id=self.conn_id)

    with a_dag(default_args=RETRY) as dag:
        Breaks(task_id="create", app_type="airflow", deferrable=deferrable, **FAST)
    ran = run_dag(dag)
    assert ran.states == {"create": "success"}
    assert ran.tries("create") == 2
    assert (created(operations_simulator), operations(operations_simulator)) == (1, 1)


def test_a_retry_after_a_failed_operation_submits_generation_two(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(operation_fails("quota exceeded", n=1))
    with a_dag(default_args=RETRY) as dag:
        Create(task_id="create", app_type="airflow", **FAST)
    ran = run_dag(dag)
    assert ran.states == {"create": "success"}
    assert isinstance(ran.error("create"), OperationFailed)
    assert created(operations_simulator) == 2
    assert len({one["name"] for one in operations_simulator.resources()}) == 2


def test_on_failure_delete_leaves_one_resource_after_a_failed_try(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(operation_fails(n=1, kind="deployment.create"))
    with a_dag(default_args=RETRY) as dag:
        Create(task_id="create", app_type="airflow", on_failure="delete", **FAST)
    assert run_dag(dag).state == "success"
    kinds = [one["kind"] for one in operations_simulator.operations()]
    assert sorted(kinds) == ["deployment.create", "deployment.create", "deployment.destroy"]


@pytest.mark.parametrize(
    "fault",
    [
        drop_answer(),
        {"fault": "accept_then_drop", "method": "DELETE", "count": 1},
        {"fault": "status", "status": 503, "method": "POST", "count": 1, "execute": True},
    ],
    ids=lambda fault: fault["fault"] + fault["method"],
)
def test_a_lost_answer_is_found_and_there_is_one_resource(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, fault: Any, hasty: type[OnveraHook]
) -> None:
    class Hasty(Create):
        def make_hook(self) -> OnveraHook:
            return hasty(conn_id=self.conn_id)

    class HastyDestroy(OnveraDestroyDeploymentOperator):
        def make_hook(self) -> OnveraHook:
            return hasty(conn_id=self.conn_id)

    operations_simulator.faults(fault)
    with a_dag() as dag:
        create = Hasty(task_id="create", app_type="airflow", **FAST)
        HastyDestroy(task_id="destroy", deployment_id=create.output["resource_id"], **FAST)
    assert run_dag(dag).states == {"create": "success", "destroy": "success"}
    assert (created(operations_simulator), operations(operations_simulator)) == (1, 2)


@pytest.fixture
def hasty() -> type[OnveraHook]:
    """A hook that does not take its long pauses."""

    class HastyClock(SystemClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(min(seconds, 0.05))

    class HastyHook(OnveraHook):
        def __init__(self, conn_id: str | None = None, **kwargs: Any) -> None:
            super().__init__(conn_id, clock=HastyClock(), **kwargs)

    return HastyHook


@pytest.mark.parametrize(
    "faults",
    [
        [fail_first(2, status=503, method="POST")],
        [reset_connection(2, method="POST")],
        [fail_sometimes(0.3), {"fault": "reset", "probability": 0.1}],
    ],
    ids=["503 on POST", "reset on POST", "30 % 503 and 10 % resets"],
)
def test_trouble_on_the_way_costs_no_second_resource(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, faults: Any, hasty: type[OnveraHook]
) -> None:
    class Hasty(Create):
        def make_hook(self) -> OnveraHook:
            return hasty(conn_id=self.conn_id)

    operations_simulator.faults(*faults)
    with a_dag() as dag:
        Hasty(task_id="create", app_type="airflow", **FAST)
    assert run_dag(dag).states == {"create": "success"}
    assert created(operations_simulator) == 1


def test_another_request_while_the_operation_runs_is_refused(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(endless())

    class Changes(Create):
        def execute(self, context: Any) -> Any:
            self.name = f"try {context['ti'].try_number}"
            if context["ti"].try_number > 1:
                return super().execute(context)
            self.timeout = 0.0
            return super().execute(context)

    with a_dag(default_args={"retries": 1}) as dag:
        Changes(task_id="create", app_type="airflow", **FAST)
    ran = run_dag(dag)
    assert [type(error) for error in ran.errors["create"]] == [WaitTimeout, DifferentRequest]
    assert created(operations_simulator) == 1


def test_without_durability_every_try_stands_alone(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(endless(n=1))
    with a_dag(default_args={"retries": 1}) as dag:
        Create(task_id="create", app_type="airflow", durable=False, timeout=1.0, **FAST)
    ran = run_dag(dag)
    assert ran.states == {"create": "success"}
    assert created(operations_simulator) == 2


# -- the generic operator


def test_any_call_that_names_an_operation_runs_with_the_same_guarantees(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    with a_dag() as dag:
        create = OperationRequestOperator(
            task_id="create",
            conn_id="onvera_default",
            method="post",
            path="/deployments",
            json={"app_type": "{{ 'airflow' }}"},
            **FAST,
        )
        OperationRequestOperator(
            task_id="destroy",
            conn_id="onvera_default",
            method="DELETE",
            path="/deployments/{{ ti.xcom_pull('create', key='resource_id') }}",
            **FAST,
        ).set_upstream(create)
    ran = run_dag(dag)
    assert ran.states == {"create": "success", "destroy": "success"}
    assert ran.xcom("create")["resource"]["app_type"] == "airflow"
    assert (created(operations_simulator), operations(operations_simulator)) == (1, 2)


def test_a_call_nobody_knows_is_ambiguous_after_a_lost_answer(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, hasty: type[OnveraHook]
) -> None:
    class Hasty(OperationRequestOperator):
        def make_hook(self) -> OnveraHook:
            return hasty(conn_id=self.conn_id)

    operations_simulator.faults({"fault": "reset", "route": "/new-things", "method": "POST"})
    with a_dag(default_args=RETRY) as dag:
        Hasty(task_id="new", conn_id="onvera_default", method="POST", path="/new-things", json={})
    ran = run_dag(dag)
    assert ran.states == {"new": "failed"}
    assert [type(error) for error in ran.errors["new"]] == [AmbiguousSubmission] * 3
    sent = operations_simulator.stats()["by_route"]
    assert sum(count for route, count in sent.items() if route.startswith("POST")) == 1


# -- how it can end badly


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize(
    ("fault", "error"),
    [(operation_fails("quota exceeded"), OperationFailed), (operation_cancelled("maintenance"), OperationCancelled)],
    ids=["failed", "cancelled"],
)
def test_an_operation_that_ends_badly_fails_the_task_with_a_briefing(
    a_dag: Any,
    run_dag: Any,
    operations_simulator: SimulatorServer,
    deferrable: bool,
    fault: Any,
    error: type[OperationFailed],
) -> None:
    operations_simulator.faults(fault)
    with a_dag() as dag:
        Create(task_id="create", app_type="airflow", deferrable=deferrable, **FAST)
    ran = run_dag(dag)
    raised = ran.error("create")
    (resource,) = operations_simulator.resources()
    assert type(raised) is error
    assert raised.operation is not None
    for part in (fault["reason"], resource["operation_id"], resource["id"], "was not removed", "Clear the task"):
        assert part in str(raised)


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize(("policy", "destroyed"), [("leave", 0), ("delete", 1), ("cancel", 0)])
def test_a_passed_deadline_fails_the_task_and_carries_out_its_policy(
    a_dag: Any,
    run_dag: Any,
    operations_simulator: SimulatorServer,
    deferrable: bool,
    policy: str,
    destroyed: int,
) -> None:
    operations_simulator.faults(endless())
    with a_dag() as dag:
        Create(task_id="create", app_type="airflow", deferrable=deferrable, timeout=0.8, on_timeout=policy, **FAST)
    ran = run_dag(dag)
    raised = ran.error("create")
    assert type(raised) is WaitTimeout
    assert "joins it" in str(raised)
    assert operations(operations_simulator) == 1 + destroyed


@pytest.mark.parametrize("deferrable", [True, False])
def test_execution_timeout_shortens_the_deadline(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, deferrable: bool
) -> None:
    operations_simulator.faults(endless())
    with a_dag() as dag:
        Create(
            task_id="create",
            app_type="airflow",
            deferrable=deferrable,
            execution_timeout=timedelta(seconds=2),
            timeout=3600,
            **FAST,
        )
    assert type(run_dag(dag).error("create")) is WaitTimeout


def test_a_deadline_is_one_moment_for_all_legs(a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer) -> None:
    operations_simulator.faults(endless())
    deadlines: list[float] = []

    class Again(Create):
        def defer(self, **kwargs: Any) -> Any:
            deadlines.append(kwargs["trigger"].deadline)
            # the trigger ends at once, instead of after an hour
            kwargs["trigger"].deadline = 0.0
            super().defer(**kwargs)

        def execute_complete(self, context: Any, event: Any) -> Any:
            return super().execute_complete(context, event if len(deadlines) > 2 else {"version": 99})

    with a_dag() as dag:
        Again(task_id="create", app_type="airflow", timeout=3600, **FAST)
    assert type(run_dag(dag).error("create")) is WaitTimeout
    assert len(deadlines) == 3
    assert len(set(deadlines)) == 1


# -- what goes wrong around us heals

TROUBLE = {
    "deferral timeout": ("__fail__", {"error": "Trigger timeout"}),
    "dead trigger": ("__fail__", {"error": "Trigger failure", "traceback": ["boom"]}),
}


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("fault", [None, operation_fails("quota exceeded")], ids=["succeeds", "fails"])
def test_a_dead_trigger_leads_to_one_more_look_and_the_right_end(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, trouble: str, fault: Any
) -> None:
    operations_simulator.faults(*([fault] if fault else []))

    class Dead(Create):
        legs: list[Any] = []  # noqa: RUF012

        def execute_complete(self, context: Any, event: Any) -> Any:
            Dead.legs.append(event)
            if len(Dead.legs) == 1:
                return self.resume_execution(*TROUBLE[trouble], context)
            return super().execute_complete(context, event)

    with a_dag() as dag:
        Dead(task_id="create", app_type="airflow", **FAST)
    ran = run_dag(dag)
    assert Dead.legs
    assert created(operations_simulator) == 1
    if fault:
        assert type(ran.error("create")) is OperationFailed
    else:
        assert ran.xcom("create")["state"] == "succeeded"


@pytest.mark.parametrize("trouble", TROUBLE)
def test_a_dead_trigger_while_the_operation_goes_on_waits_on(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, trouble: str
) -> None:
    operations_simulator.duration = 1.0

    class Dead(Create):
        deferred: list[Any] = []  # noqa: RUF012

        def defer(self, **kwargs: Any) -> Any:
            Dead.deferred.append(kwargs["trigger"])
            if len(Dead.deferred) == 1:
                self.resume_execution(*TROUBLE[trouble], self._context)
            super().defer(**kwargs)

        def execute(self, context: Any) -> Any:
            self._context = context
            return super().execute(context)

    with a_dag() as dag:
        Dead(task_id="create", app_type="airflow", **FAST)
    ran = run_dag(dag)
    assert ran.states == {"create": "success"}
    assert len(Dead.deferred) == 2
    assert created(operations_simulator) == 1


def test_a_deferral_timeout_after_the_deadline_carries_out_the_policy(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(endless())

    class Dead(Create):
        def execute_complete(self, context: Any, event: Any) -> Any:  # noqa: ARG002
            self.keep_start(context)
            return self.resume_execution(*TROUBLE["deferral timeout"], context)

    with a_dag() as dag:
        Dead(task_id="create", app_type="airflow", timeout=1.0, on_timeout="delete", **FAST)
    assert type(run_dag(dag).error("create")) is WaitTimeout
    assert operations(operations_simulator) == 2


PAYLOADS: list[Any] = [
    None,
    {},
    "text",
    {"version": 99, "waits": "elsewhere"},
    {"version": 99, "waits": {"op_1": {"outcome": "paused"}}},
    {"status": "error", "error": "KeyError: boom", "operation_ids": []},
    {"status": "error"},
]


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("payload", PAYLOADS, ids=repr)
def test_a_payload_that_cannot_be_read_leads_to_one_more_look(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, payload: Any
) -> None:
    class Strange(Create):
        legs: list[Any] = []  # noqa: RUF012

        def execute_complete(self, context: Any, event: Any) -> Any:
            Strange.legs.append(event)
            return super().execute_complete(context, payload if len(Strange.legs) == 1 else event)

    with a_dag() as dag:
        Strange(task_id="create", app_type="airflow", **FAST)
    ran = run_dag(dag)
    assert ran.states == {"create": "success"}
    assert ran.xcom("create")["state"] == "succeeded"
    assert created(operations_simulator) == 1


# -- the connection

CONNECTIONS = {
    "missing": (None, "there is no connection"),
    "without a key": ({"conn_type": "onvera"}, "no API key"),
    "of another type": ({"conn_type": "http", "password": "k"}, "needs type 'onvera'"),
    "unencrypted": ({"conn_type": "onvera", "host": "http://api.onvera.io/api/v1", "password": "k"}, "https://"),
    "with a path too many": (
        {"conn_type": "onvera", "host": "https://api.onvera.io/api/v1/deployments", "password": "k"},
        "must end with '/api/v1'",
    ),
}


@pytest.mark.parametrize("what", CONNECTIONS)
def test_a_connection_that_cannot_work_is_told_when_the_task_starts(
    a_dag: Any, run_dag: Any, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    fields, words = CONNECTIONS[what]
    if fields:
        monkeypatch.setenv("AIRFLOW_CONN_BAD", json.dumps(fields))
    with a_dag() as dag:
        Create(task_id="create", conn_id="bad", app_type="airflow")
    error = run_dag(dag).error("create")
    assert type(error) is InvalidConnection
    assert words in str(error)
    assert "\n" not in str(error)


def test_a_refused_request_fails_the_task_with_the_words_of_the_api(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(
        {"fault": "status", "status": 400, "code": "QUOTA", "message": "no more", "method": "POST"}
    )
    with a_dag() as dag:
        Create(task_id="create", app_type="airflow")
    error = run_dag(dag).error("create")
    assert type(error) is InvalidRequest
    assert "QUOTA: no more" in str(error)
