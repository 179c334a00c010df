"""What one call of a worker costs: a hook's synchronous method beside plain httpx, turn and turn about."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.run import ask, ending, line_of, start

#: Calls in one turn, and turns of each.
_CALLS, _TURNS = 100, 20
_HEAD = ("| one read, synchronous | wall ms | CPU ms | with plain httpx = 1 |", "|---|---:|---:|---:|")


@dataclass(frozen=True)
class Found:
    """Milliseconds of one call, the median of the turns."""

    subject: str
    wall: float
    cpu: float

    def as_json(self) -> dict[str, Any]:
        """For the file of raw results."""
        return asdict(self)


async def measure() -> list[Found]:
    """Run the measurement in a process of its own, beside a server without latency."""
    server = await start("benchmarks.server", "--latency", "0")
    try:
        url = await line_of(server)
        (operation_id,) = ask(f"{url}/_bench/start?api=onvera&count=1&low=600&high=600", None, post=True)
        calls = await start("benchmarks.calls", "--url", url, "--operation", operation_id)
        try:
            return [Found(**one) for one in json.loads(await line_of(calls))]
        finally:
            await ending(calls)
    finally:
        await ending(server)


def render(found: Sequence[Found]) -> str:
    """Everything as Markdown; nothing where nothing was measured."""
    if not found:
        return ""
    plain = next(one for one in found if one.subject == "httpx")
    rows = [f"| {one.subject} | {one.wall:.2f} | {one.cpu:.2f} | {one.cpu / plain.cpu:.1f} x |" for one in found]
    return "\n".join([*_HEAD, *rows])


def _compare(url: str, operation_id: str) -> list[Found]:
    import httpx  # noqa: PLC0415

    from airflow_provider_ops.hooks.onvera import OnveraHook  # noqa: PLC0415

    base = f"{url}/onvera/api/v1"
    connection = {"conn_type": "onvera", "host": base, "password": "bench"}
    os.environ["AIRFLOW_CONN_ONVERA_BENCH"] = json.dumps(connection)
    hook = OnveraHook("onvera_bench")
    with httpx.Client(headers={"X-API-Key": "bench"}) as client:
        subjects: dict[str, Callable[[], Any]] = {
            "httpx": lambda: client.get(f"{base}/operations/{operation_id}").json(),
            "hook.get_operation": lambda: hook.get_operation(operation_id),
        }
        turns: dict[str, list[tuple[float, float]]] = {name: [] for name in subjects}
        # the first turn of each loads and connects
        for _ in range(_TURNS + 1):
            for name, call in subjects.items():
                turns[name].append(_turn(call))
    return [
        Found(name, median(wall for wall, _ in mine[1:]), median(cpu for _, cpu in mine[1:]))
        for name, mine in turns.items()
    ]


def _turn(call: Callable[[], Any]) -> tuple[float, float]:
    began, used = time.perf_counter(), time.process_time()
    for _ in range(_CALLS):
        call()
    return (time.perf_counter() - began) / _CALLS * 1000, (time.process_time() - used) / _CALLS * 1000


def main() -> None:
    """Print what was measured as one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--operation", required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["AIRFLOW_HOME"] = str(Path(home))
        os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{home}/airflow.db"
        os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "ERROR"
        found = _compare(options.url, options.operation)
    sys.stdout.write(json.dumps([one.as_json() for one in found]) + "\n")


if __name__ == "__main__":
    main()
