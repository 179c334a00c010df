"""`make check`: ruff, mypy and the tests of what has changed since the merge base with main.

The tests of a module are those that are named after it. Where there are none, they are those that import it, else all
in the folder of its name. At most a dozen files are run, and no test begins after the time limit; what is left out is
reported.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGE: Final = "airflow_provider_ops"
#: Where changes are measured from, the first that there is.
_BASES: Final = ("origin/main", "main")
#: The tests of a page.
_PAGES: Final = ("tests/test_docs.py", "tests/test_docs_links.py", "tests/test_style.py", "tests/test_words.py")
#: The tests of every change in a place.
_BY_PLACE: Final = {
    PACKAGE: (
        "tests/test_layers.py",
        "tests/test_public_surface.py",
        "tests/dev/test_layers.py",
        "tests/test_words.py",
    ),
    "docs": _PAGES,
    "README.md": _PAGES,
    "CHANGELOG.md": _PAGES[1:],
    "SECURITY.md": _PAGES[1:],
    "CODE_OF_CONDUCT.md": _PAGES[1:],
    "CONTRIBUTING.md": _PAGES,
    "Makefile": ("tests/test_docs.py",),
}
#: Folders whose tests take longer than the rest of a check.
_SLOW: Final = ("tests/airflow", "tests/guarantees", "tests/typing")
#: More test files than these are left to `make test`.
_MOST: Final = 12
#: Seconds after which no test begins, and those that the tests have in any case: mypy may need long the first time.
_LIMIT, _LEAST_FOR_TESTS = 20.0, 8.0
#: Epoch seconds of that moment, for the processes that run the tests.
_ENDS_AT: Final = "CHECK_ENDS_AT"


def changed_files(root: Path = ROOT) -> list[str]:
    """Return what differs from the merge base with main: committed, not committed, and new."""
    base = next((found for name in _BASES if (found := _git(root, "merge-base", "HEAD", name))), ["HEAD"])[0]
    return sorted(
        {
            *_git(root, "diff", "--name-only", base),
            *_git(root, "ls-files", "--others", "--exclude-standard"),
        }
    )


def _git(root: Path, *arguments: str) -> list[str]:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)  # noqa: S607
    return done.stdout.splitlines() if done.returncode == 0 else []


def select_tests(changed: Iterable[str], root: Path = ROOT) -> list[str]:
    """Return the test files of changed files, both relative to ``root``, the nearest ones first."""
    test_files = sorted(str(file.relative_to(root)) for file in (root / "tests").rglob("test_*.py"))
    imports = {file: _imported_by(root / file) for file in test_files}
    nearest: set[str] = set()
    others: set[str] = set()
    for name in changed:
        path = Path(name)
        nearest |= {*_BY_PLACE.get(path.parts[0], ())}
        if path.parts[0] == "tests":
            nearest |= _of_test_file(path, test_files)
        elif path.suffix in (".py", ".pyi") and path.parts[0] in (PACKAGE, "dev"):
            named = _named_after(path, test_files)
            nearest |= named
            others |= set() if named else _using(path, test_files, imports)
    return [
        *(file for file in test_files if file in nearest),
        *(file for file in test_files if file in others - nearest),
    ]


def _of_test_file(path: Path, test_files: Collection[str]) -> set[str]:
    """Return a changed test itself; of a file that tests share, those beside and below it."""
    if path.name.startswith("test_"):
        return {str(path)}
    # what all tests share is left to `make test`
    is_shared_by_all = path.parent == Path("tests")
    return {file for file in test_files if path.parent in Path(file).parents and not is_shared_by_all}


def _named_after(path: Path, test_files: Collection[str]) -> set[str]:
    """Return the tests that have the name of a module, else those that have the name of its folder, and so on.

    For ``apis/akua/api.py`` that is ``tests/apis/akua/test_api*.py`` and all below ``tests/apis/akua/api``, else
    ``tests/apis/test_akua*.py`` and all below ``tests/apis/akua``. Top-level folders are too large to be taken whole.
    """
    places = path.with_suffix("").parts[path.parts[0] == PACKAGE :]
    for length in range(len(places), 1 if len(places) > 1 else 0, -1):
        folder, name = Path("tests", *places[: length - 1]), places[length - 1]
        named = {
            file
            for file in test_files
            if (Path(file).parent == folder and f"{Path(file).stem}_".startswith(f"test_{name}_"))
            or folder / name in Path(file).parents
        }
        if named:
            return named
    return set()


def _using(path: Path, test_files: Collection[str], imports: Mapping[str, set[str]]) -> set[str]:
    """Return the tests that import a module, else all of the folder of its name."""
    parts = path.with_suffix("").parts
    folder = Path("tests", *parts[path.parts[0] == PACKAGE : -1])
    using = {file for file in test_files if ".".join(parts).removesuffix(".__init__") in imports[file]}
    beside = {file for file in test_files if Path(file).parent == folder != Path("tests")}
    return using or beside


def _imported_by(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # the name that is imported may be a module
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def chosen(tests: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the tests to run and those to leave out, so that a check stays short."""
    quick = [test for test in tests if not test.startswith(_SLOW)][:_MOST]
    return quick, [test for test in tests if test not in quick]


def main(arguments: Sequence[str]) -> int:
    """Run everything, also after a failure, and return the exit code."""
    ends_at = time.time() + _LIMIT
    changed = changed_files()
    tests, left_out = chosen(select_tests(changed))
    print(f"changed files: {len(changed)}; tests: {' '.join(tests) or 'none'}", flush=True)
    if left_out:
        print(f"left to `make test`: {' '.join(left_out)}", flush=True)
    commands = [["ruff", "check", "--quiet"], ["ruff", "format", "--check", "--quiet"], ["mypy"]]
    failed = [" ".join(command[:2]) for command in commands if _run(command)]
    if tests:
        os.environ[_ENDS_AT] = str(max(ends_at, time.time() + _LEAST_FOR_TESTS))
        options = ["-q", "-p", "dev.check", "-m", "not stack", *arguments]
        failed += ["pytest"] if _run(["pytest", *options, *tests]) else []
    print(f"failed: {', '.join(failed)}" if failed else "all passed", flush=True)
    return bool(failed)


def _run(command: Sequence[str]) -> int:
    return subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False).returncode


def pytest_runtest_setup() -> None:
    """Skip what is left when the time is over; pytest calls this before each test."""
    ends_at = os.environ.get(_ENDS_AT)
    if ends_at is not None and time.time() > float(ends_at):
        pytest.skip("the time of `make check` is over: left to `make test`")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
