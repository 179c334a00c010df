"""Rows: what cannot work in a spec, each mistake with its line, its key and what to write."""

from __future__ import annotations

import tempfile
from pathlib import Path

from airflow_provider_ops.exceptions import InvalidSpec
from airflow_provider_ops.spec import ApiSpec
from tests.messages.table import Area
from tests.spec.mistakes import FURTHER, MISTAKES, UNREADABLE, seeded

MISTAKEN = Area(
    "A spec with a mistake",
    "`airflow operations spec check FILE` and the connection that names the spec say all mistakes of keys and sections "
    "at once; when these are mended, those that lie between sections, such as a placeholder that nothing fills.",
    is_brief=True,
)
SPECS = {**{what: seeded(edit) for what, edit in MISTAKES.items()}, **FURTHER, **UNREADABLE}

MISTAKEN.add({what: lambda _s, text=text: ApiSpec.from_yaml(text) for what, text in SPECS.items()})  # type: ignore[misc]


def _saved_as(encoding: str) -> ApiSpec:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "jobs.yaml")
        path.write_text("name: jobs\ntitle: Aufträge\n", encoding=encoding)
        try:
            return ApiSpec.from_yaml(path)
        except InvalidSpec as error:
            raise InvalidSpec("jobs.yaml", error.problems) from None


MISTAKEN.add(
    {
        "A file in UTF-16": lambda _s: _saved_as("utf-16"),
        "A file in Latin-1": lambda _s: _saved_as("latin-1"),
    }
)
