"""The commands about descriptions of APIs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from airflow_provider_ops.cli.output import Exit, command, echo, show
from airflow_provider_ops.exceptions import InvalidArgument, InvalidSpec
from airflow_provider_ops.hooks.specs import registered, specs_folder
from airflow_provider_ops.spec.promises import review
from airflow_provider_ops.spec.source import read_source

_LIST_COLUMNS = ("name", "title", "calls", "source", "problem")
_PROMISE_COLUMNS = ("call", "kind", "exactly_once", "kill", "wait")


@command
def list_specs(args: Any) -> Exit:
    """Print the registered specs."""
    rows = []
    for name, one in sorted(registered().items()):
        row: dict[str, Any] = {"name": name, "title": None, "calls": None, "source": one.source, "problem": None}
        try:
            spec = one.load()
            row |= {"title": spec.shown_title, "calls": len(spec.calls)}
        except InvalidArgument as error:
            row["problem"] = str(error)
        rows.append(row)
    show(rows, args.output, _LIST_COLUMNS)
    if not rows:
        echo(f"No spec is registered: put *.yaml files into {specs_folder()}.")
    return Exit.NO if any(row["problem"] for row in rows) else Exit.OK


@command
def check(args: Any) -> Exit:
    """Print what a spec promises, and its mistakes."""
    try:
        found = review(read_source(args.file))
    except InvalidSpec as error:
        for problem in error.problems:
            echo(f"{args.file}: mistake: {problem}")
        return Exit.NO
    show([asdict(one) for one in found.promises], args.output, _PROMISE_COLUMNS)
    for one in found.advice:
        echo(f"{args.file}: note: {one}")
    return Exit.OK
