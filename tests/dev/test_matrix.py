"""The table of tested versions says what was run, and no more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from dev.matrix import __main__ as matrix
from dev.matrix import tested

if TYPE_CHECKING:
    from collections.abc import Iterator

EMPTY = "# Support\n\n<!-- tested versions -->\nold\n<!-- end of tested versions -->\n\nMore.\n"


def result(airflow: str = "3.3", **differs: int) -> tested.Tested:
    numbers = {"passed": 9, "failed": 0, "skipped": 1, **differs}
    return tested.Tested(tested.release(airflow), "0.2.0", "2026-11-29", **numbers)


@pytest.fixture(autouse=True)
def _places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    page, record = tmp_path / "support.md", tmp_path / "tested.json"
    page.write_text(EMPTY)
    record.write_text("{}")
    with monkeypatch.context() as patch:
        patch.setattr(tested, "PAGE", page)
        patch.setattr(tested, "RECORD", record)
        yield


def cells() -> dict[str, list[str]]:
    """The rows of the page, by Airflow."""
    rows = [line.strip("| ").split(" | ") for line in tested.PAGE.read_text().splitlines() if line.startswith("| 3.")]
    return {name: row for name, *row in rows}


def test_the_table_of_the_docs_is_the_record() -> None:
    root = Path(__file__).parents[2]
    page = (root / "docs" / "reference" / "support.md").read_text()
    tested.RECORD.write_text((root / "dev" / "matrix" / "tested.json").read_text())
    assert page == tested.page(page, tested.read()), "run `python -m dev.matrix.tested`"


def test_a_result_is_kept_beside_earlier_ones_and_the_rest_is_not_run() -> None:
    tested.record("3.3", "3.10", result())
    tested.record("3.4", "3.13", result("3.4", failed=2))
    assert cells()[tested.release("3.3")] == ["9 passed, 1 skipped (0.2.0, 2026-11-29)", *["not run"] * 4]
    four = cells()[tested.release("3.4")]
    assert four[0] == "not supported by Airflow"
    assert four[3] == "9 passed, 2 failed, 1 skipped (0.2.0, 2026-11-29)"
    assert tested.PAGE.read_text().endswith("<!-- end of tested versions -->\n\nMore.\n")


def test_a_result_of_another_patch_release_does_not_count() -> None:
    tested.record("3.3", "3.10", tested.Tested("3.3.0", "0.2.0", "2026-01-01", 9, 0, 0))
    assert cells()[tested.release("3.3")][0] == "not run"


@pytest.mark.parametrize(("arguments", "is_recorded"), [([], True), (["--", "tests/core"], False)])
def test_only_a_run_of_all_tests_is_recorded(
    arguments: list[str], is_recorded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["matrix", "--airflow", "3.3", "--python", "3.10", *arguments])
    monkeypatch.setattr(matrix, "interpreter", str)
    monkeypatch.setattr(matrix, "run", lambda airflow, python, _: matrix.Cell(airflow, python, passed=9))
    assert matrix.main() == 0
    assert (("3.3", "3.10") in tested.read()) is is_recorded


def test_a_page_without_the_markers_is_an_error() -> None:
    with pytest.raises(ValueError, match="tested versions"):
        tested.page("# Support\n", {})


@pytest.mark.parametrize(
    ("reason", "is_here"),
    [
        ("this Airflow has no task state store (3.3 has)", True),
        ("this Airflow has no queues of watchers (3.4 has)", False),
        ("the generator of the site needs Python 3.11", False),
    ],
)
def test_the_release_of_development_skips_only_what_later_ones_have(reason: str, is_here: bool) -> None:
    assert matrix._is_here(reason) is is_here


def test_the_reason_of_a_module_that_is_skipped_is_shown() -> None:
    skip = ET.Element("skipped", message="collection skipped")
    skip.text = "('/x/test_a.py', 15, 'Skipped: the generator of the site needs Python 3.11')"
    assert matrix._reason(skip) == "the generator of the site needs Python 3.11"
