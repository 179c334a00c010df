"""The rows of clears, retries and loops, as far as they can be tested without a stack."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dev.identity import report
from dev.identity.factory import dags
from dev.identity.rows import KEPT, KINDS, Row, rows
from dev.identity.specs import RETRIES, SPECS, has_loops

BEFORE_34 = list(rows(discards=False))
SINCE_34 = list(rows(discards=True))


def row(key: str, *, discards: bool = True, api: str = "onvera") -> Row:
    return next(one for one in rows(discards=discards) if one.key == key and one.api.name == api)


def test_every_kind_has_a_row_and_a_name_that_all_apis_take() -> None:
    assert {key.removesuffix(KEPT) for key in SPECS} == KINDS.keys()
    ids = [one.run_id for one in SINCE_34]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z][a-z0-9-]{1,31}", run_id) for run_id in ids)


def test_what_is_kept_is_expected_to_be_as_it_was_before_airflow_discarded_it() -> None:
    for key in (one for one in SPECS if one.endswith(KEPT)):
        plain, api = key.removesuffix(KEPT), SPECS[key].apis[0][0]
        assert row(key, api=api).expect == row(plain, discards=False, api=api).expect
        assert row(key, api=api).needs_34


def test_a_clear_makes_as_much_whether_what_was_stored_is_there_or_not() -> None:
    counts = [[(one.expect.created, one.expect.settled) for one in some] for some in (BEFORE_34, SINCE_34)]
    assert counts[0] == counts[1]


def test_rows_can_change_their_dags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "retries.json"
    monkeypatch.setenv(RETRIES, str(file))
    changed = row("lowered-success").dag_id
    before = dags()
    file.write_text(f'{{"{changed}": 0}}')
    after = dags()
    assert {dag.dag_id for dag in before.values()} == {
        one.dag_id for one in SINCE_34 if has_loops() or not SPECS[one.key].loops
    }
    differ = {name for name, dag in after.items() if dag.get_task("op").retries != before[name].get_task("op").retries}
    assert differ == {changed.replace("-", "_")}


def test_a_run_replaces_the_section_of_its_airflow_only() -> None:
    old, new = "## Airflow 3.10\n\nold\n", "## Airflow 3.4\n\nnew\n"
    page = report.updated(report.updated("", old), new)
    assert page.endswith(f"\n{new}\n{old}")
    assert report.updated(page, "## Airflow 3.4\n\nnewer\n") == page.replace("new\n", "newer\n")
