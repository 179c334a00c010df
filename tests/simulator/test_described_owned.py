"""What creates of a described API have made is listed, and each is known by the task run that made it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis.described import DescribedApi
from airflow_provider_ops.cli.runs import _keys_of
from airflow_provider_ops.cli.tables import TaskPlace
from airflow_provider_ops.core.identity import TaskRun, is_short_of, run_prefix, short_key
from airflow_provider_ops.hooks.lookup import hook_for
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.spec.keys import as_uuid, short_in
from airflow_provider_ops.spec.sections import MarkSpec
from tests.attempts import RUN
from tests.simulator.test_described import submission
from tests.spec.examples import JOBS

if TYPE_CHECKING:
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


def test_without_a_request_for_all_nothing_is_listed() -> None:
    api = DescribedApi(ApiSpec.from_yaml(JOBS))
    assert api.list_owned() is None
    assert not api.shows_created("job.create", None)


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
    assert len({short_key(run.key("0" * 10)), short_key(TaskRun("dag", "run", "task", 3).key("0" * 10))}) == 2


@pytest.mark.parametrize("text", ["", "airflow", "0" * 31, "x" * 32, "airflow-" + "0" * 33])
def test_what_is_no_key_of_ours(text: str) -> None:
    assert short_in(MarkSpec.model_validate({"in": "body", "name": "/n", "format": "airflow-{mark}"}), text) is None
