"""`make docs/reference/configuration.md`: options of `airflow.cfg` and fields of connections, from the metadata."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from airflow_provider_ops.provider_info import get_provider_info

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "reference" / "configuration.md"
_HEAD: Final = """\
# Configuration

Set an option in `airflow.cfg`, or as an environment variable. `airflow config list` prints these options as well. This
page is printed from the provider's metadata by `make docs/reference/configuration.md`.
"""
_CONNECTIONS: Final = """
## Connection extras

The fields of each connection type. [Connections](../guides/connections.md) has examples, and the standard fields.

| extra | connection types | meaning |
|---|---|---|
"""


def page() -> str:
    """Return the whole page."""
    info = get_provider_info()
    return _HEAD + "".join(_section(name, section) for name, section in info["config"].items()) + _extras(info)


def _section(name: str, section: dict[str, Any]) -> str:
    return f"\n## `[{name}]`\n\n{section['description']}\n" + "".join(
        _option(name, option, facts) for option, facts in section["options"].items()
    )


def _option(section: str, name: str, facts: dict[str, Any]) -> str:
    variable = f"AIRFLOW__{section.upper()}__{name.upper()}"
    rows = {"type": facts["type"], "default": facts["default"], "example": facts["example"]}
    shown = "".join(f"| {key} | `{value}` |\n" for key, value in rows.items() if value)
    text = facts["description"].replace("``", "`")
    return (
        f"\n### `{name}`\n\n{text}\n\n| | |\n|---|---|\n{shown}| environment variable | `{variable}` |\n"
        f"| since | {facts['version_added']} |\n"
    )


def _extras(info: dict[str, Any]) -> str:
    types: dict[tuple[str, str], list[str]] = {}
    for connection in info["connection-types"]:
        for name, field in connection["conn-fields"].items():
            types.setdefault((name, field["description"]), []).append(connection["connection-type"])
    every = len(info["connection-types"])
    return _CONNECTIONS + "".join(
        f"| `{name}` | {'all' if len(of) == every else ', '.join(f'`{one}`' for one in of)} | {text} |\n"
        for (name, text), of in types.items()
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
