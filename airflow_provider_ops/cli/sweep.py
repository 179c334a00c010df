"""``airflow operations sweep``: what runs of a DAG created and left behind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from airflow_provider_ops.apis.base import AllMarked, Marked
from airflow_provider_ops.cli.connections import hooks
from airflow_provider_ops.cli.deleting import Fate, delete_all
from airflow_provider_ops.cli.output import Exit, audited, say, show
from airflow_provider_ops.cli.runs import Run, Task, owners, runs_of
from airflow_provider_ops.exceptions import OpsError
from airflow_provider_ops.hooks.base import OperationsHook

_COLUMNS = ("api", "resource_type", "resource_id", "run_id", "task", "fate")


@dataclass(frozen=True, slots=True)
class Left:
    """Something a task made that still exists."""

    hook: OperationsHook
    one: Marked
    task: Task
    fate: Fate | None = None

    def row(self) -> dict[str, Any]:
        """What is printed of it."""
        return {
            "conn_id": self.hook.conn_id,
            "api": self.hook.api.name,
            "resource_type": self.one.resource_type,
            "resource_id": self.one.resource_id,
            "name": self.one.name,
            "state": self.one.state,
            "created_at": self.one.created_at.isoformat() if self.one.created_at else None,
            "run_id": self.task.run_id,
            "task": str(self.task),
            "fate": self.fate.text if self.fate else "left behind",
        }


@audited
def sweep(args: Any) -> Exit:
    """List what is left of the runs of a DAG, and delete it when told to."""
    runs = _over(runs_of(args.dag_id, args.run_id))
    asked = [(hook, _all_marked(hook)) for hook in hooks(args.conn_id)]
    left = _left(asked, runs)
    if args.yes and left:
        left = _deleted(left, args)
    if left:
        show([one.row() for one in left], args.output, _COLUMNS)
    return _conclude(left, complete=all(marked is not None and not marked.problems for _, marked in asked))


def _over(runs: Sequence[Run]) -> list[Run]:
    going_on = [run for run in runs if not run.is_over]
    if going_on:
        say(f"Left alone, because still in progress: {_names(going_on)}")
    return [run for run in runs if run.is_over]


def _names(runs: Sequence[Run]) -> str:
    return ", ".join(run.run_id for run in runs)


def _all_marked(hook: OperationsHook) -> AllMarked | None:
    """What carries a mark on one connection; ``None`` when that cannot be found out now."""
    title = hook.api.title
    if hook.api.unmarked:
        say(f"{title} ({hook.conn_id}): not looked for: {hook.api.unmarked}.")
    try:
        flow = hook.api.all_marked()
        marked = AllMarked() if flow is None else hook.run(flow)
    except OpsError as error:
        say(f"{title} ({hook.conn_id}) could not be asked, so what is left there is not known: {error}")
        return None
    for problem in marked.problems:
        say(f"{title} ({hook.conn_id}): {problem}")
    return marked


def _left(asked: Sequence[tuple[OperationsHook, AllMarked | None]], runs: Sequence[Run]) -> list[Left]:
    marked = [(hook, one) for hook, answer in asked if answer is not None for one in answer.found]
    made_by, at_work = owners(runs, [one for _, one in marked])
    if at_work:
        say(f"Left alone, because a task of theirs is still at work: {_names(at_work)}")
    return [Left(hook, one, made_by[one.key]) for hook, one in marked if one.key in made_by]


def _deleted(left: Sequence[Left], args: Any) -> list[Left]:
    """``left`` with what became of it."""
    going = _still_over(left, args.dag_id)
    fates: dict[int, Fate] = {}
    for hook in _hooks(going):
        mine = [one for one in going if one.hook is hook]
        for one, fate in zip(mine, delete_all(hook, [each.one for each in mine], args.timeout, say), strict=True):
            fates[id(one)] = fate
    running_again = Fate(gone=False, text="left alone: its run is in progress again")
    return [replace(one, fate=fates.get(id(one), running_again)) for one in left]


def _still_over(left: Sequence[Left], dag_id: str) -> list[Left]:
    """Those whose run was not begun anew since it was asked for."""
    runs = [run for run in runs_of(dag_id, {one.task.run_id for one in left}) if run.is_over]
    made_by, _ = owners(runs, [one.one for one in left])
    return [one for one in left if made_by.get(one.one.key) == one.task]


def _hooks(left: Iterable[Left]) -> list[OperationsHook]:
    return list({id(one.hook): one.hook for one in left}.values())


def _conclude(left: Sequence[Left], *, complete: bool) -> Exit:
    gone = sum(one.fate is not None and one.fate.gone for one in left)
    stays = len(left) - gone
    if gone:
        say(f"{gone} deleted.")
    if stays:
        hint = "" if any(one.fate for one in left) else " Nothing was changed: --yes deletes it."
        say(f"{stays} left behind.{hint}")
        return Exit.NO
    if not complete:
        return Exit.TROUBLE
    if not left:
        say("Nothing that was looked for is left behind.")
    return Exit.OK
