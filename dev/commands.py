"""`make docs/reference/cli-options.md`: all commands with their arguments, printed from the parsers."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from airflow_provider_ops.cli.__main__ import make_parser
from airflow_provider_ops.simulator.__main__ import _parser as simulator_parser

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "reference" / "cli-options.md"
_HEAD: Final = """\
# Commands and options

Every command with its arguments, printed from the code by `make docs/reference/cli-options.md`. [Command
line](cli.md) explains their use, and the exit codes. `--help` of each command prints the same.
"""


def page() -> str:
    """Return the whole page."""
    ours = _commands("airflow operations", make_parser())
    simulator = _section("python -m airflow_provider_ops.simulator", simulator_parser())
    return _HEAD + "".join(ours) + simulator


def _commands(prefix: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001
    if not groups:
        yield _section(prefix, parser)
    for group in groups:
        for name, one in group.choices.items():
            yield from _commands(f"{prefix} {name}", one)


def _section(name: str, parser: argparse.ArgumentParser) -> str:
    formatter = parser._get_formatter()  # noqa: SLF001
    rows = "".join(
        f"| {_flags(action)} | {_cell(formatter._expand_help(action))} |\n"  # noqa: SLF001
        for action in parser._actions  # noqa: SLF001
        if not isinstance(action, argparse._HelpAction)  # noqa: SLF001
    )
    texts = "".join(f"{_prose(text)}\n\n" for text in (parser.description, parser.epilog) if text)
    return f"\n## `{name}`\n\n{texts}| argument | meaning |\n|---|---|\n{rows}"


def _flags(action: argparse.Action) -> str:
    if not action.option_strings:
        return f"`{action.metavar or action.dest}`"
    metavar = str(action.metavar or action.dest.upper())
    value = f" {metavar}" if action.nargs != 0 and not metavar.startswith("(") else ""
    return ", ".join(f"`{option}{value}`" for option in action.option_strings)


def _prose(text: str) -> str:
    return " ".join(text.split()).replace("<", "\\<").replace("*", "\\*")


def _cell(text: str) -> str:
    return _prose(text).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
