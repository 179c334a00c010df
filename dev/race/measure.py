"""What the race came to: attempts that failed, and how late the scheduler was with the first legs. Pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from dev.airflow_api import Event, TaskInstance

#: The scheduler's word for the end of a leg that it takes from the executor.
_PROCESSED: Final = re.compile(
    r"^(?P<at>\d{4}-\d\d-\d\dT[\d:.]+Z).*Received executor event with state success for task instance "
    r"TaskInstanceKey\(.*run_id='(?P<run>[^']+)', try_number=\d+, map_index=(?P<index>-?\d+)"
)
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
#: What the scheduler says when it takes the end of the first leg for the end of the second.
MISMATCH: Final = "reported that the task instance"

Key = tuple[str, int]


@dataclass(frozen=True)
class Round:
    """One run of the DAG."""

    run_id: str
    tasks: Sequence[TaskInstance]
    #: Seconds that each operation was to take, by map index.
    seconds: Mapping[int, int]
    #: Seconds from each deferral until the scheduler had processed its leg, in order of length.
    lags: Sequence[float]
    #: Highest and mean load average of a minute while it ran.
    load: tuple[float, float]

    @property
    def bad(self) -> list[TaskInstance]:
        """Return the tasks that are not green after one attempt."""
        return [task for task in self.tasks if task.state != "success" or task.try_number != 1]

    @property
    def bad_by_seconds(self) -> Mapping[int, int]:
        """Return how many tasks are not green, by the seconds of their operations."""
        return Counter(self.seconds[task.map_index] for task in self.bad)


def processed_at(lines: Iterable[str]) -> dict[Key, list[datetime]]:
    """Return when the scheduler processed the legs of each task, from its log, in order of time."""
    found: defaultdict[Key, list[datetime]] = defaultdict(list)
    for line in lines:
        if match := _PROCESSED.match(_COLOUR.sub("", line)):
            at = datetime.fromisoformat(match["at"].replace("Z", "+00:00"))
            found[match["run"], int(match["index"])].append(at)
    return found


def lags(run_id: str, events: Iterable[Event], processed: Mapping[Key, Sequence[datetime]]) -> list[float]:
    """Return the seconds from each deferral until the scheduler had processed its leg, in order of length."""
    deferred = [(event.when, event.map_index) for event in events if event.event == "deferred"]
    # a leg may end before the deferral as well: on a machine that is too slow, Airflow starts one anew
    after = (next((one for one in processed.get((run_id, index), ()) if one >= at), None) for at, index in deferred)
    both = zip(deferred, after, strict=True)
    return sorted((later - at).total_seconds() for (at, _), later in both if later is not None)


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value that a share of the values does not exceed."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def describe(one: Round) -> str:
    """Return a line about a round."""
    good = len(one.tasks) - len(one.bad)
    spread = ", ".join(f"{name} {quantile(one.lags, share):.2f}" for name, share in (("p50", 0.5), ("p99", 0.99)))
    line = (
        f"{one.run_id}: {good} of {len(one.tasks)} green at the first attempt; {len(one.lags)} deferred, "
        f"deferred -> processed {spread}, max {quantile(one.lags, 1):.2f} s; "
        f"load {one.load[0]:.1f} at most, {one.load[1]:.1f} on average"
    )
    if one.bad:
        by_seconds = ", ".join(f"{seconds} s: {count}" for seconds, count in sorted(one.bad_by_seconds.items()))
        line += f"\n         not green, by the seconds of their operations: {by_seconds}"
    return line
