"""The API reference has an example for every operator, and each is code that works."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest
from airflow.sdk import DAG, BaseOperator

from airflow_provider_ops.provider_info import get_provider_info

pytest.importorskip("sphinx", reason="the generator of the site needs Python 3.11")
reference = importlib.import_module("dev.reference")

API = Path(__file__).parents[2] / "docs" / "reference" / "api"
SURFACE = Path(__file__).parents[1] / "public_surface.txt"


def _operators() -> list[type[BaseOperator]]:
    info = get_provider_info()
    rows = [*info["operators"], *info["sensors"]]
    modules = [*(name for row in rows for name in row["python-modules"]), "airflow_provider_ops.operators.operation"]
    return [
        thing
        for name in dict.fromkeys(modules)
        for thing in vars(importlib.import_module(name)).values()
        if isinstance(thing, type) and issubclass(thing, BaseOperator)
        if thing.__module__.startswith(name) and not thing.__name__.startswith("_")
    ]


OPERATORS = _operators()


def test_there_are_operators() -> None:
    assert len(OPERATORS) > 50


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda one: one.__name__)
def test_the_example_of_an_operator_works(operator: type[BaseOperator]) -> None:
    code = reference.example(operator)
    with DAG("reference", schedule=None) as dag:
        exec(code, {})  # noqa: S102 - this is what a reader copies
    assert [type(task) for task in dag.tasks] == [operator]


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda one: one.__name__)
def test_every_argument_has_a_type_and_a_meaning(operator: type[BaseOperator]) -> None:
    text = "\n".join(reference.described(operator, (operator.__doc__ or "").splitlines()))
    own = set(inspect.signature(operator.__init__).parameters) - {"self", "kwargs"}
    assert [name for name in own if f":param {name}:" not in text] == []
    shared = re.findall(r":type (\w+): ", text)
    assert {"timeout", "deferrable", "poll_interval"} <= own | set(shared)


def test_every_public_module_has_a_page() -> None:
    public = re.findall(r"^(airflow_provider_ops\S*)$", SURFACE.read_text(encoding="utf-8"), re.MULTILINE)
    pages = "".join(page.read_text(encoding="utf-8") for page in API.glob("*.md"))
    assert len(public) > 15
    assert [name for name in public if f"{name}\n" not in pages and f"`{name}`" not in pages] == []
