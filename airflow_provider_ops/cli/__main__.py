"""The same commands for Airflow before 3.2, which has no place for commands of a provider.

python -m airflow_provider_ops.cli list --conn-id onvera_default
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from airflow.cli.cli_config import GroupCommand

from airflow_provider_ops.cli.definition import get_commands


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; ``SystemExit`` carries its exit code."""
    chosen = make_parser().parse_args(arguments)
    chosen.func(chosen)


def make_parser() -> argparse.ArgumentParser:
    """Return a parser for the commands, without those of Airflow."""
    (group,) = get_commands()
    parser = argparse.ArgumentParser(prog="python -m airflow_provider_ops.cli", description=group.help)
    _add(parser, group)
    return parser


def _add(parser: argparse.ArgumentParser, group: GroupCommand) -> None:
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in group.subcommands:
        about = command.description or command.help
        one = commands.add_parser(command.name, help=command.help, description=about, epilog=command.epilog)
        if isinstance(command, GroupCommand):
            _add(one, command)
            continue
        for argument in command.args:
            argument.add_to_parser(one)
        one.set_defaults(func=command.func)


if __name__ == "__main__":
    main()
