"""`docs/explanation/identity.md`: a section for each minor version of Airflow, each written by a run on it."""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from importlib.metadata import version
from typing import Final

from dev.guarantees.report import Result, table
from dev.identity.specs import minor

_INTRODUCTION: Final = """\
# Clears, retries, loops and deleted runs

What a task creates when it is cleared, retried, run in a loop, or run again under the same id. `make identity` writes
this page. It runs real Airflow (scheduler, workers, triggerer, API server) against the simulator, starts each task
again as a user or Airflow would, and counts the resources. A row is good when it has as many resources as it should,
their operations ended as they should, the kill policy was carried out where it applies and only there, the task ended
in the state it should, and its log says why.

A clear is sent to the REST API, as by the grid. Airflow 3.4 then discards what is stored of the task, unless the
request has `keep_task_state: true`. Where a row names no policy, `on_kill` is `cancel` for Akua and `delete` for the
others. See [Upgrade](../guides/upgrade.md) for what is promised on which Airflow.

The last column quotes the log of that run, as its release wrote it. Later lines say "adopting it" instead of "joining
it", and end without the number of the generation.
"""
_HEADING: Final = "## Airflow "


def section(results: Sequence[Result], text: str) -> str:
    """Return the section of the Airflow that the rows were run on."""
    return f"{_HEADING}{minor()}\n\n{text}\n\n{table(results)}\n"


def facts(results: Sequence[Result], seconds: float, database: str) -> str:
    """Return what the numbers in a section are about."""
    ran = [result for result in results if result.seen is not None]
    good = sum(result.good for result in ran)
    return (
        f"{good} of {len(ran)} rows are as expected. Airflow {version('apache-airflow')}, Python "
        f"{platform.python_version()}, {database}, LocalExecutor; {seconds / 60:.0f} minutes."
    )


def updated(document: str, new: str) -> str:
    """Return the document with a section in place of the one of the same Airflow, in order of versions."""
    parts = [_HEADING + part for part in document.split(_HEADING)[1:]]
    heading = new.splitlines()[0]
    kept = [part.rstrip() + "\n" for part in parts if part.splitlines()[0] != heading]
    return "\n".join([_INTRODUCTION, *sorted([*kept, new], key=_number)])


def _number(part: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", part.splitlines()[0])]
