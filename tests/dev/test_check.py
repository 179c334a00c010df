from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from dev import check

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "airflow_provider_ops/apis/akua/api.py": "",
    "airflow_provider_ops/http/limiter.py": "",
    "airflow_provider_ops/http/tasks.py": "",
    "airflow_provider_ops/http/tls.py": "",
    "airflow_provider_ops/lifecycle/attempt.py": "",
    "airflow_provider_ops/links.py": "",
    "tests/apis/test_akua.py": "",
    "tests/apis/test_akua_mutated.py": "",
    "tests/apis/test_onvera.py": "from airflow_provider_ops.http import tasks",
    "tests/conftest.py": "",
    "tests/dev/test_layers.py": "",
    "tests/http/test_limiter.py": "",
    "tests/http/test_limiter_budget.py": "",
    "tests/http/test_transport.py": "import airflow_provider_ops.http.tasks",
    "tests/lifecycle/attempt/parts.py": "",
    "tests/lifecycle/attempt/test_clears.py": "",
    "tests/lifecycle/attempt/test_retries.py": "",
    "tests/test_docs.py": "",
    "tests/test_layers.py": "",
    "tests/test_links.py": "",
    "tests/typing/test_typing.py": "",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, source in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source)
    return tmp_path


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ("airflow_provider_ops/http/limiter.py", ["http/test_limiter.py", "http/test_limiter_budget.py"]),
        ("airflow_provider_ops/http/tasks.py", ["apis/test_onvera.py", "http/test_transport.py"]),
        (
            "airflow_provider_ops/http/tls.py",
            ["http/test_limiter.py", "http/test_limiter_budget.py", "http/test_transport.py"],
        ),
        (
            "airflow_provider_ops/lifecycle/attempt.py",
            ["lifecycle/attempt/test_clears.py", "lifecycle/attempt/test_retries.py"],
        ),
        ("airflow_provider_ops/apis/akua/api.py", ["apis/test_akua.py", "apis/test_akua_mutated.py"]),
        ("airflow_provider_ops/links.py", ["test_links.py"]),
        ("airflow_provider_ops/gone.py", []),
        ("dev/layers.py", ["dev/test_layers.py"]),
        ("tests/http/test_limiter.py", ["http/test_limiter.py"]),
        ("tests/http/test_gone.py", []),
        ("tests/lifecycle/attempt/parts.py", ["lifecycle/attempt/test_clears.py", "lifecycle/attempt/test_retries.py"]),
        ("tests/conftest.py", []),
        ("docs/index.md", ["test_docs.py"]),
        ("README.md", ["test_docs.py"]),
        ("LICENSE", []),
    ],
)
def test_a_change_selects_its_tests(root: Path, changed: str, expected: list[str]) -> None:
    of_package = {"tests/test_layers.py", "tests/dev/test_layers.py"} if changed.startswith(check.PACKAGE) else set()

    found = check.select_tests([changed], root)

    assert [file for file in found if file not in of_package] == [f"tests/{name}" for name in expected]
    assert of_package <= {*found}


def test_tests_named_after_a_module_come_before_those_that_import_another(root: Path) -> None:
    changed = ["airflow_provider_ops/http/limiter.py", "airflow_provider_ops/http/tasks.py"]

    found = check.select_tests(changed, root)

    assert found[-2:] == ["tests/apis/test_onvera.py", "tests/http/test_transport.py"]


def test_slow_tests_and_those_beyond_a_dozen_are_left_out() -> None:
    many = [f"tests/core/test_{number:02}.py" for number in range(20)]

    assert check.chosen(["tests/typing/test_typing.py", *many]) == (
        many[:12],
        ["tests/typing/test_typing.py", *many[12:]],
    )


def test_changes_are_those_since_the_merge_base_and_those_not_committed(root: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
        command = ["git", *identity, *arguments]
        subprocess.run(command, cwd=root, check=True, capture_output=True)

    git("init", "--initial-branch=main")
    git("add", ".")
    git("commit", "-m", "main")
    git("checkout", "-b", "work")
    (root / "committed.py").write_text("")
    git("add", ".")
    git("commit", "-m", "work")
    (root / "tests" / "conftest.py").write_text("# changed")
    (root / "new.py").write_text("")

    assert check.changed_files(root) == ["committed.py", "new.py", "tests/conftest.py"]


@pytest.mark.parametrize(("seconds", "outcome"), [(-1.0, "1 skipped"), (60.0, "1 passed")])
def test_no_test_begins_after_the_time_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, outcome: str
) -> None:
    (tmp_path / "test_one.py").write_text("def test_one():\n    pass\n")
    monkeypatch.setenv(check._ENDS_AT, str(time.time() + seconds))
    command = [sys.executable, "-m", "pytest", "-p", "dev.check", "-c", "/dev/null", "--rootdir", str(tmp_path)]

    done = subprocess.run([*command, str(tmp_path)], cwd=check.ROOT, capture_output=True, text=True, check=False)

    assert outcome in done.stdout, done.stdout + done.stderr
