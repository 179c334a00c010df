"""One measurement: a server, a subject, and what both say about it, put together."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

#: Operations take this many seconds, drawn evenly.
SHORTEST, LONGEST = 20.0, 60.0
#: Seconds after the last end for which a subject may still be looking.
_GRACE = 50.0
_START = 180.0
_LIMIT = 2**26


@dataclass(frozen=True)
class Job:
    """What is to be measured."""

    subject: str
    waits: int
    tls: bool = False
    rate_limit: float | None = None
    budget: float | None = None
    grace: float = _GRACE
    #: Seconds that the operations take, drawn evenly between the two.
    lengths: tuple[float, float] = (SHORTEST, LONGEST)

    @property
    def api(self) -> str:
        """Whose operations are started."""
        return "akua" if self.subject == "ours-akua" else "onvera"


@dataclass(frozen=True)
class Result:
    """What it cost, and how late the ends were known (seconds)."""

    subject: str
    waits: int
    tls: bool
    rate_limit: float | None
    budget: float | None
    lengths: tuple[float, float]
    found: int
    cpu: float
    requests: int
    sockets: int
    sockets_peak: int
    memory: float
    p50: float
    p99: float
    longest: float
    stall: float
    failed: int
    most_in_a_second: int
    refusals: int
    too_early: int

    def as_json(self) -> dict[str, Any]:
        """For the file of raw results."""
        return asdict(self)


async def measure(job: Job, certificate: tuple[Path, Path]) -> Result:
    """Run one job. Both processes are ended by their own handles, whatever happens."""
    cert, key = certificate
    tls = ["--certfile", str(cert), "--keyfile", str(key)] if job.tls else []
    limit = ["--rate-limit", f"{job.rate_limit:g}"] if job.rate_limit else []
    server = await start("benchmarks.server", *tls, *limit)
    try:
        url = await line_of(server)
        budget = ["--budget", f"{job.budget:g}"] if job.budget else []
        trust = ["--cafile", str(cert)] if job.tls else []
        subject = await start("benchmarks.measure", "--subject", job.subject, "--url", url, *budget, *trust)
        try:
            return await _meet(job, url, subject, cert if job.tls else None)
        finally:
            await ending(subject)
    finally:
        await ending(server)


async def _meet(job: Job, url: str, subject: asyncio.subprocess.Process, cafile: Path | None) -> Result:
    if await line_of(subject) != "ready":
        raise RuntimeError(f"{job.subject} did not start")
    await _begin(job, url, subject, cafile, 1, (0.5, 1.0))
    if await line_of(subject) != "warm":
        raise RuntimeError(f"{job.subject} did not get warm")
    await _begin(job, url, subject, cafile, job.waits, job.lengths)
    said = json.loads(await asyncio.wait_for(line_of(subject), LONGEST + job.grace + _START))
    truth = await asyncio.to_thread(ask, f"{url}/_bench/truth", cafile)
    stats = await asyncio.to_thread(ask, f"{url}/_control/stats", cafile)
    return _result(job, said, truth, stats)


async def _begin(
    job: Job,
    url: str,
    subject: asyncio.subprocess.Process,
    cafile: Path | None,
    waits: int,
    seconds: tuple[float, float],
) -> None:
    query = f"api={job.api}&count={waits}&low={seconds[0]:g}&high={seconds[1]:g}"
    ids = await asyncio.to_thread(ask, f"{url}/_bench/start?{query}", cafile, post=True)
    if subject.stdin is None:
        raise RuntimeError("no way to the subject")
    until = time.time() + seconds[1] + job.grace + 5.0
    subject.stdin.write((json.dumps([ids, until]) + "\n").encode())
    await subject.stdin.drain()


def _result(job: Job, said: dict[str, Any], truth: dict[str, Any], stats: dict[str, Any]) -> Result:
    ends = truth["ends"]
    late = sorted(at - ends[name] for name, at in said["found"].items() if ends.get(name) and job.subject != "sleepers")
    return Result(
        subject=job.subject,
        waits=job.waits,
        tls=job.tls,
        rate_limit=job.rate_limit,
        budget=job.budget,
        lengths=job.lengths,
        found=len(said["found"]),
        cpu=said["cpu"],
        requests=stats["requests"] + truth["refusals"],
        sockets=stats["connections"],
        sockets_peak=stats["connections_open_peak"],
        memory=said["memory"] / job.waits,
        p50=_at(late, 0.5),
        p99=_at(late, 0.99),
        longest=late[-1] if late else 0.0,
        stall=said["stall"],
        failed=job.waits - len(said["found"]) - said["open"],
        most_in_a_second=truth["most_in_a_second"],
        refusals=truth["refusals"],
        too_early=truth["too_early"],
    )


def _at(late: list[float], share: float) -> float:
    return late[min(int(len(late) * share), len(late) - 1)] if late else 0.0


async def start(
    module: str, *options: str, errors: int | None = asyncio.subprocess.DEVNULL
) -> asyncio.subprocess.Process:
    """Return a process of the benchmark, spoken to by lines.

    :param errors: where its stderr goes; ``None`` for ours.
    """
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *options,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=errors,
        limit=_LIMIT,
    )


async def line_of(process: asyncio.subprocess.Process, patience: float = LONGEST + _START + _GRACE) -> str:
    """Return the next line that a process says within so many seconds."""
    if process.stdout is None:
        raise RuntimeError("no way from the process")
    line = await asyncio.wait_for(process.stdout.readline(), patience)
    if not line:
        raise RuntimeError(f"process {process.pid} ended without a word")
    return line.decode().strip()


async def ending(process: asyncio.subprocess.Process) -> None:
    """End a process and return when it has ended."""
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except asyncio.TimeoutError:
            process.kill()
            await process.wait()


def ask(url: str, cafile: Path | None, *, post: bool = False) -> Any:
    """Return what a server of the benchmark answers."""
    context = ssl.create_default_context(cafile=str(cafile)) if cafile else None
    request = urllib.request.Request(url, method="POST" if post else "GET")  # noqa: S310 - loopback only
    with urllib.request.urlopen(request, timeout=60, context=context) as answer:  # noqa: S310
        return json.load(answer)
