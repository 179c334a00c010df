"""What the demo shows: live on a terminal, line by line anywhere else."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.table import Table

from dev.airflow_api import Run, TaskInstance
from dev.runs import PlannedRun, RunReport, Told, Totals

# Where nothing can be redrawn, at most one block of lines in this many seconds.
LINE_INTERVAL: Final = 5.0
COLOURS: Final = {"success": "green", "failed": "red", "running": "cyan", "queued": "dim"}
SHOWN_STATES: Final = (
    "deferred",
    "running",
    "scheduled",
    "queued",
    "up_for_retry",
    "success",
    "failed",
    "skipped",
    "upstream_failed",
)


@dataclass(frozen=True)
class Progress:
    """One started run as it is now."""

    planned: PlannedRun
    run: Run
    tasks: Sequence[TaskInstance]

    @property
    def states(self) -> Mapping[str, int]:
        """How many tasks are in which state; those that wait for others are left out."""
        counted = Counter(task.state for task in self.tasks)
        return {state: counted[state] for state in SHOWN_STATES if counted[state]}

    @property
    def line(self) -> str:
        """The states as text."""
        return ", ".join(f"{count} {state}" for state, count in self.states.items()) or "not started yet"


def _console() -> Console:
    console = Console(highlight=False)
    # A file has no width: wide enough for the table then.
    return console if console.is_terminal else Console(highlight=False, width=120)


@dataclass
class Screen:
    """Writes to the terminal, or to a file, with the seconds since its start."""

    console: Console = field(default_factory=_console)
    _start: float = field(default_factory=time.monotonic)
    _live: Live | None = None
    _last: tuple[float, str] = (0.0, "")

    def say(self, text: str) -> None:
        """Print one line."""
        self.console.print(f"[dim]{time.monotonic() - self._start:4.0f} s[/dim]  {text}", soft_wrap=True)

    @contextmanager
    def busy(self, text: str) -> Iterator[None]:
        """Say what begins, and show on a terminal that it goes on."""
        self.say(text)
        with self.console.status("[dim]working ...[/dim]"):
            yield

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Redraw the progress in place, where that is possible."""
        if not self.console.is_terminal:
            yield
            return
        with Live(console=self.console, refresh_per_second=4, transient=True) as live:
            self._live = live
            try:
                yield
            finally:
                self._live = None

    def show(self, progress: Sequence[Progress]) -> None:
        """Show how far the runs are."""
        if self._live is not None:
            self._live.update(self._progress_table(progress))
            return
        text = "\n".join(
            f"        {p.run.dag_id} ({p.planned.title}): {p.run.state}; {p.line}"
            for p in progress
            if not p.run.is_over
        )
        at, before = self._last
        now = time.monotonic()
        if text and text != before and now - at >= LINE_INTERVAL:
            self._last = (now, text)
            self.say(f"{sum(p.run.is_over for p in progress)} of {len(progress)} runs have ended\n{text}")

    @staticmethod
    def _progress_table(progress: Sequence[Progress]) -> Table:
        table = Table(box=None, pad_edge=False)
        for column in ("DAG", "run", "state", "tasks"):
            table.add_column(column, no_wrap=True)
        for p in progress:
            table.add_row(p.run.dag_id, p.planned.title, _coloured(p.run.state), p.line)
        return table

    def results(self, reports: Sequence[RunReport]) -> None:
        """Print the table of the runs."""
        table = Table(title="What the runs did", title_justify="left")
        for column in ("DAG", "run", "state"):
            table.add_column(column, no_wrap=True)
        for column in ("tasks deferred", "seconds waiting", "second attempts", "operations submitted"):
            table.add_column(column, justify="right")
        for r in reports:
            table.add_row(
                r.planned.dag_id,
                r.planned.title,
                _verdict(r),
                str(r.tasks_deferred),
                f"{r.seconds_deferred:.0f}",
                str(len(r.retried)),
                str(len(r.operations)),
            )
        table.add_section()
        table.add_row(
            "all",
            "",
            "",
            str(sum(r.tasks_deferred for r in reports)),
            f"{sum(r.seconds_deferred for r in reports):.0f}",
            str(sum(len(r.retried) for r in reports)),
            str(sum(len(r.operations) for r in reports)),
            style="bold",
        )
        self.console.print()
        self.console.print(table)

    def comparison(self, totals: Totals) -> None:
        """Print the simulator's numbers beside Airflow's."""
        colour = "green" if totals.agree and not totals.left else "red"
        self.console.print(
            f"[{colour}]{totals.asked} tasks asked for a resource, the simulator created {totals.created}; "
            f"the tasks know {totals.operations_known} operations, the simulator started {totals.operations_started}; "
            f"{len(totals.left)} resources were left behind.[/{colour}]",
            soft_wrap=True,
        )

    def second_attempts(self, found: Sequence[str], *, allowed: bool) -> None:
        """Print whether a task needed more than one attempt."""
        if not found:
            self.console.print("[green]No task needed a second attempt.[/green]")
        elif allowed:
            self.console.print(f"{len(found)} tasks needed a second attempt, with the faults that were asked for.")

    def told(self, told: Told, settled: int) -> None:
        """Print what a DAG was told that is started by events."""
        colour = "red" if told.problems else "green"
        self.console.print(
            f"[{colour}]{told.dag_id}: {len(told.runs)} runs, started by events, were told of {len(told.operations)} "
            f"of {settled} operations that settled.[/{colour}]",
            soft_wrap=True,
        )


def _coloured(state: str, text: str | None = None) -> str:
    colour = COLOURS.get(state, "white")
    return f"[{colour}]{text or state}[/{colour}]"


def _verdict(report: RunReport) -> str:
    if not report.as_expected:
        return f"[red]{report.state}, not {report.planned.expected}[/red]"
    return _coloured("success", report.state if report.state == "success" else f"{report.state}, as it should")
