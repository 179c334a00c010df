"""``airflow operations sweep``: what runs created and left behind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from airflow_provider_ops.cli.deleting import DeletionResult, delete_all
from airflow_provider_ops.cli.left import Left
from airflow_provider_ops.cli.output import Exit, audited, echo, show, stop
from airflow_provider_ops.cli.runs import ScannedRun, Scope, is_at_work
from airflow_provider_ops.cli.search import ResourceSearch
from airflow_provider_ops.cli.tables import read_tasks
from airflow_provider_ops.core.wording import utc
from airflow_provider_ops.hooks.base import OperationsHook, default_clock

_ABOUT = ("api", "resource_type", "resource_id", "name", "operation_id", "age")
_MADE_BY = ("run_id", "task", "fate")
_NOT_SEARCHED = "Nothing is left behind of what was searched; what was not searched is said above."
_LEFT_ALONE = "Nothing else is left behind: run this again when what was left alone is over."


@audited
def sweep(args: Any) -> Exit:
    """List what is left of runs, and with ``--yes`` delete it."""
    dag_ids = list(dict.fromkeys(getattr(args, "dag_ids", None) or ()))
    if not dag_ids and args.since is None and args.until is None:
        stop("Say which runs are meant: --dag-id, --since or --until.", Exit.USAGE)
    if args.run_id and len(dag_ids) != 1:
        stop("--run-id needs the one DAG that the run is of: --dag-id.", Exit.USAGE)
    _check_window(args.since, args.until)
    runs = Scope(dag_ids, args.run_id or (), args.since, args.until).runs()
    in_progress = [run for run in runs if not run.is_over]
    search = ResourceSearch(args.conn_id or ())
    left = sorted(search.find([run for run in runs if run.is_over]), key=lambda one: one.place_in_list)
    _introduce(search, in_progress)
    if args.yes and left:
        left = _deleted(left, args.timeout)
    # a program reads an empty list as well; a person reads a line below
    if left or args.output in ("json", "yaml"):
        now = default_clock().time()
        shown = (*_ABOUT, *_MADE_BY) if len(dag_ids) == 1 else (*_ABOUT, "dag_id", *_MADE_BY)
        show([one.row(now) for one in left], args.output, shown)
    return _conclude(left, not_searched=bool(search.not_searched), left_alone=bool(in_progress or search.at_work))


def _check_window(since: datetime | None, until: datetime | None) -> None:
    """Refuse times between which no run can have begun: nothing left would be no answer."""
    if since is None:
        return
    shown = utc(since.timestamp())
    if until is not None and since >= until:
        stop(
            f"--since {shown} is not before --until {utc(until.timestamp())}: no run is between them. Exchange them.",
            Exit.USAGE,
        )
    if since > datetime.now(timezone.utc):
        stop(f"--since {shown} is in the future: no run that is over can have begun then.", Exit.USAGE)


def _introduce(search: ResourceSearch, in_progress: Sequence[ScannedRun]) -> None:
    """Say what was not searched, before what was found."""
    for sentence in search.not_searched:
        echo(f"Not searched: {sentence}")
    if search.left_out:
        echo(f"Left out, because --conn-id does not name them: {', '.join(sorted(search.left_out))}")
    if in_progress:
        echo(f"Left alone, because still in progress: {_names(in_progress)}")
    if search.at_work:
        echo(f"Left alone, because a task of theirs is still at work: {_names(search.at_work)}")


def _names(runs: Sequence[ScannedRun]) -> str:
    return ", ".join(run.run_id for run in runs)


def _deleted(left: Sequence[Left], timeout: float | None) -> list[Left]:
    """Delete what may be deleted, and return ``left`` with what became of it."""
    over = _still_over(left)
    going = [one for one in left if (one.task.dag_id, one.task.run_id) in over and one.may_be_deleted]
    fates: dict[int, DeletionResult] = {}
    for hook in _hooks(going):
        mine = [one for one in going if one.hook is hook]
        for one, fate in zip(mine, delete_all(hook, [each.one for each in mine], timeout, echo), strict=True):
            fates[id(one)] = fate
    return [replace(one, fate=fates.get(id(one)) or _spared(one, over)) for one in left]


def _spared(one: Left, over: set[tuple[str, str]]) -> DeletionResult | None:
    if one.is_being_deleted or one.is_older:
        return None
    if (one.task.dag_id, one.task.run_id) not in over:
        return DeletionResult(gone=False, text="left alone: its run is in progress again")
    if one.why_not_its_own:
        return DeletionResult(gone=False, text=f"left alone: {one.why_not_its_own}")
    return DeletionResult(gone=False, text=f"left alone: operation {one.operation_id} has not named it yet")


def _still_over(left: Sequence[Left]) -> set[tuple[str, str]]:
    """Return the runs that were not begun anew since they were asked for."""
    asked = {(one.task.dag_id, one.task.run_id) for one in left}
    over: set[tuple[str, str]] = set()
    for dag_id in {dag_id for dag_id, _ in asked}:
        mine = [run for run in Scope([dag_id]).runs() if (dag_id, run.run_id) in asked and run.is_over]
        busy = {row.place.run_id for row in read_tasks(dag_id, [run.run_id for run in mine], ()) if is_at_work(row)}
        over |= {(dag_id, run.run_id) for run in mine if run.run_id not in busy}
    return over


def _hooks(left: Iterable[Left]) -> list[OperationsHook]:
    return list({id(one.hook): one.hook for one in left}.values())


def _conclude(left: Sequence[Left], *, not_searched: bool, left_alone: bool) -> Exit:
    older = sum(one.is_older for one in left)
    gone = sum(one.fate is not None and one.fate.gone for one in left)
    going = sum(one.is_being_deleted and not one.is_older for one in left)
    stays = len(left) - gone - going - older
    if older:
        echo(f"{older} older than the run that waited for it: nothing that the run has left.")
    if gone:
        echo(f"{gone} deleted.")
    if going:
        echo(f"{going} being deleted, and until then existing: run this again to see whether it is gone.")
    if stays:
        echo(f"{stays} left behind.{_hint(left)}")
    if stays or going:
        return Exit.NO
    if not_searched or left_alone:
        echo(_NOT_SEARCHED if not_searched else _LEFT_ALONE)
        return Exit.PARTLY
    if len(left) == older:
        echo("Nothing is left behind.")
    return Exit.OK


def _hint(left: Sequence[Left]) -> str:
    if any(one.fate for one in left):
        return ""
    kept = sum(one.why_not_its_own is not None and not one.is_older for one in left)
    others = f" {kept} of it only waited for or adopted: no sweep deletes that." if kept else ""
    deletes = ": --yes deletes it" if any(one.may_be_deleted for one in left) else ""
    return f"{others} Nothing was changed{deletes}."
