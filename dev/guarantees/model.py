"""A row of the guarantees table: what is done, what is expected, what was seen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from dev.guarantees.apis import ApiCase
from dev.guarantees.crash import Crash
from dev.guarantees.factory import dag_id

if TYPE_CHECKING:
    from dev.guarantees.stage import Live

Condition = Callable[[], bool]
#: What is done to a row or to the stack while rows run: yields what to wait for.
Act = Callable[["Live"], Generator[Condition, None, None]]

#: A kill policy must be carried out within so many seconds after the user's action.
POLICY_SECONDS: Final = 20.0


@dataclass(frozen=True)
class Expect:
    """
    What a row must show.

    :param sentence: regular expression; the last line of the logs of all tries that matches is the row's sentence.
    :param or_else: the same, where no line matches `sentence`.
    :param created: resources, which is also the number of generations.
    :param settled: how the operations that created them ended, as in `1 cancelled, 1 succeeded`.
    :param state: regular expression, as `settled` is.
    :param endings: least and most calls that cancel or delete something of this row.
    :param tries: least and most tries.
    """

    sentence: str
    created: int = 1
    settled: str = "1 succeeded"
    state: str = "success"
    endings: tuple[int, int] = (0, 0)
    tries: tuple[int, int] = (1, 3)
    or_else: str = ""


@dataclass(frozen=True)
class Scenario:
    """
    One row for one API in one mode.

    :param again: what happens in the attempt after the one in which `crash` did.
    """

    key: str
    title: str
    api: ApiCase
    mode: str
    expect: Expect
    variant: str = "plain"
    crash: Crash | None = None
    again: Crash | None = None
    rules: tuple[Mapping[str, Any], ...] = ()
    act: Act | None = None

    @property
    def dag_id(self) -> str:
        """Return the DAG that has the task for it."""
        return dag_id(self.api.name, self.mode, self.variant)

    @property
    def run_id(self) -> str:
        """Return the run id, also the name of what it creates: lower case, digits and hyphens only."""
        return f"{self.api.name}-{'d' if self.mode == 'deferred' else 's'}-{self.key}"


@dataclass(frozen=True)
class Phase:
    """Rows that run at the same time, and what is done to the stack meanwhile."""

    title: str
    scenarios: tuple[Scenario, ...]
    disturb: Callable[[Any, list[Any]], Generator[Condition, None, None]] | None = None
    needs_postgres: bool = False
    #: Whether both triggerers run from the start of the phase.
    two_triggerers: bool = True


@dataclass
class Seen:
    """What a row has shown."""

    created: int = 0
    settled: Counter[str] = field(default_factory=Counter)
    endings: int = 0
    ending_seconds: float | None = None
    state: str = ""
    tries: int = 0
    sentence: str | None = None
    #: Resources that are neither deleted nor named in any log of the task.
    unnamed: list[str] = field(default_factory=list)

    @property
    def settled_text(self) -> str:
        """Return how the operations ended, counted."""
        return ", ".join(f"{count} {stage}" for stage, count in sorted(self.settled.items())) or "none"


def problems(expect: Expect, seen: Seen) -> list[str]:
    """Return what was expected and was not seen."""
    found = []

    def compare(what: str, wanted: object, got: object, *, good: bool) -> None:
        if not good:
            found.append(f"{what}: expected {wanted}, seen {got}")

    compare("resources created", expect.created, seen.created, good=seen.created == expect.created)
    settled = re.fullmatch(expect.settled, seen.settled_text) is not None
    compare("operations settled", expect.settled, seen.settled_text, good=settled)
    least, most = expect.endings
    compare("cancels sent", _range(least, most), seen.endings, good=least <= seen.endings <= most)
    compare("task state", expect.state, seen.state, good=re.fullmatch(expect.state, seen.state) is not None)
    least, most = expect.tries
    compare("tries", _range(least, most), seen.tries, good=least <= seen.tries <= most)
    compare("log sentence", f"/{expect.sentence}/", seen.sentence, good=seen.sentence is not None)
    compare("orphans that no log names", "none", seen.unnamed, good=not seen.unnamed)
    late = seen.ending_seconds is not None and seen.ending_seconds > POLICY_SECONDS
    compare("kill policy within", f"{POLICY_SECONDS:.0f} s", f"{seen.ending_seconds or 0:.1f} s", good=not late)
    return found


def _range(least: int, most: int) -> str:
    return str(least) if least == most else f"{least} to {most}"
