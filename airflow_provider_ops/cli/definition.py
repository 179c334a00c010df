"""The commands and their arguments. Imported by every ``airflow`` call, so nothing of the provider is used here."""

from __future__ import annotations

import math
from argparse import Action, ArgumentTypeError, Namespace
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.cli.cli_config import ARG_OUTPUT, ARG_VERBOSE, ActionCommand, Arg, GroupCommand, lazy_load_command

#: ``OperationState`` in its order; a test compares.
STATES = ("pending", "running", "succeeded", "failed", "cancelled", "unknown")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if seconds < 0:
        raise ArgumentTypeError(f"{text!r} is less than 0 seconds")
    if not seconds < math.inf:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds")
    return seconds


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a number of 1 or more")
    return int(text)


def _moment(text: str) -> datetime:
    """Read a time; one without a zone is UTC, as Airflow's own are."""
    now = datetime.now(timezone.utc)
    unit = {"m": 60, "h": 3600, "d": 86400}.get(text[-1:])
    if unit and text[:-1].isdecimal():
        try:
            return now - timedelta(seconds=int(text[:-1]) * unit)
        except OverflowError:
            raise ArgumentTypeError(f"{text!r} is before all times") from None
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise ArgumentTypeError(
            f"{text!r} is no time: use 2026-07-01, 2026-07-01T12:00+02:00, 90m, 12h or 7d"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


class _DagIds(Action):
    """Collect ``dag_ids``; ``dag_id`` is one text, which Airflow writes into its audit log."""

    def __call__(self, _parser: Any, namespace: Namespace, value: Any, _option: str | None = None) -> None:
        """Add one."""
        namespace.dag_ids = [*(getattr(namespace, "dag_ids", None) or ()), value]
        namespace.dag_id = ", ".join(namespace.dag_ids)


def _arg(*flags: str, **options: Any) -> Arg:
    return Arg(flags, **options)  # type: ignore[no-untyped-call]


_CONN_ID = _arg(
    "--conn-id",
    help="Airflow connection to use (default: <type>_default, if only one of these exists)",
    metavar="CONN_ID",
)
_CONN_IDS = _arg(
    "--conn-id",
    help="Airflow connection to use; may be repeated (default: every <type>_default that exists)",
    metavar="CONN_ID",
    action="append",
)
_OPERATION_ID = _arg("operation_id", help="The id of the operation")
_OPERATION_IDS = _arg("operation_ids", help="The ids of the operations", nargs="+", metavar="operation_id")
_STATE = _arg(
    "--state",
    help=f"Only operations in this state; may be repeated: {', '.join(STATES)}",
    choices=STATES,
    metavar="STATE",
    action="append",
)
_KIND = _arg("--kind", help="Only operations whose kind begins with this, such as vm or vm.create", metavar="KIND")
_LIMIT = _arg("--limit", help="Show so many, newest first (default: 50)", type=_count, default=50, metavar="N")
_WAIT_FOR = _arg(
    "--wait-for",
    help="all: until each has settled; any: until one has succeeded (default: all)",
    choices=("all", "any"),
    default="all",
)
_TIMEOUT = _arg(
    "--timeout",
    help="Seconds after which to stop waiting (default: that of the operators)",
    type=_seconds,
    metavar="SECONDS",
)
_POLL_INTERVAL = _arg(
    "--poll-interval",
    help="Seconds between two polls (default: what the API advises)",
    type=_seconds,
    metavar="SECONDS",
)
_DAG_ID = _arg(
    "--dag-id",
    help="The DAG whose runs are cleaned up after; may be repeated (default: all DAGs, with --since or --until)",
    metavar="DAG_ID",
    action=_DagIds,
)
_RUN_ID = _arg(
    "--run-id",
    help="Only this run of it; may be repeated (default: all runs that are over)",
    metavar="RUN_ID",
    action="append",
)
_DAG = _arg("dag_id", help="The id of the DAG", metavar="DAG")
_TASK = _arg("task_id", help="The id of the task", metavar="TASK")
_ONE_RUN_ID = _arg("--run-id", help="The run whose values the templates get (default: none)", metavar="RUN_ID")
_MAP_INDEX = _arg("--map-index", help="Of a mapped task, which one (default: 0)", type=int, metavar="N")
_SINCE = _arg(
    "--since",
    help="Only runs of this time or later: 2026-07-01, 2026-07-01T12:00+02:00, or how long ago: 90m, 12h, 7d",
    type=_moment,
    metavar="TIME",
)
_UNTIL = _arg("--until", help="Only runs before this time, written in the same way", type=_moment, metavar="TIME")
_YES = _arg(
    "-y",
    "--yes",
    help="Delete what the runs have made; without it nothing is changed",
    action="store_true",
    default=False,
)

_FILE = _arg("file", help="A file with a spec, as YAML or JSON", metavar="FILE")
_AGAINST = _arg(
    "--against",
    help="Also read one real operation at this base URL or address, show what each field comes to, and try each search",
    metavar="URL",
)
_ONE_OPERATION = _arg("--operation-id", help="Which operation (default: the first that a list shows)", metavar="ID")
_CREDENTIALS = _arg(
    "--conn-id",
    help="The connection whose login, password and extras are used there (default: a key that means nothing)",
    metavar="CONN_ID",
)

_SPEC_COMMANDS = (
    ActionCommand(
        name="check",
        help="Check the description of an API",
        description="Says what a spec promises and what it cannot: for each call how exactly-once is reached, what a "
        "kill can do and what a wait costs; and each mistake in one sentence with its line. Nothing is sent, unless "
        "--against asks for one operation to be read, and for each search to be tried.",
        epilog="Exit code 0 when there is no mistake, 1 when there is one, or when the operation cannot be read.",
        func=lazy_load_command("airflow_provider_ops.cli.specs.check"),
        args=(_FILE, _AGAINST, _ONE_OPERATION, _CREDENTIALS, ARG_OUTPUT, ARG_VERBOSE),
    ),
)

_COMMANDS = (
    ActionCommand(
        name="check",
        help="Check whether connections work",
        description="Sends one cheap authenticated read over each connection and says who answered or what is wrong.",
        epilog="Exit code 0 when all work, 1 when one does not.",
        func=lazy_load_command("airflow_provider_ops.cli.commands.check"),
        args=(_CONN_IDS, ARG_OUTPUT, ARG_VERBOSE),
    ),
    ActionCommand(
        name="list",
        help="List operations",
        func=lazy_load_command("airflow_provider_ops.cli.commands.list_operations"),
        args=(_CONN_ID, _STATE, _KIND, _LIMIT, ARG_OUTPUT, ARG_VERBOSE),
    ),
    ActionCommand(
        name="show",
        help="Show all that is known of an operation",
        func=lazy_load_command("airflow_provider_ops.cli.commands.show"),
        args=(_OPERATION_ID, _CONN_ID, ARG_OUTPUT, ARG_VERBOSE),
    ),
    ActionCommand(
        name="wait",
        help="Wait until operations settle",
        description="Waits until operations settle. Interrupting it ends the waiting only: the operations continue.",
        epilog="Exit code 0 when they succeeded, 1 when one failed or was cancelled, 3 when the timeout has passed, "
        "4 when the API cannot be asked.",
        func=lazy_load_command("airflow_provider_ops.cli.commands.wait"),
        args=(_OPERATION_IDS, _CONN_ID, _WAIT_FOR, _TIMEOUT, _POLL_INTERVAL, ARG_OUTPUT, ARG_VERBOSE),
    ),
    ActionCommand(
        name="cancel",
        help="Ask the API to cancel an operation",
        func=lazy_load_command("airflow_provider_ops.cli.commands.cancel"),
        args=(_OPERATION_ID, _CONN_ID, ARG_OUTPUT, ARG_VERBOSE),
    ),
    ActionCommand(
        name="preview",
        help="Show what a task would submit, without sending anything",
        description="Shows the request of a task, how a lost answer would be found again, and what becomes of the "
        "operation when the task is killed, times out or fails. Nothing is sent. Output of other tasks is named, "
        "unless a run is given that has it.",
        func=lazy_load_command("airflow_provider_ops.cli.preview.preview"),
        args=(_DAG, _TASK, _ONE_RUN_ID, _MAP_INDEX, ARG_OUTPUT, ARG_VERBOSE),
    ),
    ActionCommand(
        name="sweep",
        help="List, and with --yes delete, what runs created and left behind",
        description="Lists what runs created and left behind, found by what Airflow has recorded of their operations "
        "and by the mark that the operators put on what they create. What was not searched is said first. What a run "
        "in progress may still need is never listed. With --yes what is listed is deleted, but for what a task only "
        "waited for or adopted.",
        epilog="Exit code 0 when nothing is left, 1 when something is, 5 when nothing is left of what was searched but "
        "not everything could be searched.",
        func=lazy_load_command("airflow_provider_ops.cli.sweep.sweep"),
        args=(_DAG_ID, _RUN_ID, _SINCE, _UNTIL, _CONN_IDS, _YES, _TIMEOUT, ARG_OUTPUT, ARG_VERBOSE),
    ),
    ActionCommand(
        name="specs",
        help="List the registered descriptions of APIs",
        func=lazy_load_command("airflow_provider_ops.cli.specs.list_specs"),
        args=(ARG_OUTPUT, ARG_VERBOSE),
    ),
    GroupCommand(name="spec", help="Work on the description of an API", subcommands=_SPEC_COMMANDS),
)


def get_commands() -> list[GroupCommand]:
    """Return the commands that this provider adds to the command line of Airflow (3.2 and later)."""
    return [
        GroupCommand(name="operations", help="Show, wait for and clean up remote operations", subcommands=_COMMANDS)
    ]
