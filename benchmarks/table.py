"""The table, and the ratios that are promised."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.run import Result
from benchmarks.subjects import GUARD, INTERVAL

PEERS = ("databricks", "dbt-cloud", "http-sensor", "fivetran")
#: Seconds that operations take which may be over before their event may come.
SHORT = (1.0, 20.0)
#: Intervals within which somebody who keeps to the interval knows nearly all ends.
_KEPT = 1.2
_HEAD = (
    "| waits | | subject | CPU s | requests | sockets | kB per wait | late p50 s | late p99 s | stall ms | found |",
    "|---:|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
)


def render(results: Sequence[Result]) -> str:
    """Everything as Markdown."""
    plain = [result for result in results if is_plain(result)]
    order = sorted(plain, key=lambda result: (result.waits, result.tls, result.cpu))
    lines = [*_HEAD, *(_row(result) for result in order)]
    limited = [result for result in results if result.rate_limit or result.budget]
    if limited:
        lines += [
            "",
            "| waits | what | subject | failed | found | refused | too early | most in a second | late p99 s |",
            "|---:|---|---|---:|---:|---:|---:|---:|---:|",
            *(_limited(result) for result in limited),
        ]
    held = [result for result in results if result.subject == "ours-held" or tuple(result.lengths) == SHORT]
    if held:
        lines += [
            "",
            "| waits | operations take s | event held for s | CPU s | requests | late p50 s | late p99 s | found |",
            "|---:|---|---:|---:|---:|---:|---:|---:|",
            *(_held(result) for result in sorted(held, key=lambda row: (row.lengths, row.subject))),
        ]
    lines += ["", "| promise | measured | |", "|---|---|---|"]
    lines += [f"| {what} | {said} | {_verdict(good)} |" for what, said, good in promises(results)]
    return "\n".join(lines)


def holds(results: Sequence[Result]) -> bool:
    """Whether all promises that could be checked hold."""
    return all(good for _, _, good in promises(results))


def _verdict(good: bool) -> str:
    return "holds" if good else "**does not hold**"


def _row(row: Result) -> str:
    late = ("-", "-") if row.subject == "sleepers" else (f"{row.p50:.2f}", f"{row.p99:.2f}")
    return (
        f"| {row.waits:,} | {'TLS' if row.tls else ''} | {row.subject} | {row.cpu:.2f} | {row.requests:,} | "
        f"{row.sockets:,} | {row.memory / 1024:.1f} | {late[0]} | {late[1]} | {row.stall * 1000:.0f} | {row.found:,} |"
    )


def _limited(row: Result) -> str:
    what = f"budget {row.budget:g}/s" if row.budget else f"429 above {row.rate_limit:g}/s"
    return (
        f"| {row.waits:,} | {what} | {row.subject} | {row.failed:,} | {row.found:,} | {row.refusals:,} | "
        f"{row.too_early:,} | {row.most_in_a_second:,} | {row.p99:.1f} |"
    )


def _held(row: Result) -> str:
    guard = GUARD if row.subject == "ours-held" else 0
    return (
        f"| {row.waits:,} | {row.lengths[0]:g} to {row.lengths[1]:g} | {guard:g} | {row.cpu:.2f} | {row.requests:,} | "
        f"{row.p50:.2f} | {row.p99:.2f} | {row.found:,} |"
    )


def is_plain(row: Result) -> bool:
    """Whether this is a row of the first table."""
    return not row.rate_limit and not row.budget and row.subject != "ours-held" and tuple(row.lengths) != SHORT


def promises(results: Sequence[Result]) -> list[tuple[str, str, bool]]:
    """Return what was promised, what was measured, whether it holds; only what this run could check."""
    found: list[tuple[str, str, bool]] = []
    for tls in (False, True):
        found += _against_peers(results, tls=tls)
    found += _growth(results)
    for row in results:
        if row.subject != "ours":
            continue
        if row.rate_limit:
            said = f"{row.failed} failed, {row.too_early} too early"
            kind = row.failed + row.too_early == 0
            found.append(("429 with Retry-After: no task fails, no request comes early", said, kind))
        if row.budget:
            good = row.most_in_a_second <= row.budget and row.found == row.waits
            said = f"{row.most_in_a_second} in a second, {row.found:,} of {row.waits:,} found"
            found.append((f"{row.waits:,} waits on {row.budget:g} requests/s", said, good))
    few = _only(results, "ours-akua", 10)
    if few:
        found.append(("Akua `:wait`: p50 < 0.1 s", f"{few.p50:.3f} s", few.p50 < 0.1))  # noqa: PLR2004
    return found


def _against_peers(results: Sequence[Result], *, tls: bool) -> Iterable[tuple[str, str, bool]]:
    ours, floor = _only(results, "ours", 1000, tls=tls), _only(results, "list-floor", 1000, tls=tls)
    peers = [row for name in PEERS if (row := _only(results, name, 1000, tls=tls))]
    if ours is None or not peers:
        return
    where = "1,000 waits" + (", TLS" if tls else "")
    # what tasks cost that only sleep is the harness, not the subject
    idle = row.cpu if (row := _only(results, "sleepers", 1000)) else 0.0
    # who cannot keep to the interval asks for less because it knows later
    steady = [row for row in peers if row.p99 <= _KEPT * INTERVAL] or peers
    requests, cpu = min(row.requests for row in steady), min(row.cpu for row in peers) - idle
    p50, p99 = min(row.p50 for row in peers), min(row.p99 for row in peers)
    mine = ours.cpu - idle
    share = f"1/{requests / ours.requests:.0f}"
    yield f"{where}: requests <= 1/40 of the best peer", share, ours.requests * 40 <= requests
    yield f"{where}: at most 20 sockets", f"{ours.sockets}", ours.sockets <= 20  # noqa: PLR2004
    yield f"{where}: CPU <= 1/15 of the best peer", f"1/{cpu / mine:.1f}", mine * 15 <= cpu
    if floor:
        # the floor is one task, so nothing is taken off
        base = floor.cpu
        yield f"{where}: CPU <= 2 x the list floor", f"{mine / base:.2f} x", mine <= 2 * base
    yield f"{where}: p50 at most half of the best peer", f"{ours.p50:.2f} of {p50:.2f} s", ours.p50 * 2 <= p50
    yield f"{where}: p99 at most half of the best peer", f"{ours.p99:.2f} of {p99:.2f} s", ours.p99 * 2 <= p99
    yield f"{where}: stall under 100 ms", f"{ours.stall * 1000:.0f} ms", ours.stall < 0.1  # noqa: PLR2004


def _growth(results: Sequence[Result]) -> Iterable[tuple[str, str, bool]]:
    small, large = _only(results, "ours", 1000), _only(results, "ours", 10_000)
    idle_small, idle_large = _only(results, "sleepers", 1000), _only(results, "sleepers", 10_000)
    if not (small and large and idle_small and idle_large):
        return
    mine = large.cpu - idle_large.cpu
    if floor := _only(results, "list-floor", 10_000):
        yield "10,000 waits: CPU <= 1 x the list floor", f"{mine / floor.cpu:.2f} x", mine <= floor.cpu
    pages = large.requests / small.requests
    yield "1,000 to 10,000 waits: requests grow by pages", f"{pages:.1f} x", pages <= 10  # noqa: PLR2004
    ratio = large.stall / idle_large.stall
    said = f"{large.stall * 1000:.0f} of {idle_large.stall * 1000:.0f} ms"
    yield "10,000 waits: stall at most twice that of sleeping tasks", said, ratio <= 2  # noqa: PLR2004


def _only(results: Sequence[Result], subject: str, waits: int, *, tls: bool = False) -> Result | None:
    return next(
        (row for row in results if (row.subject, row.waits, row.tls) == (subject, waits, tls) and is_plain(row)),
        None,
    )
