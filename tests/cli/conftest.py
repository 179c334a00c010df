from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ops.testing import SimulatorServer

KEY = "sekret-key-42"


class Ran(NamedTuple):
    code: int
    out: str
    err: str


def known_to_airflow() -> bool:
    from airflow.cli import cli_parser  # noqa: PLC0415 - takes a second

    return "operations" in cli_parser.ALL_COMMANDS_DICT


@pytest.fixture
def operations(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run ``airflow operations ...`` with Airflow's own parser; with ours where it has no place for it."""

    def run(*arguments: str) -> Ran:
        from airflow.cli.cli_parser import get_parser  # noqa: PLC0415

        from airflow_provider_ops.cli.__main__ import main  # noqa: PLC0415

        capsys.readouterr()
        code: Any = 0
        try:
            if known_to_airflow():
                args = get_parser().parse_args(["operations", *arguments])
                args.func(args)
            else:
                main(arguments)
        except SystemExit as end:
            code = end.code or 0
        printed = capsys.readouterr()
        assert KEY not in printed.out + printed.err, "the key is shown"
        return Ran(code, printed.out, printed.err)

    return run


@pytest.fixture
def sweep(operations: Callable[..., Ran]) -> Callable[..., Ran]:
    """Sweep one run."""

    def run(ran: Any, *arguments: str) -> Ran:
        where = ("--dag-id", ran.run.dag_id, "--run-id", ran.run.run_id)
        return operations("sweep", *where, "-o", "json", *arguments)

    return run


@pytest.fixture
def world(operations_simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch, retry_at_once: None) -> Any:
    """The simulator, to which the default connections lead, with a key that must not be seen anywhere."""
    for name, value in operations_simulator.environ(KEY).items():
        monkeypatch.setenv(name, value)
    # so that tables are as wide as in a pipe
    monkeypatch.setenv("COLUMNS", "200")
    return operations_simulator
