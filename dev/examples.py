"""`make docs/guides/examples.md`: the page of all example DAGs."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "guides" / "examples.md"
_HEAD: Final = """# Examples

One use case per file, all run by `make demo` and by the tests.

The installed package has these files in `airflow_provider_ops/example_dags`; `pip show --files airflow-provider-ops`
says where that is. Copy one into your DAG folder, and name your connection in it. With `[core] load_examples = True`,
Airflow 3.3 shows them beside its own examples.

This page shows the files on the site, which `make docs` builds; elsewhere follow the links.
"""


def page() -> str:
    """Return the whole page."""
    return _HEAD + "".join(_section(file) for file in sorted((ROOT / "dags_examples").glob("*.py")))


def _section(file: Path) -> str:
    title = (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or file.stem).splitlines()[0]
    link = f"[`dags_examples/{file.name}`](../../dags_examples/{file.name})\n\n"
    shown = f"```{{literalinclude}} ../../dags_examples/{file.name}\n:language: python\n```\n"
    return f"\n## {title.lstrip('# ')}\n\n{link}{shown}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
