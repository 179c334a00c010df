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
