"""What creates of a described API have made is listed, and each is known by the task run that made it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis.described import DescribedApi
from airflow_provider_ops.cli.runs import _keys_of
from airflow_provider_ops.cli.tables import TaskPlace
from airflow_provider_ops.core.identity import TaskRun, is_short_of, run_prefix, short_key
from airflow_provider_ops.hooks.lookup import hook_for
from airflow_provider_ops.lifecycle.left_behind import PreviousOperation
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.spec.keys import as_uuid, short_in
from airflow_provider_ops.spec.sections import MarkSpec
from tests.apis.answers import answer, drive
from tests.attempts import RUN, attempt, identity_of
from tests.simulator.test_described import submission
from tests.spec.examples import JOBS

if TYPE_CHECKING:
    from airflow_provider_ops.hooks.base import OperationsHook
    from airflow_provider_ops.testing import SimulatorServer, VirtualClock

ALL = "resource_id: /id\n      all: GET /jobs?label=airflow"
FORMATS = ["{mark}", "{mark:uuid}", "airflow-{mark}", "af_{mark:uuid}!"]


@pytest.mark.parametrize("form", FORMATS)
def test_what_was_made_is_listed_by_its_key(
    operations_simulator: SimulatorServer, virtual_time: VirtualClock, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    text = JOBS.replace("resource_id: /id", ALL).replace("max: 63}", f"format: '{form}'}}")
    text = text.replace('{mark}"\n', '{mark:uuid}"\n') if "uuid" in form else text
    name = operations_simulator.add(text)
    monkeypatch.setenv("AIRFLOW_CONN_JOBS", operations_simulator.connection_json(name, "any-key"))
    hook: Any = hook_for("jobs")
    started = submission(hook).run()
    hook.call(hook.api.request("POST", "/jobs", json={"labels": {"airflow": "by hand"}}))
    flow = hook.api.list_owned()
    assert flow is not None
    (one,) = hook.run(flow).found
    assert (one.resource_type, one.resource_id) == ("job", started.handle.resource_id)
    place = TaskPlace(RUN.run_id, RUN.task_id, RUN.map_index, "")
    assert _keys_of(RUN.dag_id, place, {one.key}) == {one.key}
    assert _keys_of(RUN.dag_id, place._replace(task_id="other"), {one.key}) == set()
    assert hook.api.shows_created("job.create", None)


@pytest.fixture
def hook(
    operations_simulator: SimulatorServer, virtual_time: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> OperationsHook:
    name = operations_simulator.add(JOBS.replace("resource_id: /id", ALL))
    monkeypatch.setenv("AIRFLOW_CONN_JOBS", operations_simulator.connection_json(name, "any-key"))
    return hook_for("jobs")


def test_a_resource_is_read_by_its_id_until_it_is_deleted(hook: Any) -> None:
    resource_id = submission(hook).run().handle.resource_id
    assert hook.run(hook.api.find_resource("job", resource_id))["id"] == resource_id
    hook.run(hook.api.delete_resource("job", resource_id))
    assert hook.run(hook.api.find_resource("job", resource_id)) is None


def test_what_a_task_run_has_started_is_found_by_its_keys(hook: Any) -> None:
    handle = submission(hook).run().handle
    hook.call(hook.api.request("POST", "/jobs", json={"labels": {"airflow": "by hand"}}))
    submit = hook.api.request("POST", "/jobs", json={})
    (one,) = hook.run(hook.api.find_owned(submit, RUN.resembles))
    assert (one.operation_id, one.resource_id, one.operation.id) == (
        handle.operation_id,
        handle.resource_id,
        handle.operation_id,
    )
    assert RUN.owns(one.key)
    assert hook.run(hook.api.find_owned(submit, replace(RUN, run_id="other").resembles)) == []


def test_a_try_without_a_stored_handle_continues_with_it(hook: Any, operations_simulator: SimulatorServer) -> None:
    first = submission(hook).run()
    identity = identity_of(hook.api.request("POST", "/jobs", json={}), attempt(try_number=2))
    submit = hook.api.request("POST", "/jobs", json={})
    previous = PreviousOperation(hook, submit, identity, log=lambda _: None, warn=lambda _: None)
    found = previous.adopt()
    assert found is not None
    assert found.operation_id == first.handle.operation_id


def test_without_a_request_for_all_nothing_is_listed() -> None:
    api = DescribedApi(ApiSpec.from_yaml(JOBS))
    assert api.list_owned() is None
    assert not api.shows_created("job.create", None)
    assert api.find_resource("job", "j1") is None
    assert api.find_owned(api.request("POST", "/jobs", json={}), RUN.resembles) is None


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (("", ""), "the spec has no 'find.all' for it"),
        (("      resource_id: /id\n", ""), "the spec has no 'find.resource_id' and no 'find.all' for it"),
        (("    mark: {in: body, name: /labels/airflow, max: 63}\n", ""), "there is no mark to find it by"),
    ],
)
def test_what_the_spec_lacks_to_find_what_was_made_is_named(edit: tuple[str, str], why: str) -> None:
    text = JOBS if edit == ("", "") else JOBS.replace(*edit)
    api = DescribedApi(ApiSpec.from_yaml(text))
    assert api.why_not_shown("job.create") == why
    assert "'find.all', or a 'result' whose request has {resource_id}" in api.why_not_read("job")
    assert "'creates: report'" in api.why_not_read("report")


def test_a_list_of_keys_does_not_show_what_has_the_users_own_value() -> None:
    text = JOBS.replace("resource_id: /id", ALL).replace("max: 63}", "max: 63, keep: true}")
    assert DescribedApi(ApiSpec.from_yaml(text)).find_resource("job", "j1") is None


def test_a_result_reads_the_resource() -> None:
    text = JOBS.replace("delete: DELETE", "result: {request: 'GET /jobs/{resource_id}'}\ndelete: DELETE")
    api: Any = DescribedApi(ApiSpec.from_yaml(text))
    assert drive(api.find_resource("job", "j1"), answer({"id": "j1"})) == {"id": "j1"}
    assert drive(api.find_resource("job", "j1"), answer({"id": "j1", "state": "deleted"})) is None
    deleting = {"id": "j1", "state": "deleting"}
    assert drive(api.find_resource("job", "j1"), answer(deleting)) == deleting, "until it is deleted it exists"
    assert api.find_resource("other", "j1") is None


@pytest.mark.parametrize("region", [None, "01890000-0000-7000-8000-0000000000aa"])
def test_short_keys_differ_by_submit_and_are_known_by_task_run(region: str | None) -> None:
    run = TaskRun("dag", "run", "task", 3, region, 1, "01890000-0000-7000-8000-000000000001")
    keys = {short_key(run.key(f"{nonce:010x}")) for nonce in range(50)}
    assert len(keys) == 50
    prefix = run_prefix(*run.coordinates)
    other = run_prefix("dag", "run", "task", 4)
    for key in keys:
        assert is_short_of(key, prefix)
        assert is_short_of(as_uuid(key).replace("-", ""), prefix)
        assert not is_short_of(key, other)
        for form in (key, as_uuid(key).replace("-", "")):
            assert run.resembles(form)
            assert run.owns(form)
            # another iteration of the same loop has the same ids
            elsewhere = replace(run, dag_version="01890000-0000-7000-8000-000000000002", region_index=2)
            assert not elsewhere.owns(form)
            assert not replace(run, task_id="other").resembles(form)
    assert len({short_key(run.key("0" * 10)), short_key(TaskRun("dag", "run", "task", 3).key("0" * 10))}) == 2


@pytest.mark.parametrize("text", ["", "airflow", "0" * 31, "x" * 32, "airflow-" + "0" * 33])
def test_what_is_no_key_of_ours(text: str) -> None:
    assert short_in(MarkSpec.model_validate({"in": "body", "name": "/n", "format": "airflow-{mark}"}), text) is None
