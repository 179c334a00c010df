"""One plot per figure, as SVG and PNG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.run import Result
from benchmarks.table import is_plain

_FIGURES: dict[str, tuple[str, Callable[[Result], float]]] = {
    "cpu": ("CPU seconds", lambda row: row.cpu),
    "requests": ("requests", lambda row: row.requests),
    "sockets": ("sockets opened", lambda row: row.sockets),
    "memory": ("kB of memory per wait", lambda row: row.memory / 1024),
    "delay": ("seconds until an end is known (p50; bar up to p99)", lambda row: row.p50),
    "stall": ("worst stall of the event loop, ms", lambda row: row.stall * 1000),
}
_COLOURS = {
    "ours": "#0b6e4f",
    "ours-akua": "#4aa583",
    "list-floor": "#555555",
    "sleepers": "#aaaaaa",
    "httpx-each": "#8a5a00",
    "databricks": "#c8102e",
    "dbt-cloud": "#e8743b",
    "http-sensor": "#7a4cc2",
    "fivetran": "#2f6fde",
}


def draw(results: Sequence[Result], folder: Path) -> None:
    """Write ``bench-<figure>.svg`` and ``.png``."""
    import matplotlib as mpl  # noqa: PLC0415 - only the benchmark's environment has it

    mpl.use("Agg")
    # the same numbers make the same file
    mpl.rcParams.update({"svg.hashsalt": "bench", "font.size": 10})
    folder.mkdir(parents=True, exist_ok=True)
    plain = [row for row in results if not row.tls and is_plain(row) and row.waits >= 100]  # noqa: PLR2004
    for name, (title, value) in _FIGURES.items():
        _figure(plain, folder / f"bench-{name}", title, value, late=name == "delay")


def _figure(rows: Sequence[Result], path: Path, title: str, value: Callable[[Result], float], *, late: bool) -> None:
    import matplotlib.pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(figsize=(7, 4.2))
    for subject, colour in _COLOURS.items():
        mine = sorted((row for row in rows if row.subject == subject), key=lambda row: row.waits)
        if not mine or (late and subject == "sleepers"):
            continue
        across, up = [row.waits for row in mine], [max(value(row), 0.001) for row in mine]
        axes.plot(across, up, marker="o", color=colour, label=subject, linewidth=2.4 if subject == "ours" else 1.2)
        if late:
            axes.vlines(across, up, [max(row.p99, 0.001) for row in mine], color=colour, alpha=0.35, linewidth=3)
    axes.set(xscale="log", yscale="log", xlabel="waits", title=title)
    axes.set_xticks([100, 1000, 5000, 10_000], ["100", "1,000", "5,000", "10,000"])
    axes.grid(visible=True, which="major", alpha=0.25)
    axes.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.savefig(path.with_suffix(".svg"), bbox_inches="tight", metadata={"Date": None})
    figure.savefig(path.with_suffix(".png"), bbox_inches="tight", dpi=110)
    plt.close(figure)
