"""The example projects of the docs, run as a user would, in a directory of their own."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.old_airflow import needs_retry_policy

ROOT = Path(__file__).parents[1]
PROJECT = ROOT / "docs" / "examples" / "testing"
#: Projects by the page that shows their files.
PROJECTS = {"guides/testing.md": PROJECT, "tutorial/describe-your-api.md": ROOT / "docs" / "examples" / "described"}


def run_pytest(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTEST"))}
    # as after `pip install`; without the plugins that are there for our own tests only
    environment = {**plain, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    copied = tmp_path / "project"
    shutil.copytree(getattr(request, "param", PROJECT), copied, ignore=shutil.ignore_patterns("__pycache__"))
    # or pytest would look for its configuration in the directories above
    (copied / "pytest.ini").write_text("[pytest]\n")
    return copied


@pytest.mark.parametrize("project", PROJECTS.values(), ids=PROJECTS, indirect=True)
def test_the_project_of_a_page_is_green(project: Path) -> None:
    done = run_pytest(project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^[23] passed", done.stdout, re.MULTILINE)


def test_the_other_spec_of_the_page_takes_the_place_of_the_first(tmp_path: Path) -> None:
    project = tmp_path / "project"
    for name in ("described", "described_one_list"):
        shutil.copytree(
            ROOT / "docs" / "examples" / name,
            project,
            ignore=shutil.ignore_patterns("__pycache__"),
            dirs_exist_ok=True,
        )
    (project / "pytest.ini").write_text("[pytest]\n")
    done = run_pytest(project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^2 passed", done.stdout, re.MULTILINE)


def test_airflow_imported_too_early_is_told_before_any_database_is_touched(project: Path) -> None:
    conftest = project / "conftest.py"
    conftest.write_text(f"import airflow\n\n{conftest.read_text()}")
    done = run_pytest(project)
    assert done.returncode != 0
    assert "must be named before anything imports Airflow" in done.stdout + done.stderr


def blocks(page: str) -> list[str]:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(r"^```(?:python|yaml)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(
    ("page", "files"),
    [*PROJECTS.items(), ("tutorial/describe-your-api.md", ROOT / "docs" / "examples" / "described_one_list")],
)
def test_the_page_shows_whole_files(page: str, files: Path) -> None:
    shown = blocks(page)
    sources = [file for file in files.iterdir() if file.suffix in (".py", ".yaml")]
    assert [file.name for file in sources if file.read_text(encoding="utf-8") not in shown] == []


@needs_retry_policy
def test_the_policies_of_the_page_are_the_tasks() -> None:
    spec = importlib.util.spec_from_file_location("retries", ROOT / "docs" / "examples" / "retries" / "retries.py")
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(module := importlib.util.module_from_spec(spec))
    policies = {task.task_id: type(task.retry_policy).__name__ for task in module.dag.tasks}
    assert policies == {
        "run": "OperationRetryPolicy",
        "run_anyway": "ExceptionRetryPolicy",
        "run_patiently": "ExceptionRetryPolicy",
    }


def test_the_test_of_a_dag_is_shorter_than_twenty_lines() -> None:
    assert len((PROJECT / "test_nightly.py").read_text(encoding="utf-8").splitlines()) < 20
