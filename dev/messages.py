"""`make docs/reference/troubleshooting.md`: all messages by situation, made from the table that the tests keep."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "reference" / "troubleshooting.md"
TABLE: Final = ROOT / "tests" / "messages" / "table.md"

Key = tuple[str, str]
_FENCE: Final = "```"
_TABLE_HEAD: Final = """\
# Messages

The message of each situation, in full; ids, addresses and times are the same in every run. Written by
`UPDATE_MESSAGES=1 pytest tests/messages`. Review the difference when you change a message.
"""
#: Sections of which no error is the subject: log lines, and what Airflow itself says.
_MORE: Final = ROOT / "dev" / "messages.md"
#: How the page begins.
_BEGINNING: Final = ROOT / "dev" / "messages_head.md"


def read_table(text: str) -> dict[Key, str]:
    """Return the messages of the table by area and situation."""
    found: dict[Key, str] = {}
    area = situation = ""
    block: list[str] | None = None
    for line in text.splitlines():
        if line.startswith(_FENCE):
            if block is not None:
                found[area, situation] = "\n".join(block)
            block = [] if block is None else None
        elif block is not None:
            block.append(line)
        elif line.startswith("### "):
            situation = line.removeprefix("### ")
        elif line.startswith("## "):
            area = line.removeprefix("## ")
    return found


def write_table(messages: Mapping[Key, str]) -> None:
    """Write the table anew."""
    parts, area = [_TABLE_HEAD], ""
    for (its_area, situation), text in messages.items():
        if its_area != area:
            area = its_area
            parts.append(f"\n## {area}\n")
        parts.append(f"\n### {situation}\n\n{_block(text)}")
    TABLE.write_text("".join(parts), encoding="utf-8")


def page() -> str:
    """Return the whole page."""
    sys.path.insert(0, str(ROOT))
    from tests.messages.areas import AREAS  # noqa: PLC0415 - the package of the tests

    messages = read_table(TABLE.read_text(encoding="utf-8"))
    sections = "".join(_section(area, messages) for area in AREAS)
    return f"{_BEGINNING.read_text(encoding='utf-8')}{sections}\n{_MORE.read_text(encoding='utf-8')}"


def _section(area: Any, messages: Mapping[Key, str]) -> str:
    head = f"\n## {area.title}\n\n" + (f"{area.intro}\n" if area.intro else "")
    if area.is_brief:
        texts = dict.fromkeys(messages[area.title, row.situation] for row in area.rows)
        return head + "\n" + _block("\n".join(texts))
    rows = []
    for row in area.rows:
        advice = f"\n{row.advice}\n" if row.advice else ""
        rows.append(f"\n### {row.situation}\n\n{_block(messages[area.title, row.situation])}{advice}")
    return head + "".join(rows)


def _block(text: str) -> str:
    return f"{_FENCE}text\n{text}\n{_FENCE}\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
