"""Editors understand ``@task.operation``: mypy, strict, on what is right and on what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

api = pytest.importorskip("mypy.api")

ROOT = Path(__file__).parents[2]
HEAD = """from airflow_provider_ops.decorators import OperationRequest, operation_task, task
"""
WRONG = {
    "the one of taskflow.md": ((ROOT / "docs/examples/taskflow/wrong.py").read_text(encoding="utf-8"), "type-var"),
    "a function that returns nothing": (
        """
@operation_task(conn_id="c")
def f() -> None: ...
""",
        "type-var",
    ),
    "an unknown policy": (
        """
@task.operation(conn_id="c", on_kill="explode")
def f() -> str:
    return "op"
""",
        "arg-type",
    ),
    "no brackets": (
        """
@task.operation
def f() -> str:
    return "op"
""",
        "misc|call-arg",
    ),
    "arguments of another type": (
        """
@task.operation(conn_id="c")
def f(n: int) -> str:
    return "op"
f("one")
""",
        "arg-type",
    ),
}


# the first time mypy reads Airflow as well
@pytest.mark.timeout(600)
def test_types(tmp_path: Path) -> None:
    for number, (source, _) in enumerate(WRONG.values()):
        (tmp_path / f"wrong_{number}.py").write_text(HEAD + source)
    files = [str(ROOT / "tests" / "decorators" / "typed.py"), *map(str, sorted(tmp_path.glob("wrong_*.py")))]
    cache = str(ROOT / ".mypy_cache")
    said, problem, _ = api.run(["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", cache, *files])
    assert not problem
    found = [line for line in said.splitlines() if ": error:" in line]
    assert [line for line in found if "typed.py" in line] == []
    for number, (name, (_, codes)) in enumerate(WRONG.items()):
        errors = [line for line in found if f"wrong_{number}.py" in line]
        assert any(f"[{code}]" in line for line in errors for code in codes.split("|")), (name, said)
