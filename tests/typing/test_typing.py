"""Editors know the arguments of operators, sensors and decorators: mypy and pyright, on what is right and wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.old_airflow import needs_retry_policy

ROOT = Path(__file__).parents[2]
RIGHT = [ROOT / "tests" / "typing" / "right.py", ROOT / "tests" / "decorators" / "typed.py"]
HEAD = """from airflow_provider_ops.decorators import task
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.operators.nirvana import NirvanaCreateVMOperator
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator, OnveraDestroyDeploymentOperator
from airflow_provider_ops.operators.operation import OperationRequestOperator
from airflow_provider_ops.sensors.lakesail import LakeSailSessionSensor
from airflow_provider_ops.sensors.operation import OperationSensor
"""
CREATE = 'OnveraCreateDeploymentOperator(task_id="t", app_type="airflow", {})'
SENSE = 'OperationSensor(task_id="t", conn_id="c", operation_id="op", {})'
#: One error each.
WRONG = {
    "a common argument misspelt": CREATE.format('on_kil="delete"'),
    "a common argument with text instead of seconds": CREATE.format('timeout="5m"'),
    "an unknown policy": CREATE.format('on_kill="stop"'),
    "an unknown timeout policy": CREATE.format('on_timeout="stop"'),
    "an argument of Airflow with a wrong type": CREATE.format('retries="3"'),
    "an argument of Airflow misspelt": CREATE.format('retry_dely="3"'),
    "a field of another operator": CREATE.format('deployment_id="x"'),
    "a field with a wrong type": CREATE.format("name=7"),
    "no task id": 'OnveraCreateDeploymentOperator(app_type="airflow")',
    "a field left out": 'OnveraDestroyDeploymentOperator(task_id="t")',
    "a list where an id is meant": 'OnveraDestroyDeploymentOperator(task_id="t", deployment_id=["a"])',
    "a request without its connection": 'OperationRequestOperator(task_id="t", method="POST", path="/x")',
    "an argument of a sensor misspelt": SENSE.format("pokeinterval=3"),
    "an unknown mode": SENSE.format('mode="poll"'),
    "an unknown wait": SENSE.format('wait_for="both"'),
    "a sensor's own list where one id is meant": 'LakeSailSessionSensor(task_id="t", session_id=["a"])',
    "a decorator's argument misspelt": 'task.operation(conn_id="c", timout=5)',
    "a decorator's unknown policy": 'task.operation(conn_id="c", on_kill="stop")',
    "a hook's timeout as text": 'OnveraHook().wait_for_operation("op", timeout="5")',
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("typing")
    wrong = [folder / f"wrong_{number}.py" for number in range(len(WRONG))]
    for file, line in zip(wrong, WRONG.values(), strict=True):
        file.write_text(f"{HEAD}{line}\n")
    return wrong


def _mypy(files: list[Path]) -> set[str]:
    api = pytest.importorskip("mypy.api")
    cache = str(ROOT / ".mypy_cache")
    names = [str(file) for file in (*RIGHT, *files)]
    said, problem, _ = api.run(["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", cache, *names])
    assert not problem
    return {Path(line.split(":")[0]).name for line in said.splitlines() if ": error:" in line}


def _pyright(files: list[Path]) -> set[str]:
    pytest.importorskip("basedpyright")
    config = files[0].with_name("pyrightconfig.json")
    config.write_text(json.dumps({"typeCheckingMode": "standard", "include": [str(file) for file in (*RIGHT, *files)]}))
    command = [sys.executable, "-m", "basedpyright", "--outputjson", "--project", str(config)]
    done = subprocess.run(
        [*command, "--pythonpath", sys.executable], cwd=ROOT, capture_output=True, text=True, check=False
    )
    said = json.loads(done.stdout)
    assert said["summary"]["filesAnalyzed"] >= len(RIGHT) + len(files)
    return {Path(one["file"]).name for one in said["generalDiagnostics"] if one["severity"] == "error"}


# of older Airflows some types have other names
@needs_retry_policy
# the first time the checkers read Airflow as well
@pytest.mark.timeout(900)
@pytest.mark.parametrize("errors_of", [_mypy, _pyright], ids=["mypy", "pyright"])
def test_what_is_right_passes_and_what_is_wrong_does_not(errors_of: object, files: list[Path]) -> None:
    assert callable(errors_of)
    found = errors_of(files)
    passed = [name for name, file in zip(WRONG, files, strict=True) if file.name not in found]
    assert passed == []
    assert found == {file.name for file in files}
