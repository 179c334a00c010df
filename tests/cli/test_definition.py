"""What every ``airflow`` call pays for, and that Airflow's parser takes it."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ops.cli.__main__ import main
from airflow_provider_ops.cli.definition import STATES, get_commands
from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.provider_info import get_provider_info

NAMES = ["check", "list", "show", "wait", "cancel", "preview", "sweep", "specs"]
GROUPS = ["spec"]


def test_the_commands_are_there_and_lead_to_functions() -> None:
    (group,) = get_commands()
    assert group.name == "operations"
    assert [command.name for command in group.subcommands] == NAMES + GROUPS
    assert all(command.help for command in group.subcommands)


def test_the_states_are_those_of_operations() -> None:
    assert tuple(state.value for state in OperationState) == STATES


def test_airflow_finds_the_definition() -> None:
    (name,) = get_provider_info()["cli"]
    assert pkgutil.resolve_name(name) is get_commands


def test_the_definition_imports_nothing_of_the_provider() -> None:
    code = (
        "import sys; import airflow_provider_ops.cli.definition as d; d.get_commands();"
        "print(*(name for name in sys.modules if name.startswith('airflow_provider_ops')))"
    )
    root = Path(__file__).parents[2]
    ran = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    base = "airflow_provider_ops"
    # the last is what Airflow reads everywhere, where the provider is installed
    assert set(ran.stdout.split()) <= {base, f"{base}.cli", f"{base}.cli.definition", f"{base}.provider_info"}


@pytest.mark.parametrize("name", [*NAMES, "spec check"])
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([*name.split(), "--help"])
    assert end.value.code == 0
    assert "--output" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["list", "--state", "done"],
        ["list", "--limit", "0"],
        ["list", "--limit", "-1"],
        ["wait"],
        ["wait", "op_1", "--timeout", "soon"],
        ["wait", "op_1", "--timeout", "-1"],
        ["wait", "op_1", "--timeout", "inf"],
        ["sweep"],
        ["sweep", "--since", "99999999999d"],
        ["sweep", "--since", "1h", "--until", "2h"],
        ["sweep", "--since", "2026-01-01", "--until", "2026-01-01"],
        ["sweep", "--since", "2999-01-01"],
        ["show"],
        ["check", "--output", "xml"],
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments: list[str], capsys: Any) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
