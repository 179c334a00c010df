"""Reads what a row has shown: from the simulator, from Airflow, and from the logs of the task on disk."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from dev.guarantees.apis import TASK
from dev.guarantees.model import Seen
from dev.guarantees.stage import Live

_LONGEST: Final = 230
_ANSI: Final = re.compile(r"\x1b\[[0-9;]*m")
_MESSAGE: Final = re.compile(r"\[\w+\s*\] (.*) \[airflow_provider_ops\.")
#: Where nothing can be found out, the log says what to search for instead of an id.
_UNKNOWN: Final = "Nothing was submitted again. Search for"


def observe(row: Live, logs: Path) -> Seen:
    """Return what a row has shown by now."""
    lines = list(log_lines(row, logs))
    text = "\n".join(lines)
    # What a trigger says after Airflow has closed its log is in the log of its triggerer.
    late = [f"(triggerer's log) {line}" for line in _triggerer_lines(row, logs)]
    expect = row.scenario.expect
    wanted = [(expect.sentence, lines), (expect.sentence, late), (expect.or_else or expect.sentence, lines)]
    found = ([line for line in where if re.search(pattern, line)] for pattern, where in wanted)
    matching = next(filter(None, found), [])
    return Seen(
        created=len(row.resources),
        settled=Counter(str(operation["stage"]) for operation in row.operations),
        endings=len(row.endings),
        ending_seconds=_seconds(row),
        state=row.state or "none",
        tries=row.task.try_number if row.task else 0,
        sentence=_short(matching[-1]) if matching else None,
        unnamed=[] if _UNKNOWN in text else [item["id"] for item in row.resources if not is_named(item, text)],
    )


def is_named(item: Mapping[str, Any], text: str) -> bool:
    """Return whether what continues remotely can be found by what the task's log says."""
    # the path of the request is the id of what it makes, where the user has named that
    return item["deleted"] or item["operation_id"] in text or item["id"] == item.get("name")


def log_lines(row: Live, logs: Path) -> Iterator[str]:
    """Yield the messages in the logs of all tries, oldest first; the triggerer's part belongs to its try."""
    folder = logs / f"dag_id={row.scenario.dag_id}" / f"run_id={row.scenario.run_id}" / f"task_id={TASK}"
    # those of a loop are in a folder for each iteration
    for file in sorted(folder.rglob("attempt=*.log*")):
        for line in file.read_text(errors="replace").splitlines():
            yield from _messages(line)


def _triggerer_lines(row: Live, logs: Path) -> Iterator[str]:
    for file in sorted((logs / "components").glob("triggerer*.log")):
        for line in _ANSI.sub("", file.read_text(errors="replace")).splitlines():
            if f"run_id={row.scenario.run_id} " in line and (message := _MESSAGE.search(line)):
                yield message[1]


def _messages(line: str) -> Iterator[str]:
    try:
        entry = json.loads(line)
    except ValueError:
        yield line
        return
    yield str(entry.get("event", ""))
    for error in entry.get("error_detail") or ():
        yield f"{error.get('exc_type')}: {error.get('exc_value')}"


def _seconds(row: Live) -> float | None:
    """Return the seconds from the user's action to the first call that carries out the kill policy."""
    if row.acted_at is None or not row.endings:
        return None
    times = (datetime.fromisoformat(str(call["at"]).replace("Z", "+00:00")).timestamp() for call in row.endings)
    return min(times) - row.acted_at


def _short(line: str) -> str:
    line = " ".join(line.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
