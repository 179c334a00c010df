"""The processes of a fleet, with what they have written."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from dev.fleet.member import Orders, lines_of
from dev.processes import Processes

CHECKOUT: Final = Path(__file__).resolve().parent.parent.parent
#: Seconds by which the clocks of processes differ, at most.
_SKEW: Final = 2.0


@dataclass
class Fleet:
    """Start, kill and read processes of one connection.

    :param redis: empty for no shared budget.
    """

    scratch: Path
    processes: Processes
    base_url: str
    redis: str
    per_second: float | None
    share_of: int
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def start(self, *, submits: bool) -> str:
        """Start a process and return its name."""
        number = next(self._numbers)
        name = f"{'submits' if submits else 'waits'}-{number}"
        orders = Orders(
            submits,
            self.base_url,
            self.redis,
            self.per_second,
            self.share_of,
            skew=(number % 3 - 1) * _SKEW / 2,
            journal=str(self.scratch / f"{name}.jsonl"),
            inbox=str(self.scratch / f"{name}.inbox"),
        )
        command = [sys.executable, "-m", "dev.fleet.member", json.dumps(asdict(orders))]
        self.processes.start(name, command, os.environ, CHECKOUT)
        return name

    def names(self, *, submits: bool) -> list[str]:
        """Return the names of all processes of a kind that ever ran."""
        return [path.stem for path in self.scratch.glob(f"{'submits' if submits else 'waits'}-*.jsonl")]

    def hand_over(self, name: str, operation_ids: list[str]) -> None:
        """Let a process wait for these, too."""
        with (self.scratch / f"{name}.inbox").open("a") as inbox:
            inbox.write("".join(f"{one}\n" for one in operation_ids))

    def handed_to(self, name: str) -> list[str]:
        """Return what a process was to wait for."""
        return lines_of(self.scratch / f"{name}.inbox")

    def kill(self, name: str) -> None:
        """Kill a process without a warning."""
        self.processes.signal(name, signal.SIGKILL)
        self.processes.components.pop(name).process.wait()

    def replace(self, name: str, *, after: float = 0.0) -> str:
        """Kill a process, give what it has not found to a new one some seconds later, and return the name of that."""
        self.kill(name)
        time.sleep(after)
        instead = self.start(submits=name.startswith("submits"))
        found = {line["end"] for line in self.journal() if "end" in line}
        self.hand_over(instead, [one for one in self.handed_to(name) if one not in found])
        return instead

    def journal(self, name: str | None = None) -> list[Mapping[str, Any]]:
        """Return what one process, or all that ever ran, have written."""
        lines = [
            line
            for path in sorted(self.scratch.glob(f"{name or '*'}.jsonl"))
            for line in path.read_text().splitlines()
            # the last line of a killed process may be cut
            if line.endswith("}")
        ]
        return [json.loads(line) for line in lines]
