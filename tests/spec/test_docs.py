"""The spec in the docs is one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from airflow_provider_ops.spec.promises import review
from airflow_provider_ops.spec.source import read_source
from dev import spec_keys

PAGE = Path(__file__).parents[2] / "docs" / "tutorial" / "describe-your-api.md"


_, *_BLOCKS = PAGE.read_text(encoding="utf-8").split("```yaml\n")


@pytest.mark.parametrize("block", _BLOCKS, ids=["operations", "the job is the operation"])
def test_a_spec_that_a_newcomer_copies_has_no_mistake(block: str) -> None:
    found = review(read_source(block.partition("```")[0]))
    assert "searched for by our key" in found.promises[0].exactly_once
    assert found.advice == ()


def test_the_page_of_keys_is_printed_from_the_models() -> None:
    assert spec_keys.PAGE.read_text(encoding="utf-8") == spec_keys.page(), "run `make docs/reference/spec-keys.md`"
    assert spec_keys.SCHEMA.read_text(encoding="utf-8") == spec_keys.schema(), "run `make docs/reference/spec-keys.md`"


def test_every_key_is_explained() -> None:
    assert "|  |" not in spec_keys.page()


@pytest.mark.parametrize(("title", "model", "example"), spec_keys._SECTIONS[1:], ids=lambda one: str(one)[:20])
def test_every_example_is_one(title: str, model: Any, example: str) -> None:
    def is_one(value: Any) -> bool:
        try:
            model.model_validate(value)
        except ValidationError:
            return False
        return True

    assert any(is_one(value) for value in _values(yaml.safe_load(example))), title


def _values(value: Any) -> Iterator[Any]:
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield item
        yield from _values(item)


def test_the_schema_knows_every_key_of_the_catalogue() -> None:
    known = set(json.loads(spec_keys.schema())["properties"])
    folder = Path(__file__).parents[2] / "airflow_provider_ops" / "specs"
    for file in folder.glob("*.yaml"):
        assert set(yaml.safe_load(file.read_text(encoding="utf-8"))) <= known
