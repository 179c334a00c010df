"""The commands about descriptions of APIs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis.described import DescribedApi
from airflow_provider_ops.cli.__main__ import main
from airflow_provider_ops.hooks.lookup import hook_for
from airflow_provider_ops.hooks.operations import OperationsApiHook
from airflow_provider_ops.http.blocking_client import BlockingClient
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.specs import names
from tests.spec.examples import JOBS

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_ops.testing import SimulatorServer, VirtualClock


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIRFLOW__OPERATIONS__SPECS_FOLDER", str(tmp_path))
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any, str]:
    """Exit code, what was printed as JSON, and what was said to people."""
    code = 0
    try:
        main([*arguments, "--output", "json"])
    except SystemExit as end:
        code = int(end.code or 0)
    out, said = capsys.readouterr()
    return code, json.loads(out) if out.strip() else None, said


def test_specs_lists_the_folder_and_the_catalogue(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "jobs.yaml").write_text(JOBS)
    code, rows, _ = run(capsys, "specs")
    assert code == 0
    found = {row["name"]: row for row in rows}
    assert found["jobs"]["title"] == "Jobs"
    assert found["jobs"]["source"] == str(folder / "jobs.yaml")
    # those with a connection type of their own are not chosen by name
    assert set(found) == {"jobs", *names()} - {"onvera"}


def test_specs_says_which_cannot_be_used(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "jobs.yaml").write_text(JOBS.replace("status: /status", "staus: /status"))
    (folder / "other.yaml").write_text(JOBS)
    code, rows, _ = run(capsys, "specs")
    problems = {row["name"]: row["problem"] for row in rows}
    assert code == 1
    assert "did you mean 'status'?" in problems["jobs"]
    assert "name the file jobs.yaml" in problems["other"]


def test_check_says_what_each_call_promises(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "jobs.yaml"
    file.write_text(JOBS)
    code, rows, _ = run(capsys, "spec", "check", str(file))
    assert code == 0
    create, restart, other = rows
    assert "searched for by our key" in create["exactly_once"]
    assert "can delete the job" in create["kill"]
    assert "never in a second request" in restart["exactly_once"]
    assert other["call"] == "any other call"
    assert "up to 60 s" in create["wait"]


def test_check_names_each_mistake_with_its_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "jobs.yaml"
    file.write_text(JOBS.replace("{operation_id}/cancel", "{operation}/cancel").replace("status: /status", "status: x"))
    code, rows, said = run(capsys, "spec", "check", str(file))
    assert (code, rows) == (1, None)
    assert f"line {JOBS[: JOBS.index('status: /status')].count(chr(10)) + 1}: operation.status" in said
    assert run(capsys, "spec", "check", str(folder / "none.yaml"))[0] == 1


@pytest.fixture
def started(operations_simulator: SimulatorServer, virtual_time: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of an operation of a simulated API."""
    operations_simulator.add(JOBS)
    monkeypatch.setenv("AIRFLOW_CONN_JOBS", operations_simulator.connection_json("jobs", "any-key"))
    hook = hook_for("jobs")
    answer = hook.call(hook.api.request("POST", "/jobs", json={}))
    hook.wait_for_operation(answer.operation_id)
    return str(answer.operation_id)


@pytest.mark.parametrize("way", ["list", "option", "address", "connection"])
def test_against_shows_what_each_field_comes_to(
    folder: Path, capsys: pytest.CaptureFixture[str], operations_simulator: SimulatorServer, started: str, way: str
) -> None:
    file = folder / "jobs.yaml"
    file.write_text(JOBS)
    url = operations_simulator.base_url("jobs")
    more = {
        "list": [url],
        "option": [url, "--operation-id", started],
        "address": [f"{url}/operations/{started}"],
        "connection": [url, "--conn-id", "jobs"],
    }[way]
    code, rows, said = run(capsys, "spec", "check", str(file), "--against", *more)
    assert code == 0, said
    fields = {row["field"]: row for row in rows if "field" in row}
    assert fields["id"] == {"field": "id", "expression": "/id", "found": started, "means": started}
    assert fields["status"] == {"field": "status", "expression": "/status", "found": "success", "means": "succeeded"}
    assert fields["entry"]["found"].startswith("an object with id")
    searched = fields["find of POST /jobs"]
    assert (searched["found"], searched["means"]) == ("0 entries", "complete")


@pytest.mark.parametrize(
    ("edits", "field", "means"),
    [
        ([("?label=airflow%3D{mark}", "")], "find of POST /jobs: match", "in 1 of 1 entries"),
        (
            [("?label=airflow%3D{mark}", ""), ("match: /labels/airflow", "match: /tags")],
            "find of POST /jobs: match",
            "in 0 of 1 entries: if one of them has it, mend the pointer",
        ),
    ],
)
def test_against_tries_each_search(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    operations_simulator: SimulatorServer,
    virtual_time: VirtualClock,
    edits: list[tuple[str, str]],
    field: str,
    means: str,
) -> None:
    text = JOBS
    for old, new in edits[:1]:
        text = text.replace(old, new)
    operations_simulator.add(text)
    operations_simulator.base_url("jobs")
    hook = OperationsApiHook("jobs", api=DescribedApi(ApiSpec.from_yaml(text)))
    hook._client = client = BlockingClient(
        hook.api, Settings("jobs", operations_simulator.base_url("jobs"), "any-key"), virtual_time
    )
    with client:
        hook.call(hook.api.with_idempotency_key(hook.api.request("POST", "/jobs", json={}), "airflow-0123456789-n"))
    for old, new in edits[1:]:
        text = text.replace(old, new)
    file = folder / "jobs.yaml"
    file.write_text(text)
    _, rows, said = run(capsys, "spec", "check", str(file), "--against", operations_simulator.base_url("jobs"))
    fields = {row["field"]: row for row in rows if "field" in row}
    assert fields[field]["means"] == means, said
    assert fields["entry"]["means"] == "there"
    assert fields["created_at"]["means"].startswith("20")
    assert fields["error.code"]["found"] is None
    assert any(row.get("call") == "POST /jobs" for row in rows)


def test_against_names_a_list_that_is_not_where_the_spec_says(
    operations_simulator: SimulatorServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    operations_simulator.add(JOBS)
    file = tmp_path / "jobs.yaml"
    file.write_text(JOBS.replace("lists:\n  entries: $response.body#/operations", "lists:\n  entries: /elsewhere"))
    code, _, said = run(capsys, "spec", "check", str(file), "--against", operations_simulator.base_url("jobs"))
    assert code != 0
    assert "no list where 'entries' (/elsewhere) points to" in said


RECENT = "  recent: GET /operations?open=false\n"
#: What stands for ``recent``, the states that are asked for, and how often a missing list is said.
LISTED: list[tuple[str, list[str], int]] = [
    ("", [], 1),
    ("", ["--state", "failed"], 1),
    ("", ["--state", "running"], 0),
    (RECENT, [], 0),
]


@pytest.mark.parametrize(("edit", "states", "is_said"), LISTED)
def test_a_list_of_open_operations_says_once_that_ended_ones_are_missing(
    operations_simulator: SimulatorServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    edit: str,
    states: list[str],
    is_said: int,
) -> None:
    operations_simulator.add(JOBS.replace(RECENT, edit))
    monkeypatch.setenv("AIRFLOW_CONN_JOBS", operations_simulator.connection_json("jobs", "any-key"))
    code, _, said = run(capsys, "list", "--conn-id", "jobs", *states)
    assert (code, said.count("no `lists.recent`")) == (0, is_said)


def test_against_says_what_the_spec_does_not_find(
    folder: Path, capsys: pytest.CaptureFixture[str], operations_simulator: SimulatorServer, started: str
) -> None:
    file, url = folder / "jobs.yaml", operations_simulator.base_url("jobs")
    file.write_text(JOBS.replace("status: /status", "status: /state"))
    code, rows, said = run(capsys, "spec", "check", str(file), "--against", url)
    fields = {row["field"]: row for row in rows if "field" in row}
    assert (code, fields["status"]["found"], fields["status"]["means"]) == (1, None, "unknown")
    assert "mend 'status'" in said
    code, _, said = run(capsys, "spec", "check", str(file), "--against", f"{url}/operations/none-such")
    assert (code, "404" in said) == (1, True)
    code, _, said = run(capsys, "spec", "check", str(file), "--against", "http://api.example.com")
    assert (code, "unencrypted" in said) == (1, True)
