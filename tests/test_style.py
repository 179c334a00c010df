"""Spelling and style of every page. ``tests/test_words.py`` has the words that this project does not use."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from proselint.checks import __register__ as checks
from proselint.config import DEFAULT, Config
from proselint.registry import CheckRegistry
from proselint.tools import LintFile

CheckRegistry().register_many(checks)

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
CHECKED = ["airflow_provider_ops", "benchmarks", "dags_examples", "dev", "docs", "tests"]
#: Mistakes that a test makes on purpose, and what another vendor calls something.
MISSPELT = ("alph", "responce", "staus", "sumbit", "timout", "verfy", "veryfy")
#: Rows that a run has written, and directives, are no prose.
_NO_PROSE = re.compile(
    r"^```.*?^```$|`[^`]*`|^\|.*\|$|^#+ .*$|^\s*\[[^\]]+\]: .*$|\]\([^)]*\)", re.MULTILINE | re.DOTALL
)
#: Typography is the renderer's.
_WITHOUT = ("typography", "dates_times")
CONFIG: Config = {**DEFAULT, "checks": {**DEFAULT["checks"], **dict.fromkeys(_WITHOUT, False)}}


def prose(text: str) -> str:
    """Return a page without code, tables, headings and addresses; lines stay where they are."""
    return _NO_PROSE.sub(lambda found: "x" + "\n" * found[0].count("\n"), text)


def remarks(text: str) -> list[str]:
    """Return what proselint says of a page."""
    found = LintFile(source="page", content=prose(text)).lint(CONFIG)
    return [f"{line}: {one.check_result.message}" for one in found for line, _ in [one.pos]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_style_of_a_page(page: Path) -> None:
    assert remarks(page.read_text(encoding="utf-8")) == []


def test_bad_style_is_found() -> None:
    assert remarks("This is very unique, and at this point in time it it works.\n")
    assert not remarks("It works, and `is very unique`.\n")


def test_spelling() -> None:
    options = ["--ignore-words-list", ",".join(MISSPELT), "--skip", "*.svg,*.png,*.json,__pycache__"]
    names = [*CHECKED, *(page.name for page in ROOT.glob("*.md"))]
    done = subprocess.run(
        [sys.executable, "-m", "codespell_lib", *options, *names], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout + done.stderr == ""
