"""What a task, a trigger or a hook does is said in the imperative. Ruff's D401 has the same rule for functions only."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "airflow_provider_ops"
KINDS = ("Operator", "Sensor", "Trigger", "Hook")
#: An article, or a verb or a noun with an s.
_NOT_IMPERATIVE = re.compile(r"An?\b|The\b|\w*[^s\W]s\b")
#: The verbs that follow the first.
_SECOND = re.compile(r"\b(?:and|then|or) (?:waits|starts|creates|deletes|reads|sends|cancels|returns|lists)\b")


def remark(text: str) -> str | None:
    """Return the first line of a docstring where it is not in the imperative."""
    first = text.strip().split("\n")[0]
    return first if _NOT_IMPERATIVE.match(first) or _SECOND.search(first) else None


def _classes() -> Iterator[tuple[str, ast.ClassDef]]:
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and node.name.endswith(KINDS) and not node.name.startswith("_"):
                yield file.relative_to(PACKAGE).as_posix(), node


def test_what_is_done_is_said_in_the_imperative() -> None:
    texts = {
        f"{file}: {node.name}": ast.get_docstring(node) or "The docstring is missing." for file, node in _classes()
    }
    assert len(texts) > 60
    assert {name: first for name, text in texts.items() if (first := remark(text))} == {}


@pytest.mark.parametrize(
    "text", ["Creates a VM.", "Create a VM and waits.", "A VM.", "The calls of an API.", "Calls of an API.\n\nMore."]
)
def test_another_form_is_found(text: str) -> None:
    assert remark(text)


@pytest.mark.parametrize("text", ["Create a VM and wait for its operation.", "Call an API.", "Process a list."])
def test_the_imperative_is_not(text: str) -> None:
    assert remark(text) is None
