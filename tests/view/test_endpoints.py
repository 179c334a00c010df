"""The page's data from Airflow's own API server app, for runs that really ran."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import task

from airflow_provider_ops.operators.akua import AkuaCreateClusterOperator
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator
from airflow_provider_ops.sensors.operation import OperationSensor
from airflow_provider_ops.testing import fail_first, operation_fails
from airflow_provider_ops.view import app
from tests.old_airflow import needs_state_store
from tests.owing import owe

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.testclient import TestClient

    from airflow_provider_ops.testing import SimulatorServer, VirtualClock

Ask = Any
STATIC = Path(app.__file__).parent / "static"
NASTY = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def _world(operations_simulator: SimulatorServer, retry_at_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_ops.lifecycle.attempt.SECONDS_BEFORE_DEFERRING", 0.2)
    # whatever is open is looked at at once
    monkeypatch.setattr("airflow_provider_ops.view.app._POLL_AFTER", 0.0)


def cluster(**arguments: Any) -> AkuaCreateClusterOperator:
    defaults = {"task_id": "create", "name": "shop", "region_id": "reg_eu", "poll_interval": 0.05}
    return AkuaCreateClusterOperator(**{**defaults, **arguments})


def test_after_the_end_the_whole_story_is_told(a_dag: Any, run_dag: Any, ask: Ask) -> None:
    with a_dag() as dag:
        cluster()
    run = run_dag(dag)
    assert run.state == "success"
    status, page = ask(dag.dag_id, run.run.run_id, "create")
    assert status == 200
    assert page["status"] == "over"
    assert page["refresh"] is None
    (operation,) = page["operations"]
    assert operation["state"] == "succeeded"
    assert operation["kind"] == "cluster.create"
    assert [row["state"] for row in operation["rows"]] == ["done"] * 3
    assert operation["rows_title"] == "Steps"
    assert operation["log"]
    assert page["wait"]["conn_id"] == "akua_default"


def test_phases_are_told_where_there_are_no_steps(
    virtual_time: VirtualClock, operations_simulator: SimulatorServer, a_dag: Any, run_dag: Any, ask: Ask
) -> None:
    with a_dag() as dag:
        OnveraCreateDeploymentOperator(task_id="create", app_type="airflow", name="n", poll_interval=30)
    run = run_dag(dag)
    _, page = ask(dag.dag_id, run.run.run_id, "create")
    (operation,) = page["operations"]
    assert operation["rows_title"] == "Phases"
    names = [row["name"] for row in operation["rows"]]
    # on a busy machine not every look comes in time for a phase that is soon over
    assert names
    assert names == [name for name in ("queued", "provisioning_db", "provisioning_infrastructure") if name in names]
    assert all(row["end"] is not None and row["end"] >= row["start"] for row in operation["rows"])
    assert operation["resource_url"] == run.result("create")["resource"]["url"], (
        "where the resource is, as the API says"
    )


@pytest.mark.parametrize("index", ["²", "٣", "1e3", "-2", "0x1", "99999999999999999999", "{MAP}"])
def test_a_map_index_that_cannot_be_one_is_not_found(index: str, ask: Ask) -> None:
    assert ask("dag", "run", "task", map_index=index)[0] == 404


@pytest.mark.parametrize("name", ["", ".", "..", "a\x00b", "a\nb"])
@pytest.mark.parametrize("place", ["dag_id", "run_id", "task_id"])
def test_an_id_that_cannot_be_one_is_not_found(place: str, name: str, ask: Ask) -> None:
    status, page = ask(**{"dag_id": "dag", "run_id": "run", "task_id": "task", place: name})
    assert (status, page["status"]) == (404, "not_found")


def test_a_failure_is_told_with_what_the_api_said(
    a_dag: Any, run_dag: Any, ask: Ask, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(operation_fails(reason=NASTY))
    with a_dag() as dag:
        cluster()
    run = run_dag(dag)
    _, page = ask(dag.dag_id, run.run.run_id, "create")
    (operation,) = page["operations"]
    assert (page["task"]["state"], operation["state"]) == ("failed", "failed")
    assert NASTY in operation["error"]["message"], "as it came: the page shows it as text"


@needs_state_store
def test_what_earlier_tries_came_to_is_told(
    a_dag: Any, run_dag: Any, ask: Ask, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(operation_fails(reason="no room", n=1))
    with a_dag(default_args={"retries": 1}) as dag:
        cluster()
    run = run_dag(dag)
    assert run.state == "success"
    _, page = ask(dag.dag_id, run.run.run_id, "create")
    assert page["operations"][0]["state"] == "succeeded"
    (earlier,) = page["earlier"]
    assert (earlier["try_number"], earlier["state"]) == (1, "failed")
    assert "no room" in earlier["after"]
    assert earlier["operation_id"] != page["operations"][0]["id"]


def test_an_earlier_try_without_an_operation_is_shown(
    a_dag: Any, run_dag: Any, ask: Ask, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(fail_first(status=409, method="POST"))
    with a_dag(default_args={"retries": 1}) as dag:
        cluster()
    run = run_dag(dag)
    assert run.state == "success"
    _, page = ask(dag.dag_id, run.run.run_id, "create")
    (earlier,) = page["earlier"]
    assert (earlier["try_number"], earlier["operation_id"], earlier["after"]) == (1, None, "no operation was recorded")


@pytest.mark.parametrize("policy", ["leave", "delete"])
def test_what_a_failed_create_has_left_is_told(
    policy: str, a_dag: Any, run_dag: Any, ask: Ask, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(operation_fails(reason="no room"))
    with a_dag() as dag:
        cluster(on_failure=policy)
    run = run_dag(dag)
    _, page = ask(dag.dag_id, run.run.run_id, "create")
    left = page["wait"]["left"]
    assert left["text"].startswith(f"on_failure={policy}: ")
    assert left["resource"] == f"cluster {run.xcom('create', 'resource_id')}"
    assert left["at"]


def test_an_airflow_that_does_not_answer_is_told_in_one_line(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("airflow_provider_ops.view.airflow_rest._TIMEOUT", 0.0)
    status, page = ask("a", "b", "c")
    assert (status, page["status"], page["title"]) == (504, "broken", "Airflow is slow to answer")
    assert "task is not affected" in page["hint"]
    assert page["refresh"] is not None
    ours = [one for one in caplog.records if one.name.startswith("airflow_provider_ops.view")]
    assert [(one.levelname, one.exc_info) for one in ours] == [("WARNING", None)]


def test_what_is_not_waited_for_leads_to_its_resource_as_well(
    virtual_time: VirtualClock,
    operations_simulator: SimulatorServer,
    a_dag: Any,
    run_dag: Any,
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # a connection that this server has not used yet
    monkeypatch.setenv("AIRFLOW_CONN_ONVERA_FRESH", operations_simulator.connection_json("onvera", "key"))
    with a_dag() as dag:
        OnveraCreateDeploymentOperator(
            task_id="create", conn_id="onvera_fresh", app_type="airflow", name="n", wait_for_completion=False
        )
    run = run_dag(dag)
    virtual_time.sleep(600)
    _, page = ask(dag.dag_id, run.run.run_id, "create")
    (operation,) = page["operations"]
    assert operation["state"] == "succeeded"
    assert (operation["resource_url"] or "").startswith("https://")


@needs_state_store
@pytest.mark.parametrize("owes", ["delete", None])
def test_what_a_killed_attempt_owes_is_told(a_dag: Any, run_dag: Any, ask: Ask, owes: str | None) -> None:
    with a_dag() as dag:
        cluster()
    run = run_dag(dag)
    operation_id = owe(dag.dag_id, run.run.run_id, "create", owes)
    _, page = ask(dag.dag_id, run.run.run_id, "create")
    assert (page["owes"] is not None) is bool(owes)
    if owes:
        assert "on_kill=delete" in page["owes"]
        assert operation_id in page["owes"]


def test_a_sensor_shows_all_its_operations_and_mapped_tasks_have_their_own(a_dag: Any, run_dag: Any, ask: Ask) -> None:
    with a_dag() as dag:
        made = OnveraCreateDeploymentOperator.partial(
            task_id="create", app_type="airflow", wait_for_completion=False
        ).expand(name=["a", "b", "c"])

        @task
        def ids(results: Any) -> list[str]:
            return [one["operation_id"] for one in results]

        OperationSensor(task_id="wait", conn_id="onvera_default", operation_id=ids(made.output), poke_interval=0.05)
    run = run_dag(dag)
    assert run.state == "success"
    _, page = ask(dag.dag_id, run.run.run_id, "wait")
    assert [one["state"] for one in page["operations"]] == ["succeeded"] * 3
    pages = [ask(dag.dag_id, run.run.run_id, "create", map_index=str(index))[1] for index in range(3)]
    ids_of_tasks = [run.xcom("create", map_index=index)["operation_id"] for index in range(3)]
    assert [page["operations"][0]["id"] for page in pages] == ids_of_tasks
    assert [(page["live"] or {}).get("error", "not read") for page in pages] == [None] * 3, "nobody waited: we look"
    assert all(page["operations"][0]["state"] == "succeeded" for page in pages)


def test_a_task_that_is_not_ours_says_so(a_dag: Any, run_dag: Any, ask: Ask) -> None:
    with a_dag() as dag:

        @task
        def other(ti: Any = None) -> None:
            ti.xcom_push(key="operation_id", value="op_somebody_elses")

        other()
    run = run_dag(dag)
    status, page = ask(dag.dag_id, run.run.run_id, "other")
    assert (status, page["status"], page["refresh"]) == (200, "not_ours", None)
    assert "operations" not in page


def test_a_task_that_never_submitted_says_so(a_dag: Any, run_dag: Any, ask: Ask, monkeypatch: Any) -> None:
    with a_dag() as dag:
        cluster(conn_id="there_is_none")
    run = run_dag(dag)
    _, page = ask(dag.dag_id, run.run.run_id, "create")
    assert page["status"] == "no_operation"


@pytest.mark.parametrize("kind", ["operator", "sensor"])
def test_why_there_is_no_operation_is_told(a_dag: Any, run_dag: Any, ask: Ask, kind: str) -> None:
    with a_dag() as dag:
        if kind == "sensor":
            OperationSensor(task_id="create", conn_id="nowhere", operation_id="op_1")
        else:
            cluster(conn_id="nowhere")
    run = run_dag(dag)
    _, page = ask(dag.dag_id, run.run.run_id, "create")
    assert page["status"] == ("never_polled" if kind == "sensor" else "no_operation")
    assert "connection 'nowhere': it does not exist" in page["hint"]


def test_who_may_not_read_the_task_instance_gets_403(a_dag: Any, run_dag: Any, ask: Ask) -> None:
    with a_dag() as dag:
        cluster()
    run = run_dag(dag)
    place = (dag.dag_id, run.run.run_id, "create")
    for user, status, said in (("stranger", 403, "forbidden"), ("half", 403, "forbidden"), (None, 401, "signed_out")):
        answered, page = ask(*place, user=user)
        assert (answered, page["status"]) == (status, said)
        assert "operations" not in page
        assert run.xcom("create", "operation_id") not in json.dumps(page)


def test_what_is_not_there_is_404(ask: Ask) -> None:
    status, page = ask("no_such_dag", "run", "task")
    assert (status, page["status"]) == (404, "not_found")


def test_nothing_it_answers_has_the_key(
    a_dag: Any, run_dag: Any, ask: Ask, operations_simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = operations_simulator.connection_json("akua", "sk-leak-canary")
    monkeypatch.setenv("AIRFLOW_CONN_AKUA_DEFAULT", connection)
    with a_dag() as dag:
        cluster(wait_for_completion=False)
    run = run_dag(dag)
    _, page = ask(dag.dag_id, run.run.run_id, "create")
    assert page["live"], "it has read the operation with the key"
    assert "sk-leak-canary" not in json.dumps(page)
    assert "sk-leak-canary" not in json.dumps(run.xcom("create", "operation_progress"))


def test_an_api_that_cannot_be_reached_is_told_and_what_is_known_is_shown(
    a_dag: Any, run_dag: Any, ask: Ask, operations_simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a connection that this server has not used yet
    monkeypatch.setenv("AIRFLOW_CONN_AKUA_LOST", operations_simulator.connection_json("akua", "key"))
    with a_dag() as dag:
        cluster(wait_for_completion=False, conn_id="akua_lost")
    run = run_dag(dag)
    gone = {"conn_type": "akua", "host": "http://127.0.0.1:9", "password": "key"}
    monkeypatch.setenv("AIRFLOW_CONN_AKUA_LOST", json.dumps(gone))
    status, page = ask(dag.dag_id, run.run.run_id, "create")
    assert status == 200
    assert page["live"]["error"]
    # the task does not wait for it, and this page could not read it
    assert page["operations"][0]["state"] == "started"


def test_looking_can_be_switched_off(a_dag: Any, run_dag: Any, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__OPERATIONS_VIEW__LIVE", "False")
    with a_dag() as dag:
        cluster(wait_for_completion=False)
    run = run_dag(dag)
    _, page = ask(dag.dag_id, run.run.run_id, "create")
    assert page["live"] is None


def test_the_page_itself_loads_nothing_from_elsewhere(client_of: Callable[[str | None], TestClient]) -> None:
    client = client_of(None)
    files = [file.name for file in STATIC.iterdir()]
    assert {"view.js", "chart.js", "view.css", "icon.svg"} <= set(files)
    for name in ("wait", *files):
        answer = client.get(f"/airflow-provider-ops/{name}")
        assert answer.status_code == 200
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    page = client.get("/airflow-provider-ops/wait").text
    assert "http" not in page
    assert "<script>" not in page
    assert "style=" not in page
    for name in ("plugin.py", "..%2Fplugin.py", "view.map", "x.html"):
        assert client.get(f"/airflow-provider-ops/{name}").status_code == 404


def test_the_modules_of_the_page_find_each_other() -> None:
    modules = {file.name: file.read_text() for file in STATIC.glob("*.js")}
    for name, text in modules.items():
        for names, other in re.findall(r'^import \{ ([^}]*) \} from "([^"]*)";$', text, re.MULTILINE):
            assert other.startswith("./"), f"{name}: relative, so that it also holds behind a path prefix"
            exported = re.findall(r"^export (?:async )?(?:function|const) (\w+)", modules[other[2:]], re.MULTILINE)
            assert [one for one in names.split(", ") if one not in exported] == [], name
            rest = text.partition(f"import {{ {names} }}")[2].partition("\n")[2]
            assert [one for one in names.split(", ") if not re.search(rf"\b{one}\b", rest)] == [], name


def test_a_fault_of_ours_is_told_and_stays_with_us(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, client_of: Callable[[str | None], TestClient]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("our fault")

    monkeypatch.setattr("airflow_provider_ops.view.app.page_data.without_operation", broken)
    monkeypatch.setattr("airflow_provider_ops.view.app.page_data.history_of", broken)
    monkeypatch.setattr("airflow_provider_ops.view.airflow_rest.OwnAirflow.task_instance", _found)
    monkeypatch.setattr("airflow_provider_ops.view.airflow_rest.OwnAirflow.xcom", _found)
    status, page = ask("a", "b", "c")
    assert (status, page["status"]) == (500, "broken")
    assert "our fault" in page["hint"]
    assert client_of("admin").get("/api/v2/monitor/health").status_code == 200


def write(run: Any, task_id: str, key: str, value: Any) -> None:
    """What somebody who may write XComs could have put there."""
    from airflow.models import xcom  # noqa: PLC0415 - Airflow's models take their time
    from airflow.models.taskinstance import TaskInstance  # noqa: PLC0415
    from airflow.utils.session import create_session  # noqa: PLC0415

    place = {"dag_id": run.run.dag_id, "run_id": run.run.run_id, "task_id": task_id}
    with create_session() as session:
        if hasattr(xcom, "XComModelV2"):  # from 3.4 on by the id of the try
            (one,) = session.query(TaskInstance).filter_by(**place)
            kept = session.query(xcom.XComModelV2).filter_by(task_instance_id=one.id, key=key)
        else:
            kept = session.query(xcom.XComModel).filter_by(**place, key=key)
        assert kept.update({"value": value}) == 1


PHASES = {"id": "op_1", "phases": [["yesterday", "RUNNING", None]]}
BROKEN_RECORDS = (
    None,
    "no record",
    {"operations": 7},
    {"operations": [PHASES], "api": "akua", "conn_id": "", "try_number": 1, "where": "worker"},
)


@pytest.mark.parametrize("record", BROKEN_RECORDS)
def test_a_record_that_cannot_be_read_is_as_if_there_were_none(record: str, a_dag: Any, run_dag: Any, ask: Ask) -> None:
    with a_dag() as dag:
        cluster()
    run = run_dag(dag)
    write(run, "create", "operation_progress", record)
    status, page = ask(dag.dag_id, run.run.run_id, "create")
    assert (status, page["operations"][0]["state"]) == (200, "succeeded"), "from the result, as where nothing was kept"


@pytest.mark.parametrize(
    "wrong",
    [{"next_look": "soon", "interval": 1}, {"timeline": {"start": 1e308, "entries": [[1e308, "far away"]]}}],
    ids=["another type", "more than JSON can say"],
)
def test_a_record_that_leads_nowhere_is_told(wrong: Any, a_dag: Any, run_dag: Any, ask: Ask) -> None:
    with a_dag() as dag:
        cluster()
    run = run_dag(dag)
    record = run.xcom("create", "operation_progress")
    record = json.loads(record) if isinstance(record, str) else record
    record["operations"][0] |= wrong
    write(run, "create", "operation_progress", record)
    status, page = ask(dag.dag_id, run.run.run_id, "create")
    assert (status, page["status"]) == (500, "broken")
    assert page["hint"]


def test_a_record_that_is_too_large_is_not_read(a_dag: Any, run_dag: Any, ask: Ask) -> None:
    with a_dag() as dag:
        cluster()
    run = run_dag(dag)
    write(run, "create", "operation_progress", "x" * 5_000_000)
    status, page = ask(dag.dag_id, run.run.run_id, "create")
    assert (status, page["status"], page["title"]) == (413, "broken", "Too large to be shown")
    assert "operation_progress" in page["hint"]


async def _found(*_: object) -> dict[str, Any]:
    return {}
