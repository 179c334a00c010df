"""What the docs say of every operator is what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from dev import timeouts

ROOT = Path(__file__).parent.parent
APIS = {api.name: api for api in timeouts.apis()}
#: Operators whose docs say more than the number.
SAID_WITH_IT = {"LakeSailCreateSessionOperator": ", does not wait by default"}


def _kinds() -> list[tuple[str, str, str]]:
    found = {
        (api, case["operator"], case["submitted"]["kind"])
        for api in APIS
        for file in (ROOT / "tests" / "apis" / "golden").glob(f"{api}*.json")
        for case in json.loads(file.read_text())
    }
    return sorted(found)


def test_the_page_of_timeouts_is_printed_from_the_code() -> None:
    assert timeouts.PAGE.read_text() == timeouts.page(), "run `make docs/timeouts.md`"


@pytest.mark.parametrize(("api", "operator", "kind"), _kinds())
def test_every_operator_is_in_the_table_with_its_default_timeout(api: str, operator: str, kind: str) -> None:
    page = (ROOT / "docs" / "apis" / f"{api}.md").read_text()
    rows = [line.split("|") for line in page.splitlines() if re.match(rf"\|.*`{operator}\b", line)]
    assert [row[3].strip() for row in rows] == [
        timeouts.duration(APIS[api].default_timeout(kind)) + SAID_WITH_IT.get(operator, "")
    ]


def test_every_guarantee_names_tests_that_exist() -> None:
    text = (ROOT / "README.md").read_text()
    rows = text[text.index("| guarantee | test |") :].split("\n\n")[0].splitlines()[2:]
    there = "".join(file.read_text() for file in (ROOT / "tests").rglob("test_*.py"))
    assert len(rows) > 15
    for row in rows:
        names = re.findall(r"`(test_\w+)`", row)
        assert names or "`make guarantees`" in row, row
        assert [name for name in names if f"def {name}(" not in there] == [], row


def test_every_row_of_the_kill_table_that_the_readme_names_is_there() -> None:
    text = (ROOT / "README.md").read_text()
    table = (ROOT / "docs" / "guarantees.md").read_text()
    named = re.findall(r"\*([^*\n]+?)(?: \.\.\.)?\*", "".join(re.findall(r"rows (\*.*?)(?:;|\|)", text)))
    assert len(named) > 8
    assert [name for name in named if name not in table] == []
