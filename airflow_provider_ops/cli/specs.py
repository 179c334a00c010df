"""The commands about descriptions of APIs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from airflow_provider_ops.cli.against import fields_against
from airflow_provider_ops.cli.output import Exit, command, echo, show
from airflow_provider_ops.exceptions import InvalidArgument, InvalidSpec, OpsError
from airflow_provider_ops.hooks.specs import registered, specs_folder
from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.spec.promises import review
from airflow_provider_ops.spec.source import read_source

_LIST_COLUMNS = ("name", "title", "calls", "source", "problem")
_FIELD_COLUMNS = ("field", "expression", "found", "means")
#: What a status may come to.
_STATES = frozenset(str(state) for state in OperationState if state is not OperationState.UNKNOWN)
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
    promises = [asdict(one) for one in found.promises]
    fields, trouble = _against(found.spec, args) if args.against else ([], None)
    if args.output in ("json", "yaml"):
        # one document
        show([*promises, *fields], args.output)
    else:
        show(promises, args.output, _PROMISE_COLUMNS)
        if fields:
            show(fields, args.output, _FIELD_COLUMNS)
    for one in found.advice:
        echo(f"{args.file}: note: {one}")
    if trouble is not None:
        echo(f"{args.against}: {trouble}")
    return Exit.OK if trouble is None else Exit.NO


def _against(spec: ApiSpec, args: Any) -> tuple[list[dict[str, Any]], str | None]:
    """Return what each field comes to in a real operation, and what is wrong with that."""
    try:
        fields = [asdict(one) for one in fields_against(spec, args.against, args.operation_id, args.conn_id)]
    except OpsError as error:
        return [], f"no operation could be read: {error}"
    if any(one["field"] == "status" and one["means"] in _STATES for one in fields):
        return fields, None
    return fields, "the state of the operation is not known: mend 'status' and 'states'"
