"""The spec in the docs is one."""

from __future__ import annotations

from pathlib import Path

from airflow_provider_ops.spec.promises import review
from airflow_provider_ops.spec.source import read_source

PAGE = Path(__file__).parents[2] / "docs" / "describe-your-api.md"


def test_the_spec_that_a_newcomer_copies_has_no_mistake() -> None:
    _, block = PAGE.read_text().split("```yaml\n")
    found = review(read_source(block.partition("```")[0]))
    assert "searched for by our key" in found.promises[0].exactly_once
    assert [one.place for one in found.advice] == [("submit",)]
