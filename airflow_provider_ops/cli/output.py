"""What all commands have in common: how they print, how they fail, with which exit code."""

from __future__ import annotations

import functools
import json
import logging
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import IntEnum
from typing import Any, NoReturn

from airflow.cli.simple_table import AirflowConsole
from airflow.utils.cli import action_cli
from stamina.instrumentation import RetryDetails, get_on_retry_hooks, set_on_retry_hooks

from airflow_provider_ops._compat import secrets_of_this_airflow
from airflow_provider_ops.exceptions import OpsError
from airflow_provider_ops.http.retries import PATIENCE

#: The first retry that gets a line; earlier ones are common.
_LOG_AT = 2


Row = Mapping[str, Any]


class Exit(IntEnum):
    """The exit codes of all commands."""

    OK = 0
    #: The answer is no: it does not work, it failed, something is left.
    NO = 1
    #: Arguments that make no sense; argparse's own.
    USAGE = 2
    #: The timeout has passed; the operations are still running.
    TIMEOUT = 3
    #: Nothing is left of what was searched, but not everything could be, or runs that still work were left alone.
    PARTLY = 5
    #: The question could not be answered: no such connection, no answer, an error of the API or of Airflow.
    TROUBLE = 4
    #: Ctrl-C, as shells have it.
    INTERRUPTED = 130


class CommandError(OpsError):
    """A command cannot continue; the message says why and what to do."""


def command(work: Callable[[Any], Exit]) -> Callable[[Any], None]:
    """Make a function that Airflow's parser can call from one that returns an exit code.

    Whatever goes wrong ends in one paragraph on standard error, never in a traceback (but with ``--verbose``).
    """

    @functools.wraps(work)
    def run(args: Any) -> None:
        try:
            with secrets_of_this_airflow(), quiet(verbose=args.verbose), log_retries():
                code = work(args)
        except OpsError as error:
            stop(str(error), Exit.TROUBLE)
        except KeyboardInterrupt:
            stop("Stopped. What the API was asked for already continues.", Exit.INTERRUPTED)
        except Exception as error:  # a person at a terminal needs a sentence
            if args.verbose:
                raise
            stop(f"{type(error).__name__}: {error} (--verbose shows where)", Exit.TROUBLE)
        if code:
            raise SystemExit(int(code))

    return run


def audited(work: Callable[[Any], Exit]) -> Callable[[Any], None]:
    """Do as :func:`command`, for a command that changes something: Airflow's audit log records it."""
    run: Callable[[Any], None] = action_cli(check_db=False)(command(work))  # type: ignore[no-untyped-call]
    return run


@contextmanager
def quiet(*, verbose: bool = False) -> Iterator[None]:
    """Suppress log lines and warnings while a command prints.

    Airflow's own decorator for this cannot be used around its own commands, which ``sweep`` calls.
    """
    before = logging.root.manager.disable
    with warnings.catch_warnings():
        if not verbose:
            warnings.simplefilter("ignore")
            logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(before)


@contextmanager
def log_retries() -> Iterator[None]:
    """Print a line when reads are tried again: a terminal without output for two minutes seems to hang."""
    before = get_on_retry_hooks()
    set_on_retry_hooks([*before, _log_retry])
    try:
        yield
    finally:
        set_on_retry_hooks(before)


def _log_retry(details: RetryDetails) -> None:
    if isinstance(details.caused_by, OpsError) and details.retry_num == _LOG_AT:
        echo(f"{details.caused_by}; trying again for {PATIENCE:g} s at most, Ctrl-C stops.")


def stop(text: str, code: Exit) -> NoReturn:
    """End the command with a paragraph on standard error."""
    echo(text)
    raise SystemExit(int(code))


def echo(text: str) -> None:
    """Print one line for people, on standard error, so that standard output has only what ``--output`` promises."""
    print(printable(text), file=sys.stderr, flush=True)  # noqa: T201


def show(rows: Sequence[Row], output: str, columns: Sequence[str] = ()) -> None:
    """Print rows as Airflow's own commands do.

    :param columns: what a table shows; JSON and YAML have all.
    """
    data: Any = [dict(row) for row in rows]
    # not `print_as`, which makes a text of every number and of True and False: to a program "False" is true
    if output == "json":
        AirflowConsole().print_as_json(data)
        return
    if output == "yaml":
        AirflowConsole().print_as_yaml(data)
        return
    shown = [{name: _cell(row.get(name), output) for name in columns or row} for row in rows]
    if output == "table" and shown:
        _print_table(shown)
    else:
        AirflowConsole().print_as(shown, output)


def _print_table(rows: Sequence[Mapping[str, str]]) -> None:
    """Print a table in which words stay in one piece, so that ids can be copied from any column.

    A terminal that is too narrow for that gets a block of lines for each row.
    """
    from rich.table import Table  # noqa: PLC0415 - only a table needs it

    console = AirflowConsole()
    widths = {name: max(_longest_word(text) for text in (name, *(row[name] for row in rows))) for name in rows[0]}
    if sum(widths.values()) + 3 * len(widths) + 1 > console.width:
        longest = max(map(len, widths))
        for row in rows:
            for name, value in row.items():
                if value:
                    console.print(f"[bold]{name:<{longest}}[/bold]  {value}", soft_wrap=True, highlight=False)
            console.print()
        return
    table = Table(show_header=True, header_style="bold")
    for name, width in widths.items():
        table.add_column(name, min_width=width, overflow="fold")
    for row in rows:
        table.add_row(*row.values())
    console.print(table)


def _longest_word(text: str) -> int:
    return max(map(len, text.split()), default=0)


def age(at: datetime | None, now: float) -> str | None:
    """Return how long ago something was, in its two largest units."""
    if at is None:
        return None
    seconds = max(0, int(now - at.timestamp()))
    for size, unit, smaller, name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= size:
            return f"{seconds // size} {unit} {seconds % size // smaller} {name}"
    return f"{seconds} s"


def _cell(value: Any, output: str) -> str:
    from rich.markup import escape  # noqa: PLC0415 - only a table reads markup

    text = "" if value is None else json.dumps(value) if isinstance(value, (dict, list)) else printable(str(value))
    return escape(text) if output == "table" else text


def printable(text: str) -> str:
    """Return ``text`` without control characters: it may come from an API."""
    return "".join(char if char.isprintable() else " " for char in text)
