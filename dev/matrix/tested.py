"""The table of tested versions in docs/reference/support.md: what `make test-matrix` has recorded, cell by cell."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from dev import marked

CHECKOUT: Final = Path(__file__).resolve().parent.parent.parent
PAGE: Final = CHECKOUT / "docs" / "reference" / "support.md"
RECORD: Final = CHECKOUT / "dev" / "matrix" / "tested.json"
#: Newest patch of each minor release, and what it is tested with.
CONSTRAINTS: Final = {
    "3.1": CHECKOUT / "dev" / "matrix" / "airflow-3.1.txt",
    "3.2": CHECKOUT / "dev" / "matrix" / "airflow-3.2.txt",
    "3.3": CHECKOUT / "constraints.txt",
    # a pre-release
    "3.4": CHECKOUT / "dev" / "matrix" / "airflow-3.4.txt",
}
PYTHONS: Final = ("3.10", "3.11", "3.12", "3.13", "3.14")
#: Pythons that an Airflow cannot be installed on, by its metadata.
_WITHOUT: Final = {("3.1", "3.14"), ("3.4", "3.10")}
_PIN: Final = re.compile(r"^apache-airflow==(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Tested:
    """The result of all tests on one Airflow and Python.

    :param airflow: the whole version, such as 3.3.2.
    :param package: version of this package.
    :param date: day of the run, ISO.
    """

    airflow: str
    package: str
    date: str
    passed: int
    failed: int
    skipped: int

    def __str__(self) -> str:
        numbers = f"{self.passed} passed" + (f", {self.failed} failed" if self.failed else "")
        return f"{numbers}, {self.skipped} skipped ({self.package}, {self.date})"


def allows(airflow: str, python: str) -> bool:
    """Return whether this Airflow can be installed on this Python."""
    return (airflow, python) not in _WITHOUT


def release(airflow: str) -> str:
    """Return the whole version with which a minor release is tested."""
    found = _PIN.search(CONSTRAINTS[airflow].read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{CONSTRAINTS[airflow]} has no pin of apache-airflow")
    return found[1]


def read() -> dict[tuple[str, str], Tested]:
    """Return what is recorded, by minor release of Airflow and Python."""
    recorded = json.loads(RECORD.read_text(encoding="utf-8"))
    return {(airflow, python): Tested(**one) for airflow, row in recorded.items() for python, one in row.items()}


def record(airflow: str, python: str, result: Tested) -> None:
    """Keep a result in place of the earlier one, and write the page."""
    kept = {**read(), (airflow, python): result}
    rows = {
        one: {version: asdict(kept[one, version]) for version in PYTHONS if (one, version) in kept}
        for one in CONSTRAINTS
    }
    RECORD.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), kept), encoding="utf-8")


def page(text: str, results: Mapping[tuple[str, str], Tested]) -> str:
    """Return the page with the table between its marks."""
    return marked.replaced(text, "tested versions", _table(results))


def _table(results: Mapping[tuple[str, str], Tested]) -> str:
    head = ["Airflow", *(f"Python {python}" for python in PYTHONS)]
    rows = [head, ["---"] * len(head)]
    rows += [[release(one), *(_cell(one, python, results) for python in PYTHONS)] for one in CONSTRAINTS]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cell(airflow: str, python: str, results: Mapping[tuple[str, str], Tested]) -> str:
    if not allows(airflow, python):
        return "not supported by Airflow"
    result = results.get((airflow, python))
    # a result of another patch release says nothing of this one
    return str(result) if result is not None and result.airflow == release(airflow) else "not run"


def main() -> int:
    """Write the page from the record."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), read()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
