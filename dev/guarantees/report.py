"""The kill table as text."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Final

from dev.guarantees.model import Scenario, Seen, problems

_HEAD: Final = ("what happened", "API", "mode", "created", "settled", "cancels", "state", "log sentence")

_INTRODUCTION: Final = """\
# What survives what

Made by `make guarantees`, which runs real Airflow (scheduler, workers, triggerers, API server) against the simulator
and kills processes with SIGKILL, or cuts the network, at each of these points; then everything may recover. A row is
good when exactly one resource was created per generation (a clear by the user begins a new generation), no cancel was
sent that no user asked for, what a user asked for was carried out within 20 s, the task ended in the state it should,
and everything that goes on remotely is named in the task's log.

*created*: resources. *settled*: how the operations that created them stood at the end of the run. *cancels*: calls that
cancel or delete. *log sentence*: what the task's log says about what happened.
"""


@dataclass
class Result:
    """A row with what became of it."""

    scenario: Scenario
    seen: Seen | None
    why_not: str = ""
    problems: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, scenario: Scenario, seen: Seen) -> Result:
        """Judge what was seen."""
        return cls(scenario, seen, problems=problems(scenario.expect, seen))

    @property
    def good(self) -> bool:
        """Whether the row ran and showed what it should."""
        return self.seen is not None and not self.problems

    def cells(self) -> tuple[str, ...]:
        """The row of the table."""
        scenario, seen = self.scenario, self.seen
        start = (scenario.title, scenario.api.name, scenario.mode)
        if seen is None:
            return (*start, "", "", "", "not run", self.why_not)
        state = f"{seen.state}, try {seen.tries}" + ("" if self.good else " (NOT AS EXPECTED)")
        return (*start, str(seen.created), seen.settled_text, str(seen.endings), state, seen.sentence or "none")


def document(results: Sequence[Result], seconds: float, database: str) -> str:
    """`docs/guarantees.md`."""
    good = sum(result.good for result in results)
    facts = (
        f"{good} of {len(results)} rows are as expected. Airflow {version('apache-airflow')}, Python "
        f"{platform.python_version()}, {database}, LocalExecutor; {seconds / 60:.0f} minutes."
    )
    return f"{_INTRODUCTION}\n{facts}\n\n{table(results)}\n"


def table(results: Sequence[Result]) -> str:
    """A Markdown table."""
    rows = [_HEAD, tuple("---" for _ in _HEAD), *(result.cells() for result in results)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)


def complaints(results: Sequence[Result]) -> list[str]:
    """One paragraph for each row that is not as expected."""
    return [
        "\n".join(
            [
                f"{result.scenario.run_id}: {result.scenario.title}",
                *(f"    {p}" for p in result.problems or [result.why_not]),
            ]
        )
        for result in results
        if not result.good
    ]
