"""`make test-matrix`: an environment per Airflow and Python, the tests in each, one table."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from rich.console import Console
from rich.table import Table

from airflow_provider_ops import __version__
from dev.matrix import tested
from dev.matrix.tested import CONSTRAINTS, PYTHONS

CHECKOUT: Final = Path(__file__).resolve().parent.parent.parent
SCRATCH: Final = CHECKOUT / ".cache" / "matrix"
#: What this package is developed with: nothing may be left out there, and warnings are errors.
OWN: Final = "3.3"
#: The oldest and the newest that are supported; others by name.
USUAL: Final = ("3.10", "3.13")
#: A process per core, as `make test` has them.
_BESIDE: Final = ("-n", "auto", "--dist", "loadfile")
#: Other releases import their own deprecated names, which would fail the tests as warnings of ours do.
_LENIENT: Final = ("-W", "default")
#: How tests/old_airflow.py says what is missing, and which release has it.
_LACKS: Final = re.compile(r"this Airflow has no .* \(3\.(\d+) has\)")


class NotRun(Exception):
    """Why a cell of the matrix has no result."""


@dataclass
class Cell:
    """What came of the tests on one Airflow and Python."""

    airflow: str
    python: str
    passed: int = 0
    failed: list[str] = field(default_factory=list)
    #: Reasons, and how often each.
    skipped: Counter[str] = field(default_factory=Counter)
    minutes: float = 0.0
    why_not: str = ""

    @property
    def good(self) -> bool:
        """Whether tests were run and none failed."""
        return not self.why_not and not self.failed and self.passed > 0

    @property
    def in_short(self) -> str:
        """One line."""
        if self.why_not:
            return f"not run: {self.why_not}"
        return f"{self.passed} passed, {len(self.failed)} failed, {sum(self.skipped.values())} skipped"


def run(airflow: str, python: str, arguments: Sequence[str]) -> Cell:
    """Install and test."""
    cell, began = Cell(airflow, python), time.monotonic()
    folder = SCRATCH / f"{airflow}-{python}"
    try:
        _install(folder, airflow, python)
        report = _test(folder, airflow, arguments)
    except NotRun as error:
        cell.why_not = str(error)
        return cell
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - written by our own pytest
        _count(cell, case)
    if airflow == OWN:
        # a mark that has gone wrong would leave a test out everywhere, and nobody would see it
        cell.failed += [f"nothing may be missing here: {one}" for one in cell.skipped if _is_here(one)]
    cell.minutes = (time.monotonic() - began) / 60
    return cell


def _count(cell: Cell, case: ET.Element) -> None:
    if case.find("failure") is not None or case.find("error") is not None:
        cell.failed.append(f"{case.get('classname')}::{case.get('name')}")
    elif (skip := case.find("skipped")) is not None:
        cell.skipped[_reason(skip)] += 1
    else:
        cell.passed += 1


def _is_here(reason: str) -> bool:
    """Return whether a test was skipped for something that the release of development has."""
    found = _LACKS.fullmatch(reason)
    return found is not None and int(found[1]) <= int(OWN.partition(".")[2])


def _reason(skip: ET.Element) -> str:
    """Return why a test was skipped; of a whole module pytest says it in the text only."""
    whole = (skip.text or "").rpartition("Skipped: ")[2].rstrip("')\"")
    return whole if skip.get("message") == "collection skipped" else skip.get("message") or "no reason"


def interpreter(python: str) -> str:
    """Path of an interpreter of this version: one on the search path, else one that pyenv or uv has installed."""
    for one in _candidates(python):
        # one of pyenv's shims is there for every version that is installed, and fails for all but the chosen ones
        command = [str(one), "-c", "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError:
            continue
        version, _, path = done.stdout.strip().partition(" ")
        if done.returncode == 0 and version == python:
            return path
    raise NotRun(f"there is no Python {python}, neither on PATH nor among those of pyenv and uv; install one of them")


def _candidates(python: str) -> Iterator[Path]:
    for searched in os.get_exec_path():
        yield Path(searched) / f"python{python}"
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or Path.home() / ".local" / "share" / "uv" / "python")
    for installed in (pyenv / "versions", uv):
        # the newest first
        for one in sorted(installed.glob(f"*{python}*"), key=lambda one: one.stat().st_mtime, reverse=True):
            yield one / "bin" / f"python{python}"


def _install(folder: Path, airflow: str, python: str) -> None:
    uv = str(CHECKOUT / ".venv" / "bin" / "uv")
    if not Path(uv).exists():
        raise NotRun("uv is missing, with which the environments are made: .venv/bin/pip install uv")
    env = {**os.environ, "UV_CACHE_DIR": str(CHECKOUT / ".cache" / "uv"), "VIRTUAL_ENV": str(folder)}
    if not (folder / "bin" / "python").exists():
        command = [uv, "venv", "--quiet", "--clear", "--no-python-downloads", "--python", interpreter(python)]
        _call([*command, str(folder)], env, "no environment can be made")
    pins = str(CONSTRAINTS[airflow])
    wanted = ["--constraint", pins, "--build-constraint", pins]
    command = [uv, "pip", "install", "--quiet", *wanted, "--editable", ".[dev]"]
    try:
        _call([*command, "--system-certs"], env, "cannot be installed")
    except NotRun:
        _call(command, env, "cannot be installed")


def _test(folder: Path, airflow: str, arguments: Sequence[str]) -> Path:
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    lenient = () if airflow == OWN else _LENIENT
    temp = folder / "tmp"
    shutil.rmtree(temp, ignore_errors=True)
    temp.mkdir()
    env = {**os.environ, "TMPDIR": str(temp), "AIRFLOW_HOME": str(temp / "airflow")}
    command = [str(folder / "bin" / "python"), "-m", "pytest", "-q", *_BESIDE, *lenient]
    command += [f"--junitxml={report}", *arguments]
    with _log(folder).open("w") as log:
        done = subprocess.run(command, cwd=CHECKOUT, env=env, stdout=log, stderr=subprocess.STDOUT, check=False)
    # 1: tests have failed; anything else that is not 0 has kept pytest from running them all
    if done.returncode not in (0, 1) or not report.exists():
        raise NotRun(f"pytest ended with {done.returncode}, see {_log(folder).relative_to(CHECKOUT)}")
    return report


def _log(folder: Path) -> Path:
    return folder / "pytest.log"


def _call(command: Sequence[str], env: dict[str, str], what: str) -> None:
    done = subprocess.run(command, cwd=CHECKOUT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotRun(f"{what}: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else done.returncode}")


def show(cells: Sequence[Cell]) -> None:
    """Print the table, then what failed and why tests were left out."""
    table = Table("Airflow", "Python", "passed", "failed", "skipped", "minutes", "")
    for cell in cells:
        numbers = (cell.passed, len(cell.failed), sum(cell.skipped.values()), f"{cell.minutes:.1f}")
        table.add_row(cell.airflow, cell.python, *map(str, numbers), cell.why_not and f"not run: {cell.why_not}")
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(table)
    for cell in cells:
        for name in cell.failed:
            console.print(f"Airflow {cell.airflow}, Python {cell.python}: failed {name}", markup=False)
    for airflow in dict.fromkeys(cell.airflow for cell in cells):
        for reason in sorted({reason for cell in cells if cell.airflow == airflow for reason in cell.skipped}):
            console.print(f"Airflow {airflow}: left out, because {reason}", markup=False)


def _record(cell: Cell) -> None:
    numbers = {"passed": cell.passed, "failed": len(cell.failed), "skipped": sum(cell.skipped.values())}
    day = datetime.now(timezone.utc).date().isoformat()
    result = tested.Tested(tested.release(cell.airflow), __version__, day, **numbers)
    tested.record(cell.airflow, cell.python, result)


def main() -> int:
    """Run the matrix and return the exit code."""
    parser = argparse.ArgumentParser(prog="make test-matrix", description=__doc__)
    parser.add_argument("--airflow", nargs="*", choices=[*CONSTRAINTS], default=[*CONSTRAINTS])
    parser.add_argument("--python", nargs="*", choices=PYTHONS, default=[*USUAL])
    parser.add_argument("pytest", nargs="*", help="arguments for pytest, after --")
    options = parser.parse_args()
    try:
        for python in options.python:
            interpreter(python)
    except NotRun as error:
        # before anything else has taken half an hour
        print(f"error: {error}, or leave it out: make test-matrix ARGS='--python ...'", file=sys.stderr)
        return 2
    cells = []
    for airflow in options.airflow:
        for python in (one for one in options.python if tested.allows(airflow, one)):
            print(f"Airflow {airflow} on Python {python} ...", flush=True)
            cells.append(run(airflow, python, options.pytest))
            print(f"    {cells[-1].in_short}", flush=True)
            # some of the tests are no result
            if not options.pytest and not cells[-1].why_not:
                _record(cells[-1])
    show(cells)
    return 0 if all(cell.good for cell in cells) else 1


if __name__ == "__main__":
    sys.exit(main())
