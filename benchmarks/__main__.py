"""`make bench`: all measurements, one table, one plot per figure."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks import calls, certificate, plots, table, triggerer
from benchmarks.run import Job, Result, measure
from benchmarks.subjects import SUBJECTS
from dev import marked

PEERS = ("databricks", "dbt-cloud", "http-sensor", "fivetran")
LIGHT = ("sleepers", "list-floor", "ours", "ours-akua")
DATABASES = ("SQLite", "PostgreSQL")
#: Deferred tasks of a real triggerer.
_WAITS = 1000
ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / ".cache" / "bench-results"
#: What runs at the same time: each group has about one core's worth of clients, so that ratios are fair on two.
Group = tuple[Job, ...]


def _jobs(subjects: Iterable[str], waits: int, *, tls: bool = False) -> Group:
    return tuple(Job(subject, waits, tls) for subject in subjects)


def plan(*, quick: bool, everything: bool = False) -> list[Group]:
    """Return the groups of jobs, in order; the jobs of one group run at the same time.

    :param everything: also what says more about the peers than about us, ten minutes of it.
    """
    small = [_jobs((*PEERS, "httpx-each", *LIGHT), 100)]
    # one peer at a time: two slow each other down, and one that cannot keep its interval sends fewer requests
    thousand = [_jobs(LIGHT, 1000), _jobs(PEERS[:1], 1000), _jobs(PEERS[1:2], 1000)]
    if quick:
        return [*small, *thousand]
    refused = tuple(Job(subject, 1000, rate_limit=100.0) for subject in ("ours", "databricks", "dbt-cloud", "fivetran"))
    more = [_jobs(PEERS[2:], 1000, tls=True), _jobs(("httpx-each",), 5000), _jobs(("databricks",), 10_000)]
    # what is promised first, so that a run that is broken off has it
    short = (Job("ours", 1000, lengths=table.SHORT), Job("ours-held", 1000, lengths=table.SHORT))
    return [
        *thousand,
        _jobs(("sleepers", "list-floor"), 10_000),
        _jobs(("ours",), 10_000),
        (*_jobs(("list-floor", "ours"), 1000, tls=True), *_jobs(("sleepers", "list-floor", "ours"), 5000)),
        _jobs(PEERS[:1], 1000, tls=True),
        _jobs(PEERS[1:2], 1000, tls=True),
        (*refused, Job("ours", 10_000, budget=5.0, grace=180.0), Job("ours", 5000, tls=True)),
        (*small[0], *_jobs(("list-floor", "ours"), 100, tls=True), Job("ours-akua", 10), Job("ours", 10_000, tls=True)),
        _jobs((*PEERS[2:], "httpx-each"), 1000),
        _jobs(("databricks",), 5000),
        (*short, Job("ours-held", 1000)),
        *(more if everything else ()),
    ]


async def _triggerers(waits: int | None) -> list[triggerer.Found]:
    """Return a real triggerer on each database; one that cannot be had is left out.

    :param waits: so many on PostgreSQL alone; default a thousand on each.
    """
    found: list[triggerer.Found] = []
    for database in DATABASES if waits is None else DATABASES[-1:]:
        print(f"[triggerer] {database}, {waits or _WAITS:,} waits", file=sys.stderr, flush=True)
        try:
            found.append(await triggerer.measure(database, waits or _WAITS))
        except RuntimeError as error:
            print(f"  could not be measured: {error}", file=sys.stderr, flush=True)
    return found


async def _run(groups: Sequence[Group]) -> list[Result]:
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as folder:
        cert = certificate.make(Path(folder))
        for number, group in enumerate(groups, 1):
            print(f"[{number}/{len(groups)}] {', '.join(_named(job) for job in group)}", file=sys.stderr, flush=True)
            for job, found in zip(
                group, await asyncio.gather(*(measure(job, cert) for job in group), return_exceptions=True), strict=True
            ):
                if isinstance(found, Result):
                    results.append(found)
                else:
                    # goes on: the others are still worth something
                    print(f"  {_named(job)} could not be measured: {found!r}", file=sys.stderr, flush=True)
            _keep(results, [])
    return results


def _keep(
    results: Sequence[Result], triggerers: Sequence[triggerer.Found], synchronous: Sequence[calls.Found] = ()
) -> None:
    """Write what there is: a run that is broken off is not lost (`--from`)."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    raw = {
        "rows": [row.as_json() for row in results],
        "triggerers": [row.as_json() for row in triggerers],
        "calls": [row.as_json() for row in synchronous],
    }
    (RESULTS / "results.json").write_text(json.dumps(raw, indent=1) + "\n", encoding="utf-8")


def _into_docs(name: str, text: str) -> None:
    marked.put(ROOT / "docs" / "explanation" / "performance.md", name, text)


def _named(job: Job) -> str:
    extra = (" TLS" if job.tls else "") + (" limited" if job.rate_limit else "") + (" budget" if job.budget else "")
    return f"{job.subject} {job.waits}{extra}"


def _groups(options: argparse.Namespace) -> list[Group]:
    wanted = set(options.subjects.split(",")) if options.subjects else set(SUBJECTS)
    groups = (
        tuple(job for job in group if job.subject in wanted and options.waits in (None, job.waits))
        for group in plan(quick=options.quick, everything=options.all)
    )
    return [group for group in groups if group]


def main() -> int:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100 and 1,000 waits, four minutes")
    parser.add_argument("--all", action="store_true", help="ten minutes more, of the peers")
    parser.add_argument(
        "--triggerer", action="store_true", help="only the real triggerer, four minutes; with --waits on PostgreSQL"
    )
    parser.add_argument("--subjects", help="comma-separated, only these")
    parser.add_argument("--waits", type=int, help="only jobs, or one triggerer, with so many")
    parser.add_argument("--from", dest="source", metavar="FILE", help="table and plots of an earlier run's raw results")
    parser.add_argument("--no-files", action="store_true", help="print the table and write nothing")
    options = parser.parse_args()
    # told to stop, the servers and subjects are stopped as well
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if options.source:
        raw = json.loads(Path(options.source).read_text(encoding="utf-8"))
        results = [Result(**row) for row in raw["rows"]]
        triggerers = [triggerer.Found(**row) for row in raw["triggerers"]]
        synchronous = [calls.Found(**row) for row in raw["calls"]]
    else:
        began = time.monotonic()
        results = [] if options.triggerer else asyncio.run(_run(_groups(options)))
        some = options.quick or options.subjects or (options.waits is not None and not options.triggerer)
        triggerers = [] if some else asyncio.run(_triggerers(options.waits))
        synchronous = [] if options.triggerer else asyncio.run(calls.measure())
        _keep(results, triggerers, synchronous)
        print(f"measured in {(time.monotonic() - began) / 60:.1f} minutes", file=sys.stderr)
    text, of_triggerers, of_calls = table.render(results), triggerer.render(triggerers), calls.render(synchronous)
    everything = f"{text}\n\n{of_calls}\n\n{of_triggerers}\n"
    print(everything)
    if not options.no_files:
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / "table.md").write_text(everything, encoding="utf-8")
        if not (options.quick or options.triggerer or options.subjects or options.waits is not None):
            plots.draw(results, ROOT / "docs" / "images")
            _into_docs("table", text)
            _into_docs("calls", of_calls)
            _into_docs("triggerers", of_triggerers)
    return 0 if table.holds(results) else 1


if __name__ == "__main__":
    sys.exit(main())
