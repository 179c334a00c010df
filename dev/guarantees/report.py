"""The table of guarantees as text."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Final

from dev.guarantees.model import Scenario, Seen, problems

_HEAD: Final = ("what happened", "API", "mode", "created", "settled", "cancels", "state", "log sentence")

_INTRODUCTION: Final = """\
# Guarantees

What happens to a task and its resource when a process is killed or the network is cut, and the exceptions. `make
guarantees` writes this page. It runs real Airflow (scheduler, workers, triggerers, API server) against the simulator,
kills processes with SIGKILL or cuts the network at each of these points, and then lets all processes recover. A row is
good when exactly one resource was created per generation, no cancel was sent that no user asked for, what a user asked
for was carried out within 20 s, the task ended in the state it should, and everything that continues remotely is named
in the task's log.

A *generation* is all submits of a task run that count as one: a retry stays in it, and what submits anew after a clear
or after a failed operation begins the next. The *intent* is what a task stores before it sends its request. The
*handle* is what it stores after the answer: the ids of operation and resource. A *mark* is what a request carries so
that what it has started can be found again: an idempotency key, a tag or a name ([how they are
used](design.md#exactly-one-create)).

| column | meaning |
|---|---|
| created | resources |
| settled | states of the operations that created them, at the end of the run |
| cancels | calls that cancel or delete |
| state | of the task, and its last try |
| log sentence | what the task's log says about what happened, or its triggerer's, when Airflow has closed it before |

To stop a process at one instruction, the DAGs pass a `pre_execute` that listens for the calls of the task's process and
sends SIGKILL to the worker and itself; nothing in the package is replaced. The stale-success race is
the real one: the scheduler is paused from before the deferral until the trigger has fired.

Each spec of [the catalogue](../reference/catalogue.md) has rows for what differs by API: a lost answer, a worker killed
before the request and before its answer, a kill with `on_kill=cancel` and with `on_kill=delete`, a clear, and a
triggerer that is paused. They are made from the spec, which also says what is expected. `airflow`, `hetzner` and
`exports`, the spec of an API with neither key, search nor cancel, have all rows.

## Exceptions

- **A task that no process works for.** Marked failed while it waits for its retry, or deferred but not picked up by a
  triggerer yet: Airflow informs no process, so the operation continues. Its id is in the task's log.
- **More than five seconds on a worker.** Airflow 3.3 follows SIGTERM with SIGKILL after that. The request to cancel or
  delete is sent at once and repeated after an error of the network, but one that the API refuses at first cannot be
  repeated for long: Akua refuses to delete a cluster until its creation has drained. The policy is stored before it is
  begun, so that a clear finishes it, and the message of the task says what still exists. Deferred tasks have no such
  limit.
- **A worker that cannot ask Airflow.** Only the state of the task distinguishes a kill from a worker that goes away.
  When Airflow does not answer within two seconds, nothing is ended, and the message says what continues.
- **A kill right after a triggerer has started.** The first request of any trigger to Airflow (for a connection, or for
  the state of a task) makes the triggerer build Airflow's execution API within itself. That takes it 6 to 16 s, and
  more than a minute where the machine is busy; meanwhile no kill reaches its triggers. The policy is carried out
  afterwards. The provider sends one such request when its first trigger starts, so that this happens once, and before
  most kills.
- **A kill after the last step of a leg**, while Airflow takes the deferral or the result: a thread of the
  ending process carries out the policy as far as it gets. The log has a line only if the process runs that long.
- **A process that stands still between its last request to Airflow and the first byte of its request to the API.** An
  attempt that has had no contact for five seconds checks whether it is still the current one, and the age of that
  answer is checked again right before the first byte. What is left is the time until the kernel has that byte, which is
  measured for each request of this run (see below). Only an idempotency key closes this gap (Akua; of the catalogue
  Databricks, Google, Prefect and Snowflake), or a method that is idempotent (PUT at Azure).
- **A lost answer of an API that has neither keys nor marks nor lists** (LakeSail, OGC API Processes, calls the
  provider does not know). The task fails and says what to search for; clearing it submits again.
- **A lost answer of another process, for something whose name the user gave.** When it was sent is known only by the
  clock of another machine. What has the same name and seems older ends in `AmbiguousSubmission`.

Not run here: several schedulers, executors other than LocalExecutor, MySQL.
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
        """Return the row with its problems."""
        return cls(scenario, seen, problems=problems(scenario.expect, seen))

    @property
    def good(self) -> bool:
        """Return whether the row ran and showed what it should."""
        return self.seen is not None and not self.problems

    def cells(self) -> tuple[str, ...]:
        """Return the row of the table."""
        scenario, seen = self.scenario, self.seen
        start = (scenario.title, scenario.api.name, scenario.mode)
        if seen is None:
            return (*start, "", "", "", "not run", self.why_not)
        state = f"{seen.state}, try {seen.tries}" + ("" if self.good else " (NOT AS EXPECTED)")
        return (*start, str(seen.created), seen.settled_text, str(seen.endings), state, seen.sentence or "none")


def document(results: Sequence[Result], seconds: float, database: str, window: str) -> str:
    """
    Return the text of `docs/explanation/guarantees.md`.

    :param window: what was measured between the fence and the request.
    """
    good = sum(result.good for result in results)
    facts = (
        f"{good} of {len(results)} rows are as expected. Airflow {version('apache-airflow')}, Python "
        f"{platform.python_version()}, {database}, LocalExecutor; {seconds / 60:.0f} minutes. {window}"
    )
    return f"{_INTRODUCTION}\n## The table\n\n{facts}\n\n{table(results)}\n"


def table(results: Sequence[Result]) -> str:
    """Return a Markdown table."""
    rows = [_HEAD, tuple("---" for _ in _HEAD), *(result.cells() for result in results)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)


def complaints(results: Sequence[Result]) -> list[str]:
    """Return one paragraph for each row that is not as expected."""
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
