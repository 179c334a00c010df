"""One subject in one process: runs it, prints what it cost as one line of JSON."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import logging
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.subjects import SUBJECTS, Place

#: Seconds between two looks at the clock of the event loop.
_TICK = 0.04
#: Seconds for which nothing but that is measured, beforehand.
_IDLE = 4.0


class _Stall:
    """The longest time for which one turn kept the event loop from all others.

    What other processes of the machine take from us is no stall of ours, so that no turn counts for more than the
    CPU time it used.
    """

    def __init__(self) -> None:
        self.worst = 0.0

    async def watch(self) -> None:
        while True:
            began, used = time.perf_counter(), time.thread_time()
            await asyncio.sleep(_TICK)
            late = time.perf_counter() - began - _TICK
            self.worst = max(self.worst, min(late, time.thread_time() - used))


def _rss() -> int:
    """Bytes in memory now."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def _measure(name: str, place: Place) -> dict[str, Any]:
    found: dict[str, float] = {}
    last: list[float] = [0.0]

    def note(operation_id: str) -> None:
        found[operation_id] = last[0] = time.time()

    work = list(SUBJECTS[name](place, note))
    stall = _Stall()
    watching = asyncio.create_task(stall.watch())
    # what watching costs is the harness's, not the subject's
    used, since = time.process_time(), time.time()
    await asyncio.sleep(_IDLE)
    watch_cost = (time.process_time() - used) / (time.time() - since)
    stall.worst, memory, cpu, began = 0.0, _rss(), time.process_time(), time.time()
    tasks = [asyncio.ensure_future(one) for one in work]
    await asyncio.wait(tasks, timeout=place.until - time.time())
    spent = time.process_time() - cpu - watch_cost * (time.time() - began)
    open_tasks = [task for task in tasks if not task.done()]
    errors = [repr(task.exception()) for task in tasks if task.done() and not task.cancelled() and task.exception()]
    for task in open_tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    watching.cancel()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "found": found,
        "cpu": spent,
        "seconds": time.time() - began,
        "stall": stall.worst,
        "memory": max(peak - memory, 0),
        "open": len(open_tasks),
        "errors": len(errors),
        "error": errors[0] if errors else None,
    }


def main() -> None:
    """Run one subject."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--subject", choices=sorted(SUBJECTS), required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--cafile")
    parser.add_argument("--budget", type=float)
    options = parser.parse_args()
    place = Place(options.url, [], options.cafile, 0.0, options.budget)
    with tempfile.TemporaryDirectory() as home:
        os.environ["AIRFLOW_HOME"] = home
        os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
        os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{home}/airflow.db"
        for conn_id, connection in place.connections().items():
            os.environ[f"AIRFLOW_CONN_{conn_id}"] = json.dumps(connection)
        if options.cafile:
            os.environ["SSL_CERT_FILE"] = options.cafile
        # the peers write a line per look, which would cost them more than it does us
        os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "ERROR"
        with contextlib.redirect_stdout(sys.stderr):
            _import_everything(options.subject, place)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        with contextlib.redirect_stdout(sys.stderr):
            # one wait beforehand: a triggerer that has run before has loaded and compiled everything
            place.ids, place.until = json.loads(sys.stdin.readline())
            asyncio.run(_measure(options.subject, place))
            gc.collect()
            gc.freeze()
        sys.stdout.write("warm\n")
        sys.stdout.flush()
        place.ids, place.until = json.loads(sys.stdin.readline())
        with contextlib.redirect_stdout(sys.stderr):
            result = asyncio.run(_measure(options.subject, place))
    sys.stdout.write(json.dumps(result) + "\n")


def _import_everything(subject: str, place: Place) -> None:
    """Load what the first wait would load, so that it is part of nobody's measurement."""
    from airflow.sdk import BaseHook  # noqa: PLC0415

    logging.disable(logging.INFO)
    for conn_id in place.connections():
        BaseHook.get_connection(conn_id.lower())
    list(SUBJECTS[subject](place, lambda _: None))


if __name__ == "__main__":
    main()
